"""Watch the streams of one call: the first packet, losses, silence."""

from __future__ import annotations

import contextlib
from typing import Final, final

import pjsua2 as pj

from drivers.contract import AudioLost, LineFault, LossReason, MediaStarted
from drivers.taps.sip._capture import Capture
from drivers.taps.sip._descriptors import has_unread
from drivers.taps.sip._library import Call
from drivers.taps.sip._meter import Meter, Reading
from drivers.taps.sip._stream import Stream, reading
from drivers.taps.sip._works import Works

_TELL_EVERY_S: Final = 10.0
_READ_EVERY_S: Final = 0.4  # a stream that plays; one that is yet to begin is read whenever it is looked at


@final
class Watch:
    """Reads PJSIP's counters and tells what they mean. ``streams`` are those of the call, by leg."""

    def __init__(self, works: Works, line: str, now_s: float) -> None:
        self.streams: dict[int, Stream] = {}
        self._works = works
        self._line = line
        self._held_s = now_s

    @property
    def expected(self) -> list[Stream]:
        """Streams that the far side may send on, and that are recorded."""
        return [stream for stream in self.streams.values() if stream.expected and not stream.paused]

    def stream(self, number: int, media: int) -> Stream:
        """Give the stream of a leg; it is made, with its place in the call, where there is none yet."""
        if number not in self.streams:
            self.streams[number] = Stream(number, media, Meter(self._works.options.rate_hz))
        return self.streams[number]

    def waiting(self, call: Call | None) -> dict[int, int]:
        """Frames of the ended session that wait in jitter buffers, by leg; only where there are any."""
        if call is None:
            return {}
        found = [(stream, _read(call, stream)) for stream in self.expected]
        left = {stream.number: stream.meter.left(now) for stream, now in found if now is not None}
        return {leg: frames for leg, frames in left.items() if frames}

    def has_unread(self, call: Call) -> bool:
        """Whether packets have come that PJSIP has not taken yet."""
        with contextlib.suppress(pj.Error, ValueError):
            names = [call.getMedTransportInfo(stream.media).localRtpName for stream in self.expected]
            return has_unread({int(name.rpartition(":")[2]) for name in names})
        return False

    def look(
        self, call: Call, capture: Capture, now_s: float, *, last: bool = False, every_s: float = _READ_EVERY_S
    ) -> None:
        """Read the streams; the ``last`` time for this session."""
        for stream in self.expected:
            if stream.meter.playing and not last and now_s - stream.read_s < every_s:
                continue
            now = _read(call, stream)
            if now is not None:
                if stream.source.due(now_s):
                    self._look_at_source(call, stream, now)
                self._take(stream, now, capture, now_s, last=last)
        capture.began = capture.heard and all(stream.meter.playing for stream in self.expected)

    def _look_at_source(self, call: Call, stream: Stream, now: Reading) -> None:
        info = call.getMedTransportInfo(stream.media)
        silent = not stream.meter.hears(now)
        stranger = stream.source.look(info.localRtpName, stream.promised, info.srcRtpName, silent=silent)
        if stranger:
            text = f"stream {stream.number}: packets of {stranger} came in the place of those of {stream.promised}"
            self._works.host.emit(LineFault(line=self._line, text=text))

    def _take(self, stream: Stream, now: Reading, capture: Capture, now_s: float, *, last: bool) -> None:
        if stream.silent and stream.meter.hears(now):
            stream.silent = False
            if not stream.meter.playing:  # else the meter knows better than the clock what is left to tell
                self._tell_silence(stream, capture, now_s)
        change = stream.meter.take(now, last=last)
        for reason, frames in capture.count(stream.number, change, stream.certain_s, stream.quiet_s).items():
            self.tell(capture, stream, frames, reason)
        stream.was_read(now_s, told=change.inserted_frames > 0)
        if change.packets > 0:
            self._hear(stream, capture, now_s)
        elif now_s - stream.heard_s >= self._works.options.rtp_timeout_s:
            self._miss(stream, capture, now_s)

    def leave(self, stream: Stream, capture: Capture | None) -> None:
        """Expect nothing more on a stream that the far side took away, and tell what was lost with it."""
        if stream.expected and not stream.paused and capture is not None:
            change = stream.meter.take(Reading())
            for reason, frames in capture.count(stream.number, change, stream.certain_s, stream.quiet_s).items():
                self.tell(capture, stream, frames, reason)
        stream.expect(expected=False)

    def resume(self, call: Call, stream: Stream, now_s: float) -> None:
        """Go on with a stream that was paused; what happened on it meanwhile is nobody's loss."""
        now = _read(call, stream)
        if now is not None:
            stream.meter.take(now, last=True)
        stream.begin_anew(now_s)
        stream.silent = False

    def settle(self, capture: Capture, now_s: float) -> None:
        """Tell of the silence that lasts while the session ends; what comes from now on is not of the session."""
        for stream in self.expected:
            stream.meter.end()
            if stream.silent:
                self._tell_silence(stream, capture, now_s)

    def dead(self, now_s: float) -> str:
        """Why the call should be given up; empty while it should not."""
        options = self._works.options
        if not self.expected:
            return "on hold for too long" if now_s - self._held_s >= options.held_call_s else ""
        self._held_s = now_s
        if all(now_s - stream.heard_s >= options.dead_call_s for stream in self.expected):
            return f"no RTP for {options.dead_call_s:g} s"
        return ""

    def _hear(self, stream: Stream, capture: Capture, now_s: float) -> None:
        stream.heard_s = stream.told_s = now_s
        if not capture.heard:
            capture.heard = True
            fact = MediaStarted(line=self._line, session=capture.session, legs=len(capture.legs))
            self._works.host.emit(fact)

    def _miss(self, stream: Stream, capture: Capture, now_s: float) -> None:
        if not stream.silent:
            stream.silent = True
            text = f"no RTP on stream {stream.number} for {self._works.options.rtp_timeout_s:g} s"
            self._works.host.emit(LineFault(line=self._line, text=text))
        elif now_s - stream.told_s < _TELL_EVERY_S:
            return
        stream.told_s = now_s
        self._tell_silence(stream, capture, now_s)

    def _tell_silence(self, stream: Stream, capture: Capture, now_s: float) -> None:
        frames = capture.miss(stream.number, stream.heard_s, now_s)
        stream.meter.excuse(frames)
        self.tell(capture, stream, frames, LossReason.NO_MEDIA)

    def tell(self, capture: Capture, stream: Stream, frames: int, reason: LossReason) -> None:
        """Tell the core of frames that the session's facts have already; of none nothing."""
        if frames:
            fact = AudioLost(line=self._line, session=capture.session, leg=stream.number, frames=frames, reason=reason)
            self._works.host.emit(fact)


def _read(call: Call, stream: Stream) -> Reading | None:
    """Counters now; None when the stream is being made anew."""
    try:
        return reading(call.getStreamStat(stream.media), call.missing(stream.media))
    except pj.Error:
        return None
