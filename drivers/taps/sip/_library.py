"""Set up PJSIP through pjsua2: settings that lose nothing, transports, one account that takes every call."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import math
from collections.abc import Callable
from typing import Any, Protocol, final

import pjsua2 as pj

from drivers.contract import TapFailedError, TapOptionsError
from drivers.taps.sip._incoming import Incoming
from drivers.taps.sip._indication import indicate, wants_indication
from drivers.taps.sip._native import Native
from drivers.taps.sip._options import Options
from drivers.taps.sip._place import Place
from drivers.taps.sip.tcp import Acceptor

logger = logging.getLogger(__name__)

_JITTER_MAX_MS = 1000
_LONG_FILTER = 5  # between codec and bridge where their rates differ; the short one takes 1 dB, and 5 at 3.4 kHz
_EVENTS_S = 0.02
_PENDING = 491
_G722_SHIFT = 1  # full scale is full scale, as in other makes; PJSIP's own 2 makes theirs 6 dB louder, and clips
_CODEC_IDS = {"PCMU": "PCMU/8000", "PCMA": "PCMA/8000", "G722": "G722/16000"}


class Callbacks(Protocol):
    """Who is told. Everything comes on the PJSIP thread."""

    def call_came(self, account: Any, call: int, message: bytes, source: str) -> None:
        """An INVITE that passed the gate; it has to be answered."""
        ...

    def state_changed(self, call: int, *, gone: bool, reason: str) -> None:
        """The call is in another state; ``gone``: it is over, and its number may be used again."""
        ...

    def media_changed(self, call: int) -> None:
        """The call's streams were made, made anew or ended."""
        ...

    def stream_created(self, call: Call, stream: int, address: int) -> None:
        """A stream of the call was made; nothing has come on it yet."""
        ...

    def stream_ends(self, call: int, stream: int, address: int) -> None:
        """PJSIP is about to destroy a stream of the call, and what waits in its jitter buffer."""
        ...

    def offer_refused(self, call: int) -> None:
        """The far side refused an offer of ours for now, since it is offering itself (491)."""
        ...

    def library_refused(self, code: int, reason: str) -> None:
        """PJSIP answered an INVITE with an error by itself."""
        ...


def guarded(act: Callable[..., None], *arguments: Any, **named: Any) -> None:
    """Call ``act`` for PJSIP: what it raises must not reach C++."""
    try:
        act(*arguments, **named)
    except Exception:
        logger.exception("a callback of PJSIP failed")


