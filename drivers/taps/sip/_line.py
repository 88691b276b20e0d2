"""One line: the call on it, the session that captures it, and how both end."""

from __future__ import annotations

import dataclasses
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, final

import pjsua2 as pj

from drivers.contract import (
    CallChanged,
    CallLeft,
    LineFault,
    LossReason,
    Party,
    SessionClosed,
    SessionOpened,
    SessionSink,
    TapError,
)
from drivers.taps.sip._capture import PATH_MS, Capture
from drivers.taps.sip._ending import Ending
from drivers.taps.sip._handshake import Handshake
from drivers.taps.sip._legs import Legs, Offered
from drivers.taps.sip._library import Call
from drivers.taps.sip._parties import MAX_LEGS
from drivers.taps.sip._pauses import HELD, METADATA, Pauses
from drivers.taps.sip._remainder import Remainder
from drivers.taps.sip._session_timer import SessionTimer
from drivers.taps.sip._stream import Stream
from drivers.taps.sip._watch import Watch
from drivers.taps.sip._works import Works
from drivers.taps.sip.siprec import SiprecCall

logger = logging.getLogger(__name__)

_HEARING_S: Final = 0.003  # between a packet's leaving the kernel and its being counted, and more
_HEARD_OUT_S: Final = 0.2
_OWN_CALL_S: Final = (2.1, 4.0)
_THEIR_CALL_S: Final = (0.05, 2.0)  # by the standard from 0 on; the far side's own offer may be on its way


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Dialog:
    """What is known of a call from its INVITE."""

    call_id: str
    remote_tag: str
    parties: tuple[Party, Party]  # of leg 0 and leg 1
    labels: tuple[str, ...]  # of each m= line of its offer
    siprec: SiprecCall

    def leg_of(self, label: str) -> int | None:
        """Leg of whoever sends on the stream of that label, by the metadata; None where it does not say."""
        party = self.siprec.party_of(label)
        return self.parties.index(party) if party in self.parties else None


