"""Mails through a real server over TLS: what arrives, what is tried again, what fails, and what is told of it."""

from __future__ import annotations

import asyncio
import io
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from appliance.audio import measure
from appliance.errors import FileMissingError, UnlicensedError, ValueInvalidError
from appliance.recording.facts import Recording
from appliance.store.mail import MailState
from tests.postbox import PASSWORD, WAIT_S, Postbox, attachment
from tests.unit.mail.conftest import RATE_HZ, Open

TO = ("ann@example.com",)


def check_tones(pcm: npt.NDArray[Any]) -> None:
    assert pcm.shape == (3 * RATE_HZ, 2)
    for side, frequency_hz in enumerate((400, 1100)):
        assert measure.find_tone(pcm[:, side], RATE_HZ).frequency_hz == pytest.approx(frequency_hz, abs=0.5)


@pytest.mark.parametrize("tls", ["starttls", "tls", "none"])
async def test_a_mail_arrives_with_the_recording(tmp_path: Path, office: Open, recording: Recording, tls: Any) -> None:
    with Postbox(tmp_path, tls=tls) as postbox:
        async with office(postbox.settings()) as at:
            await at.store.records.save(recording)
            await at.queue.put(recording, TO, "WAV")
            mail = await at.until(MailState.SENT)
        (letter,) = postbox.taken
    assert (mail.attempts, mail.reply) == (1, "250 kept as 4711")
    assert (letter["From"], letter["To"], postbox.senders) == ("box@example.com", TO[0], ["box@example.com"])
    assert letter["Message-ID"] == mail.message_id
    assert letter["Bcc"] is None
    assert letter["Subject"].startswith("Recording 204, Büro Bcc: x@y, 2026-03-0")
    text = letter.get_body().get_content()  # type: ignore[union-attr]
    assert "From:        5551000" in text
    assert "Left out:    1 gaps, 1 blackouts" in text
    name, kind, octets = attachment(letter)
    assert (name, kind) == ("Büro-13-04-05.wav", "audio/wav")
    check_tones(soundfile.read(io.BytesIO(octets), dtype="int16")[0])
    assert postbox.log_ins == ([] if tls == "none" else [True])


async def test_every_format_arrives_whole(postbox: Postbox, office: Open, recording: Recording) -> None:
    async with office(postbox.settings()) as at:
        await at.store.records.save(recording)
        for mail_id, suffix in enumerate(("mp3", "m4a", "vox"), 1):
            await at.queue.put(recording, TO, suffix)
            await at.until(MailState.SENT, mail_id=mail_id)
            _, octets = await at.exporter.open(recording, suffix)
            assert attachment(postbox.taken[-1])[2] == b"".join([part async for part in octets])
    mp3, m4a, vox = (attachment(letter) for letter in postbox.taken)
    assert [part[1] for part in (mp3, m4a, vox)] == ["audio/mpeg", "audio/mp4", "application/octet-stream"]
    check_tones(soundfile.read(io.BytesIO(mp3[2]), dtype="int16")[0])
    with av.open(io.BytesIO(m4a[2]), "r") as container:
        pcm = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1).T
    check_tones((pcm[: 3 * RATE_HZ] * 32767).astype(np.int16))
    assert len(vox[2]) == 3 * RATE_HZ / 2


async def test_each_address_gets_a_mail_of_its_own(postbox: Postbox, office: Open, recording: Recording) -> None:
    postbox.answer_to = lambda address: "550-5.1.1 nobody\r\n550 5.1.1 of that name" if address == "no@b" else "250 OK"
    async with office(postbox.settings()) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording, ("no@b", "yes@b"), "wav")
        refused = await at.until(MailState.FAILED)
        await at.until(MailState.SENT, mail_id=2)
    assert (refused.attempts, refused.reply) == (1, "550 5.1.1 nobody 5.1.1 of that name")
    assert [letter["To"] for letter in postbox.taken] == ["yes@b"]


async def test_what_is_refused_for_now_is_tried_again(postbox: Postbox, office: Open, recording: Recording) -> None:
    answers = iter(["451 4.3.0 busy", "250 now"])
    postbox.answer_at_end = lambda: next(answers)
    async with office(postbox.settings()) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording, TO, "mp3")
        assert (await at.until(MailState.QUEUED, attempts=1)).reply == "451 4.3.0 busy"
        mail = await at.until(MailState.SENT)
    assert (mail.attempts, mail.reply) == (2, "250 now")
    assert (mail.due_at - mail.queued_at).total_seconds() == pytest.approx(1, abs=0.9)


async def test_a_server_that_does_not_take_it_at_all_fails_it(
    postbox: Postbox, office: Open, recording: Recording
) -> None:
    postbox.most_bytes = 20_000
    async with office(postbox.settings()) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording, TO, "wav")
        failed = await at.until(MailState.FAILED)
    assert failed.reply.startswith("552 ")
    assert not postbox.taken


async def test_an_unknown_authority_is_not_trusted(
    tmp_path: Path, postbox: Postbox, office: Open, recording: Recording
) -> None:
    (tmp_path / "other").mkdir()
    other = Postbox(tmp_path / "other")
    async with office(postbox.settings(ca_file=other.ca_file)) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording, TO, "wav")
        waiting = await at.until(MailState.QUEUED, attempts=1)
    assert "certificate verify failed" in waiting.reply
    assert (postbox.log_ins, postbox.taken) == ([], [])


