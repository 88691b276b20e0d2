"""Command ``linetap``. Each command is a module; what a command needs is imported when it runs, so that help is fast.

Exit codes: 0 done, 1 something differs or was refused, 2 usage, 69 no box answers, 78 bad settings.
"""

from appliance.cli.app import main

__all__ = ["main"]
