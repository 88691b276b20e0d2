"""One call that the trunk places: from the INVITE over the ringing, the digits and the playing to its end."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, final

import pjsua2 as pj

from drivers.contract import CallAnswered, LineFault, Party, PlayEnded, TapError, TapFailedError
from drivers.taps.sip._incoming import set_clock
from drivers.taps.sip._library import Call
from drivers.taps.sip._line import Dialog, Line
from drivers.taps.sip._message import Message
from drivers.taps.sip._player import Player
from drivers.taps.sip._words import end_of_call, refusal
from drivers.taps.sip._works import Works
from drivers.taps.sip.siprec import SiprecCall

logger = logging.getLogger(__name__)

_SILENCE_SLOT: Final = 0  # the bridge's null device
_DIGIT_MS: Final = 120
_DIGIT_EVERY_S: Final = 0.24
_TAIL_S: Final = 0.4  # the last frame goes from the bridge to the wire, and through the jitter buffer of who listens
_LET_GO_S: Final = 5.0
_DEAF_S: Final = 3.0  # a far end that answers nothing cannot be told that we hang up
_READ_EVERY_S: Final = 0.5
_NOT_UNDERSTOOD: Final = frozenset({400, 405, 420, 421, 481, 501})


@final
class Outbound:
    """A call on ``line``. PJSIP's callbacks come to it. For the PJSIP thread alone.

    Parameters
    ----------
    digits
        What is dialled after the answer.
    over
        Called once, when the call is gone and its line free.
    """

    def __init__(self, works: Works, line: Line, digits: str, over: Callable[[Outbound], None]) -> None:
        self.line = line
        self.fallback = ""  # whom to call if the far end does not understand our INVITE
        self._works = works
        self._digits = digits
        self._over = over
        self._call: Call | None = None
        self._number = 0  # of the call that was placed last: what waits knows a call by it, and never holds it
        self._account: Any = None
        self._player: Player | None = None
        self._answered = False
        self._dialled = False  # the digits are out
        self._told_end = False
        self._received = 0  # packets of RTP and RTCP, at the last reading
        self._heard_s = self._sent_s = self._read_s = time.monotonic()

    def place(self, account: Any, uri: str, headers: Mapping[str, str]) -> None:
        """Send the INVITE. Raises TapError where the library cannot."""
        self._account = account
        call = self._call = Call(account, pj.PJSUA_INVALID_ID, self)
        try:
            call.makeCall(uri, _parameters(headers))
        except pj.Error as error:
            self._call = None
            raise TapError(f"{uri} cannot be called: {error.reason}") from error
        call.number = call.getId()
        self._number += 1
        number = self._number
        self.line.place(call, self._dialog(call.getInfo().callIdString))
        self._works.later(self._works.options.ring_s, lambda: self._ring_is_over(number))

    def _dialog(self, call_id: str) -> Dialog:
        nothing = SiprecCall(self._works.options, Message.read(b""))
        return Dialog(call_id, "", (Party.MIXED, Party.AGENT), (), nothing)

    # --- what PJSIP tells -----------------------------------------------------------------------------------------

    def call_came(self, account: Any, call: int, message: bytes, source: str) -> None:
        """No call comes to a call."""

    def library_refused(self, code: int, reason: str) -> None:
        """Nor is one refused by it."""

    def stream_created(self, call: Call, stream: int, address: int) -> None:
        """Leave the stream as PJSIP has it, but for its clock."""
        del call, stream
        set_clock(self._works.native, address)

    def stream_ends(self, call: int, stream: int, address: int) -> None:
        """Keep what was not heard yet, where the call is captured."""
        del call
        self.line.stream_ends(stream, address)

    def offer_refused(self, call: int) -> None:
        """Offer again, in a while."""
        del call
        self.line.offer_again()

    def media_changed(self, call: int) -> None:
        """Hear the stream, and let it have what is played; before the answer too."""
        del call
        self.line.connect()
        self._feed()

    def state_changed(self, call: int, *, gone: bool, reason: str) -> None:
        """Take the next state of the call."""
        del call
        if self._call is None:
            return  # it could not be placed: place() raises
        if gone:
            self._gone(reason)
        elif not self._answered and self._call.getInfo().state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._answered = True
            self._works.host.emit(CallAnswered(line=self.line.name))
            self._dial_on()

    def _gone(self, reason: str) -> None:
        self._call = None
        self.stop_playing()
        code = int(reason.split(" ", 1)[0])
        if self.fallback and not self._answered and not self.line.leaving and code in _NOT_UNDERSTOOD:
            self._call_instead()
            return
        text = end_of_call(reason, was_up=True) if self._answered else refusal(reason)
        self._over(self)
        self.line.gone(text)

    def _call_instead(self) -> None:
        uri, self.fallback = self.fallback, ""
        try:
            self.place(self._account, uri, {})
        except TapError as error:
            self._over(self)
            self.line.gone(str(error))

    # --- ringing, and the end -------------------------------------------------------------------------------------

    def _is_up(self, number: int) -> bool:
        return self._call is not None and number == self._number

    def _ring_is_over(self, number: int) -> None:
        if self._is_up(number) and not self._answered and not self.line.leaving:
            self.hang_up(f"no answer within {self._works.options.ring_s:g} s")

    def hang_up(self, reason: str) -> None:
        """End the call when its session is closed; of a far end that never answered we do not wait for a word."""
        number = self._number
        self.line.leave(reason, lambda: self._end(number))

    def _end(self, number: int) -> None:
        if self._call is None or not self._is_up(number):
            return
        with contextlib.suppress(pj.Error):  # the far end was quicker: state_changed() tells it
            self._call.end()
        self._works.later(_DEAF_S, lambda: self._drop(number))

    def _drop(self, number: int) -> None:
        if self._is_up(number):
            logger.warning("line %s: the far end does not answer: the call is dropped", self.line.name)
            self._call = None
            self._over(self)
            self.line.gone("no answer")

    # --- digits and sound -----------------------------------------------------------------------------------------

    def _dial_on(self) -> None:
        """Send the next digit, or make the next pause."""
        if self._call is None or self.line.leaving:
            return
        if not self._digits:
            self._dialled = True
            self._feed()
            return
        digit, self._digits = self._digits[0], self._digits[1:]
        if digit == ",":
            self._works.later(self._works.options.digit_pause_s, self._dial_on)
            return
        if self._send_digit(digit):
            self._works.later(_DIGIT_EVERY_S, self._dial_on)

    def _send_digit(self, digit: str) -> bool:
        assert self._call is not None
        order = pj.CallSendDtmfParam()
        is_info = self._works.options.digits == "info"
        order.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if is_info else pj.PJSUA_DTMF_METHOD_RFC2833
        order.duration = _DIGIT_MS
        order.digits = digit
        try:
            self._call.sendDtmf(order)
        except pj.Error as error:
            text = f"the digits after the answer cannot be sent: {error.reason}"
            self._works.host.emit(LineFault(line=self.line.name, text=text))
            self.hang_up(text)
            return False
        return True

    def play(self, file: Path) -> None:
        """Play a file, as soon as the digits are out. Raises TapError."""
        if self._player is not None:
            self.stop_playing()
        try:
            self._player = Player(self._works.native, file)
        except TapFailedError as error:  # the file's fault, or too many of them: nothing the worker has to die of
            raise TapError(f"{file.name} cannot be played: {error}") from error
        self._told_end = False
        self._feed()

    def _feed(self) -> None:
        """Send silence, so that gateways keep the call, and the file."""
        try:
            for slot in self._sending():
                self._works.native.connect(_SILENCE_SLOT, slot)
                if self._player is not None and self._dialled:
                    self._player.connect(slot)
        except TapFailedError as error:  # a stream that is just being made anew: media_changed() comes again
            logger.warning("line %s: %s", self.line.name, error)

    def _sending(self) -> list[int]:
        if self._call is None:
            return []
        info = self._call.getInfo()  # kept in a name: its parts dangle when it is gone
        return [
            media.audioConfSlot
            for media in info.media
            if media.type == pj.PJMEDIA_TYPE_AUDIO
            and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE
            and media.dir & pj.PJMEDIA_DIR_ENCODING
            and media.audioConfSlot >= 0
        ]

    def look(self) -> None:
        """Tell when the file is over, and give up a phone that is gone."""
        self._look_for_phone(time.monotonic())
        if self._player is not None and self._player.ended and not self._told_end:
            self._told_end = True
            self._works.later(_TAIL_S, lambda: self._works.host.emit(PlayEnded(line=self.line.name)))

    def _look_for_phone(self, now_s: float) -> None:
        """End a call whose phone vanished: what is played would be heard by nobody, and be told as played.

        A phone that suppresses silence sends no RTP, but RTCP. One that is captured is watched as every line is.
        """
        call = self._call
        if call is None or not self._answered or self.line.leaving or self.line.captures:
            return
        if now_s - self._read_s < _READ_EVERY_S:
            return
        self._read_s = now_s
        received, sends = _received(call), bool(self._sending())
        limit_s, reason = self._patience(received or 0)
        if sends:
            self._sent_s = now_s
        if received is None or received != self._received:
            self._received, self._heard_s = received or self._received, now_s
        if now_s - self._sent_s >= self._works.options.held_call_s:
            self.hang_up("on hold for too long")
        elif now_s - self._heard_s >= limit_s:
            self.hang_up(reason)

    def _patience(self, received: int) -> tuple[float, str]:
        """How long the far end may be silent, and what it is then: one that never spoke, or one that is gone."""
        options = self._works.options
        if not received:
            return options.dead_call_s, f"no RTP for {options.dead_call_s:g} s"
        return options.lost_phone_s, f"the phone is gone: neither RTP nor RTCP for {options.lost_phone_s:g} s"

    def stop_playing(self) -> None:
        """Let go of the file."""
        player, self._player = self._player, None
        if player is not None:
            player.close()
            self._works.later(_LET_GO_S, player.release)


def _received(call: Call) -> int | None:
    """Packets of RTP and reports of RTCP that came; None where no stream is up, as on hold."""
    try:
        info = call.getInfo()  # kept in a name: its parts dangle when it is gone
        heard = [m.index for m in info.media if m.type == pj.PJMEDIA_TYPE_AUDIO and m.dir & pj.PJMEDIA_DIR_DECODING]
        told = call.getStreamStat(heard[0]).rtcp
    except (pj.Error, IndexError):
        return None
    return int(told.rxStat.pkt + told.txStat.updateCount)


def _parameters(headers: Mapping[str, str]) -> Any:
    order = pj.CallOpParam(True)
    order.opt.audioCount = 1
    order.opt.videoCount = 0
    lines = pj.SipHeaderVector()
    for name, value in headers.items():
        line = pj.SipHeader()
        line.hName, line.hValue = name, value
        lines.push_back(line)
    order.txOption.headers = lines
    return order
