"""XML over TCP, ports 5620 and 5621: bytes to named values, results to bytes, one connection's order of answers.

What the messages mean lives in :mod:`appliance.messages`; nothing here knows a single one of them.
"""
