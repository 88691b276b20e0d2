"""Who is recorded, and on which channel. ``decide`` is pure; the service around it acts through the recorder."""
