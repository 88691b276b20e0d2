"""The process of an answering peer: ``python -m hil.peers.sip_phone_process PLAN`` with a :class:`PhonePlan` as JSON.

A phone, or a small PBX of our own on PJSIP's conference bridge that honours Join (RFC 3911) and barge codes. Prints a
:class:`PhoneFact` a line, reads :class:`PhoneOrder` lines, and hangs up and ends when its standard input closes. One
thread polls PJSIP: every object is made, used and dropped there. Leaves by ``os._exit``.
"""

from __future__ import annotations

import ctypes
import os
import re
import selectors
import sys
import time
from typing import Any, final

import pjsua2 as pj
import pjsua2._pjsua2 as binding

from hil.peers.phone_plan import PhoneFact, PhoneOrder, PhonePlan

POLL_MS = 5
JITTER_MS = 200
GOODBYE_S = 0.4
LET_GO_S = 0.2
RINGING, SESSION_PROGRESS, OK, NO_SUCH_CALL = 180, 183, 200, 481


def say(event: str, call: int = -1, **details: Any) -> None:
    """Print a fact."""
    fact = PhoneFact.model_validate({"event": event, "call": call, "at_s": time.monotonic(), "details": details})
    sys.stdout.write(fact.model_dump_json() + "\n")
    sys.stdout.flush()


def header(message: str, name: str) -> str:
    """Give the value of a header; empty where there is none."""
    found = re.search(rf"^{name}\s*:\s*(.*?)\r?$", message, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


@final
class PhoneCall(pj.Call):  # type: ignore[misc]  # the library ships no types
    """One call of the peer."""

    def __init__(self, peer: Peer, account: Any, number: int, call: int = -1) -> None:
        super().__init__(account, call)
        self.peer = peer
        self.number = number
        self.room = ""
        self.guest = False  # joined a call of others
        self.remote_tag = ""
        self.answer_at_s: float | None = None
        self.partner: PhoneCall | None = None  # of a bridge: who waits for this one's answer
        self.ended = False
        self.packets = 0
        self.players: dict[str, Any] = {}

    def onCallState(self, prm: Any) -> None:  # noqa: N802, ARG002 -- the library's name
        """Tell how the call stands."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            say("answered", self.number)
            self.peer.confirmed(self)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.ended = True
            say("ended", self.number, code=info.lastStatusCode, reason=info.lastReason, packets_received=self.packets)
            self.peer.left(self, info.lastStatusCode)

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802, ARG002 -- the library's name
        """Connect the call's audio."""
        self.peer.connect(self)

    def onDtmfEvent(self, prm: Any) -> None:  # noqa: N802 -- the library's name
        """Tell a digit, once: at its begin."""
        is_info = prm.method == pj.PJSUA_DTMF_METHOD_SIP_INFO
        if is_info or not prm.flags & _IS_UPDATE:
            say("digit", self.number, digit=prm.digit, method="info" if is_info else "rfc4733")

    def audio(self) -> Any | None:
        """The call's audio stream where one is up."""
        info = self.getInfo()  # held: the list of media dies with it
        active = [m.index for m in info.media if m.type == pj.PJMEDIA_TYPE_AUDIO and m.status == _ACTIVE]
        return self.getAudioMedia(active[0]) if active else None

    def count(self) -> None:
        """Note how many packets came so far."""
        try:
            self.packets = self.getStreamStat(0).rtcp.rxStat.pkt
        except pj.Error:
            return


_TRANSPORTS = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}
_ACTIVE = pj.PJSUA_CALL_MEDIA_ACTIVE
_IS_UPDATE = 1  # PJMEDIA_STREAM_DTMF_IS_UPDATE, which the binding leaves out


class PeerAccount(pj.Account):  # type: ignore[misc]
    """Takes the calls."""

    def __init__(self, peer: Peer) -> None:
        super().__init__()
        self.peer = peer

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802 -- the library's name
        """Give the call to the peer."""
        self.peer.invited(prm.callId, prm.rdata.wholeMsg)

    def onRegState(self, prm: Any) -> None:  # noqa: N802 -- the library's name
        """Tell the registrar's answer."""
        say("registered", code=prm.code)


