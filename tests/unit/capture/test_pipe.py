from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.capture import pipe as pipe_module
from appliance.capture.host import COMMANDS
from appliance.capture.link import EVENTS
from appliance.capture.pipe import MAX_LINE_BYTES, ChildPipe, CorePipe, PipeError, decode, encode
from appliance.capture.protocol import Alive, Command, Done, Shutdown, Start, Stop

START = Start(number=1, line="0", session="s")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, ChildPipe[Command]]]:
    """The core's bare socket and the child's pipe."""
    ours, theirs = socket.socketpair()
    child = ChildPipe(theirs.detach(), COMMANDS)
    yield ours, child
    ours.close()
    child.close()


@given(
    texts=st.lists(st.text(max_size=50), min_size=1, max_size=8),
    cuts=st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=20),
)
def test_messages_arrive_whole_however_the_stream_is_cut(texts: list[str], cuts: list[int]) -> None:
    sent: list[Command] = [Start(number=n, line=text, session=text) for n, text in enumerate(texts)]
    stream = b"".join(encode(message) for message in sent)
    ours, theirs = socket.socketpair()
    child = ChildPipe(theirs.detach(), COMMANDS)
    received = []
    try:
        turn = 0
        while stream:
            size = cuts[turn % len(cuts)]
            turn += 1
            ours.sendall(stream[:size])
            stream = stream[size:]
            while (message := child.receive(0)) is not None:
                received.append(message)
    finally:
        ours.close()
        child.close()
    assert received == sent


def test_a_line_never_holds_a_newline() -> None:
    line = encode(Start(number=1, line="a\nb\u2028", session="\r\n"))
    assert line.count(b"\n") == 1
    assert decode(COMMANDS, line) == Start(number=1, line="a\nb\u2028", session="\r\n")


def test_receive_gives_none_in_time_and_eof_at_the_end(pair: tuple[socket.socket, ChildPipe[Command]]) -> None:
    ours, child = pair
    assert child.receive(0.01) is None
    ours.sendall(encode(START) + encode(Shutdown())[:10])
    ours.close()
    assert child.receive(1) == START  # what was whole before the end still comes
    with pytest.raises(EOFError):
        child.receive(1)
    child.send(Alive())  # to nobody: no fault
    with pytest.raises(EOFError):
        child.receive(0)


@pytest.mark.parametrize("line", [b"nonsense\n", b"{}\n", b'{"verb":"fly","number":1}\n', b"\xff\xfe\n", b"\n"])
def test_what_is_no_message_is_told(pair: tuple[socket.socket, ChildPipe[Command]], line: bytes) -> None:
    ours, child = pair
    ours.sendall(line)
    with pytest.raises(PipeError, match="no message"):
        child.receive(1)


def test_a_line_without_end_is_refused(pair: tuple[socket.socket, ChildPipe[Command]]) -> None:
    ours, child = pair
    ours.settimeout(5)

    def feed() -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            ours.sendall(b"x" * (2 * MAX_LINE_BYTES))

    feeder = threading.Thread(target=feed)
    feeder.start()
    with pytest.raises(PipeError, match="a line of more than"):
        child.receive(5)
    child.close()
    feeder.join(10)


def test_a_message_too_long_is_refused_at_the_sender() -> None:
    with pytest.raises(PipeError, match="too long"):
        encode(Done(number=1, text="x" * MAX_LINE_BYTES))


def test_threads_send_whole_lines_without_waiting(pair: tuple[socket.socket, ChildPipe[Command]]) -> None:
    """Eight threads fill far more than the socket holds while nobody reads; then all of it comes, in order a thread."""
    ours, child = pair
    text = "z" * 500

    def work(thread: int) -> None:
        for n in range(500):
            child.send(Done(number=thread * 1000 + n, text=text))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "send waited for the core"
    flusher = threading.Thread(target=child.flush, args=(10,))
    flusher.start()
    ours.settimeout(10)
    with ours.makefile("rb") as lines:
        numbers = [json.loads(next(lines))["number"] for _ in range(4000)]
    flusher.join(10)
    for k in range(8):
        assert [n for n in numbers if n // 1000 == k] == [k * 1000 + n for n in range(500)]


def test_a_core_that_never_reads_counts_as_gone(
    pair: tuple[socket.socket, ChildPipe[Command]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, child = pair
    monkeypatch.setattr(pipe_module, "MAX_BACKLOG_BYTES", 100_000)
    for n in range(2000):
        child.send(Done(number=n, text="z" * 500))
    assert not child.flush(0.05)
    with pytest.raises(EOFError):
        child.receive(0)


def test_flush_says_whether_all_is_sent(pair: tuple[socket.socket, ChildPipe[Command]]) -> None:
    ours, child = pair
    child.send(Alive())
    assert child.flush(0)
    while child.flush(0):
        child.send(Done(number=1, text="z" * 5000))
    begun_s = time.monotonic()
    assert not child.flush(0.2)
    assert time.monotonic() - begun_s >= 0.2
    ours.close()
    child.flush(1)
    with pytest.raises(EOFError):
        child.receive(1)


async def test_core_and_child_talk() -> None:
    ours, theirs = socket.socketpair()
    core = await CorePipe.open(ours, EVENTS)
    child = ChildPipe(theirs.detach(), COMMANDS)
    assert not os.get_inheritable(child._socket.fileno())
    core.send(START)
    core.send(Stop(number=2, line="0"))
    await asyncio.sleep(0)
    child.send(Done(number=1))
    child.send(Alive())
    assert await core.receive() == Done(number=1)
    assert await core.receive() == Alive()
    os.write(child._socket.fileno(), b'{"event":"do')
    child.close()
    with pytest.raises(EOFError):
        await core.receive()
    core.send(START)  # to nobody: no fault
    core.close()
    core.close()
    await asyncio.sleep(0)


async def test_the_last_words_of_a_child_that_left_commands_unread_are_heard() -> None:
    ours, theirs = socket.socketpair()
    core = await CorePipe.open(ours, EVENTS)
    child = ChildPipe(theirs.detach(), COMMANDS)
    core.send(START)
    child.send(Done(number=1))
    child.send(Done(number=2))
    child.close()  # the kernel tells the core of a broken connection
    assert await core.receive() == Done(number=1)
    await asyncio.sleep(0.05)
    assert await core.receive() == Done(number=2)
    with pytest.raises(EOFError):
        await core.receive()
    core.close()


async def test_core_refuses_garbage_and_endless_lines() -> None:
    ours, theirs = socket.socketpair()
    core = await CorePipe.open(ours, EVENTS)
    theirs.sendall(b"garbage\n")
    with pytest.raises(PipeError, match="no message"):
        await core.receive()
    feeder = asyncio.create_task(asyncio.to_thread(theirs.sendall, b"x" * (2 * MAX_LINE_BYTES + 1)))
    with pytest.raises(PipeError, match="a line of more than"):
        await core.receive()
    core.close()
    with pytest.raises(ConnectionError):
        await feeder
    theirs.close()


async def test_core_does_not_pile_up_for_a_child_that_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe_module, "MAX_BACKLOG_BYTES", 100_000)
    ours, theirs = socket.socketpair()
    core = await CorePipe.open(ours, pydantic.TypeAdapter(Alive))
    for n in range(1000):
        with contextlib.suppress(PipeError):
            core.send(Start(number=n, line="x" * 500, session="s"))
    with pytest.raises(PipeError, match="takes no messages"):
        core.send(START)
    core.close()
    theirs.close()
    await asyncio.sleep(0)
