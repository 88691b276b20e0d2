"""The one thread that PJSIP belongs to: it handles PJSIP's events, our orders and what is due by the clock."""

from __future__ import annotations

import concurrent.futures
import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar, final

from drivers.contract import TapFailedError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LONGEST_S: Final = 0.05  # that an order of another thread waits


class Events(Protocol):
    """What the thread turns."""

    def open(self) -> None:
        """Open the library on this thread. What it raises, :meth:`Loop.start` raises."""
        ...

    def handle(self, wait_s: float) -> None:
        """Handle events, waiting so long for the first at most."""
        ...


@final
class Loop:
    """The thread. ``start``, ``call``, ``post`` and ``stop`` are for other threads; ``later`` is for this one alone."""

    def __init__(self, name: str, events: Events) -> None:
        self._events = events
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._opened: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._ending = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self, timeout_s: float = 15.0) -> None:
        """Start the thread and open the library on it; raises what that raises."""
        self._thread.start()
        try:
            self._opened.result(timeout_s)
        except TimeoutError as error:
            raise TapFailedError("PJSIP does not start") from error

    def check(self) -> None:
        """Raise :class:`TapFailedError` if the thread has died."""
        if self._failure is not None:
            raise TapFailedError(f"the PJSIP thread died: {self._failure!r}") from self._failure

    def call(self, order: Callable[[], T], timeout_s: float = 5.0) -> T:
        """Carry out ``order`` on the thread; gives or raises what it gives or raises."""
        self.check()
        result: concurrent.futures.Future[T] = concurrent.futures.Future()

        def carry_out() -> None:
            try:
                result.set_result(order())
            except Exception as error:  # noqa: BLE001 - handed to the caller, who raises it
                result.set_exception(error)

        self._orders.put(carry_out)
        return self.wait(result, timeout_s)

    def post(self, act: Callable[[], None]) -> None:
        """Call ``act`` on the thread soon. For any thread; what it raises ends the thread."""
        self._orders.put(act)

    def wait(self, result: concurrent.futures.Future[T], timeout_s: float) -> T:
        """Wait for a result that the thread will set. Raises :class:`TapFailedError` past ``timeout_s``."""
        try:
            return result.result(timeout_s)
        except TimeoutError as error:
            self.check()
            raise TapFailedError(f"the PJSIP thread did not answer in {timeout_s} s") from error

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Call ``act`` on this thread in ``delay_s``."""
        heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._count), act))

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the thread."""
        self._ending = True
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._events.open()
        except Exception as error:  # noqa: BLE001 - start() raises it on the caller's thread
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            while not self._ending:
                self._turn()
        except Exception as error:
            logger.exception("the PJSIP thread died")
            self._failure = error

    def _turn(self) -> None:
        due_s = self._due[0][0] - time.monotonic() if self._due else _LONGEST_S
        self._events.handle(min(max(0.0, due_s), _LONGEST_S) if self._orders.empty() else 0.0)
        while not self._orders.empty():
            self._orders.get()()
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()
