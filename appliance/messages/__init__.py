"""What clients may say: one class a message type, and the way from named values to a result.

A message type is one module of :mod:`appliance.messages.types`, found by its name. XML, WebAPI, the reference in the
docs and property tests come from that one declaration. Here live no sockets and no parsing of bytes: the edges
(:mod:`appliance.xmlapi`, :mod:`appliance.webapi`) bring named values and take a
:class:`~appliance.messages.result.Result`.
"""
