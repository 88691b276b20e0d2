from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable

import psutil
import pytest

from appliance.capture.child import Child, Program, Watch
from appliance.capture.link import EVENTS
from appliance.capture.protocol import Alive, Done, Ready, Start, WorkerEvent
from tests.unit.capture.actor import ActorOptions

QUICK = Watch(first_s=0.05, most_s=0.2)


class Owner:
    """Holds a child and notes what it tells."""

    def __init__(self, act: str, watch: Watch = QUICK) -> None:
        self.messages: list[WorkerEvent] = []
        self.told: list[str] = []
        self.changed = asyncio.Event()
        self.child: Child[WorkerEvent] = Child(
            Program("actor", "tests.unit.capture.actor", ActorOptions(act=act)),
            EVENTS,
            on_message=self.take,
            on_up=lambda: self.tell("up"),
            on_down=self.tell,
            watch=watch,
        )

    def take(self, message: WorkerEvent) -> None:
        self.messages.append(message)
        self.changed.set()

    def tell(self, text: str) -> None:
        self.told.append(text)
        self.changed.set()

    async def until(self, true: Callable[[], bool], timeout_s: float = 20) -> None:
        async with asyncio.timeout(timeout_s):
            while not true():
                self.changed.clear()
                await self.changed.wait()


async def test_a_child_comes_up_answers_and_shuts_down_in_good_order() -> None:
    owner = Owner("serve")
    keeper = owner.child.start()
    assert not owner.child.send(Start(number=1, line="0", session="s"))  # no process yet
    await owner.until(lambda: owner.child.up)
    pid = owner.child.pid
    assert isinstance(owner.messages[0], Ready)
    assert owner.messages[0].pid == pid
    assert owner.child.send(Start(number=5, line="0", session="s"))
    await owner.until(lambda: Done(number=5) in owner.messages)
    await owner.until(lambda: Alive() in owner.messages)
    await owner.child.close()
    assert keeper.done()
    assert owner.told == ["up"]
    assert owner.child.restarts == 0
    assert not psutil.pid_exists(pid or 0)
    assert not owner.child.send(Start(number=6, line="0", session="s"))


async def test_a_killed_child_is_told_and_started_again() -> None:
    owner = Owner("serve")
    owner.child.start()
    for life in range(3):
        await owner.until(lambda: owner.child.up)
        assert owner.child.restarts == life
        os.kill(owner.child.pid or 0, signal.SIGKILL)
        await owner.until(lambda: not owner.child.up)
    await owner.until(lambda: owner.child.up)
    assert owner.told == ["up", "killed by SIGKILL"] * 3 + ["up"]
    await owner.child.close()


async def test_a_child_whose_time_is_served_is_replaced_and_nothing_is_amiss() -> None:
    owner = Owner("spent", Watch(spent_s=0.1, first_s=60))
    owner.child.start()
    await owner.until(lambda: owner.told == ["up"] * 3)
    assert (owner.child.renewals, owner.child.restarts) == (2, 0)
    await owner.child.close()


async def test_a_child_that_is_spent_too_soon_is_a_fault() -> None:
    owner = Owner("spent", Watch(spent_s=60, first_s=0.05, most_s=0.1))
    owner.child.start()
    await owner.until(lambda: len(owner.told) >= 4)
    assert owner.told[:4] == ["up", "ended with code 75"] * 2
    assert owner.child.renewals == 0
    await owner.child.close()


async def test_a_child_that_ends_at_once_is_started_again_ever_later() -> None:
    owner = Owner("early", Watch(first_s=0.05, most_s=0.1))
    owner.child.start()
    await owner.until(lambda: len(owner.told) >= 3)
    assert set(owner.told) == {"ended with code 7"}
    assert owner.child.restarts >= 2
    await owner.child.close()


async def test_the_wait_doubles_up_to_the_most_and_begins_anew_after_a_healthy_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float | None] = []
    wait_for = asyncio.wait_for

    async def note(waited, timeout):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ASYNC109
        if waited.__qualname__ == "Event.wait":
            waits.append(timeout)
            timeout = 0.001
        return await wait_for(waited, timeout)

    lives = iter([0.0, 0.0, 0.0, 0.0, 2.0, 0.0])
    now_s = 100.0

    async def live(_: Child[WorkerEvent]) -> str:
        nonlocal now_s
        lasted_s = next(lives, None)
        if lasted_s is None:
            owner.child._closing.set()
            return ""
        now_s += lasted_s
        return "gone"

    monkeypatch.setattr("appliance.capture.child.asyncio.wait_for", note)
    monkeypatch.setattr("appliance.capture.child.monotonic_s", lambda: now_s)
    monkeypatch.setattr(Child, "_live", live)
    owner = Owner("serve", Watch(first_s=1, most_s=5, healthy_s=1.5))
    await owner.child.start()
    assert waits == [1, 2, 4, 5, 1, 2]
    assert owner.child.restarts == 6


