"""A small box in memory, whose answers stand in the reference; nothing of it runs in a real one."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, final

from appliance.bus.commands import (
    ChannelView,
    Command,
    Delivery,
    DeviceView,
    PlaybackEnd,
    PlaybackOrder,
    Services,
    SystemView,
)
from appliance.calls.fields import CallFields
from appliance.errors import DeviceInvalidError, UnlicensedError, ValueInvalidError
from appliance.messages.sample_registry import SampleAudit, sample_registry
from appliance.recording.facts import Recording
from appliance.settings.models import ApiSettings

_AT = dt.datetime(2026, 3, 9, 13, 4, 5, tzinfo=dt.UTC)
_ROOT = Path("/var/lib/linetap/recordings")


@final
@dataclasses.dataclass(slots=True)
class SampleBus:
    """Keeps what it was told; only the devices of ``in_call`` have an open call."""

    reached: tuple[int, ...] = (1,)
    failed: tuple[int, ...] = ()
    in_call: tuple[str, ...] = ("5551",)
    sent: list[Command] = dataclasses.field(default_factory=list)

    async def send(self, command: Command) -> Delivery:
        """Take the command."""
        self.sent.append(command)
        in_call = getattr(command, "device_id", "") in self.in_call
        return Delivery(reached=self.reached, failed=self.failed, in_call=bool(self.reached) and in_call)


@final
@dataclasses.dataclass(slots=True)
class SampleDevices:
    """Finds devices in a table: (key, value in lower case) -> DEVICEID."""

    known: dict[tuple[str, str], str] = dataclasses.field(
        default_factory=lambda: {
            ("device_alias", "desk5"): "5551",
            ("sys_user", "mreed"): "5551",
            ("crm_user", "m_reed"): "5551",
        }
    )

    async def resolve(
        self, device_id: str = "", station: str = "", device_alias: str = "", crm_user: str = "", sys_user: str = ""
    ) -> str:
        """Find it."""
        if device_id:
            return device_id
        keys = {"station": station, "device_alias": device_alias, "crm_user": crm_user, "sys_user": sys_user}
        found = self.known.get(next((key, value.casefold()) for key, value in keys.items() if value))
        if found is None:
            raise DeviceInvalidError
        return found


@final
@dataclasses.dataclass(slots=True)
class SampleStatus:
    """Tells what it was given."""

    calls: list[DeviceView] = dataclasses.field(default_factory=lambda: [sample_device()])
    lines: list[ChannelView] = dataclasses.field(default_factory=lambda: [sample_channel(0), sample_channel(1)])

    async def devices(self) -> list[DeviceView]:
        """Give the calls."""
        return self.calls

    async def channels(self) -> list[ChannelView]:
        """Give the lines."""
        return self.lines

    async def system(self) -> SystemView:
        """Give a box of two processors."""
        return SystemView(
            recording_path=str(_ROOT),
            disk_total_mib=228_000,
            disk_free_mib=171_500,
            uptime_s=93_784,
            processors=((2400.0, "Example CPU"), (2400.0, "Example CPU")),
            ram_total_mib=3904,
            ram_free_mib=2001,
        )


@final
@dataclasses.dataclass(slots=True)
class SampleRecords:
    """Records in a list; ``changed`` keeps what update() was told."""

    stored: list[Recording] = dataclasses.field(default_factory=lambda: [sample_recording()])
    changed: list[tuple[int, dict[str, Any]]] = dataclasses.field(default_factory=list)

    def columns(self) -> frozenset[str]:
        """Give the fields of a call, and the record's own names."""
        return frozenset({*CallFields.model_fields, "recordid", "ident", "deviceid"})

    async def find_newest(self, column: str, value: str) -> Recording | None:
        """Look from the end."""
        return next((r for r in reversed(self.stored) if _column(r, column) == value), None)

    async def update(self, record_id: int, changes: dict[str, Any]) -> bool:
        """Keep the changes."""
        self.changed.append((record_id, changes))
        return any(r.record_id == record_id for r in self.stored)

    async def last_of_device(self, device_id: str) -> int | None:
        """Look from the end."""
        return next((r.record_id for r in reversed(self.stored) if r.device_id == device_id), None)


