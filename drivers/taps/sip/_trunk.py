"""All lines of one worker, and what PJSIP and the tap's verbs mean to them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final, final

from drivers.contract import CallArrived, CallRefused, Host, LineFault, LineUnknownError, TapFailedError, WorkerPlan
from drivers.taps.sip._account import Accounts
from drivers.taps.sip._dialler import Dialler
from drivers.taps.sip._door import Door
from drivers.taps.sip._gate import Gate
from drivers.taps.sip._handshake import WAIT_S
from drivers.taps.sip._incoming import Incoming
from drivers.taps.sip._indication import AWARE
from drivers.taps.sip._ledger import Ledger
from drivers.taps.sip._library import Call, Library
from drivers.taps.sip._line import Dialog, Line
from drivers.taps.sip._loop import Loop
from drivers.taps.sip._message import Message, plain
from drivers.taps.sip._native import Native
from drivers.taps.sip._options import Options
from drivers.taps.sip._orphans import Orphans
from drivers.taps.sip._pace import CallPace
from drivers.taps.sip._parties import MAX_LEGS
from drivers.taps.sip._peers import Peers
from drivers.taps.sip._place import Place
from drivers.taps.sip._service import Service
from drivers.taps.sip._session_timer import LEAST_S, is_too_short
from drivers.taps.sip._words import end_of_call
from drivers.taps.sip.front import make_folder
from drivers.taps.sip.siprec import SiprecCall
from drivers.taps.sip.tcp import SEATS, Reception

logger = logging.getLogger(__name__)

_EAGER_S: Final = 0.004  # while the first packet of a stream may come from one moment to the next
_BEAT_S: Final = 0.05
_FIRST_LOOK_BEATS: Final = 2
_LOOK_BEATS: Final = 20
_RELIEF_S: Final = 0.5
_HUNG_S: Final = 0.9  # the front gives a call to the next worker after 1 s
_STALE_S: Final = 0.1  # until what came meanwhile has been read
_OK, _NOT_FOUND, _NO_CALL, _TOO_SHORT, _BUSY, _INTERNAL, _UNAVAILABLE = 200, 404, 481, 422, 486, 500, 503
_MOST_TRANSPORTS: Final = SEATS + 16  # of PJSIP's 64 sockets; closed ones keep theirs a while
_MOST_ARRIVING: Final = 32  # between the gate and PJSIP's own word


@final
class Trunk:
    """For the PJSIP thread alone, from :meth:`open` on."""

    def __init__(self, options: Options, plan: WorkerPlan, native: Native, host: Host) -> None:
        self.native = native
        self.host = host
        self.options = options
        self.lines = {line.name: Line(line.name, self) for line in plan.lines}
        self.closing = False
        self.trouble = ""  # what keeps the box from recording
        self._turned_s = time.monotonic()  # when this thread was last seen to move
        self._stale_until_s = 0.0
        self.spent = ""  # why a new worker should take over, once this one has nothing in hand
        self.loop: Loop
        self._worker = plan.index
        self._place = Place.of(options, plan)
        self._door = Door(self._place) if self._place.door else None
        self._ledger: Ledger | None = None
        self._orphans: Orphans | None = None
        self._by_number: dict[int, Line] = {}
        self._arriving: dict[str, SiprecCall] = {}
        self._pace = CallPace(options.calls_per_s)
        self._peers = Peers(() if self._door else options.peers)  # a front turns strangers away itself
        self._accounts = Accounts(self, plan.index, self._place, self)
        self.dialler = Dialler(self, self._accounts, self._pace)
        self._service = Service(options.worker_age_s, options.worker_memory_mb, plan.index)
        self._library: Library
        self._reception: Reception
        self._gate: Gate

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Call ``act`` on this thread in ``delay_s``."""
        self.loop.later(delay_s, act)

    def line(self, name: str) -> Line:
        """Line of that name. Raises :class:`LineUnknownError`."""
        try:
            return self.lines[name]
        except KeyError:
            raise LineUnknownError(f"{self.options.name} has no line {name!r} in this worker") from None

    # --- the thread's turn --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Set PJSIP up on this thread."""
        self._library = Library(self.options, self._worker, self._place, self.native, self)
        self._gate = Gate(self.native, self)
        self._gate.prove(self._place.near, self._place.port, self._library.handle)
        self._reception = Reception(
            self._library.acceptor, self.options, self._peers, self.host, self.loop.post, self._calls_up
        )
        self._reception.start()
        self._open_ledger()
        if self._door is not None:
            self._door.open()
        self._accounts.open()
        self._beat(1)

    def _open_ledger(self) -> None:
        try:
            folder = make_folder(self.options)
            ledger = Ledger(folder, self._worker, len(self.lines))
            ledger.open()
        except TapFailedError as error:  # it is not needed to record
            logger.warning("callers would not hear of this worker's death: %s", error)
            return
        self._ledger = ledger
        if self._door is None:  # where there is a front it does this
            self._orphans = Orphans(folder, None, self._place.host, self._worker)

    def handle(self, wait_s: float) -> None:
        """Handle PJSIP's events, waiting so long for the first at most."""
        self._hung()
        self._library.handle(min(wait_s, _EAGER_S) if self.look_out() else wait_s)
        self._hung()

    def _hung(self) -> bool:
        """Whether the thread stood still for so long that the front has given what came meanwhile to other workers."""
        now_s = time.monotonic()
        if now_s - self._turned_s >= _HUNG_S:
            self._stale_until_s = now_s + _STALE_S
        self._turned_s = now_s
        return now_s < self._stale_until_s

    def _beat(self, number: int) -> None:
        """Do what is due again and again, all of it in one turn: each turn costs more than what is done in it."""
        self.later(_BEAT_S, lambda: self._beat(number + 1))
        if self._door is not None:
            self._door.look()
        self._note_ended()
        self.dialler.look()
        self.native.flush()
        if number % _FIRST_LOOK_BEATS == 0:
            self._look(first=True)
        if number % _LOOK_BEATS == 0:
            self._look(first=False)
            if self._orphans is not None:
                self._orphans.look()
            self._consider_end()

    def look_out(self) -> bool:
        """See which streams have their first packet; gives whether one may come from one moment to the next."""
        now_s = time.monotonic()
        eager = [line.call.look(now_s) for line in self.lines.values() if line.call is not None]
        return any(eager)

    def _note_ended(self) -> None:
        if self._ledger is not None:
            self._ledger.keep({line.dialog.call_id for line in self.lines.values() if line.call and line.dialog})

    def _look(self, *, first: bool) -> None:
        now_s = time.monotonic()
        for line in self.lines.values():
            line.look(now_s, first=first)
            reason = "" if first else line.dead(now_s)
            if reason:
                self.host.emit(LineFault(line=line.name, text=f"{reason}: the call is given up"))
                self.hang_up(line, reason)

    def _consider_end(self) -> None:
        """Let a new worker take over when the time is served: calls go elsewhere first, then this one ends."""
        reason = "" if self.closing else self._reception.failure or self._service.over(time.monotonic())
        if not reason:
            return
        if self._door is not None:
            self._door.ask_relief()
        if self._has_nothing_in_hand():
            self.closing = True  # a call that is on its way to us gets 503, and the front asks the next worker
            self.later(_RELIEF_S, lambda: self._end_service(reason))

    def _end_service(self, reason: str) -> None:
        if self._has_nothing_in_hand():
            self.spent = reason
        else:
            self.closing = False

    def _has_nothing_in_hand(self) -> bool:
        return self.idle() and not self.native.calls() and not any(line.captures for line in self.lines.values())

    def _calls_up(self) -> set[str]:
        """Call-IDs of the calls on all lines. For any thread."""
        dialogs = [line.dialog for line in self.lines.values()]
        return {dialog.call_id for dialog in dialogs if dialog is not None}

    # --- before a call ------------------------------------------------------------------------------------------

    def turn_away(self, address: str) -> int | None:
        """Answer to whoever is none of the peers; None for a peer."""
        return self._peers.turn_away(address)

    def refusal(self, invite: Message) -> int | None:
        """Decide whether an INVITE may become a call; None if it may, else the answer."""
        siprec = self._siprec(invite)
        device = self._device(invite, siprec)
        code = self._judge(invite, device)
        if code is None and siprec is not None:
            self._arriving[invite.call_id] = siprec
            while len(self._arriving) > _MOST_ARRIVING:
                del self._arriving[next(iter(self._arriving))]
        return code

    def _siprec(self, invite: Message) -> SiprecCall | None:
        document = self._document(invite)
        if not document:
            return None
        siprec = SiprecCall(self.options, invite)
        siprec.take(document, invite.header("cseq"), time.monotonic())
        return siprec

    def _document(self, request: Message) -> str:
        """Metadata that comes with a request: by the door where there is a front, else in its body."""
        if self._door is None or not request.header("x-linetap-metadata"):
            return request.metadata
        document = self._door.take(request.call_id, request.header("cseq"))
        if not document:
            logger.warning("call %s: the metadata of %s did not come", request.call_id, request.header("cseq"))
        return document

    def _device(self, invite: Message, siprec: SiprecCall | None) -> str:
        told = siprec.fields().get("device", "") if siprec is not None else ""
        return plain(told) or invite.device(self.options.device_from)

    def _judge(self, invite: Message, device: str) -> int | None:
        if self.closing:
            return self._refuse(_UNAVAILABLE, "the trunk is being closed", device)
        if self.options.unknown_devices == "refuse" and not self.options.knows(device):
            return self._refuse(_NOT_FOUND, "unknown device" if device else "no device named", device)
        if self._door is not None and self._hung():
            return self._refuse(_UNAVAILABLE, "what came while the worker hung has gone to another one", device)
        if is_too_short(invite):
            return self._refuse(_TOO_SHORT, f"a session that has to be refreshed within {LEAST_S} s", device)
        if self.native.transport_count() > _MOST_TRANSPORTS:
            return self._refuse(_UNAVAILABLE, "connections of our own to peers that do not answer", device)
        if not self._has_room():
            return self._refuse(_BUSY, "as many calls as the trunk takes", device)
        if not self._pace.take(time.monotonic()):
            return self._refuse(_UNAVAILABLE, f"more than {self.options.calls_per_s} calls in a second", device)
        return None

    def _has_room(self) -> bool:
        return self._free_line() is not None and self.native.calls() < self.native.call_limit()

    def _free_line(self) -> Line | None:
        """Line for a call that comes: none of those that are kept for playback."""
        kept = self.options.assign
        return next((line for line in self.lines.values() if line.free and kept.get(line.name) != "playback"), None)

    def _refuse(self, code: int, reason: str, device: str) -> int:
        if self._door is None or code in {_NOT_FOUND, _TOO_SHORT}:  # of others the front tells, if no worker takes it
            self.host.emit(CallRefused(code=code, reason=reason, device=device))
        return code

    def health(self) -> int | None:
        """Answer to OPTIONS while nothing can be recorded; None where PJSIP has to answer."""
        return _UNAVAILABLE if self.trouble else None

    def library_refused(self, code: int, reason: str) -> None:
        """Tell that PJSIP refused a call by itself (codecs, a malformed body)."""
        self.host.emit(CallRefused(code=code, reason=reason))

    # --- a call -------------------------------------------------------------------------------------------------

    def call_came(self, account: Any, call: int, message: bytes, source: str) -> None:
        """Give the call a line and answer it."""
        invite = Message.read(message)
        taken = Call(account, call, self)
        try:
            self._accept(taken, invite, source)
        except Exception:
            logger.exception("a call could not be taken")
            self._refuse(_INTERNAL, "the call could not be taken", invite.device(self.options.device_from))
            taken.end(_INTERNAL)

    def _accept(self, call: Call, invite: Message, source: str) -> None:
        line = self._free_line()
        assert line is not None, "the gate lets nobody in without one"
        labels = invite.labels()
        siprec = self._arriving.pop(invite.call_id, None) or SiprecCall(self.options, invite)
        session = line.take(
            call, Dialog(invite.call_id, invite.from_tag, siprec.parties, tuple(invite.labels_by_line()), siprec)
        )
        self._by_number[call.number] = line
        if self._ledger is not None:
            self._ledger.came(invite)
        line.timer.take(invite, time.monotonic())
        line.handshake.invited(invite.header("cseq"))
        fields = siprec.fields()
        if self._door is not None:
            source = invite.header("x-linetap-source") or source
        self.host.emit(
            CallArrived(
                line=line.name,
                session=session,
                device=self._device(invite, siprec),
                ani=fields.pop("ani", "") or invite.ani,
                dnis=fields.pop("dnis", "") or invite.dnis,
                reference=invite.call_id,
                details={"source": source, "user_agent": invite.header("user-agent")},
                fields={name: value for name, value in fields.items() if name != "device"},
            )
        )
        line.count_streams(len(labels))
        call.is_aware = AWARE in invite.tags("supported")
        call.accept(MAX_LEGS if labels else 1, siprec=self._door is None and invite.asks("siprec"))

    def media_changed(self, call: int) -> None:
        """Connect the call's streams."""
        if call in self._by_number:
            self._by_number[call].connect()

    def stream_created(self, call: Call, stream: int, address: int) -> None:
        """Wait for the stream's first packet."""
        call.begin(stream, Incoming(self.native, address, time.monotonic()))

    def stream_ends(self, call: int, stream: int, address: int) -> None:
        """Keep what was not heard yet."""
        if call in self._by_number:
            self._by_number[call].stream_ends(stream, address)

    def offer_refused(self, call: int) -> None:
        """Offer again, in a while."""
        if call in self._by_number:
            self._by_number[call].offer_again()

    def state_changed(self, call: int, *, gone: bool, reason: str) -> None:
        """Drop a call that is over."""
        if gone and call in self._by_number:
            line = self._by_number.pop(call)
            line.gone(end_of_call(reason, was_up=line.call is not None and line.call.was_up))

    def told(self, request: Message) -> int | None:
        """Take metadata and labels of a request within a call; None where PJSIP has to answer, else the answer."""
        document = self._document(request)
        line = self._line_of(request)
        labels = request.labels_by_line()
        if line is not None and request.method != "INFO":
            line.timer.take(request, time.monotonic())
        if line is not None and labels:
            line.count_streams(len(request.labels()))
            line.offered(labels)
        if line is not None and self._ledger is not None:
            self._ledger.moved(request)
        if not document:
            return None
        if line is None:
            return _NO_CALL
        line.learn(document, request.header("cseq"))
        return None if request.method == "UPDATE" and not request.metadata else _OK

    def notified(self, notify: Message) -> None:
        """Take what is told of the calls at a phone."""
        self.dialler.notified(notify, self._document(notify) or notify.body)

    def subscribed(self, answer: Message, status: str) -> None:
        """Take the answer to a subscription."""
        self.dialler.subscribed(answer, status)

    def confirmed(self, ack: Message) -> None:
        """Note a call that came for whoever outlives us."""
        if self._ledger is not None:
            self._ledger.confirmed(ack)
        line = self._line_of(ack)
        if line is not None:
            for let_go in line.handshake.confirmed(ack.header("cseq")):
                self.later(0, let_go)

    def answered(self, answer: Message) -> None:
        """Note a call that we placed."""
        if self._ledger is not None:
            self._ledger.answered(answer)

    def holds(self, request: Message) -> Callable[[int], None] | None:
        """Let the BYE of a call that is captured wait until its audio is out, and an INVITE for the ACK before it."""
        line = self._line_of(request)
        if line is None:
            return None
        if request.method == "INVITE":
            return self._holds_invite(line, request)
        if line.bye_held:
            return self._gate.drop  # repeated: the first one's answer serves
        line.bye_held = True
        return lambda kept: line.leave("the far end hung up", lambda: self._release(line, kept))

    def _holds_invite(self, line: Line, invite: Message) -> Callable[[int], None] | None:
        handshake, cseq = line.handshake, invite.header("cseq")
        if not handshake.is_open:
            handshake.invited(cseq)
            return None

        def keep(kept: int) -> None:
            def let_go() -> None:
                handshake.invited(cseq)
                self._gate.release(kept)

            handshake.wait(let_go)
            self.later(WAIT_S, lambda: let_go() if handshake.give_up(let_go) else None)

        return keep

    def _release(self, line: Line, request: int) -> None:
        self._gate.release(request)
        line.stay()

    def _line_of(self, request: Message) -> Line | None:
        return next((line for line in self.lines.values() if _belongs(request, line)), None)

    # --- verbs --------------------------------------------------------------------------------------------------

    def hang_up(self, line: Line, reason: str) -> None:
        """End the call when its session is closed."""
        line.leave(reason, lambda: _end_call(line))

    def close(self) -> None:
        """Take no more calls and end those that are up."""
        self.closing = True
        self.dialler.close()
        for line in self.lines.values():
            if line.call is not None and not line.leaving:
                self.hang_up(line, "the trunk is being closed")
            elif line.captures:
                line.stop(lambda: None)

    def leave(self) -> None:
        """Leave word of the calls that could not be ended, to whoever outlives us."""
        self._reception.stop()
        self._note_ended()
        orphans, self._orphans = self._orphans, None  # a beat may still come
        if orphans is not None:
            orphans.close()
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            ledger.close()

    def idle(self) -> bool:
        """Whether every line is free."""
        return all(line.free for line in self.lines.values())


def _belongs(request: Message, line: Line) -> bool:
    if line.call is None or line.dialog is None or not request.to_tag:
        return False
    told = line.dialog.remote_tag or request.from_tag  # of a call that we place nobody else knows the Call-ID
    return (request.call_id, request.from_tag) == (line.dialog.call_id, told)


def _end_call(line: Line) -> None:
    if line.call is not None:
        line.call.end()
