"""What becomes of sessions: length, places, channels, gaps, blackouts, ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from appliance.audio import g711
from appliance.recording.facts import Blackout, Gap
from appliance.recording.writer.notes import PartNote, read_part_note
from appliance.spool.records import Dropped
from drivers.contract import LossReason, Party
from tests.unit.recording.studio import NOON, RATE, START_S, Pcm, Session, Studio, ramp, studio_at

LAWS: dict[str, Callable[[Pcm], Pcm]] = {
    "ulaw": lambda pcm: g711.decode_ulaw(g711.encode_ulaw(pcm)),
    "alaw": lambda pcm: g711.decode_alaw(g711.encode_alaw(pcm)),
    "pcm": lambda pcm: pcm,
}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with studio_at(tmp_path) as made:
        yield made


def part(studio: Studio, name: str = "a") -> Path:
    return studio.root / "recordings" / "20261123" / "5551" / f"{name}.wav.part"


def part_pcm(studio: Studio, name: str = "a") -> Pcm:
    pcm, _ = soundfile.read(part(studio, name), dtype="int16", always_2d=True)
    return np.ascontiguousarray(pcm.T)


def test_two_legs_become_one_stereo_file_and_every_sample_is_there(studio: Studio) -> None:
    session = studio.recorded()
    for second in range(5):
        session.append(0, ramp(second * RATE, (second + 1) * RATE))
        session.append(1, -ramp(second * RATE, (second + 1) * RATE))
        studio.turn(second + 1.0)
    session.stop(5.0)
    session.close(5.0)
    studio.look(session, 5.1)
    assert np.array_equal(studio.audio(), [ramp(0, 5 * RATE), -ramp(0, 5 * RATE)])
    facts = studio.recording()
    assert (facts.duration_s, facts.frames, facts.channels, facts.rate_hz) == (5.0, 5 * RATE, 2, RATE)
    assert (facts.gaps, facts.blackouts, facts.interrupted, facts.end_reason) == ((), (), False, "CALLSTOP")
    assert [(leg.party, leg.channel, leg.frames_captured) for leg in facts.legs] == [
        (Party.CALLER, 0, 5 * RATE),
        (Party.AGENT, 1, 5 * RATE),
    ]
    assert facts.started_at == NOON
    assert (facts.tap, facts.line, facts.session, facts.fields.ani) == ("t", "0", session.name, "123")
    assert studio.files() == ["1.json", "a.wav", "a.wav.json"]
    assert studio.spool.sessions() == []


def test_the_agent_stands_right_also_if_its_leg_is_the_first(studio: Studio) -> None:
    session = studio.session()
    session.claim()
    session.open()
    session.leg(0, Party.AGENT)
    session.leg(1, Party.CALLER)
    session.append(0, ramp(0, RATE))
    session.append(1, -ramp(0, RATE))
    session.close(1.0)
    session.stop(1.0)
    studio.turn(1.0)
    assert np.array_equal(studio.audio(), [-ramp(0, RATE), ramp(0, RATE)])


@pytest.mark.parametrize("frames", [RATE, RATE + 1])
def test_one_leg_is_mono_and_an_odd_length_is_padded_as_wav_wants_it(studio: Studio, frames: int) -> None:
    session = studio.recorded(legs=1, encoding="ulaw")
    session.append(0, ramp(0, frames))
    session.close(2.0)
    session.stop(2.0)
    studio.turn(2.0)
    assert np.array_equal(studio.audio(), [g711.decode_ulaw(g711.encode_ulaw(ramp(0, frames)))])
    assert studio.recording().audio_size == Path(studio.recording().filename).stat().st_size
    assert studio.recording().audio_size % 2 == 0


@pytest.mark.parametrize("encoding", ["ulaw", "alaw", "pcm"])
def test_each_encoding_says_what_it_is(studio: Studio, encoding: str) -> None:
    session = studio.recorded(encoding=encoding)
    session.append(0, ramp(0, RATE))
    session.append(1, ramp(7, RATE + 7))
    session.close(1.0)
    session.stop(1.0)
    studio.turn(1.0)
    law = LAWS[encoding]
    assert np.array_equal(studio.audio(), [law(ramp(0, RATE)), law(ramp(7, RATE + 7))])
    expected = {"ulaw": "ULAW", "alaw": "ALAW", "pcm": "PCM_16"}[encoding]
    assert soundfile.info(studio.recording().filename).subtype == expected


def test_audio_is_held_back_and_flushed_at_the_end(studio: Studio) -> None:
    session = studio.recorded(legs=1)
    session.append(0, ramp(0, 3 * RATE))
    studio.turn(1.9)
    assert part_pcm(studio).shape[1] == 0
    studio.turn(3.0)
    assert np.array_equal(part_pcm(studio), [ramp(0, RATE)])
    session.stop(3.0)
    session.close(3.0)
    studio.look(session, 3.0)
    assert np.array_equal(studio.audio(), [ramp(0, 3 * RATE)])


def test_the_recording_begins_where_the_claim_says(studio: Studio) -> None:
    session = studio.session()
    session.open()
    session.leg(0, Party.CALLER, at_s=-3.0)
    session.leg(1, Party.AGENT, at_s=0.5)
    session.append(0, ramp(0, 5 * RATE))
    session.append(1, ramp(0, RATE))
    session.claim(from_s=0.25)
    session.stop(1.5)
    session.close(2.0)
    studio.turn(2.0)
    caller, agent = studio.audio()
    assert np.array_equal(caller, ramp(3 * RATE + RATE // 4, 4 * RATE + RATE // 2))
    assert not agent[: RATE // 4].any()
    assert np.array_equal(agent[RATE // 4 :], ramp(0, RATE))
    assert studio.recording().gaps == (Gap(leg=1, at_s=0, length_s=0.25, reason="late leg"),)


def test_time_begins_with_the_first_leg_if_that_comes_after_the_claim(studio: Studio) -> None:
    session = studio.session()
    session.claim()
    studio.turn(1.0)
    session.open()
    session.leg(0, Party.CALLER, at_s=1.5)
    session.leg(1, Party.AGENT, at_s=1.75)
    session.append(0, ramp(0, RATE))
    session.append(1, ramp(0, RATE))
    session.stop(9.0)
    session.close(9.0)
    studio.turn(9.0)
    assert np.array_equal(studio.audio()[0, :RATE], ramp(0, RATE))
    assert np.array_equal(studio.audio()[1, RATE // 4 :], ramp(0, RATE))
    assert (studio.recording().started_at - NOON).total_seconds() == 1.5
    assert studio.recording().duration_s == 1.25


def test_frames_to_skip_are_left_out(studio: Studio) -> None:
    session = studio.session()
    session.claim()
    session.open()
    session.leg(0, Party.CALLER, skip_frames=1600)
    session.append(0, ramp(0, 1600 + RATE))
    session.stop(5.0)
    session.close(5.0)
    studio.turn(5.0)
    assert np.array_equal(studio.audio(), [ramp(1600, 1600 + RATE)])


def test_losses_are_silence_in_place_and_stand_in_the_record(studio: Studio) -> None:
    session = studio.recorded()
    session.append(0, ramp(0, RATE))
    session.append(1, ramp(0, 4 * RATE))
    session.lose(0, RATE, RATE // 2, LossReason.OVERFLOW)
    session.append(0, ramp(0, RATE))
    session.lose(0, 2 * RATE, 80, LossReason.PACKETS_LOST, in_file=True)
    session.lose(0, 2 * RATE + RATE // 2, RATE, LossReason.STALLED)
    session.append(0, ramp(5, RATE // 2 + 5))
    session.stop(4.0)
    session.close(4.0)
    studio.turn(4.0)
    quiet = np.zeros(RATE, np.int16)
    whole = np.concatenate([ramp(0, RATE), quiet[: RATE // 2], ramp(0, RATE), quiet, ramp(5, RATE // 2 + 5)])
    assert np.array_equal(studio.audio(), [whole, ramp(0, 4 * RATE)])
    assert studio.recording().gaps == (
        Gap(leg=0, at_s=1.0, length_s=0.5, reason="overflow"),
        Gap(leg=0, at_s=2.0, length_s=0.01, reason="packets lost"),
        Gap(leg=0, at_s=2.5, length_s=1.0, reason="stalled"),
    )
    lost = studio.recording().legs[0]
    assert (lost.frames_lost, lost.frames_captured) == (RATE + RATE // 2 + 80, 2 * RATE + RATE // 2)


def lose_each_second(studio: Studio, session: Session, seconds: range) -> Iterator[PartNote]:
    """Go on for so long, 20 ms of each second lost; gives the note on the disk after each turn."""
    for second in seconds:
        session.append(0, ramp(0, RATE))
        session.lose(0, second * RATE, 160, LossReason.PACKETS_LOST, in_file=True)
        studio.turn(second + 1.0)
        if part(studio).exists():
            note = read_part_note(part(studio))
            assert note is not None
            yield note


def test_a_gap_is_noted_before_its_audio_is_on_the_disk_but_not_every_gap_by_itself(tmp_path: Path) -> None:
    with studio_at(tmp_path, holdback_s=10.0) as studio:
        session = studio.recorded(legs=1)
        noted: list[int] = []
        for second, note in enumerate(lose_each_second(studio, session, range(60)), 1):
            assert len(note.gaps) >= second - 10  # those whose audio is there
            noted.append(len(note.gaps))
        assert 2 <= len(set(noted)) <= 60 / 5 + 1
        session.stop(60.0)
        studio.turn(60.1)
        last = read_part_note(part(studio))
        assert last is not None
        assert len(last.gaps) == 60  # all of the audio is there now


def test_what_gaps_cost_does_not_grow_with_their_number(tmp_path: Path) -> None:
    with studio_at(tmp_path, holdback_s=10.0) as studio:
        session = studio.recorded(legs=1)
        for n in range(1000):
            session.lose(0, n * 10, 1, LossReason.PACKETS_LOST, in_file=True)
        noted = [len(note.gaps) for note in lose_each_second(studio, session, range(2, 40))]
        assert len(set(noted)) == 1
        session.black(1, 45.0)
        studio.turn(45.0)
        note = read_part_note(part(studio))
        assert note is not None
        assert len(note.gaps) > noted[0]  # whatever else is new brings them along
        assert len(note.blackouts) == 1


def test_a_blackout_called_back_in_time_never_reaches_the_disk(studio: Studio) -> None:
    session = studio.recorded()
    secret = np.full(RATE, 12345, np.int16)
    for leg in (0, 1):
        session.append(leg, ramp(0, RATE))
        session.append(leg, secret)
    studio.turn(2.0)
    session.black(1, from_s=1.0)
    session.append(0, secret)
    session.append(1, secret)
    for at_s in (3.0, 3.5, 4.0, 5.0):
        studio.turn(at_s)
        octets = part(studio).read_bytes()
        assert b"\x39\x30" * 8 not in octets
    session.unblack(1, 3.0)
    for leg in (0, 1):
        session.append(leg, ramp(0, RATE))
    session.stop(4.0)
    session.close(4.0)
    studio.turn(5.0)
    whole = np.concatenate([ramp(0, RATE), np.zeros(2 * RATE, np.int16), ramp(0, RATE)])
    assert np.array_equal(studio.audio(), [whole, whole])
    assert studio.recording().blackouts == (Blackout(from_s=1.0, until_s=3.0, reason="card number"),)
    assert studio.recording().gaps == ()


def test_a_blackout_called_back_too_late_is_silenced_on_the_disk(studio: Studio) -> None:
    session = studio.recorded(legs=1)
    session.append(0, ramp(0, 6 * RATE))
    studio.turn(6.0)
    assert part_pcm(studio).shape[1] == 4 * RATE
    session.black(1, from_s=1.0, until_s=5.0)
    studio.turn(6.1)
    assert not np.frombuffer(part(studio).read_bytes()[44 + 2 * RATE :], np.int16).any()
    session.stop(6.0)
    session.close(6.0)
    studio.turn(6.2)
    assert not studio.audio()[0, RATE : 5 * RATE].any()
    assert studio.audio()[0, :RATE].all()
    assert studio.audio()[0, 5 * RATE :].all()


def test_a_blackout_that_nobody_ended_lasts_to_the_end(studio: Studio) -> None:
    session = studio.recorded(legs=1)
    session.append(0, ramp(0, 2 * RATE))
    session.black(4, from_s=1.5)
    session.stop(2.0)
    session.close(2.0)
    studio.turn(2.0)
    assert studio.recording().blackouts == (Blackout(from_s=1.5, until_s=2.0, reason="card number"),)
    assert not studio.audio()[0, RATE * 3 // 2 :].any()


def test_a_second_leg_that_opens_late_makes_the_file_stereo(studio: Studio) -> None:
    session = studio.recorded(legs=1, encoding="ulaw")
    session.append(0, ramp(0, 5 * RATE))
    studio.turn(5.0)
    assert part_pcm(studio).shape == (1, 3 * RATE)
    session.leg(1, Party.AGENT, at_s=5.0)
    session.append(0, ramp(5 * RATE, 6 * RATE))
    session.append(1, ramp(0, RATE))
    studio.turn(6.0)
    assert part_pcm(studio).shape == (2, 4 * RATE)
    session.stop(6.0)
    session.close(6.0)
    studio.turn(6.5)
    caller, agent = studio.audio()
    assert np.array_equal(caller, g711.decode_ulaw(g711.encode_ulaw(ramp(0, 6 * RATE))))
    assert not agent[: 5 * RATE].any()
    assert np.array_equal(agent[5 * RATE :], g711.decode_ulaw(g711.encode_ulaw(ramp(0, RATE))))
    assert studio.recording().gaps == (Gap(leg=1, at_s=0, length_s=5.0, reason="late leg"),)


def test_a_leg_that_gives_nothing_is_silence_and_comes_back_in_its_true_place(studio: Studio) -> None:
    session = studio.recorded()
    session.append(0, ramp(0, RATE))
    session.append(1, ramp(0, RATE))
    for second in range(1, 8):
        session.append(1, ramp(second * RATE, (second + 1) * RATE))
        studio.turn(second + 1.0)
    assert part_pcm(studio).shape[1] == 5 * RATE
    session.lose(0, RATE, 7 * RATE, LossReason.UNPLUGGED)
    session.append(0, ramp(8 * RATE, 9 * RATE))
    session.append(1, ramp(8 * RATE, 9 * RATE))
    session.stop(9.0)
    session.close(9.0)
    studio.turn(9.0)
    caller, agent = studio.audio()
    assert np.array_equal(agent, ramp(0, 9 * RATE))
    assert np.array_equal(
        caller, np.concatenate([ramp(0, RATE), np.zeros(7 * RATE, np.int16), ramp(8 * RATE, 9 * RATE)])
    )
    assert studio.recording().gaps == (Gap(leg=0, at_s=1.0, length_s=7.0, reason="unplugged"),)


def test_a_leg_that_catches_up_loses_only_what_was_given_up(studio: Studio) -> None:
    session = studio.recorded()
    session.append(0, ramp(0, RATE))
    session.append(1, ramp(0, 8 * RATE))
    studio.turn(8.0)
    session.append(0, ramp(RATE, 8 * RATE))
    session.stop(8.0)
    session.close(8.0)
    studio.turn(8.1)
    caller, _ = studio.audio()
    assert not caller[RATE : 5 * RATE].any()
    assert np.array_equal(caller[5 * RATE :], ramp(5 * RATE, 8 * RATE))
    assert studio.recording().gaps == (Gap(leg=0, at_s=1.0, length_s=4.0, reason="stalled"),)
    assert studio.recording().legs[0].frames_lost == 4 * RATE


def test_a_leg_that_stood_still_without_telling_is_not_thrown_away(studio: Studio) -> None:
    session = studio.recorded()
    session.append(0, ramp(0, RATE))
    session.append(1, ramp(0, 10 * RATE))
    studio.turn(10.0)  # up to 7 s is written, and the first leg's audio ends at 1 s
    for second in range(10, 20):
        session.append(0, ramp((second - 9) * RATE, (second - 8) * RATE))
        session.append(1, ramp(second * RATE, (second + 1) * RATE))
        studio.turn(second + 1.0)
    session.stop(20.0)
    session.close(20.0)
    studio.turn(20.1)
    caller, agent = studio.audio()
    assert np.array_equal(agent, ramp(0, 20 * RATE))
    silent = int((caller == 0).sum())
    assert np.array_equal(caller[caller != 0][: 9 * RATE], ramp(0, 9 * RATE))
    assert silent == pytest.approx(9 * RATE, abs=2 * RATE)


def test_waiting_for_the_last_audio_is_bounded_and_what_is_missing_is_told(studio: Studio) -> None:
    session = studio.recorded()
    session.append(0, ramp(0, 4 * RATE))
    session.append(1, ramp(0, 3 * RATE))
    session.stop(4.0)
    studio.look(session, 4.5)
    assert not studio.finished()
    assert studio.engine.ending() == [session.name]
    studio.look(session, 5.0)
    assert studio.recording().duration_s == 4.0
    assert studio.recording().gaps == (Gap(leg=1, at_s=3.0, length_s=1.0, reason="stalled"),)
    assert studio.spool.sessions() == [session.name]
    session.append(0, ramp(0, RATE))
    session.close(6.0)
    studio.turn(6.0)
    assert studio.spool.sessions() == []
    assert len(studio.finished()) == 1


def test_the_end_is_where_it_was_ordered_though_capture_goes_on(studio: Studio) -> None:
    session = studio.recorded()
    for leg in (0, 1):
        session.append(leg, ramp(0, 5 * RATE))
    session.stop(3.0)
    session.close(5.0)
    studio.turn(5.0)
    assert np.array_equal(studio.audio(), [ramp(0, 3 * RATE)] * 2)


def test_what_was_written_behind_the_end_is_cut_off(tmp_path: Path) -> None:
    with studio_at(tmp_path, holdback_s=0.0) as studio:
        session = studio.recorded(legs=1)
        session.append(0, ramp(0, 4 * RATE))
        studio.turn(4.0)
        session.stop(3.0)
        session.close(4.0)
        studio.turn(4.5)
        assert np.array_equal(studio.audio(), [ramp(0, 3 * RATE)])


def test_a_session_that_closes_waits_a_little_for_the_order_to_stop(studio: Studio) -> None:
    session = studio.recorded(legs=1)
    session.append(0, ramp(0, 2 * RATE))
    session.close(2.0, "far end hung up")
    studio.look(session, 2.0)
    assert part(studio).stat().st_size == 44 + 2 * 2 * RATE
    assert not studio.finished()
    session.change(user1="late")
    session.stop(3.0, "far end hung up")
    studio.look(session, 3.0)
    facts = studio.recording()
    assert (facts.interrupted, facts.end_reason, facts.duration_s) == (False, "far end hung up", 2.0)
    assert (facts.fields.user1, facts.keep_days, facts.archive_action) == ("late", 7, 2)


def test_a_session_that_closes_without_any_order_is_interrupted(studio: Studio) -> None:
    session = studio.recorded(legs=1)
    session.append(0, ramp(0, 2 * RATE))
    session.close(2.0, "the core is gone")
    studio.turn(3.9)
    assert not studio.finished()
    studio.turn(4.0)
    assert (studio.recording().interrupted, studio.recording().end_reason) == (True, "the core is gone")


def test_a_dead_workers_recording_is_finished_as_interrupted(studio: Studio) -> None:
    session = studio.recorded()
    session.append(0, ramp(0, 2 * RATE))
    session.append(1, ramp(0, 2 * RATE - 400))
    studio.turn(1.0)
    session.die()
    studio.turn(2.0)
    studio.turn(4.1)
    facts = studio.recording()
    assert (facts.interrupted, facts.end_reason, facts.duration_s) == (True, "worker died", 2.0)
    assert np.array_equal(studio.audio()[1, : 2 * RATE - 400], ramp(0, 2 * RATE - 400))


def test_a_call_without_any_audio_is_a_recording_of_no_length(studio: Studio) -> None:
    session = studio.session()
    session.claim()
    session.open()
    session.stop(5.0, "no media")
    session.close(5.0)
    studio.turn(5.0)
    facts = studio.recording()
    assert (facts.duration_s, facts.frames, facts.end_reason, facts.legs) == (0.0, 0, "no media", ())
    assert studio.audio().shape == (1, 0)


def test_a_claimed_session_that_its_worker_never_began_ends_too(studio: Studio) -> None:
    session = studio.session()
    session.claim()
    studio.turn(1.0)
    studio.turn(8.0)
    assert not studio.finished()
    for at_s in (12.0, 14.0, 16.0):
        studio.turn(at_s)
    assert studio.recording().interrupted
    assert studio.spool.sessions() == []


def test_a_dropped_session_is_deleted_and_so_is_what_was_written_of_it(studio: Studio) -> None:
    session = studio.recorded()
    for leg in (0, 1):
        session.append(leg, ramp(0, 4 * RATE))
    studio.turn(4.0)
    assert part(studio).exists()
    session.orders.append(Dropped(reason="the line did not start"))
    studio.look(session, 4.1)
    assert (studio.files(), studio.spool.sessions(), studio.finished()) == ([], [], [])


def test_an_unclaimed_session_keeps_only_as_much_as_a_claim_may_reach_back(tmp_path: Path) -> None:
    with studio_at(tmp_path, claim_back_s=10.0) as studio:
        session = studio.session()
        session.open()
        session.leg(0, Party.MIXED)
        for second in range(100):
            session.append(0, ramp(second * RATE, (second + 1) * RATE))
            studio.turn(second + 1.0)
        assert studio.engine.told(START_S + 100, 0.0).spool_bytes < 20 * 2 * RATE
        session.claim(from_s=20.0)  # further back than there is audio
        studio.turn(100.0)
        session.stop(100.0)
        session.close(100.0)
        studio.turn(100.0)
        facts, audio = studio.recording(), studio.audio()
        assert 10.0 <= facts.duration_s <= 17.0
        assert np.array_equal(audio[0], ramp(100 * RATE - facts.frames, 100 * RATE))
        assert (facts.started_at - NOON).total_seconds() == pytest.approx(100 - facts.duration_s, abs=1e-4)


def test_an_unclaimed_session_that_ended_is_deleted_after_a_while(studio: Studio) -> None:
    session = studio.session()
    session.open()
    session.close(1.0)
    studio.turn(2.0)
    studio.turn(30.0)
    assert studio.spool.sessions() == [session.name]
    studio.turn(40.0)
    assert studio.spool.sessions() == []


def test_memory_stays_bounded_while_a_call_goes_on(studio: Studio) -> None:
    session = studio.recorded()
    for second in range(120):
        for leg in (0, 1):
            session.append(leg, ramp(second * RATE, (second + 1) * RATE))
        studio.turn(second + 1.0)
    assert studio.engine.told(START_S + 120, 0.0).spool_bytes < 2 * (3 * 2 * RATE + (1 << 16) + 8192)
    session.stop(120.0)
    session.close(120.0)
    studio.turn(120.0)
    assert np.array_equal(studio.audio(), [ramp(0, 120 * RATE)] * 2)


def test_the_part_opens_as_a_wav_file_at_any_time(studio: Studio) -> None:
    session = studio.recorded(encoding="ulaw")
    for second in range(5):
        for leg in (0, 1):
            session.append(leg, ramp(second * RATE, (second + 1) * RATE))
        studio.turn(second + 1.0)
        with soundfile.SoundFile(part(studio)) as file:
            assert (file.frames, file.channels) == (max(0, second - 1) * RATE, 2)


def test_a_name_that_is_taken_is_not_overwritten(studio: Studio) -> None:
    folder = part(studio).parent
    folder.mkdir(parents=True)
    (folder / "a.wav").write_text("mine")
    (folder / "a-2.wav.json").write_text("mine too")
    session = studio.recorded(legs=1)
    session.append(0, ramp(0, RATE))
    studio.turn(0.5)
    (folder / "a-3.wav").write_text("came meanwhile")
    session.stop(1.0)
    session.close(1.0)
    studio.turn(1.0)
    assert Path(studio.recording().filename).name == "a-3-2.wav"
    assert (folder / "a.wav").read_text() == "mine"
    assert (folder / "a-2.wav.json").read_text() == "mine too"
    assert (folder / "a-3.wav").read_text() == "came meanwhile"


def test_two_recordings_of_one_name_are_two_files(studio: Studio) -> None:
    for record_id in (1, 2):
        session = studio.recorded(legs=1, record_id=record_id)
        session.append(0, ramp(record_id, RATE))
        studio.turn(0.5)
        session.stop(1.0)
        session.close(1.0)
    studio.turn(1.0)
    assert sorted(Path(studio.recording(n).filename).name for n in (0, 1)) == ["a-2.wav", "a.wav"]


def test_silence_is_measured_on_the_newest_audio(studio: Studio) -> None:
    session = studio.recorded()
    noise = (3000 * np.sin(np.arange(RATE))).astype(np.int16)
    hum = (20 * np.sin(np.arange(RATE))).astype(np.int16)
    for second, sound in enumerate([noise, noise, hum, hum, hum]):
        session.append(0, sound)
        session.append(1, hum)
        studio.turn(second + 1.0)
        told = studio.engine.told(START_S + second + 1.0, 0.0)
    assert told.silent_s == {session.name: 3.0}
    session.append(1, noise)
    studio.turn(6.0)
    assert studio.engine.told(START_S + 6.0, 0.0).silent_s == {session.name: 0.0}


def test_the_hash_is_that_of_the_file(studio: Studio) -> None:
    session = studio.recorded()
    session.append(0, ramp(0, RATE))
    session.append(1, ramp(0, RATE))
    session.stop(1.0)
    session.close(1.0)
    studio.turn(1.0)
    facts = studio.recording()
    assert hashlib.sha256(Path(facts.filename).read_bytes()).hexdigest() == facts.audio_hash


def test_a_turn_tells_what_there_is(studio: Studio) -> None:
    studio.recorded()
    unclaimed = studio.session("b")
    unclaimed.open()
    studio.turn(1.0)
    told = studio.engine.told(START_S + 1.0, 12.5)
    assert (told.sessions, told.recordings, told.turn_ms) == (2, 1, 12.5)
    assert told.disk_free_bytes > 0
    assert told.spool_free_bytes > 0
