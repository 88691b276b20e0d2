"""The formats in which a recording can be had, one table by suffix. To add one: a class in ``formats`` and a row.

WAV, MP3 and M4A keep the sides apart, VOX has but one; all keep every sample at its time: the shift against the source
is 0, and a blackout is silence.
"""

from __future__ import annotations

from appliance.audio.formats.m4a import M4a
from appliance.audio.formats.mp3 import Mp3
from appliance.audio.formats.rendering import Format, FormatFailedError, Rendering, RenderingEndedError
from appliance.audio.formats.vox import Vox
from appliance.audio.formats.wav import Wav
from appliance.audio.source import LibrarySource, M4aSource, VoxSource, WavSource

__all__ = [
    "FORMATS",
    "REFUSED",
    "SOURCES",
    "Format",
    "FormatFailedError",
    "Rendering",
    "RenderingEndedError",
]

FORMATS: dict[str, Format] = {entry.suffix: entry for entry in (Wav(), Mp3(), M4a(), Vox())}
"""What EXPORT and EMAIL can give, by MEDIA_FORMAT."""

REFUSED: dict[str, str] = {"cav": "cav is not available: its format is not public"}
"""What clients may name and nobody can write, with the reason they are told."""

SOURCES: dict[str, type[WavSource | LibrarySource | M4aSource | VoxSource]] = {
    ".wav": WavSource,
    ".mp3": LibrarySource,
    ".m4a": M4aSource,
    ".vox": VoxSource,
}
"""What is read, by the suffix of the file's name."""