async def test_a_wrong_password_is_told_and_not_hammered(postbox: Postbox, office: Open, recording: Recording) -> None:
    postbox.password_file.write_text("wrong")
    async with office(postbox.settings(retry_s=2)) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording, (*TO, "b@c", "d@e"), "wav")
        waiting = await at.until(MailState.QUEUED, attempts=1)
        assert waiting.reply.startswith("535 ")
        assert PASSWORD not in waiting.model_dump_json()
        log_ins = len(postbox.log_ins)
        await asyncio.sleep(0.5)
        assert len(postbox.log_ins) == log_ins, "the other mails rest too"
        postbox.password_file.write_text(PASSWORD)
        for mail_id in (1, 2, 3):
            await at.until(MailState.SENT, mail_id=mail_id)


async def test_a_server_without_starttls_gets_no_password(tmp_path: Path, office: Open, recording: Recording) -> None:
    with Postbox(tmp_path, tls="none") as postbox:
        postbox.tls = "starttls"
        settings = postbox.settings()
        postbox.tls = "none"
        async with office(settings) as at:
            await at.store.records.save(recording)
            await at.queue.put(recording, TO, "wav")
            waiting = await at.until(MailState.QUEUED, attempts=1)
    assert "STARTTLS" in waiting.reply
    assert not postbox.taken


async def test_a_silent_server_is_given_up_for_now(office: Open, tmp_path: Path, recording: Recording) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    settings = Postbox(tmp_path).settings(port=server.sockets[0].getsockname()[1], timeout_s=1)
    async with office(settings) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording, TO, "wav")
        waiting = await at.until(MailState.QUEUED, attempts=1)
    server.close()
    await server.wait_closed()
    assert "imed out" in waiting.reply


async def test_the_queue_holds_a_mail_across_a_restart_until_the_server_is_back(
    postbox: Postbox, office: Open, recording: Recording
) -> None:
    settings = postbox.settings()
    postbox.close()
    async with office(settings) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording, TO, "mp3")
        waiting = await at.until(MailState.QUEUED, attempts=1)
        assert "127.0.0.1" in waiting.reply
    async with office(settings) as at:
        await at.until(MailState.QUEUED, attempts=2)
        postbox.open()
        sent = await at.until(MailState.SENT)
    assert sent.message_id == waiting.message_id == postbox.taken[0]["Message-ID"]


async def test_a_box_that_goes_down_while_it_sends_sends_again(
    postbox: Postbox, office: Open, recording: Recording
) -> None:
    reached, release = threading.Event(), threading.Event()

    def stuck() -> str:
        reached.set()
        release.wait(WAIT_S)
        return "451 too late"

    good = postbox.answer_at_end
    postbox.answer_at_end = stuck
    async with office(postbox.settings(timeout_s=60)) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording, TO, "wav")
        assert await asyncio.to_thread(reached.wait, WAIT_S)
        assert (await at.until(MailState.SENDING)).attempts == 1
    postbox.answer_at_end = good
    release.set()
    async with office(postbox.settings()) as at:
        assert (await at.until(MailState.SENT)).attempts == 2
    assert len(postbox.taken) == 1


async def test_a_mail_is_given_up_at_its_age(postbox: Postbox, office: Open, recording: Recording) -> None:
    settings = postbox.settings(give_up_h=0)
    postbox.close()
    async with office(settings) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording, TO, "wav")
        failed = await at.until(MailState.FAILED)
    assert failed.reply.startswith("given up: ")
    assert failed.finished_at is not None


async def test_a_file_that_is_away_is_waited_for_and_a_record_that_is_gone_is_not(
    postbox: Postbox, office: Open, recording: Recording
) -> None:
    path = Path(recording.filename)
    async with office(postbox.settings(retry_s=1)) as at:
        await at.store.records.save(recording)
        await at.queue.put(recording.model_copy(update={"record_id": 9}), TO, "wav")
        assert (await at.until(MailState.FAILED)).reply == "there is no such record any more"
        away = await asyncio.to_thread(path.rename, path.with_suffix(".away"))
        await asyncio.to_thread(path.touch)
        await at.queue.put(recording, TO, "wav")
        assert (await at.until(MailState.QUEUED, attempts=1, mail_id=2)).reply == "the recording's file cannot be read"
        await asyncio.to_thread(away.rename, path)
        await at.until(MailState.SENT, mail_id=2)


async def test_what_cannot_be_queued_is_told_at_once(postbox: Postbox, office: Open, recording: Recording) -> None:
    async with office(postbox.settings(recipients=["*@example.com"], most_waiting=1)) as at:
        with pytest.raises(ValueInvalidError, match="mail may not go to a@b"):
            await at.queue.put(recording, (*TO, "a@b"), "wav")
        with pytest.raises(ValueInvalidError, match="format is not public"):
            await at.queue.put(recording, TO, "cav")
        with pytest.raises(ValueInvalidError, match="the mail queue is full"):
            await at.queue.put(recording, (*TO, "b@example.com"), "wav")
        with pytest.raises(FileMissingError):
            await at.queue.put(recording.model_copy(update={"filename": "/no/where.wav"}), TO, "wav")
        assert await at.store.mails.all() == []
    async with office({}) as at:
        with pytest.raises(UnlicensedError, match="mail is switched off"):
            await at.queue.put(recording, TO, "wav")
