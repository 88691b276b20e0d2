"""PJSIP's side of TCP: its listener is taken away from it, and connections are given to it one by one.

PJSIP keeps what it needs of its listener (its address, and the way to connections of its own), but never sees a
connection come: behind its descriptor lies a socket that nobody can reach. A connection is given to it as its own
listener would have done, by the function that PJSIP calls when one was accepted. It stands in ``pj_activesock_t``,
which belongs to ``tcp_listener``; neither is in PJSIP's headers, so both are checked for what must be there.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from ctypes import CFUNCTYPE, c_char_p, c_int, c_void_p
from pathlib import Path
from typing import Any, Final, final

from drivers.contract import TapFailedError, TapOptionsError
from drivers.taps.sip._descriptors import own_socket
from drivers.taps.sip._native import Native, address_in, library_path
from drivers.taps.sip._place import Place

_WAITING: Final = 128  # connections that the kernel accepts ahead of us
_LISTENER_BYTES: Final = 256
_SOCKET_BYTES: Final = 128
_OWNERS: Final = struct.Struct("@QQQ")  # in tcp_listener: endpoint, transport manager, active socket
_CALLBACKS: Final = struct.Struct("@QIIIxxxxQQQQ")  # from the owner on: three numbers, and what is called; accept: last
_OnAccept: Final = CFUNCTYPE(c_int, c_void_p, c_int, c_char_p, c_int)


@final
class Acceptor:
    """For the PJSIP thread alone, from its making on. ``listener`` may be used anywhere."""

    def __init__(self, native: Native, place: Place) -> None:
        try:
            factory = native.listen_tcp(place.host, place.port, published=not place.everywhere)
        except TapFailedError as error:
            raise TapOptionsError(f"cannot listen on {place.host}:{place.port}: {error}") from error
        self._active_socket = _active_socket(native, factory)
        self._accepted = _accepted(factory, self._active_socket)
        self._nobody, end = socket.socketpair()
        with end:
            self.listener = _take_listener(place.port, end)

    def give(self, descriptor: int, peer: tuple[str, int]) -> None:
        """Give PJSIP a connection, and its descriptor with it, as one that ``peer`` has made."""
        address = address_in(*peer)
        self._accepted(self._active_socket, descriptor, address, len(address))


def _active_socket(native: Native, factory: int) -> int:
    octets = ctypes.string_at(factory, _LISTENER_BYTES)
    at = octets.find(struct.pack("@QQ", native.endpoint, native.transports))
    found = _OWNERS.unpack_from(octets, at)[2] if 0 <= at <= _LISTENER_BYTES - _OWNERS.size else 0
    if not found or found % 8 or native.owner_of(found) != factory:
        raise TapOptionsError("this build of pjsua2 has another listener for TCP than the driver knows")
    return int(found)


def _accepted(factory: int, active_socket: int) -> Any:
    """Give the function that PJSIP calls for a connection that was accepted: the only one that its listener has."""
    octets = ctypes.string_at(active_socket, _SOCKET_BYTES)
    at = octets.find(struct.pack("@Q", factory))
    *others, accept = _CALLBACKS.unpack_from(octets, at)[4:] if 0 <= at <= _SOCKET_BYTES - _CALLBACKS.size else [1, 0]
    if any(others) or not _is_code(accept):
        raise TapOptionsError("this build of pjsua2 accepts connections in another way than the driver knows")
    return _OnAccept(accept)


def _is_code(address: int) -> bool:
    """Whether something in PJSIP's library can be called there."""
    name = str(library_path())
    for line in Path("/proc/self/maps").read_text("utf-8", "replace").splitlines():
        span, rights, *_, path = line.split(maxsplit=5)
        first, _, last = span.partition("-")
        if path == name and "x" in rights and int(first, 16) <= address < int(last, 16):
            return True
    return False


def _take_listener(port: int, instead: socket.socket) -> socket.socket:
    """Take PJSIP's listener, and leave it a socket on which nobody comes."""
    with own_socket(socket.SOCK_STREAM, port) as found:
        if found is None:
            raise TapOptionsError("this build of pjsua2 does not listen where it was told to")
        number, listener = found
        own = listener.dup()
        os.dup2(instead.fileno(), number, inheritable=False)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # our own ends to PJSIP have this port too
    own.listen(_WAITING)
    own.setblocking(False)
    return own