@final
class Call(pj.Call):
    """PJSIP's call. Keeps nothing but its number and whom to tell; dropped when the call is gone, never later."""

    def __init__(self, account: Any, number: int, callbacks: Callbacks) -> None:
        super().__init__(account, number)
        self.number = number
        self.is_aware = False  # the far side wants to know that it is recorded
        self._came = number != pj.PJSUA_INVALID_ID  # and was not placed by us: it is recorded in any case
        self.was_up = False  # the far side acknowledged the answer, or we did
        self._callbacks = callbacks
        self._incoming: dict[int, Incoming] = {}  # by the stream's place in the call

    def onCallState(self, _: Any) -> None:  # noqa: N802 - PJSIP's name
        """Tell the state."""
        guarded(self._tell_state)

    def onCallMediaState(self, _: Any) -> None:  # noqa: N802 - PJSIP's name
        """Tell that the streams changed."""
        guarded(self._callbacks.media_changed, self.number)

    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802 - PJSIP's name
        """Tell of an offer that was refused."""
        guarded(self._tell_refusal, prm.e.body.tsxState.tsx)

    def onCallSdpCreated(self, prm: Any) -> None:  # noqa: N802 - PJSIP's name
        """Tell in the description that PJSIP has made that the call is recorded, where that is wanted."""
        guarded(self._indicate, prm.sdp, prm.remSdp)

    def onStreamCreated(self, prm: Any) -> None:  # noqa: N802 - PJSIP's name
        """Tell where the stream is."""
        guarded(self._callbacks.stream_created, self, prm.streamIdx, int(prm.stream))

    def onStreamDestroyed(self, prm: Any) -> None:  # noqa: N802 - PJSIP's name
        """Tell that the stream ends, and touch it no more."""
        guarded(self._callbacks.stream_ends, self.number, prm.streamIdx, int(prm.stream))
        self._incoming.pop(prm.streamIdx, None)

    def begin(self, stream: int, incoming: Incoming) -> None:
        """Wait for the first packet of a stream."""
        self._incoming[stream] = incoming

    def look(self, now_s: float) -> bool:
        """See which streams began; gives whether one may begin from one moment to the next."""
        eager = [incoming.look(now_s) for incoming in self._incoming.values()]
        return any(eager)

    def missing(self, stream: int) -> int | None:
        """Packets of a stream that did not come; None where only PJSIP's own counter can be asked."""
        return self._incoming[stream].missing if stream in self._incoming else None

    def knows_clock(self, stream: int) -> bool:
        """Whether the time stamps of a stream of G.722 are taken for what they are; True where nobody looked."""
        return stream not in self._incoming or self._incoming[stream].clock_known

    def _tell_state(self) -> None:
        info = self.getInfo()
        gone = info.state == pj.PJSIP_INV_STATE_DISCONNECTED
        self.was_up = self.was_up or info.state == pj.PJSIP_INV_STATE_CONFIRMED
        self._callbacks.state_changed(self.number, gone=gone, reason=f"{info.lastStatusCode} {info.lastReason}")

    def _indicate(self, own: Any, theirs: Any) -> None:
        if self._came and (self.is_aware or wants_indication(theirs.wholeSdp)):
            own.wholeSdp = indicate(own.wholeSdp)

    def _tell_refusal(self, transaction: Any) -> None:
        told = (transaction.role, transaction.state, transaction.statusCode)
        if told == (pj.PJSIP_ROLE_UAC, pj.PJSIP_TSX_STATE_COMPLETED, _PENDING):
            self._callbacks.offer_refused(self.number)

    def offer(self) -> bool:
        """Offer the streams as they are once more; False where that cannot be just now."""
        order = pj.CallOpParam(True)
        info = self.getInfo()  # kept in a name: its parts dangle when it is gone
        order.opt.audioCount = sum(media.type == pj.PJMEDIA_TYPE_AUDIO for media in info.media)
        order.opt.videoCount = 0
        try:
            self.reinvite(order)
        except pj.Error as error:
            logger.info("call %d cannot be offered again: %s", self.number, error.reason)
            return False
        return True

    def accept(self, streams: int, *, siprec: bool = False) -> None:
        """Answer 200 with up to ``streams`` audio streams; to a client of SIPREC as a recorder (RFC 7866, 6.1.2)."""
        answer = pj.CallOpParam(True)
        answer.statusCode = pj.PJSIP_SC_OK
        answer.opt.audioCount = streams
        answer.opt.videoCount = 0
        if siprec:
            answer.txOption.headers.append(_header("Require", "siprec"))
        self.answer(answer)

    def end(self, code: int = 0) -> None:
        """Hang up, or refuse with ``code`` before the call was answered."""
        order = pj.CallOpParam()
        order.statusCode = code
        self.hangup(order)


def _header(name: str, value: str) -> Any:
    header = pj.SipHeader()
    header.hName, header.hValue = name, value
    return header


class Account(pj.Account):
    """An account that takes calls."""

    def __init__(self, callbacks: Callbacks) -> None:
        super().__init__()
        self._callbacks = callbacks

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802 - PJSIP's name
        octets = prm.rdata.wholeMsg.encode("utf-8", "surrogateescape")
        guarded(self._callbacks.call_came, self, prm.callId, octets, prm.rdata.srcAddress)


@final
class _Endpoint(pj.Endpoint):
    def __init__(self, callbacks: Callbacks) -> None:
        super().__init__()
        self._callbacks = callbacks

    def onRejectedIncomingCall(self, prm: Any) -> None:  # noqa: N802 - PJSIP's name
        guarded(self._callbacks.library_refused, prm.statusCode, prm.reason)


