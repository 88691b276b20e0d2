"""The agent and the host's link to it, over a real socket: what they say to each other inside a machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.rig.agent import commands, wire
from hil.rig.agent.service import Agent
from hil.rig.errors import CommandError, MachineError, MachineTimeoutError
from hil.rig.link import Link


def serve(stream: socket.socket) -> None:
    agent = Agent(stream.send)
    while data := stream.recv(65536):
        agent.feed(data)


@pytest.fixture
def link() -> Iterator[Link]:
    near, far = socket.socketpair()
    thread = threading.Thread(target=serve, args=(far,))
    thread.start()
    link = Link(near)
    yield link
    link.close()
    thread.join(10)
    far.close()
    assert not thread.is_alive()


def test_a_command_gives_its_code_and_both_outputs(link: Link) -> None:
    heard: list[bytes] = []
    words = ["sh", "-c", "echo out; echo err >&2; exit 7"]
    done = link.run(words, timeout_s=20, host_timeout_s=60, hear_output=heard.append)
    assert (done.code, done.output, done.errors) == (7, b"out\n", b"err\n")
    assert b"".join(heard) == b"out\n"
    assert 0 < done.machine_s < 20
    with pytest.raises(CommandError, match=r"ended with 7:\nout\nerr"):
        done.check()


def test_there_is_no_shell_between(link: Link) -> None:
    done = link.run(["echo", "$HOME;", "*"], timeout_s=20, host_timeout_s=60)
    assert done.check().text == "$HOME; *\n"


def test_folder_and_environment_are_the_ones_asked_for(link: Link, tmp_path: Path) -> None:
    words = ["sh", "-c", 'pwd; echo "$COLOUR"']
    done = link.run(words, timeout_s=20, host_timeout_s=60, cwd=str(tmp_path), env={"COLOUR": "green"})
    assert done.text == f"{tmp_path}\ngreen\n"


def test_a_large_output_comes_whole(link: Link) -> None:
    done = link.run(["seq", "200000"], timeout_s=60, host_timeout_s=120)
    assert done.text.splitlines() == [str(n) for n in range(1, 200_001)]


def test_a_command_over_its_time_is_killed_with_its_children(link: Link, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    words = ["sh", "-c", f"sleep 600 & echo $! > {note}; echo begun; wait"]
    done = link.run(words, timeout_s=1, host_timeout_s=60)
    assert (done.code, done.output) == (commands.TIMED_OUT, b"begun\n")
    child = int(note.read_text())
    deadline_s = time.monotonic() + 10  # the kernel takes a moment to end what it was told to kill
    while alive(child) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Whether the process runs; one that waits for its parent's look does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_a_command_leaves_running_does_not_hold_it_up(link: Link, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    done = link.run(["sh", "-c", f"sleep 30 & echo $! > {note}; echo gone"], timeout_s=20, host_timeout_s=25)
    assert (done.code, done.output) == (0, b"gone\n")
    link.run(["kill", note.read_text().strip()], timeout_s=20, host_timeout_s=60).check()


def test_a_command_that_is_killed_says_by_which_signal(link: Link) -> None:
    assert link.run(["sh", "-c", "kill -TERM $$"], timeout_s=20, host_timeout_s=60).code == -15


def test_a_program_that_is_not_there_is_an_error_with_its_name(link: Link) -> None:
    with pytest.raises(MachineError, match="no-such-program"):
        link.run(["no-such-program"], timeout_s=20, host_timeout_s=60)
    link.hello(10)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next(link: Link) -> None:
    with pytest.raises(MachineTimeoutError):
        link.run(["sh", "-c", "sleep 1; echo late"], timeout_s=20, host_timeout_s=0.2)
    assert link.run(["sh", "-c", "sleep 1; echo mine"], timeout_s=20, host_timeout_s=60).output == b"mine\n"


@pytest.mark.parametrize("size", [0, 1, wire.PIECE_BYTES, 2 * wire.PIECE_BYTES + 5])
def test_files_go_there_and_back_unchanged(link: Link, tmp_path: Path, size: int) -> None:
    data = bytes(n * 7 % 256 for n in range(size))
    path = tmp_path / "new folder" / "file"
    link.put(str(path), b"longer than before" * 5)
    link.put(str(path), data, 0o755)
    assert path.read_bytes() == data
    assert link.get(str(path)) == data


def test_a_file_that_is_not_there_is_an_error(link: Link, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="nothing"):
        link.get(str(tmp_path / "nothing"))


def test_a_machine_that_goes_away_is_an_error() -> None:
    near, far = socket.socketpair()
    link = Link(near)
    far.close()
    with pytest.raises(MachineError, match="gone"):
        link.hello(10)
    link.close()


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers())), st.data())
def test_messages_survive_however_the_stream_is_cut(messages: list[dict[str, object]], data: st.DataObject) -> None:
    stream = b"".join(map(wire.encode, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    lines = wire.Lines()
    ends = zip([0, *cuts], [*cuts, len(stream)], strict=True)
    assert [message for begin, end in ends for message in lines.feed(stream[begin:end])] == messages


@pytest.mark.parametrize("line", [b"[1]\n", b"no json\n"])
def test_a_line_that_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- json's own text
        wire.Lines().feed(line)