@final
class Line:
    """A line. For the PJSIP thread alone."""

    def __init__(self, name: str, works: Works) -> None:
        self.name = name
        self.call: Call | None = None
        self.dialog: Dialog | None = None
        self.leaving = False  # the call is being ended, by whomever
        self.bye_held = False
        self.dialled = False  # the call was placed by us: it is captured only where somebody asks for it
        self.timer = SessionTimer()
        self.handshake = Handshake()
        self._works = works
        self._watch = Watch(works, name, time.monotonic())
        self._labels: tuple[str, ...] = ()
        self._legs = Legs(lambda _: None)
        self._capture: Capture | None = None
        self._pauses = Pauses()
        self._armed: SessionSink | None = None
        self._endings: list[Ending] = []
        self._session = ""
        self._reason = ""
        self._faulty = False
        self._refused_streams = 0  # that the far side offers now and that have no leg

    @property
    def free(self) -> bool:
        """Whether a call may take the line."""
        return self.dialog is None

    @property
    def captures(self) -> bool:
        """Whether a session is open on the line."""
        return self._capture is not None or self._armed is not None

    # --- a call comes -------------------------------------------------------------------------------------------

    def arm(self, sink: SessionSink) -> None:
        """Let the next call on the free line go into ``sink``."""
        self._armed = sink

    def take(self, call: Call, dialog: Dialog) -> str:
        """Give the line to a call; gives the session that captures it."""
        sink = self._armed or self._works.host.session(self.name)
        self._armed = None
        self._occupy(call, dialog, dialled=False)
        self._begin(sink)
        return self._session

    def place(self, call: Call | None, dialog: Dialog) -> None:
        """Give the line to a call that we place, or are about to; :meth:`record` captures it."""
        self._occupy(call, dialog, dialled=True)
        self._session = ""

    def record(self, sink: SessionSink) -> None:
        """Capture the call that was placed, from now on."""
        self._begin(sink)
        for stream in self._watch.streams.values():
            self._record(stream)

    def _occupy(self, call: Call | None, dialog: Dialog, *, dialled: bool) -> None:
        self.call, self.dialog, self.dialled = call, dialog, dialled
        self._labels, self._legs = dialog.labels, Legs(dialog.leg_of)
        self.leaving, self.bye_held, self._faulty, self._reason = False, False, False, ""
        self.timer = SessionTimer()
        self.handshake = Handshake()
        self._refused_streams = 0
        self._watch = Watch(self._works, self.name, time.monotonic())

    def _begin(self, sink: SessionSink) -> None:
        options = self._works.options
        self._capture = Capture(self._works.native, sink, options.jitter_ms, options.rate_hz)
        self._session = sink.session
        self._pauses = Pauses()
        self._note_pauses()
        if self._refused_streams:
            self._note_streams()
        if self.dialog is not None:
            _keep(sink, self.dialog.siprec)

    def learn(self, document: str, by: str) -> None:
        """Take a further metadata document of the call."""
        if self.dialog is None:
            return
        siprec = self.dialog.siprec
        known, fields = len(siprec.documents), siprec.fields()
        siprec.take(document, by, time.monotonic())
        changed = {name: value for name, value in siprec.fields().items() if fields.get(name) != value}
        changed.pop("device", None)  # a call stays with its device
        if changed:
            self._works.host.emit(CallChanged(line=self.name, session=self._session, fields=changed))
        if self._capture is not None:
            _keep(self._capture.sink, siprec, known)
        delay_s = (self._works.options.jitter_ms + PATH_MS) / 1000  # until what came before has left the jitter buffer
        self._works.later(delay_s, self._pause)

    def _pause(self) -> None:
        """Record silence on the streams that the metadata says are paused, and go on with the others."""
        if self.call is None or self.dialog is None or self.leaving:
            return
        for stream in self._watch.streams.values():
            pause = self._works.options.metadata_pauses and self.dialog.siprec.is_paused(stream.label)
            if pause == stream.paused:
                continue
            stream.paused = pause
            if not pause:
                self._watch.resume(self.call, stream, time.monotonic())
                self._record(stream)
            elif stream.expected and self._capture is not None:
                self._capture.disconnect(stream.number, stream.slot)
        self._note_pauses()

    def _note_pauses(self) -> None:
        now_s, noted = time.monotonic(), False
        for stream in self._watch.streams.values():
            if stream.expected and not stream.paused:
                noted |= self._pauses.end(stream.number, now_s)
            else:
                noted |= self._pauses.begin(stream.number, METADATA if stream.expected else HELD, now_s)
        if noted and self._capture is not None:
            self._capture.sink.measured(self._pauses.facts())

    def connect(self) -> None:
        """Connect every stream that the far side may send on to its leg."""
        if self.call is None:
            return
        info = self.call.getInfo()  # kept in a name: its parts dangle when it is gone
        heard = {media.index: media for media in info.media if media.type == pj.PJMEDIA_TYPE_AUDIO and _hears(media)}
        legs = self._legs.assign([Offered(index, self._label(index)) for index in sorted(heard)])
        for number in range(MAX_LEGS):
            if number in legs:
                media = heard[legs[number].line]
                stream = self._watch.stream(number, media.index)
                stream.media, stream.slot = media.index, media.audioConfSlot
                stream.label = legs[number].label
                stream.expect(expected=True)
                self._record(stream)
            elif number in self._watch.streams:
                self._watch.leave(self._watch.streams[number], self._capture)
        self._note_pauses()
        if self._capture is not None and not self.leaving:
            self._capture.settle(self._works.look_out)

    def count_streams(self, offered: int) -> None:
        """Tell of audio streams that have no leg: nothing of them is recorded."""
        more = max(0, offered - MAX_LEGS)
        if more == self._refused_streams:
            return
        self._refused_streams = more
        if more:
            text = f"{offered} audio streams are offered at once: {MAX_LEGS} are recorded"
            logger.warning("line %s, session %s: %s", self.name, self._session, text)
            self._works.host.emit(LineFault(line=self.name, text=text))
        self._note_streams()

    def _note_streams(self) -> None:
        if self._capture is not None:
            self._capture.sink.measured({"refused_streams": self._refused_streams})

    def offered(self, labels: Sequence[str]) -> None:
        """Note the labels of a further offer, and how its streams stand before the library makes them anew."""
        self._labels = tuple(labels)
        if self.call is not None and self._capture is not None:
            self._watch.look(self.call, self._capture, time.monotonic(), every_s=0.0)

    def stream_ends(self, media: int, address: int) -> None:
        """Keep what waits in the jitter buffer of a stream that PJSIP is about to destroy."""
        streams = (stream for stream in self._watch.expected if stream.media == media)
        stream = next(streams, None)
        if stream is None or self.call is None or self._capture is None:
            return
        frames = self._watch.waiting(self.call).get(stream.number, 0)
        if not frames:
            return
        pcm, rate_hz = self._works.native.take_audio(address, frames / self._works.options.rate_hz)
        now_s = time.monotonic()
        if self._watch.waiting(self.call).get(stream.number, 0) < frames:  # else it was not full enough to give any
            self._watch.look(self.call, self._capture, now_s, every_s=0.0)
            remainder = Remainder(self._works.native, pcm, rate_hz, now_s)
            lost = self._capture.remain(stream.number, remainder, self._works.later)
            self._watch.tell(self._capture, stream, lost, LossReason.PACKETS_LOST)

    def offer_again(self) -> None:
        """Repeat an offer that crossed one of the far side, in the time that the standard draws (RFC 3261, 14.1)."""
        least_s, most_s = _OWN_CALL_S if self.dialled else _THEIR_CALL_S
        dialog = self.dialog
        self._works.later(random.uniform(least_s, most_s), lambda: self._offer(dialog))

    def _offer(self, dialog: Dialog | None) -> None:
        if self.call is None or self.dialog is not dialog or self.leaving:
            return
        if not self.call.offer():
            self.offer_again()

    def _label(self, line: int) -> str:
        return self._labels[line] if line < len(self._labels) else ""

    def _record(self, stream: Stream) -> None:
        if not stream.expected or stream.paused or self._capture is None or self.call is None or self.dialog is None:
            return
        info = self.call.getStreamInfo(stream.media)
        codec = f"{info.codecName}/{info.codecClockRate}"
        stream.promise(info.remoteRtpAddress)
        self._capture.connect(stream.number, self.dialog.parties[stream.number], stream.slot)
        self._capture.describe(stream.number, codec, info.codecClockRate, info.remoteRtpAddress)
        if info.codecName == "G722" and not self.call.knows_clock(stream.media):
            logger.warning("line %s: not the build of pjsua2 this driver knows: 40 ms of G.722 may be lost", self.name)

    # --- sessions -----------------------------------------------------------------------------------------------

    def stop(self, done: Callable[[], None]) -> bool:
        """End the session; ``done`` is called when its sink is closed. False if there is none.

        A call that is up goes on into a new session, from the very moment that the old one ends at.
        """
        if self._armed is not None:
            self._disarm()
            done()
            return True
        if self._capture is None:
            if self._endings:
                self._endings[-1].then.append(done)
            return bool(self._endings)
        self._end("stopped").then.append(done)
        if not (self.leaving or self.dialled):
            self.reopen()
        return True

    def _disarm(self) -> None:
        sink, self._armed = self._armed, None
        assert sink is not None
        sink.close("stopped")
        self._works.host.emit(SessionClosed(line=self.name, session=sink.session, reason="stopped"))

    def reopen(self) -> None:
        """Begin a further session on a call that goes on."""
        try:
            self._begin(self._works.host.session(self.name))
            for stream in self._watch.streams.values():
                self._record(stream)
        except (TapError, OSError) as error:
            self._fail(f"the call goes on, but no session can begin: {error}")
            return
        self._faulty = False
        self._works.host.emit(SessionOpened(line=self.name, session=self._session))

    def _fail(self, text: str) -> None:
        if self._capture is not None:
            self._end("failed")
        if not self._faulty:
            self._faulty = True
            self._works.host.emit(LineFault(line=self.name, text=text))

    def _end(self, reason: str, *, until_empty: bool = False) -> Ending:
        """Close the session as soon as the audio that came before this moment is in its files."""
        capture, self._capture = self._capture, None
        assert capture is not None
        self._settle(capture)
        ending = Ending(
            self._works,
            self.name,
            capture,
            reason,
            waiting=lambda: self._waiting(capture, until_empty=until_empty),
            tail=until_empty and capture.converted,
            over=self._over,
        )
        self._endings.append(ending)
        ending.begin(drain=self.call is not None or bool(capture.remaining(time.monotonic())))
        return ending

    def _waiting(self, capture: Capture, *, until_empty: bool) -> dict[int, int]:
        """Frames of each leg that are on their way into its file."""
        in_buffers = self._watch.waiting(self.call) if until_empty else {}
        return {**in_buffers, **capture.remaining(time.monotonic())}

    def _settle(self, capture: Capture) -> None:
        now_s = time.monotonic()
        if self.call is not None:
            self._watch.look(self.call, capture, now_s, last=True)
        self._watch.settle(capture, now_s)

    def _over(self, ending: Ending) -> None:
        self._endings.remove(ending)
        self._tell_left()

    # --- the call ends ------------------------------------------------------------------------------------------

    def leave(self, reason: str, then: Callable[[], None]) -> None:
        """End the session because the call ends, then do ``then``, which ends the call itself."""
        self.leaving = True
        self._reason = self._reason or reason
        self._hear_out(reason, then, self.dialog, time.monotonic() + _HEARD_OUT_S)

    def _hear_out(self, reason: str, then: Callable[[], None], dialog: Dialog | None, until_s: float) -> None:
        """End the session when PJSIP has taken the packets that came before its end, but not later than a moment."""

        def look() -> None:
            if self.dialog is not dialog:  # the call has ended meanwhile, and the line has another one
                then()
            elif self._capture is None and self._endings:
                self._endings[-1].then.append(then)
            elif self._capture is None:
                then()
            elif self.call is not None and time.monotonic() < until_s and self._watch.has_unread(self.call):
                self._hear_out(reason, then, dialog, until_s)
            else:
                self._end(reason, until_empty=True).then.append(then)

        self._works.later(_HEARING_S if self._capture is not None else 0.0, look)

    def stay(self) -> None:
        """Go on with a call that did not end after all."""
        if self.call is not None:
            self.leaving, self.bye_held, self._reason = False, False, ""

    def gone(self, reason: str) -> None:
        """Drop the call, which PJSIP has ended: at once, since its number may come back with the next event."""
        self.call = None
        self._reason = self._reason or reason
        if self._capture is not None:
            self._end(self._reason)
        self._tell_left()

    def _tell_left(self) -> None:
        if self.call is None and self.dialog is not None and not self._endings:
            self.dialog = None
            self._works.host.emit(CallLeft(line=self.name, session=self._session, reason=self._reason))

    # --- watching -----------------------------------------------------------------------------------------------

    def look(self, now_s: float, *, first: bool) -> None:
        """Read the streams' counters; with ``first`` only where no packet came yet."""
        if self.call is None or self.leaving:
            return
        if self._capture is None:
            if not (first or self.dialled):
                self.reopen()
            return
        if not first or not self._capture.began:
            self._watch.look(self.call, self._capture, now_s)

    def dead(self, now_s: float) -> str:
        """Why the call should be given up; empty while it should not."""
        if self.timer.over(now_s) and self.call is not None and not self.leaving:
            return "the far end did not refresh the session"
        watched = self._capture is not None or not self.dialled
        return self._watch.dead(now_s) if self.call is not None and watched and not self.leaving else ""


def _hears(media: Any) -> bool:
    """Whether the far side may send: a ``sendonly`` stream of its has the status of a hold."""
    live = media.status in {pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD}
    return live and bool(media.dir & pj.PJMEDIA_DIR_DECODING) and media.audioConfSlot >= 0


def _keep(sink: SessionSink, siprec: SiprecCall, first: int = 0) -> None:
    """Keep the metadata with the session, the documents from number ``first`` on."""
    if siprec.documents:
        for number in range(first, len(siprec.documents)):
            sink.measured(siprec.document_facts(number))
        sink.measured(siprec.facts())
