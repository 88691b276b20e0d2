"""The C functions of PJSIP that its Python binding does not offer, reached in the same shared library by ctypes.

Every symbol is looked up when the library is loaded, so that another build fails at start and says why. All of it is
for the PJSIP thread alone.
"""

from __future__ import annotations

import ctypes
import math
import socket
import struct
from ctypes import (
    CFUNCTYPE,
    POINTER,
    byref,
    c_char_p,
    c_int,
    c_long,
    c_size_t,
    c_ssize_t,
    c_ubyte,
    c_uint,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any, ClassVar, Final, final

from drivers.contract import TapFailedError, TapOptionsError

OnRequest = CFUNCTYPE(c_int, c_void_p)

_FRAME_MS: Final = 20
_NO_LOOP: Final = 1
_FORMAT_AT: Final = 36  # in pjmedia_port: clock rate, channels, frame time in µs, bits
_FORMAT: Final = struct.Struct("=IIII")

_SIGNATURES: Final[dict[str, tuple[type | None, list[type]]]] = {
    "pj_log_set_level": (None, [c_int]),
    "pj_pool_release": (None, [c_void_p]),
    "pj_activesock_get_user_data": (c_void_p, [c_void_p]),
    "pjmedia_port_destroy": (c_int, [c_void_p]),
    "pjmedia_codec_g722_set_pcm_shift": (c_int, [c_uint]),
    "pjmedia_port_get_frame": (c_int, [c_void_p, c_void_p]),
    "pjmedia_stream_get_port": (c_int, [c_void_p, POINTER(c_void_p)]),
    "pjmedia_stream_get_rtp_session_info": (c_int, [c_void_p, c_void_p]),
    "pjmedia_wav_player_port_create": (
        c_int,
        [c_void_p, c_char_p, c_uint, c_uint, c_ssize_t, POINTER(c_void_p)],
    ),
    "pjmedia_wav_player_set_eof_cb2": (c_int, [c_void_p, c_void_p, c_void_p]),
    "pjmedia_wav_writer_port_create": (
        c_int,
        [c_void_p, c_char_p, c_uint, c_uint, c_uint, c_uint, c_uint, c_ssize_t, POINTER(c_void_p)],
    ),
    "pjmedia_wav_writer_port_get_pos": (c_ssize_t, [c_void_p]),
    "pjsip_endpt_add_capability": (c_int, [c_void_p, c_void_p, c_int, c_void_p, c_uint, c_void_p]),
    "pjsip_endpt_get_tpmgr": (c_void_p, [c_void_p]),
    "pjsip_endpt_process_rx_data": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "pjsip_endpt_register_module": (c_int, [c_void_p, c_void_p]),
    "pjsip_endpt_respond_stateless": (c_int, [c_void_p, c_void_p, c_int, c_void_p, c_void_p, c_void_p]),
    "pjsip_rx_data_clone": (c_int, [c_void_p, c_uint, POINTER(c_void_p)]),
    "pjsip_rx_data_free_cloned": (c_int, [c_void_p]),
    "pjsip_tcp_transport_cfg_default": (None, [c_void_p, c_int]),
    "pjsip_tcp_transport_start3": (c_int, [c_void_p, c_void_p, POINTER(c_void_p)]),
    "pjsip_tpmgr_get_transport_count": (c_uint, [c_void_p]),
    "pjsip_ua_find_dialog": (c_void_p, [c_void_p, c_void_p, c_void_p, c_int]),
    "pjsip_generic_string_hdr_create": (c_void_p, [c_void_p, c_void_p, c_void_p]),
    "pjsua_buddy_subscribe_dlg_event": (c_int, [c_int, c_int]),
    "pjsua_call_get_count": (c_uint, []),
    "pjsua_call_get_max_count": (c_uint, []),
    "pjsua_conf_add_port": (c_int, [c_void_p, c_void_p, POINTER(c_int)]),
    "pjsua_conf_connect": (c_int, [c_int, c_int]),
    "pjsua_conf_disconnect": (c_int, [c_int, c_int]),
    "pjsua_conf_remove_port": (c_int, [c_int]),
    "pjsua_get_pjsip_endpt": (c_void_p, []),
    "pjsua_pool_create": (c_void_p, [c_char_p, c_size_t, c_size_t]),
}


@final
class Text(ctypes.Structure):
    """``pj_str_t``."""

    _fields_: ClassVar = [("ptr", c_char_p), ("slen", c_long)]


@final
class HostPort(ctypes.Structure):
    """``pjsip_host_port``."""

    _fields_: ClassVar = [("host", Text), ("port", c_int)]


@final
class TcpSettings(ctypes.Structure):
    """``pjsip_tcp_transport_cfg``, as far as it is set here."""

    _fields_: ClassVar = [
        ("family", c_int),
        ("bound", c_ubyte * 28),
        ("reuse_address", c_int),
        ("published", HostPort),
        ("at_once", c_uint),
        ("more", c_ubyte * 256),
    ]


@final
class Links(ctypes.Structure):
    """``pj_list``, with which every header begins."""

    _fields_: ClassVar = [("prev", c_void_p), ("next", c_void_p)]


@final
class Frame(ctypes.Structure):
    """``pjmedia_frame``."""

    _fields_: ClassVar = [
        ("type", c_int),
        ("buf", c_void_p),
        ("size", c_size_t),
        ("timestamp", c_uint64),
        ("bit_info", c_uint32),
    ]


@final
class Module(ctypes.Structure):
    """``pjsip_module``: PJSIP keeps the pointer, so whoever registers one keeps it alive."""

    _fields_: ClassVar = [
        ("prev", c_void_p),
        ("next", c_void_p),
        ("name", Text),
        ("id", c_int),
        ("priority", c_int),
        ("load", c_void_p),
        ("start", c_void_p),
        ("stop", c_void_p),
        ("unload", c_void_p),
        ("on_rx_request", OnRequest),
        ("on_rx_response", OnRequest),
        ("on_tx_request", c_void_p),
        ("on_tx_response", c_void_p),
        ("on_tsx_state", c_void_p),
    ]


def library_path() -> Path:
    """Find the binding's shared library. Raises :class:`TapOptionsError` where ``pjsua2`` is not installed."""
    try:
        import pjsua2._pjsua2 as binding  # noqa: PLC0415 - so that its absence is a plain error of the options
    except ImportError as error:
        raise TapOptionsError(f"kind sip needs pjsua2 (the extra 'sip'): {error}") from error
    return Path(binding.__file__)


@final
class Native:
    """The functions, each raising :class:`TapFailedError` with PJSIP's status where it fails."""

    def __init__(self) -> None:
        path = library_path()
        self._library = ctypes.CDLL(str(path))
        for name, (result, arguments) in _SIGNATURES.items():
            try:
                function = getattr(self._library, name)
            except AttributeError as error:
                raise TapOptionsError(
                    f"{path.name} has no {name}: not the build of pjsua2 this driver knows"
                ) from error
            function.restype, function.argtypes = result, arguments
        self._library.pj_log_set_level(0)  # what it prints before it is set up would go to standard output
        self._fflush = ctypes.CDLL(None).fflush
        self._fflush.argtypes = [c_void_p]

    @property
    def endpoint(self) -> int:
        """PJSIP's ``pjsip_endpoint``; there after the library was set up."""
        return int(self._library.pjsua_get_pjsip_endpt())

    def call_limit(self) -> int:
        """Most calls that this build holds at once; known after the library was set up."""
        return int(self._library.pjsua_call_get_max_count())

    def calls(self) -> int:
        """Calls that PJSIP holds now."""
        return int(self._library.pjsua_call_get_count())

    def flush(self) -> None:
        """Hand everything that C has buffered to the kernel."""
        self._fflush(None)

    def scale_g722(self, shift: int) -> None:
        """Set how many bits lie between 16-bit audio and what the G.722 codec takes and gives; after the set-up."""
        _check("g722_set_pcm_shift", self._library.pjmedia_codec_g722_set_pcm_shift(shift))

    def add_supported(self, supported: int, tag: bytes) -> None:
        """Add an option tag to the header ``supported``, so that a Require of it is not refused with 420."""
        text = Text(tag, len(tag))
        _check(
            "add_capability",
            self._library.pjsip_endpt_add_capability(self.endpoint, None, supported, None, 1, byref(text)),
        )

    # --- recording ------------------------------------------------------------------------------------------------

    def open_pool(self) -> int:
        """Memory for one recorder."""
        pool = self._library.pjsua_pool_create(b"leg", 1000, 1000)
        if not pool:
            raise TapFailedError("PJSIP has no memory")
        return int(pool)

    def release_pool(self, pool: int) -> None:
        """Give it back; nothing may use it any more."""
        self._library.pj_pool_release(pool)

    def open_wav(self, pool: int, path: Path, rate_hz: int, frame_frames: int, buffer_bytes: int) -> int:
        """Open a writer of mono 16-bit WAV."""
        port = c_void_p()
        status = self._library.pjmedia_wav_writer_port_create(
            pool, str(path).encode(), rate_hz, 1, frame_frames, 16, 0, buffer_bytes, byref(port)
        )
        _check(f"open {path}", status)
        assert port.value is not None
        return port.value

    def open_player(self, pool: int, path: Path, on_end: Any) -> int:
        """Open a player that plays a WAV file once; ``on_end`` is a C function of (port, data), kept by the caller."""
        port = c_void_p()
        status = self._library.pjmedia_wav_player_port_create(
            pool, str(path).encode(), _FRAME_MS, _NO_LOOP, 0, byref(port)
        )
        _check(f"open {path}", status)
        assert port.value is not None
        _check("eof_cb", self._library.pjmedia_wav_player_set_eof_cb2(port, None, ctypes.cast(on_end, c_void_p)))
        return port.value

    def written_bytes(self, port: int) -> int:
        """Octets of audio that a writer has taken, those in its buffer among them."""
        return int(self._library.pjmedia_wav_writer_port_get_pos(port))

    def close_port(self, port: int) -> None:
        """Drop our share of a media port; it is destroyed when the bridge drops its own."""
        self._library.pjmedia_port_destroy(port)

    def add_port(self, pool: int, port: int) -> int:
        """Put a media port into the bridge; gives its slot."""
        slot = c_int()
        _check("conf_add_port", self._library.pjsua_conf_add_port(pool, port, byref(slot)))
        return slot.value

    def connect(self, source: int, sink: int) -> None:
        """Let ``sink`` hear ``source``. A second time does nothing."""
        _check("conf_connect", self._library.pjsua_conf_connect(source, sink))

    def disconnect(self, source: int, sink: int) -> None:
        """Let ``sink`` hear ``source`` no more."""
        _check("conf_disconnect", self._library.pjsua_conf_disconnect(source, sink))

    def remove_port(self, slot: int) -> None:
        """Take a port out of the bridge; the bridge does it at its next frame."""
        _check("conf_remove_port", self._library.pjsua_conf_remove_port(slot))

    def rtp_sessions(self, stream: int) -> tuple[int, int]:
        """Addresses of the ``pjmedia_rtp_session`` that receives for a stream, and of its ``pjmedia_rtcp_session``."""
        found = (c_void_p * 3)()  # receiving, sending, RTCP
        _check("stream_get_rtp_session_info", self._library.pjmedia_stream_get_rtp_session_info(stream, found))
        assert found[0] is not None
        assert found[2] is not None
        return found[0], found[2]

    def take_audio(self, stream: int, length_s: float) -> tuple[bytes, int]:
        """Take audio out of a stream ahead of the bridge; gives 16-bit samples and their rate in Hz.

        It is rounded up to whole frames of the stream; where it has none, they are silence.
        """
        port = c_void_p()
        _check("stream_get_port", self._library.pjmedia_stream_get_port(stream, byref(port)))
        assert port.value is not None
        rate_hz, channels, frame_us, bits = _FORMAT.unpack(ctypes.string_at(port.value + _FORMAT_AT, _FORMAT.size))
        if (channels, bits) != (1, 16) or not (8000 <= rate_hz <= 48000 and 1000 <= frame_us <= 100_000):
            raise TapFailedError("a stream's format is not as this driver knows it")
        octets = ctypes.create_string_buffer(2 * rate_hz * frame_us // 1_000_000)
        taken = []
        for _ in range(math.ceil(length_s * 1_000_000 / frame_us)):
            ctypes.memset(octets, 0, len(octets))
            frame = Frame(buf=ctypes.addressof(octets), size=len(octets))
            _check("port_get_frame", self._library.pjmedia_port_get_frame(port, byref(frame)))
            taken.append(octets.raw)
        return b"".join(taken), rate_hz

    # --- subscriptions --------------------------------------------------------------------------------------------

    def watch_dialogs(self, buddy: int, *, on: bool) -> None:
        """Subscribe to the dialog events of a buddy (RFC 4235), or end that."""
        _check("subscribe_dlg_event", self._library.pjsua_buddy_subscribe_dlg_event(buddy, int(on)))

    def knows_dialog(self, call_id: str, local_tag: str, remote_tag: str) -> bool:
        """Whether PJSIP is in that dialog; without a remote tag: in one that the far end has not answered yet."""
        texts = [text.encode("utf-8", "surrogateescape") for text in (call_id, local_tag, remote_tag)]
        names = [byref(Text(text, len(text))) for text in texts]
        return bool(self._library.pjsip_ua_find_dialog(*names, 0))

    # --- connections ----------------------------------------------------------------------------------------------

    def listen_tcp(self, host: str, port: int, *, published: bool) -> int:
        """Listen for SIP over TCP; gives the ``pjsip_tpfactory``. ``published``: the host is told as our address."""
        settings = TcpSettings()
        self._library.pjsip_tcp_transport_cfg_default(byref(settings), socket.AF_INET)
        if (settings.family, settings.at_once) != (socket.AF_INET, 1):
            raise TapOptionsError("this build of pjsua2 has other settings of TCP than the driver knows")
        settings.bound[:16] = address_in(host, port)
        name = host.encode()
        if published:
            settings.published = HostPort(Text(name, len(name)), port)
        factory = c_void_p()
        status = self._library.pjsip_tcp_transport_start3(self.endpoint, byref(settings), byref(factory))
        _check(f"listen on {host}:{port} for TCP", status)
        assert factory.value is not None
        return factory.value

    @property
    def transports(self) -> int:
        """PJSIP's ``pjsip_tpmgr``."""
        return int(self._library.pjsip_endpt_get_tpmgr(self.endpoint))

    def transport_count(self) -> int:
        """Sockets for SIP that PJSIP uses, the listener not among them."""
        return int(self._library.pjsip_tpmgr_get_transport_count(self.transports))

    def owner_of(self, active_socket: int) -> int:
        """What a ``pj_activesock_t`` belongs to."""
        return int(self._library.pj_activesock_get_user_data(active_socket) or 0)

    # --- requests -------------------------------------------------------------------------------------------------

    def register(self, module: Module) -> None:
        """Let a module see what comes. There is no way back."""
        _check("register_module", self._library.pjsip_endpt_register_module(self.endpoint, byref(module)))

    def answer(self, request: int, code: int, header: tuple[bytes, bytes] | None = None) -> None:
        """Answer a request that no transaction has taken, with a header of our own if there is one."""
        pool = self.open_pool() if header else 0
        try:
            headers = byref(self._headers(pool, *header)) if header else None  # PJSIP copies them
            status = self._library.pjsip_endpt_respond_stateless(self.endpoint, request, code, None, headers, None)
        finally:
            if pool:
                self.release_pool(pool)
        _check("respond", status)

    def _headers(self, pool: int, name: bytes, value: bytes) -> Links:
        """A list of one header: a ring of the list's head and the header."""
        ring = Links()
        at = self._library.pjsip_generic_string_hdr_create(
            pool, byref(Text(name, len(name))), byref(Text(value, len(value)))
        )
        only = Links.from_address(at)
        only.prev = only.next = ctypes.addressof(ring)
        ring.prev = ring.next = at
        return ring

    def keep(self, request: int) -> int:
        """Copy a request, to be given once to :meth:`release` or :meth:`drop`."""
        copy = c_void_p()
        _check("rx_data_clone", self._library.pjsip_rx_data_clone(request, 0, byref(copy)))
        assert copy.value is not None
        return copy.value

    def release(self, request: int) -> None:
        """Let PJSIP handle a kept request as if it had come now."""
        try:
            _check("process", self._library.pjsip_endpt_process_rx_data(self.endpoint, request, None, None))
        finally:
            self.drop(request)

    def drop(self, request: int) -> None:
        """Free a kept request."""
        self._library.pjsip_rx_data_free_cloned(request)


def address_in(host: str, port: int) -> bytes:
    """``pj_sockaddr_in`` of an IPv4 address."""
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton(host))


def _check(what: str, status: int) -> None:
    if status != 0:
        raise TapFailedError(f"PJSIP: {what}: status {status}")
