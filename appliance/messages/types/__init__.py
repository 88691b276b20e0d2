"""One module a message type, found by its name: ``callstart`` is CALLSTART. Nothing else lives here.

To add a message type, add a module with one subclass of :class:`appliance.messages.request.Request`.
"""
