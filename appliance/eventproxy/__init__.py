"""Events to subscribers: who wants which, and how they are printed. Works on any connection that can be written to."""
