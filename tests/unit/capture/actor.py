"""A child that does what its ``act`` says: ``python -m tests.unit.capture.actor <fd> {"act": …}``."""

from __future__ import annotations

import os
import signal
import sys
import time

import pydantic

from appliance.capture.host import COMMANDS
from appliance.capture.pipe import ChildPipe
from appliance.capture.protocol import SPENT_CODE, Alive, Command, Done, Ready, Shutdown


class ActorOptions(pydantic.BaseModel):
    act: str = "serve"


def serve(pipe: ChildPipe[Command], *, ends: bool = True) -> None:
    pipe.send(Ready(lines=[], pid=os.getpid()))
    while True:
        pipe.send(Alive())
        try:
            command = pipe.receive(0.1)
        except EOFError:
            return
        if isinstance(command, Shutdown) and ends:
            return
        if command is not None:
            pipe.send(Done(number=command.number))


def flood(fd: int) -> None:
    """Send without ever ending a line."""
    while True:
        time.sleep(0.001)
        try:
            os.write(fd, b"x" * 65536)
        except BlockingIOError:
            continue
        except ConnectionError:
            return


def main() -> None:
    fd, act = int(sys.argv[1]), ActorOptions.model_validate_json(sys.argv[2]).act
    pipe = ChildPipe(fd, COMMANDS)
    match act:
        case "early":
            sys.exit(7)
        case "spent":
            pipe.send(Ready(lines=[], pid=os.getpid()))
            time.sleep(0.3)
            sys.exit(SPENT_CODE)
        case "garbage":
            os.write(fd, b"this is no JSON\n")
            time.sleep(60)
        case "endless":
            flood(fd)
        case "silent":
            pipe.send(Ready(lines=[], pid=os.getpid()))
            time.sleep(60)
        case "never ready":
            time.sleep(60)
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case "chatty":
            os.write(2, b"no card\n" * 50)
            os.write(2, b"INFO actor: said at info\nsaid without a level\n" + b"y" * 20000 + b"\nno end of line")
    serve(pipe, ends=act not in {"deaf", "stubborn"})


if __name__ == "__main__":
    main()
