"""Takes requests off the line and answers them, commands each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, final

from hil.rig.agent import commands
from hil.rig.agent.wire import Lines, encode

Tell = Callable[[dict[str, Any]], None]


def _hello(_: dict[str, Any]) -> dict[str, Any]:
    return {}


QUICK: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "hello": _hello,
    "put": commands.put,
    "get": commands.get,
    "set_clock": commands.set_clock,
}


@final
class Agent:
    """``write`` sends bytes and returns how many went; it is called from several threads, one at a time."""

    def __init__(self, write: Callable[[bytes], int]) -> None:
        self._write = write
        self._lines = Lines()
        self._sending = threading.Lock()

    def feed(self, data: bytes) -> None:
        """Take bytes from the host; begins the work that they ask for. Quick work is done on return."""
        for request in self._lines.feed(data):
            if request["do"] == "run":
                threading.Thread(target=self._answer, args=(request,), name=f"run {request['id']}", daemon=True).start()
            else:
                self._answer(request)

    def _answer(self, request: dict[str, Any]) -> None:
        def tell(message: dict[str, Any]) -> None:
            self._send({"id": request["id"], **message})

        try:
            tell({"done": _carry_out(request, tell)})
        except (OSError, ValueError, KeyError) as error:
            tell({"failed": f"{request['do']}: {error}"})

    def _send(self, message: dict[str, Any]) -> None:
        data = memoryview(encode(message))
        with self._sending:
            while data:
                data = data[self._write(data.tobytes()) :]


def _carry_out(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    if request["do"] == "run":
        return commands.run(request, tell)
    if request["do"] in QUICK:
        return QUICK[request["do"]](request)
    raise ValueError("there is no such request")
