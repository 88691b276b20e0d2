"""The virtual rig: a small machine with a real kernel, sound cards and spans, for tests that need devices.

``image`` makes the machine's disks, ``agent`` is what runs inside it, the modules here start it, talk to it and run
the suite in it. Nothing here knows how the box works; what the tests measure stands beside the tests. This face
stays empty: the agent is imported inside the machine, where nothing but the standard library is there.
"""
