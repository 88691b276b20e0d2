"""What can go wrong with the rig, by who can mend it.

::

    RigError
    ├── HostUnfitError      this host lacks a package, a privilege or the right Debian; the text says what to do
    │   └── FetchError            what the image is made from could not be fetched: no network, an archive that is away
    ├── NotMadeError        the image is not in the cache, and was not to be made
    ├── BuildError          a step of the image failed; the text has the end of its output
    ├── MachineError        the machine did not start, died, or refused a command
    │   └── MachineTimeoutError   it did not answer in time
    └── CommandError        a command inside the machine failed where success was asked for
"""

from __future__ import annotations

RIG_FAILED = 3
HOST_UNFIT = 4


class RigError(Exception):
    """The rig cannot do what was asked."""

    exit_code = RIG_FAILED


class HostUnfitError(RigError):
    """The host cannot build or run the rig as it is: nothing is wrong with the rig."""

    exit_code = HOST_UNFIT


class FetchError(HostUnfitError):
    """Packages or libraries could not be fetched."""


class NotMadeError(RigError):
    """What was to be found in the cache alone is not there."""


class BuildError(RigError):
    """A step of making the image failed."""


class MachineError(RigError):
    """The machine did not start, died or refused a command."""


class MachineTimeoutError(MachineError):
    """The machine did not answer in time."""


class CommandError(RigError):
    """A command inside the machine failed."""
