"""SYSTEMSTATUS."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services, SystemView
from appliance.messages.origin import Origin
from appliance.messages.request import Request
from appliance.messages.result import Body, Result


class SystemStatus(Request):
    """Tells the health of the box: disk (MiB), uptime, processors, memory (MiB)."""

    returns: ClassVar[tuple[str, ...]] = ("API_OK: always",)
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "43"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Look and tell."""
        view = await services.status.system()
        return self.result(body=(*_disk(view), *_processors(view), *_memory(view)))


def _disk(view: SystemView) -> Body:
    total, free = view.disk_total_mib, view.disk_free_mib
    percent = 100 * free / total if total else 0.0
    return (
        ("RECORDINGPATH", view.recording_path),
        ("RECORDINGSPACEINFO", f"{free / 1024:.2f}GB of {total / 1024:.2f}GB"),
        ("RECORDINGTOTALDISKCAPACITY", str(total)),
        ("RECORDINGTOTALDISKFREE", str(free)),
        ("RECORDINGTOTALDISKFREEPCT", f"{percent:.2f}"),
        ("SYSTEMUPTIME", _uptime(view.uptime_s)),
    )


def _uptime(uptime_s: int) -> str:
    minutes, seconds = divmod(uptime_s, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days} days, {hours} hours, {minutes} minutes, {seconds} seconds."


def _processors(view: SystemView) -> Body:
    return tuple(
        (f"PROCESSOR{n}", (("SYSTEMPROCESSORSPEED", f"{int(speed_mhz)}MHz"), ("SYSTEMPROCESSORTYPE", model)))
        for n, (speed_mhz, model) in enumerate(view.processors)
    )


def _memory(view: SystemView) -> Body:
    used = view.ram_total_mib - view.ram_free_mib
    return (
        ("SYSTEMRAMTOTAL", str(view.ram_total_mib)),
        ("SYSTEMRAMFREE", str(view.ram_free_mib)),
        ("SYSTEMRAMUSED", str(used)),
        ("SYSTEMRAMUSEDPCT", str(100 * used // view.ram_total_mib if view.ram_total_mib else 0)),
    )