@final
class Peer:
    """The phone or the bridge."""

    def __init__(self, plan: PhonePlan) -> None:
        self.plan = plan
        self.calls: list[PhoneCall] = []
        self.endpoint = pj.Endpoint()
        self.port = self._open()
        self.account = PeerAccount(self)
        self.account.create(self._settings())
        self.recorder: Any = None
        if plan.record:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(plan.record)
            self.endpoint.audDevManager().getCaptureDevMedia().startTransmit(self.recorder)
        say("ready", port=self.port, recording_at_s=time.monotonic())

    def _open(self) -> int:
        endpoint = self.endpoint
        endpoint.libCreate()
        config = pj.EpConfig()
        config.logConfig.level = config.logConfig.consoleLevel = self.plan.log_level
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        media = config.medConfig
        media.clockRate, media.noVad, media.ecTailLen, media.sndAutoCloseTime = self.plan.rate_hz, True, 0, -1
        media.quality = 5  # the filter between codec and bridge, where their rates differ: the better one
        media.jbInit = media.jbMinPre = JITTER_MS  # what it hears shall be what was sent, however busy the machine is
        media.jbMax = 1000
        discard = media.jbDiscardAlgo  # an enum that the binding cannot set: write the C int behind its pointer
        ctypes.c_int.from_address(int(discard)).value = 0
        discard.disown()
        media.jbDiscardAlgo = discard
        endpoint.libInit(config)
        ctypes.CDLL(binding.__file__).pjmedia_codec_g722_set_pcm_shift(1)  # as other makes scale G.722
        for codec in endpoint.codecEnum2():
            endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith(self.plan.codec + "/") else 0)
        transport = pj.TransportConfig()
        transport.boundAddress = transport.publicAddress = "127.0.0.1"
        transport.tlsConfig.certFile, transport.tlsConfig.privKeyFile = self.plan.certificate, self.plan.key
        made = endpoint.transportCreate(_TRANSPORTS[self.plan.transport], transport)
        endpoint.libStart()
        endpoint.audDevManager().setNullDev()
        if self.plan.joins or self.plan.bridge:
            _support(b"join")
        return int(endpoint.transportGetInfo(made).localName.rpartition(":")[2])

    def _settings(self) -> Any:
        plan, config = self.plan, pj.AccountConfig()
        way = "" if plan.transport == "udp" else f";transport={plan.transport}"
        config.idUri = f"sip:{plan.user}@{plan.registrar or f'127.0.0.1:{self.port}'}{way}"
        if plan.registrar:
            config.regConfig.registrarUri = f"sip:{plan.registrar}"
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", plan.user, 0, plan.password))
        rtp = config.mediaConfig.transportConfig
        rtp.port, rtp.portRange, rtp.boundAddress = plan.rtp_port, 40, "127.0.0.1"
        return config

    # --- calls ----------------------------------------------------------------------------------------------------

    def invited(self, call: int, message: str) -> None:
        """Take a call, or refuse it."""
        taken = PhoneCall(self, self.account, len(self.calls), call)
        self.calls.append(taken)
        taken.remote_tag = _tag(header(message, "From"))
        uri = message.split(" ", 2)[1]
        say("invited", taken.number, call_id=header(message, "Call-ID"), uri=uri, message=message)
        join = header(message, "Join")
        if join:
            self._join(taken, join)
        elif self.plan.bridge:
            self._enter(taken, uri)
        else:
            self._ring(taken)

    def _ring(self, call: PhoneCall) -> None:
        self._answer(call, SESSION_PROGRESS if self.plan.early else RINGING)
        call.answer_at_s = time.monotonic() + self.plan.ring_s

    def _join(self, call: PhoneCall, join: str) -> None:
        call_id, _, rest = join.partition(";")
        joined = [one for one in self._up(call) if one.getInfo().callIdString == call_id]
        if not joined or f"from-tag={joined[0].remote_tag}" not in rest:
            self._answer(call, NO_SUCH_CALL)
            return
        call.room, call.guest = joined[0].room, True
        self._answer(call, OK)

    def _enter(self, call: PhoneCall, uri: str) -> None:
        """A call to an extension opens its conference and calls the phone; with the barge code it only enters."""
        number = uri.partition(":")[2].partition("@")[0]
        call.room = number.removeprefix(self.plan.barge_code)
        is_new = not any(one.room == call.room for one in self._up(call))
        if is_new == number.startswith(self.plan.barge_code):
            self._answer(call, 404 if is_new else 486)
            return
        if is_new:
            out = PhoneCall(self, self.account, len(self.calls))
            out.room = call.room
            self.calls.append(out)
            out.partner = call
            say("placed", out.number)
            self._answer(call, RINGING)
            out.makeCall(self.plan.next_hop.replace("{number}", call.room), _audio_only())
        else:
            call.guest = True
            self._answer(call, OK)

    def confirmed(self, call: PhoneCall) -> None:
        """The call is up: so is who waits for it."""
        partner, call.partner = call.partner, None
        if partner is not None and not partner.ended:
            self._answer(partner, OK)
        self.connect(call)

    def _answer(self, call: PhoneCall, code: int) -> None:
        order = _audio_only()
        order.statusCode = code
        call.answer(order)

    def _up(self, but: PhoneCall) -> list[PhoneCall]:
        return [call for call in self.calls if not call.ended and call is not but]

    def connect(self, call: PhoneCall) -> None:
        """Let the call and its room, or the phone's recorder and sounds, hear each other."""
        audio = call.audio()
        if audio is None:
            return
        if self.plan.bridge:
            for other in [one for one in self._up(call) if one.room == call.room]:
                theirs = other.audio()
                if theirs is not None:
                    audio.startTransmit(theirs)
                    theirs.startTransmit(audio)
            return
        if self.recorder is not None:
            audio.startTransmit(self.recorder)
        is_early = call.getInfo().state < pj.PJSIP_INV_STATE_CONNECTING
        sound = self.plan.early if is_early else self.plan.sound
        if sound:
            if sound not in call.players:
                call.players[sound] = pj.AudioMediaPlayer()
                call.players[sound].createPlayer(sound, pj.PJMEDIA_FILE_NO_LOOP)
            call.players[sound].startTransmit(audio)

    def left(self, call: PhoneCall, code: int) -> None:
        """A conference that one of its two left is over, a guest or not; who waits for an answer hears why."""
        partner, call.partner = call.partner, None
        if partner is not None and not partner.ended:
            order = pj.CallOpParam()
            order.statusCode = code
            partner.hangup(order)
            return
        if self.plan.bridge and not call.guest:
            for other in [one for one in self._up(call) if one.room == call.room]:
                other.hangup(pj.CallOpParam(True))

    # --- life -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Poll until standard input is closed, and a little longer."""
        orders = selectors.DefaultSelector()
        orders.register(sys.stdin, selectors.EVENT_READ)
        os.set_blocking(sys.stdin.fileno(), False)
        while True:
            self.endpoint.libHandleEvents(POLL_MS)
            self._answer_due()
            if orders.select(0):
                octets = os.read(sys.stdin.fileno(), 65536)
                if not octets:
                    break
                for line in octets.splitlines():
                    self._hang_up(PhoneOrder.model_validate_json(line).call)
        self._hang_up(-1)
        goodbye_s = time.monotonic() + GOODBYE_S
        while time.monotonic() < goodbye_s:
            self.endpoint.libHandleEvents(POLL_MS)

    def _answer_due(self) -> None:
        now_s = time.monotonic()
        for call in self.calls:
            if not call.ended:
                call.count()
            if call.answer_at_s is not None and now_s >= call.answer_at_s and not call.ended:
                call.answer_at_s = None
                self._answer(call, self.plan.code)

    def _hang_up(self, number: int) -> None:
        for call in self.calls:
            if not call.ended and number in {-1, call.number}:
                call.hangup(pj.CallOpParam(True))