@pytest.mark.parametrize(
    ("act", "watch"),
    [
        ("silent", Watch(first_s=0.05, alive_s=0.5)),
        ("never ready", Watch(first_s=0.05, ready_s=0.5)),
    ],
)
async def test_a_child_without_a_sign_of_life_is_killed_and_started_again(act: str, watch: Watch) -> None:
    owner = Owner(act, watch)
    owner.child.start()
    await owner.until(lambda: owner.told.count("hung, and was killed") == 2)
    assert owner.child.restarts == 1
    await owner.child.close(timeout_s=0.1)


@pytest.mark.parametrize(
    ("act", "reason"), [("garbage", "said what is no message"), ("endless", "a line of more than 1048576 bytes")]
)
async def test_a_child_that_talks_nonsense_is_replaced(act: str, reason: str) -> None:
    owner = Owner(act)
    owner.child.start()
    await owner.until(lambda: len(owner.told) >= 2)
    assert all(reason in text for text in owner.told)
    await owner.child.close(timeout_s=0.1)


async def test_a_held_up_loop_does_not_blame_the_child() -> None:
    import time

    owner = Owner("serve", Watch(alive_s=2))
    owner.child.start()
    await owner.until(lambda: owner.child.up)
    time.sleep(2.5)  # noqa: ASYNC251 - this is the fault
    await asyncio.sleep(0.5)
    assert owner.told == ["up"]
    await owner.child.close()


async def test_a_child_that_takes_no_shutdown_gets_sigterm(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner("stubborn")
    owner.child.start()
    await owner.until(lambda: owner.child.up)
    pid = owner.child.pid or 0
    await owner.child.close(timeout_s=0.1)
    assert not psutil.pid_exists(pid)
    assert "SIGTERM" in caplog.text
    assert "SIGKILL" not in caplog.text


async def test_a_deaf_child_gets_sigkill_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.capture.child._TERM_S", 0.2)
    owner = Owner("deaf")
    owner.child.start()
    await owner.until(lambda: owner.child.up)
    pid = owner.child.pid or 0
    await owner.child.close(timeout_s=0.1)
    assert not psutil.pid_exists(pid)
    assert owner.told == ["up"]  # an end that was asked for is not told


async def test_close_before_the_start_and_in_a_pause_is_harmless() -> None:
    owner = Owner("early", Watch(first_s=30))
    await owner.child.close()
    owner.child.start()
    await owner.until(lambda: len(owner.told) == 1)
    async with asyncio.timeout(10):
        await owner.child.close()
        await owner.child.close()
    assert owner.child.restarts == 0


async def test_close_while_the_child_starts_ends_it() -> None:
    owner = Owner("serve")
    owner.child.start()
    await asyncio.sleep(0)
    await owner.child.close()
    assert owner.child.pid is None


async def test_a_fault_of_a_callback_ends_the_task_and_the_process() -> None:
    owner = Owner("serve")

    def fail(_: WorkerEvent) -> None:
        raise ZeroDivisionError

    owner.child._on_message = fail
    keeper = owner.child.start()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(keeper, 20)
    assert owner.child.pid is None


async def test_output_goes_to_the_log_at_its_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    owner = Owner("chatty")
    owner.child.start()
    await owner.until(lambda: owner.child.up)
    await owner.child.close()
    said = [(r.levelno, r.getMessage()) for r in caplog.records if r.name == "appliance.capture.process"]
    assert any(level == logging.INFO and text.endswith(": actor: said at info") for level, text in said)
    assert any(level == logging.WARNING and text.endswith(": said without a level") for level, text in said)
    assert any(level == logging.WARNING and text.endswith(": no end of line") for level, text in said)
    assert sum(text.count("y") for _, text in said) >= 20000  # a long line is cut, not dropped
    assert sum(text.endswith(": no card") for _, text in said) == 1  # one that is said again and again is told once


async def test_the_child_is_no_member_of_our_process_group() -> None:
    owner = Owner("serve")
    owner.child.start()
    await owner.until(lambda: owner.child.up)
    pid = owner.child.pid or 0
    assert os.getpgid(pid) == pid
    assert psutil.Process(pid).num_fds() <= 5, "the child inherited more than its standard files and the pipe"
    await owner.child.close()
