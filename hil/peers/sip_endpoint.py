"""One process of the SIP caller: up to four calls on PJSIP, its sounds played by PJSIP itself.

``python -m hil.peers.sip_endpoint PLAN`` with an :class:`EndpointPlan` as JSON; prints a :class:`Fact` a line and
reads :class:`Order` lines. PJSIP is driven by one thread, which polls it: every object is made, used and dropped
there. The process leaves by ``os._exit``, because objects that outlive the library abort it.
"""

from __future__ import annotations

import os
import selectors
import sys
import time
from typing import Any, final

import pjsua2 as pj

from hil.peers.call_plan import CallPlan, EndpointPlan, Fact, Order

ANSWERED = 200
POLL_MS = 5
GOODBYE_S = 0.3  # lets the answer to a last BYE come in


def say(event: str, call: int, **details: Any) -> None:
    """Print a fact."""
    fact = Fact.model_validate({"event": event, "call": call, "at_s": time.monotonic(), "details": details})
    sys.stdout.write(fact.model_dump_json() + "\n")
    sys.stdout.flush()


@final
class OutgoingCall(pj.Call):  # type: ignore[misc]  # the library ships no types
    """One call and the players that feed its streams."""

    def __init__(self, account: Any, plan: CallPlan) -> None:
        super().__init__(account)
        self.plan = plan
        self.players = [self._load(path) for path in plan.sounds]
        self.playing_at_s: float | None = None
        self.held_at_s: float | None = None
        self.resumed = False
        self.ended = False
        self.hanging_up = False
        self._packets: tuple[list[int], list[int]] = ([], [])

    @staticmethod
    def _load(path: str) -> Any:
        player = pj.AudioMediaPlayer()
        player.createPlayer(path, pj.PJMEDIA_FILE_NO_LOOP)
        return player

    def place(self) -> None:
        """Send the INVITE."""
        param = pj.CallOpParam(True)
        param.opt.audioCount = len(self.players)
        param.opt.videoCount = 0
        headers = pj.SipHeaderVector()
        for name, value in self.plan.headers.items():
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            headers.push_back(header)
        param.txOption.headers = headers
        say("placed", self.plan.number)
        self.makeCall(self.plan.uri, param)

    def onCallState(self, prm: Any) -> None:  # noqa: N802, ARG002 -- the library's name
        """Tell how the call stands; called by the library on the polling thread."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED and info.lastStatusCode == ANSWERED:
            say("answered", self.plan.number, code=info.lastStatusCode, reason=info.lastReason)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.ended = True
            never_up = self.playing_at_s is None and info.lastStatusCode != ANSWERED
            sent, received = self._packets
            say(
                "refused" if never_up else "ended",
                self.plan.number,
                code=info.lastStatusCode,
                reason=info.lastReason,
                packets_sent=sent,
                packets_received=received,
            )

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802, ARG002 -- the library's name
        """Connect the players once every stream is up, and again when a re-INVITE made the streams anew."""
        if self.held_at_s is not None and not self.resumed:
            return
        streams = self._sending()[: len(self.players)]
        if len(streams) < len(self.players) and self.playing_at_s is None and self._still_coming():
            return
        medias = [self.getAudioMedia(index) for index in streams]
        for player, media in zip(self.players, medias, strict=False):
            player.startTransmit(media)
        if self.playing_at_s is None and medias:
            self.playing_at_s = time.monotonic()
            say("playing", self.plan.number, streams=len(medias))

    def _audio(self) -> list[tuple[int, int, int]]:
        """Index, status and direction of each audio stream."""
        info = self.getInfo()  # held: the list of media dies with it
        return [(m.index, m.status, m.dir) for m in info.media if m.type == pj.PJMEDIA_TYPE_AUDIO]

    def _sending(self) -> list[int]:
        active, encoding = pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJMEDIA_DIR_ENCODING
        return [index for index, status, direction in self._audio() if status == active and direction & encoding]

    def _still_coming(self) -> bool:
        return any(status == pj.PJSUA_CALL_MEDIA_NONE and direction for _, status, direction in self._audio())

    def act(self, now_s: float) -> None:
        """Do what the plan has for this moment."""
        if self.playing_at_s is None or self.ended:
            return
        plan, played_s = self.plan, now_s - self.playing_at_s
        if plan.hold_after_s is not None and self.held_at_s is None and played_s >= plan.hold_after_s:
            self.hold()
        if plan.resume_after_s is not None and not self.resumed and played_s >= plan.resume_after_s:
            self.resume()
        if plan.duration_s and played_s >= plan.duration_s:
            self.end()

    def hold(self) -> None:
        """Put the far end on hold."""
        self.held_at_s, self.resumed = time.monotonic(), False
        self.setHold(pj.CallOpParam(True))
        say("held", self.plan.number)

    def resume(self) -> None:
        """Take the far end off hold; the sounds go on where they were."""
        self.resumed = True
        param = pj.CallOpParam(True)
        param.opt.flag = pj.PJSUA_CALL_UNHOLD
        param.opt.audioCount = len(self.players)
        param.opt.videoCount = 0
        self.reinvite(param)
        say("resumed", self.plan.number)

    def end(self) -> None:
        """Count packets and hang up, once."""
        if self.hanging_up:
            return
        self.hanging_up = True
        if self.playing_at_s is not None:
            stats = [self.getStreamStat(index) for index in self._sending()]
            self._packets = ([s.rtcp.txStat.pkt for s in stats], [s.rtcp.rxStat.pkt for s in stats])
        self.hangup(pj.CallOpParam(True))


def open_endpoint(plan: EndpointPlan) -> tuple[Any, list[Any]]:
    """Start the library with the null sound device; gives the endpoint and an account a call."""
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = plan.log_level
    config.uaConfig.threadCnt = 0  # polled, so that every callback comes on the one thread
    config.uaConfig.mainThreadOnly = True
    media = config.medConfig
    media.clockRate, media.noVad, media.ecTailLen, media.sndAutoCloseTime, media.quality = 8000, True, 0, -1, 4
    endpoint.libInit(config)
    for codec in endpoint.codecEnum2():
        wanted = any(codec.codecId.startswith(call.codec + "/") for call in plan.calls)
        endpoint.codecSetPriority(codec.codecId, 255 if wanted else 0)
    transport = pj.TransportConfig()
    transport.boundAddress = transport.publicAddress = "127.0.0.1"
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_TCP, transport)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    return endpoint, [_open_account(plan, call) for call in plan.calls]


def _open_account(plan: EndpointPlan, call: CallPlan) -> Any:
    config = pj.AccountConfig()
    config.idUri = f"sip:{call.from_user}@127.0.0.1"
    rtp = config.mediaConfig.transportConfig
    rtp.port, rtp.portRange, rtp.boundAddress = plan.rtp_port, 40, "127.0.0.1"
    if call.srtp:
        config.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_MANDATORY
        config.mediaConfig.srtpSecureSignaling = 0
    account = pj.Account()
    account.create(config)
    return account


@final
class Endpoint:
    """Carries out one plan."""

    def __init__(self, plan: EndpointPlan) -> None:
        self._endpoint, self._accounts = open_endpoint(plan)
        self._calls = [OutgoingCall(account, call) for account, call in zip(self._accounts, plan.calls, strict=True)]
        self._unplaced = list(self._calls)
        self._orders = selectors.DefaultSelector()
        self._orders.register(sys.stdin, selectors.EVENT_READ)
        self._rest = b""
        os.set_blocking(sys.stdin.fileno(), False)

    def run(self) -> None:
        """Place the calls and poll until each has ended; a closed standard input hangs all up."""
        begun_s = time.monotonic()
        while not all(call.ended for call in self._calls):
            now_s = time.monotonic()
            self._place_due(now_s - begun_s)
            self._endpoint.libHandleEvents(POLL_MS)
            for call in self._calls:
                call.act(now_s)
            self._take_orders()
        goodbye_s = time.monotonic() + GOODBYE_S
        while time.monotonic() < goodbye_s:
            self._endpoint.libHandleEvents(POLL_MS)

    def _place_due(self, elapsed_s: float) -> None:
        for call in [c for c in self._unplaced if c.plan.begin_after_s <= elapsed_s]:
            self._unplaced.remove(call)
            try:
                call.place()
            except pj.Error as error:
                call.ended = True
                say("failed", call.plan.number, reason=error.reason)

    def _take_orders(self) -> None:
        if not self._orders.get_map() or not self._orders.select(0):
            return
        octets = os.read(sys.stdin.fileno(), 65536)
        if not octets:
            self._orders.unregister(sys.stdin)
            self._end_all()
        *lines, self._rest = (self._rest + octets).split(b"\n")
        for line in lines:
            self._obey(Order.model_validate_json(line))

    def _obey(self, order: Order) -> None:
        for call in self._calls:
            if call.plan.number == order.call and not call.ended and call not in self._unplaced:
                {"hang_up": call.end, "hold": call.hold, "resume": call.resume}[order.verb]()

    def _end_all(self) -> None:
        for call in self._unplaced:
            call.ended = True
        self._unplaced.clear()
        for call in self._calls:
            if not call.ended:
                call.end()


def main() -> None:
    """Carry out the plan of the command line, and leave without the library's own end."""
    endpoint = Endpoint(EndpointPlan.model_validate_json(sys.argv[1]))  # held until the end: dropping it aborts
    endpoint.run()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
