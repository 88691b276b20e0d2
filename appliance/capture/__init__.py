"""Tap workers: the child process that runs a tap (host) and the core's side of it (supervisor)."""
