"""Commands to cores and their answers. ``inproc`` serves the box that is one process."""
