"""The WebAPI, port 2012: requests by URL and form, answered with the same results as on port 5620, and files.

Only HTTP lives here; what the messages mean lives in :mod:`appliance.messages`.
"""