@final
@dataclasses.dataclass(slots=True)
class SampleExporter:
    """Gives fixed octets for every recording."""

    octets: bytes = b"octets of a file"
    length_known: bool = True

    def formats(self) -> dict[str, str]:
        """Two formats."""
        return {"wav": "audio/wav", "mp3": "audio/mpeg"}

    def media_type(self, suffix: str) -> str:
        """Give the type of one of them."""
        found = self.formats().get(suffix.lower())
        if found is None:
            raise ValueInvalidError(f"format not available: {suffix}")
        return found

    async def open(self, recording: Recording, suffix: str) -> tuple[int | None, AsyncIterator[bytes]]:
        """Give the octets in small pieces."""
        del recording, suffix
        return len(self.octets) if self.length_known else None, _pieces(self.octets)


@final
@dataclasses.dataclass(slots=True)
class SampleMail:
    """Keeps what it was given; with ``server`` False it is switched off."""

    server: bool = True
    queued: list[tuple[int, str, str]] = dataclasses.field(default_factory=list)

    async def put(self, recording: Recording, addresses: tuple[str, ...], suffix: str) -> None:
        """Keep it for each address."""
        if not self.server:
            raise UnlicensedError
        self.queued += [(recording.record_id, address, suffix) for address in addresses]


@final
@dataclasses.dataclass(slots=True)
class SamplePlayback:
    """Keeps what it was told; plays to the phones of ``playing``."""

    ordered: list[PlaybackOrder] = dataclasses.field(default_factory=list)
    playing: list[str] = dataclasses.field(default_factory=list)

    over: dict[str, Callable[[PlaybackEnd], None]] = dataclasses.field(default_factory=dict)

    async def start(self, order: PlaybackOrder, over: Callable[[PlaybackEnd], None]) -> None:
        """Keep it."""
        self.ordered.append(order)
        self.playing.append(order.phone)
        self.over[order.phone] = over

    async def stop(self, phone: str) -> bool:
        """Forget it."""
        there = phone in self.playing
        self.playing = [one for one in self.playing if one != phone]
        return there


def sample_services(api: ApiSettings | None = None) -> Services:
    """Build services that keep everything in memory."""
    return Services(
        bus=SampleBus(),
        devices=SampleDevices(),
        status=SampleStatus(),
        records=SampleRecords(),
        exporter=SampleExporter(),
        mail=SampleMail(),
        playback=SamplePlayback(),
        registry=sample_registry(),
        audit=SampleAudit(),
        recording_roots=(_ROOT,),
        api=api or ApiSettings(),
    )


def sample_device() -> DeviceView:
    """Give a device whose call is being recorded."""
    return DeviceView(
        device_id="5551",
        call_instance="",
        fields=CallFields(device_alias="DESK5", sys_user="mreed", group="Claims", ani="4930555001", user1="Silver"),
        is_trunk=False,
        started_at=_AT,
        stopped_at=None,
        core_id=1,
        is_recording=True,
        filename=f"{_ROOT}/20260309/DESK5/DESK5-13-04-05.wav",
    )


def sample_channel(channel: int) -> ChannelView:
    """Give a line: the first records, the others are idle."""
    return ChannelView(
        channel=channel,
        state="Idle" if channel else "Recording",
        playback_extension="",
        recording_device_alias="" if channel else "DESK5",
        recording_device="" if channel else "5551",
        changed_at=_AT,
    )


def sample_recording(record_id: int = 204) -> Recording:
    """Give a finished recording of device 5552."""
    return Recording(
        record_id=record_id,
        global_call_id="000100000000019",
        core_id=1,
        channel=1,
        tap="trunk",
        line="1",
        session="s1",
        device_id="5552",
        call_instance="",
        fields=CallFields(user2="Order 7782"),
        keep_days=30,
        archive_action=-1,
        priority=50,
        schedule="all",
        recording_type="Percentage",
        call_started_at=_AT,
        started_at=_AT,
        stopped_at=_AT + dt.timedelta(seconds=30),
        filename=f"{_ROOT}/20260309/5552/5552-13-04-05.wav",
        encoding="ulaw",
        rate_hz=8000,
        channels=2,
        frames=240_000,
        duration_s=30.0,
        audio_size=480_058,
        audio_hash="0" * 64,
        legs=(),
    )


def _column(recording: Recording, column: str) -> str:
    own = {"recordid": str(recording.record_id), "ident": str(recording.record_id), "deviceid": recording.device_id}
    return own.get(column) or str(getattr(recording.fields, column, ""))


async def _pieces(octets: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(octets), 5):
        yield octets[at : at + 5]
