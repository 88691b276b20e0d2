"""How a trunk is divided: into workers, behind a front or not, and which ports its callers use by that."""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
import math
from collections.abc import Iterator
from typing import Final

from drivers.contract import Line, TapOptionsError, WorkerPlan
from drivers.taps.sip._options import Options
from drivers.taps.sip._place import BEHIND, FRONT, LOCAL, RELAY, Place
from drivers.taps.sip.front import Program, find_engine, last_port

logger = logging.getLogger(__name__)

_LEGS: Final = 2
LAST_PORT: Final = 65535


def share(calls: int, limit: int, rate_hz: int = 8000) -> list[WorkerPlan]:
    """Share ``calls`` lines out to as few workers as hold ``limit`` each; names count through all of them."""
    names = [Line(str(number), _LEGS, rate_hz) for number in range(calls)]
    return [
        WorkerPlan(worker, tuple(names[worker * limit : (worker + 1) * limit]))
        for worker in range(math.ceil(calls / limit))
    ]


def has_front(options: Options) -> bool:
    """Whether a front takes the calls.

    Raises TapOptionsError where Kamailio is not installed and ``front``, or something that only a front does, asks
    for it: nobody may believe that TLS or SRTP is taken where it is not.
    """
    if options.front == "none":
        return False
    if Program.find() is not None:
        return True
    if options.front == "kamailio" or options.needs_front:
        what = options.needs_front or 'front = "kamailio"'
        raise TapOptionsError(f"{what} needs the package kamailio")
    return False


def check_ports(options: Options, workers: int, *, front: bool) -> None:
    """Raise TapOptionsError where there are not as many ports as the workers need, or not the relay."""
    last = workers - 1
    sip = options.worker_port(last) + 1 if front else options.sip_port(last)
    first, many = options.rtp_range(last)
    if options.media == "rtpengine":
        find_engine()
        last_port(options, options.calls)
    for name, port in (("port", sip), ("rtp_ports", first + many - 1)):
        if port > LAST_PORT:
            raise TapOptionsError(f"{name}: {options.calls} calls need the ports up to {port}; the last is {LAST_PORT}")


def tell_ports(options: Options, workers: int, *, front: bool) -> None:
    """Log where the trunk takes calls."""
    host, ports = options.host, ", ".join(str(options.sip_port(worker)) for worker in range(workers))
    if front:
        first, last = options.worker_port(0), options.worker_port(workers - 1) + 1
        plain = f"calls come to port {options.port} of {host}"
        tls = f", those by TLS to port {options.tls_port}" if options.tls_port else ""
        whom = f"spreads them over {workers} workers" if workers > 1 else "hands them to 1 worker"
        behind = f"Kamailio {whom} (ports {first} to {last} of the loopback)"
        logger.info("%s%s: %s", plain, tls, behind)
        return
    text = f"{workers} workers take calls on ports of their own of {host}: {ports}"
    if workers == 1:
        text = f"calls come to port {ports} of {host}"
    elif options.front == "auto":
        text += f"; with the package kamailio, which is not installed, all come to port {options.port}"
    logger.log(logging.WARNING if options.front == "auto" and workers > 1 else logging.INFO, "%s", text)


def tell_callers(options: Options) -> None:
    """Warn where nobody is kept from placing calls."""
    if not (options.peers or ipaddress.IPv4Address(options.host).is_loopback):
        logger.warning("whoever reaches %s may place calls: peers names who may", options.host)


def with_front(workers: list[WorkerPlan], *, relay: bool = False) -> list[WorkerPlan]:
    """Put the workers behind a front, and rtpengine where it is to ``relay`` their audio; the front is the last one."""
    shares = tuple(len(worker.lines) for worker in workers)
    behind = [dataclasses.replace(worker, role=BEHIND) for worker in workers]
    roles = [RELAY, FRONT] if relay else [FRONT]
    return [*behind, *(WorkerPlan(len(workers) + n, (), role, shares) for n, role in enumerate(roles))]


def addressed(options: Options, workers: list[WorkerPlan]) -> list[WorkerPlan]:
    """Say where each worker listens. RTP is left out: each stream takes the next free port of its range."""
    return [dataclasses.replace(worker, listens=tuple(_addresses(options, worker))) for worker in workers]


def _addresses(options: Options, worker: WorkerPlan) -> Iterator[str]:
    if worker.role == FRONT:
        yield f"{options.host}:{options.port}"
        yield f"{LOCAL}:{options.inside_port}"
        if options.tls_port:
            yield f"{options.host}:{options.tls_port}"
        return
    if worker.role == RELAY:
        yield f"{LOCAL}:{options.engine_port}"
        return
    place = Place.of(options, worker)
    yield f"{place.host}:{place.port}"
    if place.door:
        yield f"{place.host}:{place.door}"
