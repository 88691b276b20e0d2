"""Serve the port that is given as the argument, for as long as the machine runs."""

from __future__ import annotations

import os
import sys
import time

from hil.rig.agent.service import Agent


def main() -> None:
    """Read the port; a host that goes away is waited for again."""
    fd = os.open(sys.argv[1], os.O_RDWR)
    agent = Agent(lambda data: os.write(fd, data))
    while True:
        data = os.read(fd, 65536)
        if data:
            agent.feed(data)
        else:
            time.sleep(0.05)  # no host: the port is at its end until one comes


if __name__ == "__main__":
    main()
