"""The bus of a box that is one process: its one core is called directly."""

from __future__ import annotations

from typing import Protocol, final

from appliance.bus.commands import Command, Delivery


class Core(Protocol):
    """What takes the commands of a core."""

    @property
    def closing(self) -> bool:
        """Whether it takes no more commands."""
        ...

    async def handle(self, command: Command) -> bool:
        """Do a command; True if there was an open call for it. Raises a RequestError to refuse it."""
        ...


@final
class InprocBus:
    """Implements ``appliance.bus.commands.Bus`` for one core in the same event loop."""

    def __init__(self, core_id: int, core: Core) -> None:
        self._core_id = core_id
        self._core = core

    async def send(self, command: Command) -> Delivery:
        """Hand the command to the core; a core that is closing is not reached."""
        if self._core.closing:
            return Delivery(reached=(), failed=(self._core_id,))
        in_call = await self._core.handle(command)
        return Delivery(reached=(self._core_id,), in_call=in_call)
