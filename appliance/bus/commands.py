"""What a message may ask of the cores, and of the box around them: typed commands and the services beside them.

The message layer resolves the device (:class:`Devices`), then sends one command to the cores (:class:`Bus`) and
turns the :class:`Delivery` into the contract's texts.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Literal, Protocol, final

import pydantic

from appliance.bounded_log import BoundedLog
from appliance.bus.registry import Audit, Registry
from appliance.calls.fields import CallFields
from appliance.recording.facts import Recording
from appliance.settings.models import ApiSettings


class _Value(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)


class Command(_Value):
    """Something for every core to do about one device's call."""


@final
class StartCall(Command):
    """CALLSTART: ``fields`` are only those that were passed, by attribute name of CallFields."""

    device_id: str
    call_instance: str = ""
    fields: dict[str, Any]
    use_cti_call_info: bool = False


@final
class StopCall(Command):
    """CALLSTOP: ``call_instance`` None means the device's last call."""

    device_id: str
    call_instance: str | None = None


@final
class UpdateCall(Command):
    """Live CALLUPDATE of the fields that were passed."""

    device_id: str
    call_instance: str | None = None
    fields: dict[str, Any]


@final
class Delivery(_Value):
    """Which cores took a command, which could not be reached; ``in_call``: some core had an open call for it."""

    reached: tuple[int, ...]
    failed: tuple[int, ...] = ()
    in_call: bool = False


class Bus(Protocol):
    """Brings commands to the cores."""

    async def send(self, command: Command) -> Delivery:
        """Send to every core; an unreachable core stands in ``failed``.

        Raises the RequestError by which a core refuses the command.
        """
        ...


# --- status -------------------------------------------------------------------------------------------------------


@final
class DeviceView(_Value):
    """One device and one of its calls, as DEVICELIST shows it (a device without a call has its last one's data)."""

    device_id: str
    call_instance: str
    fields: CallFields
    is_trunk: bool
    started_at: dt.datetime | None
    stopped_at: dt.datetime | None
    core_id: int
    is_recording: bool
    is_recording_video: bool = False
    filename: str = ""
    mode: str = ""
    mode_changed_at: dt.datetime | None = None


@final
class ChannelView(_Value):
    """One channel as CHANNELS shows it; ``state`` is the wire's name of it."""

    channel: int
    state: str
    playback_extension: str
    recording_device_alias: str
    recording_device: str
    changed_at: dt.datetime


@final
class SystemView(_Value):
    """The box's health. Sizes in MiB, speed in MHz, uptime in seconds."""

    recording_path: str
    disk_total_mib: int
    disk_free_mib: int
    uptime_s: int
    processors: tuple[tuple[float, str], ...]  # (MHz, model name)
    ram_total_mib: int
    ram_free_mib: int


class Devices(Protocol):
    """Who is meant by the five keys of a device."""

    async def resolve(
        self, device_id: str = "", station: str = "", device_alias: str = "", crm_user: str = "", sys_user: str = ""
    ) -> str:
        """Give the DEVICEID: the first key given counts, in this order. Raises DeviceInvalidError.

        A DEVICEID is its own answer, known or not; the other keys are looked up.
        """
        ...


class Status(Protocol):
    """What the status messages ask."""

    async def devices(self) -> list[DeviceView]:
        """Every call of every device ever seen, by first sight."""
        ...

    async def channels(self) -> list[ChannelView]:
        """Every channel by its id."""
        ...

    async def system(self) -> SystemView:
        """Disk, processors, memory, uptime as they are now."""
        ...


class Records(Protocol):
    """The records of the store, as messages need them."""

    def columns(self) -> frozenset[str]:
        """Names that UNIQUEFIELD may have, in lower case: API names and the later version's column names."""
        ...

    async def find_newest(self, column: str, value: str) -> Recording | None:
        """Newest record whose column has the value. ``column`` is a wire name that :meth:`columns` lists."""
        ...

    async def update(self, record_id: int, changes: dict[str, Any]) -> bool:
        """Change descriptive fields, ``device_id`` and ``device_alias``; False if there is no such record.

        Raises DatabaseError.
        """
        ...

    async def last_of_device(self, device_id: str) -> int | None:
        """Record id of the device's last recording. Raises DatabaseError."""
        ...


class Exporter(Protocol):
    """Renders a recording in another format."""

    def formats(self) -> dict[str, str]:
        """Suffix -> MIME type of everything that can be exported."""
        ...

    def media_type(self, suffix: str) -> str:
        """Give the MIME type of a suffix in any letter case. Raises ValueInvalidError that says what is wrong."""
        ...

    async def open(self, recording: Recording, suffix: str) -> tuple[int | None, AsyncIterator[bytes]]:
        """Give the length in bytes where it is known, and the octets. Raises FileMissingError, ValueInvalidError."""
        ...


@final
class PlaybackOrder(_Value):
    """What is to be played to which phone. With a ``barge_code`` it joins the call that goes on there.

    ``join``: by a line that finds that call itself, where there is one; else by the ``barge_code``.
    """

    phone: str
    path: Path
    barge_code: str = ""
    join: bool = False

    @property
    def barges(self) -> bool:
        """Whether it is played into a call that goes on."""
        return self.join or bool(self.barge_code)


PlaybackOutcome = Literal["played", "cut short", "not answered", "failed"]


@final
class PlaybackEnd(_Value):
    """What came of a playback whose call was on its way.

    Attributes
    ----------
    outcome
        ``played`` to its end; ``cut short`` after the answer; ``not answered``; ``failed`` for a fault of the line.
    reason
        Why it ended, in words.
    channel
        The channel's number, from 0.
    answered_s, played_s
        Seconds from the order to the answer, and from there as long as it was played; None and 0 without an answer.
    """

    outcome: PlaybackOutcome
    reason: str
    channel: int
    answered_s: float | None = None
    played_s: float = 0.0


class Playback(Protocol):
    """Plays recordings to phones."""

    async def start(self, order: PlaybackOrder, over: Callable[[PlaybackEnd], None]) -> None:
        """Call the phone; returns when the call is on its way. ``over`` is told once how it ended.

        Raises NoFreeChannelError, FileMissingError, DiskFullError, RecorderNotRunningError, DeviceInvalidError for a
        number that cannot be dialled, and RequiredBlankError where nothing can join without a barge code.
        """
        ...

    async def stop(self, phone: str) -> bool:
        """End what is played to the phone, and wait until its channel is free; False if nothing is."""
        ...


class Mail(Protocol):
    """Sends recordings to mail addresses, later and as often as it takes."""

    async def put(self, recording: Recording, addresses: tuple[str, ...], suffix: str) -> None:
        """Queue the recording for each address, or for none.

        Raises UnlicensedError, ValueInvalidError, FileMissingError, DatabaseError.
        """
        ...


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Services:
    """Everything that a message may use; built once in the box's main and given to dispatch."""

    bus: Bus
    devices: Devices
    status: Status
    records: Records
    exporter: Exporter
    mail: Mail
    playback: Playback
    registry: Registry
    audit: Audit
    recording_roots: tuple[Path, ...]
    strict_call_state: bool = False
    refusals: BoundedLog = dataclasses.field(
        default_factory=lambda: BoundedLog(logging.getLogger("appliance.messages"))
    )
    api: ApiSettings = ApiSettings()  # how the wire's options are set (strict_call_state counts in either place)