@final
class Library:
    """PJSIP, set up and running on the thread that made this. There is one a process."""

    def __init__(self, options: Options, worker: int, place: Place, native: Native, callbacks: Callbacks) -> None:
        self._endpoint = _Endpoint(callbacks)
        try:
            self._endpoint.libCreate()
            self._endpoint.libInit(_settings(options))
            native.scale_g722(_G722_SHIFT)
            self._choose_codecs(options)
            self._listen(place)
            self.acceptor = Acceptor(native, place)
            self._endpoint.libStart()
            self._endpoint.audDevManager().setNullDev()
            native.add_supported(pj.PJSIP_H_SUPPORTED, b"siprec")
            self.account = Account(callbacks)
            settings = account_settings(options, worker, place)
            if not place.door:  # a front says so for its workers
                settings.sipConfig.contactParams = ";+sip.srs"
            self.account.create(settings)
        except pj.Error as error:
            raise TapFailedError(f"PJSIP: {error.info()}") from error

    def handle(self, wait_s: float = _EVENTS_S) -> None:
        """Handle events, waiting ``wait_s`` for the first, and a millisecond at most beyond it."""
        self._endpoint.libHandleEvents(math.ceil(wait_s * 1000))

    def _choose_codecs(self, options: Options) -> None:
        rank = {_CODEC_IDS[name]: 200 - place for place, name in enumerate(options.codecs)}
        codecs = self._endpoint.codecEnum2()
        for codec in codecs:
            name = codec.codecId.rsplit("/", 1)[0]
            self._endpoint.codecSetPriority(codec.codecId, rank.get(name, 0))
            if name in rank:
                self._conceal_nothing(codec.codecId)

    def _conceal_nothing(self, codec: str) -> None:
        """Let a lost frame be silence: invented audio is no record, and it spoils the true frames beside it."""
        settings = self._endpoint.codecGetParam(codec)
        settings.setting.plc = False
        self._endpoint.codecSetParam(codec, settings)

    def _listen(self, place: Place) -> None:
        settings = pj.TransportConfig()
        settings.port = place.port
        if not place.everywhere:
            settings.boundAddress = settings.publicAddress = place.host
        try:
            self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, settings)
        except pj.Error as error:
            raise TapOptionsError(f"cannot listen on {place.host}:{place.port}: {error.reason}") from error


def call_limit(native: Native) -> int:
    """Calls that one process of this build of PJSIP holds. Opens and closes the library on this thread."""
    endpoint = pj.Endpoint()
    try:
        endpoint.libCreate()
        settings = pj.EpConfig()
        settings.logConfig.level = settings.logConfig.consoleLevel = 0
        settings.uaConfig.maxCalls = 1024
        endpoint.libInit(settings)
        return native.call_limit()
    except pj.Error as error:
        raise TapFailedError(f"PJSIP: {error.info()}") from error
    finally:
        with contextlib.suppress(pj.Error):
            endpoint.libDestroy()


def _settings(options: Options) -> Any:
    settings = pj.EpConfig()
    settings.logConfig.level = settings.logConfig.consoleLevel = 1
    settings.uaConfig.maxCalls = options.calls
    settings.uaConfig.threadCnt = 0  # our thread handles the events
    settings.uaConfig.userAgent = "Linetap"
    media = settings.medConfig
    media.clockRate = options.rate_hz
    media.audioFramePtime = 20
    media.threadCnt = 1
    media.hasIoqueue = True
    media.noVad = True
    media.ecTailLen = 0
    media.quality = _LONG_FILTER
    media.sndAutoCloseTime = -1
    media.jbInit = media.jbMinPre = options.jitter_ms
    media.jbMax = _JITTER_MAX_MS
    discard = media.jbDiscardAlgo  # an enum that the binding cannot set: write the C int behind its pointer
    ctypes.c_int.from_address(int(discard)).value = 0
    discard.disown()  # it belongs to the settings
    media.jbDiscardAlgo = discard
    return settings


def account_settings(options: Options, worker: int, place: Place) -> Any:
    """Settings of an account of this worker: its name and its RTP ports."""
    settings = pj.AccountConfig()
    settings.idUri = f"sip:linetap@{place.host}:{place.port}"
    if options.media == "rtpengine":  # a refresh of ours would tell the caller our RTP address in the place of its
        settings.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
    transport = settings.mediaConfig.transportConfig
    transport.port, transport.portRange = options.rtp_range(worker)
    transport.randomizePort = (
        True  # whoever sends still to a worker that was killed shall not hit the first call of the next
    )
    if options.host != "0.0.0.0":  # noqa: S104 - a comparison
        transport.boundAddress = transport.publicAddress = options.host
    return settings
