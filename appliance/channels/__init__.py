"""Channels: one line of one tap each, its state and who may use it. State in memory alone; nothing here does I/O."""
