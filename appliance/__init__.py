"""Linetap, the software of a call-recorder box. The rooms and the order of imports are in ARCHITECTURE.md."""
