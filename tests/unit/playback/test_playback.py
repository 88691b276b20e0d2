"""What is played to phones, and when its channel is free again."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance import clock
from appliance.audio import wav
from appliance.box_figures import of_playbacks
from appliance.bus.commands import PlaybackEnd, PlaybackOrder
from appliance.calls.fields import CallFields
from appliance.channels.channel import Assignment
from appliance.channels.pool import ChannelPool
from appliance.channels.states import Trigger
from appliance.errors import (
    DeviceInvalidError,
    FileMissingError,
    NoFreeChannelError,
    RecorderNotRunningError,
    RequiredBlankError,
)
from appliance.events.bus import EventBus
from appliance.events.types import CallStopped
from appliance.playback import service
from appliance.playback.audio import prepare
from appliance.playback.service import Playbacks
from drivers.contract import (
    CallAnswered,
    CallLeft,
    LineBusyError,
    MediaStarted,
    NumberInvalidError,
    PlayEnded,
    TapError,
    TapFailedError,
)

RATE = 8000


class Exchange:
    """Lines whose phones do what the test says."""

    def __init__(self, folder: Path) -> None:
        self.pool = ChannelPool()
        for n in range(2):
            self.pool.add("card", str(n), calls_arrive=False, devices=["*"]).speaks = True
        self.channel = next(iter(self.pool))
        self.events = EventBus()
        self.folder = folder
        self.playbacks = Playbacks(self.pool, self, self.events, folder / "playing")
        self.done: list[tuple[str, ...]] = []
        self.played: Path | None = None
        self.busy: set[str] = set()
        self.broken: TapError | None = None
        self.broken_play: TapError | None = None
        self.ends: list[PlaybackEnd] = []

    async def dial(self, tap: str, line: str, phone: str, barge_code: str) -> None:
        if self.broken:
            raise self.broken
        self.done.append(("dial", tap, line, phone, barge_code))

    async def join(self, tap: str, line: str, phone: str) -> None:
        if line in self.busy:
            self.pool.at(tap, line).apply(Trigger.ARRIVED)
            raise LineBusyError(line)
        self.done.append(("join", tap, line, phone))

    async def play(self, tap: str, line: str, file: Path) -> None:
        if self.broken_play:
            raise self.broken_play
        self.played = file
        self.done.append(("play", tap, line))

    async def hang_up(self, tap: str, line: str, reason: str) -> None:
        self.done.append(("hang_up", tap, line))
        self.playbacks.fact(tap, CallLeft(line=line, session="", reason=reason))

    async def start(self, phone: str = "7001", barge_code: str = "", *, join: bool = False) -> None:
        path = self.folder / "r.wav"
        order = PlaybackOrder(phone=phone, path=path, barge_code=barge_code, join=join)
        await self.playbacks.start(order, self.ends.append)

    def tell(self, kind: Any, **facts: Any) -> bool:
        return self.playbacks.fact("card", kind(line="0", **facts))

    async def until(self, state: str) -> None:
        for _ in range(400):
            if self.channel.state == state:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"the channel is {self.channel.state}")


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    left, right = np.full(RATE, 1000, "<i2"), np.full(RATE, 3000, "<i2")
    octets = np.column_stack([left, right]).tobytes()
    (tmp_path / "r.wav").write_bytes(wav.header("pcm", RATE, 2, RATE) + octets)
    made = Exchange(tmp_path)
    running = asyncio.create_task(made.playbacks.run())
    await asyncio.sleep(0)
    yield made
    await made.playbacks.close()
    running.cancel()
    assert not list((tmp_path / "playing").glob("*"))


def test_a_recording_is_mixed_to_one_side(exchange: Exchange, tmp_path: Path) -> None:
    prepare(tmp_path / "r.wav", tmp_path / "out.wav")
    with wave.open(str(tmp_path / "out.wav")) as out:
        assert (out.getnchannels(), out.getsampwidth(), out.getframerate(), out.getnframes()) == (1, 2, RATE, RATE)
        assert set(np.frombuffer(out.readframes(RATE), "<i2").tolist()) == {2000}


async def test_a_called_phone_hears_it_on_answer_and_frees_the_channel_by_hanging_up(exchange: Exchange) -> None:
    await exchange.start()
    assert exchange.channel.state == "DialingForPlayback"
    assert exchange.channel.playback_extension == "7001"
    assert exchange.done == [("dial", "card", "0", "7001", "")]
    exchange.tell(CallAnswered)
    await exchange.until("Playback")
    exchange.tell(PlayEnded)
    await asyncio.sleep(0.02)
    assert exchange.channel.state == "Playback"
    exchange.tell(CallLeft, session="", reason="BYE")
    await exchange.until("Idle")
    assert exchange.channel.playback_extension == ""
    assert ("hang_up", "card", "0") not in exchange.done


async def test_a_barged_call_is_left_at_the_end_of_the_recording(exchange: Exchange) -> None:
    await exchange.start(barge_code="*9")
    assert exchange.done[0][-1] == "*9"
    exchange.tell(CallAnswered)
    await exchange.until("Playback")
    exchange.tell(PlayEnded)
    await exchange.until("Idle")
    assert exchange.done[-1] == ("hang_up", "card", "0")


async def test_a_barged_call_that_ends_frees_the_channel_and_a_call_of_its_own_goes_on(exchange: Exchange) -> None:
    await exchange.start(barge_code="*9")
    await exchange.start("7001")
    for line in ("0", "1"):
        exchange.playbacks.fact("card", CallAnswered(line=line))
    await exchange.until("Playback")
    facts: dict[str, Any] = {"happened_at": clock.now(), "core_id": 1, "global_call_id": "", "keep_days": -1}
    exchange.events.publish(CallStopped(device_id="1", fields=CallFields(device_alias="7001"), **facts))
    await exchange.until("Idle")
    assert [c.state.value for c in exchange.pool] == ["Idle", "Playback"]


async def test_stop_frees_the_channel_before_it_returns(exchange: Exchange) -> None:
    await exchange.start()
    exchange.tell(CallAnswered)
    await exchange.until("Playback")
    assert await exchange.playbacks.stop("7001")
    assert exchange.channel.state == "Idle"
    assert not await exchange.playbacks.stop("7001")


async def test_a_phone_that_does_not_answer_frees_the_channel(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    await exchange.start()
    exchange.tell(CallLeft, session="", reason="busy")
    await exchange.until("Idle")
    monkeypatch.setattr(service, "RING_S", 0.01)
    await exchange.start()
    await exchange.until("Idle")
    assert [what for what, *_ in exchange.done] == ["dial", "dial", "hang_up"]


async def test_no_channel_no_file_no_line(exchange: Exchange) -> None:
    exchange.broken = TapFailedError("no card")
    with pytest.raises(RecorderNotRunningError):
        await exchange.start()
    assert exchange.channel.state == "Idle"
    with pytest.raises(FileMissingError):
        await exchange.playbacks.start(PlaybackOrder(phone="1", path=Path("/nowhere/r.wav")), exchange.ends.append)
    assert exchange.channel.state == "Idle"
    for channel in exchange.pool:
        channel.speaks = False
    with pytest.raises(NoFreeChannelError):
        await exchange.start()


async def test_a_number_that_cannot_be_dialled_is_the_devices_fault(exchange: Exchange) -> None:
    exchange.broken = NumberInvalidError("'50 03' is no number")
    with pytest.raises(DeviceInvalidError, match="no number"):
        await exchange.start("50 03")
    assert exchange.channel.state == "Idle"


async def test_a_call_is_joined_by_a_line_that_can_and_ends_with_the_recording(exchange: Exchange) -> None:
    for channel in exchange.pool:
        channel.joins = True
    await exchange.start(barge_code="*9", join=True)
    assert exchange.done == [("join", "card", "0", "7001")]
    exchange.tell(CallAnswered)
    await exchange.until("Playback")
    exchange.tell(PlayEnded)
    await exchange.until("Idle")


async def test_without_such_a_line_the_barge_code_serves_or_is_asked_for(exchange: Exchange) -> None:
    await exchange.start(barge_code="*9", join=True)
    assert exchange.done == [("dial", "card", "0", "7001", "*9")]
    with pytest.raises(RequiredBlankError, match="BARGECODE is required"):
        await exchange.start(join=True)


async def test_a_call_that_came_in_on_the_line_meanwhile_leads_to_another(exchange: Exchange) -> None:
    first, second = exchange.pool
    for channel in exchange.pool:
        channel.joins = channel.calls_arrive = True
    exchange.busy.add("1")  # the last line is chosen first
    await exchange.start(join=True)
    assert exchange.done == [("join", "card", "0", "7001")]
    assert [first.state, second.state] == ["DialingForPlayback", "OffHook"]
    exchange.busy.add("0")
    with pytest.raises(NoFreeChannelError):
        await exchange.start(join=True)


async def test_lines_kept_for_playback_are_taken_first(exchange: Exchange) -> None:
    first, second = exchange.pool
    second.assignment = Assignment.parse("playback")
    await exchange.start()
    assert second.state == "DialingForPlayback"
    first.assignment = Assignment.parse("device:1")
    with pytest.raises(NoFreeChannelError):
        await exchange.start()


async def test_a_lost_worker_ends_its_playback(exchange: Exchange) -> None:
    await exchange.start()
    exchange.tell(CallAnswered)
    await exchange.until("Playback")
    exchange.playbacks.lines_down("card", ["0"])
    await exchange.until("Idle")


async def test_how_each_ended_is_told_once_and_counted(exchange: Exchange) -> None:
    async def told() -> tuple[str, str]:
        for _ in range(400):
            if exchange.ends:
                end = exchange.ends.pop()
                assert not exchange.ends
                return end.outcome, end.reason
            await asyncio.sleep(0.005)
        raise AssertionError("nothing was told")

    await exchange.start()
    exchange.tell(CallLeft, session="", reason="busy (486 Busy Here)")
    assert await told() == ("not answered", "busy (486 Busy Here)")
    await exchange.start()
    exchange.tell(CallAnswered)
    await exchange.until("Playback")
    exchange.tell(PlayEnded)
    await asyncio.sleep(0.02)
    exchange.tell(CallLeft, session="", reason="the far end hung up")
    assert await told() == ("played", "the far end hung up")
    for reason in ("EXTENSIONPLAYBACKSTOP", "tap worker lost"):
        await exchange.start()
        exchange.tell(CallAnswered)
        await exchange.until("Playback")
        if reason == "EXTENSIONPLAYBACKSTOP":
            await exchange.playbacks.stop("7001")
        exchange.playbacks.lines_down("card", ["0"])  # nothing, where it was stopped already
        assert await told() == ("cut short", reason)
    exchange.broken_play = TapFailedError("the card is gone")
    await exchange.start()
    exchange.tell(CallAnswered)
    assert await told() == ("failed", "TapFailedError: the card is gone")
    assert exchange.playbacks.counters == {"not answered": 1, "played": 1, "cut short": 2, "failed": 1}
    shown = {dict(figure.labels)["outcome"]: figure.value for figure in of_playbacks(exchange.playbacks)}
    assert shown == exchange.playbacks.counters


async def test_what_never_was_on_its_way_is_told_by_the_answer_alone(exchange: Exchange) -> None:
    exchange.broken = TapFailedError("no card")
    with pytest.raises(RecorderNotRunningError):
        await exchange.start()
    await asyncio.sleep(0.02)
    assert not exchange.ends
    assert not exchange.playbacks.counters


async def test_facts_of_other_calls_are_left_alone(exchange: Exchange) -> None:
    assert not exchange.tell(CallLeft, session="s", reason="BYE")
    assert not exchange.tell(MediaStarted, session="s", legs=1)
