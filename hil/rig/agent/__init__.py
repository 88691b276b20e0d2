"""What runs inside the machine: carries out commands that come over a virtio-serial port, one JSON object a line.

Only the standard library may be used here, and nothing of the product: the agent is copied alone into the machine.
``wire`` is what both sides speak; the host's side is ``hil.rig.link``.
"""