def _audio_only() -> Any:
    order = pj.CallOpParam(True)
    order.opt.audioCount, order.opt.videoCount = 1, 0
    return order


def _tag(value: str) -> str:
    return value.rpartition("tag=")[2].partition(";")[0]


def _support(tag: bytes) -> None:
    """Add an option tag to Supported, so that a Require of it is not refused with 420."""

    class Text(ctypes.Structure):
        _fields_ = (("ptr", ctypes.c_char_p), ("slen", ctypes.c_long))

    library = ctypes.CDLL(binding.__file__)
    library.pjsua_get_pjsip_endpt.restype = ctypes.c_void_p
    add = library.pjsip_endpt_add_capability
    pointer, number = ctypes.c_void_p, ctypes.c_int
    add.argtypes = [pointer, pointer, number, pointer, ctypes.c_uint, pointer]
    text = Text(tag, len(tag))
    status = add(library.pjsua_get_pjsip_endpt(), None, pj.PJSIP_H_SUPPORTED, None, 1, ctypes.byref(text))
    if status:
        raise RuntimeError(f"pjsip_endpt_add_capability: {status}")


def main() -> None:
    """Be the peer of the command line, and leave without the library's own end."""
    peer = Peer(PhonePlan.model_validate_json(sys.argv[1]))
    peer.run()
    sys.stdout.flush()
    peer.recorder = None  # the bridge lets go of it at one of its next frames, and the header is written
    time.sleep(LET_GO_S)
    ctypes.CDLL(None).fflush(None)
    os._exit(0)


if __name__ == "__main__":
    main()
