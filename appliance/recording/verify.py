"""Check recordings on disk against their sidecars: hash, header, length. Changes nothing, needs no running box."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, final

import pydantic

from appliance.audio.wav import WavError, layout
from appliance.recording.facts import Recording
from appliance.recording.writer.places import sidecar_of

_BLOCK_BYTES = 1 << 20


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one audio file; good when there is no fault."""

    path: Path
    record_id: int | None
    duration_s: float | None
    interrupted: bool
    faults: tuple[str, ...]
    gaps: int = 0
    lost_s: float = 0.0  # of the leg that lacks most
    measured: dict[str, Any] = dataclasses.field(default_factory=dict)  # by the tap: overruns, drift, ...

    @property
    def good(self) -> bool:
        """Nothing differs."""
        return not self.faults


def recordings(places: Iterable[Path]) -> Iterator[Path]:
    """Give the audio files at ``places``, files or folders, in order; a sidecar alone stands for its audio.

    What is being written still (``.part``) and what hides behind a dot is left out.
    """
    for place in places:
        if not place.is_dir():
            yield place
            continue
        audio = {path for path in place.rglob("*.wav") if not path.name.startswith(".")}
        told = {path.with_suffix("") for path in place.rglob("*.wav.json") if not path.name.startswith(".")}
        yield from sorted(audio | told)


def verify(audio: Path) -> Verdict:
    """Check one audio file against the sidecar beside it."""
    try:
        recording = Recording.model_validate_json(sidecar_of(audio).read_bytes())
    except OSError as error:
        return Verdict(audio, None, None, interrupted=False, faults=(f"no sidecar: {error.strerror}",))
    except pydantic.ValidationError as error:
        text = f"unreadable sidecar: {error.error_count()} faults, first {error.errors()[0]['msg']}"
        return Verdict(audio, None, None, interrupted=False, faults=(text,))
    return Verdict(
        path=audio,
        record_id=recording.record_id,
        duration_s=recording.duration_s,
        interrupted=recording.interrupted,
        faults=tuple(_faults(audio, recording)),
        gaps=len(recording.gaps),
        lost_s=_lost_s(recording),
        measured=recording.measured,
    )


def _lost_s(recording: Recording) -> float:
    lost_s = {leg.leg: 0.0 for leg in recording.legs}
    for gap in recording.gaps:
        lost_s[gap.leg] = lost_s.get(gap.leg, 0.0) + gap.length_s
    return round(max(lost_s.values(), default=0.0), 3)


def _faults(audio: Path, recording: Recording) -> Iterator[str]:
    try:
        size, digest = audio.stat().st_size, _sha256(audio)
    except OSError as error:
        yield f"cannot be read: {error.strerror}"
        return
    if size != recording.audio_size:
        yield f"{size} bytes, the sidecar says {recording.audio_size}"
    if digest != recording.audio_hash:
        yield f"SHA-256 {digest}, the sidecar says {recording.audio_hash}"
    if audio.name != Path(recording.filename).name:
        yield f"the sidecar is that of {recording.filename}"
    yield from _header_faults(audio, recording)


def _header_faults(audio: Path, recording: Recording) -> Iterator[str]:
    try:
        found = layout(audio)
    except WavError as error:
        yield f"header: {error}"
        return
    if found.unfinished:
        yield "header: its length is not that of the file"
    told = (recording.encoding, recording.rate_hz, recording.channels, recording.frames)
    there = (found.encoding, found.rate_hz, found.channels, found.frames)
    for name, a, b in zip(("encoding", "Hz", "channels", "frames"), there, told, strict=True):
        if a != b:
            yield f"header: {name} {a}, the sidecar says {b}"
    if abs(recording.frames / recording.rate_hz - recording.duration_s) > 0.001:
        yield f"the sidecar says {recording.duration_s:g} s, but {recording.frames} frames"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
