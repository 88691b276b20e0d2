"""Recordings played to phones: what is prepared, on which channel, and when that is free again.

Lines call and play through :class:`Lines`, whatever kind of tap they belong to. Nothing here knows of messages.
"""
