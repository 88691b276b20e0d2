"""Which cores took a command, in the contract's words."""

from __future__ import annotations

from appliance.bus.commands import Delivery
from appliance.errors import RecorderNotRunningError


def told_cores(name: str, delivery: Delivery) -> str:
    """Give the RESULTMSG of the message ``name``. Raises RecorderNotRunningError when no core was reached."""
    if not delivery.reached:
        raise RecorderNotRunningError
    if delivery.failed:
        return f"{name} could not be sent to the following cores: {_joined(delivery.failed)}"
    return f"{name} sent to all of the following cores: {_joined(delivery.reached)}"


def _joined(cores: tuple[int, ...]) -> str:
    return ",".join(str(core) for core in sorted(cores))
