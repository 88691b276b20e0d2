"""Measure recorded audio: tones and their continuity, levels, silence, the offset between signals, numbered frames.

Pure functions on arrays of numpy, one leg each (shape ``(frames,)``), as int16 or as float with full scale at 1.
Nothing here opens a file. The demo, the tests and the benchmarks prove with it what a recording holds.
"""

from __future__ import annotations

from appliance.audio.measure.coded import CodedFrames, coded_payload, coded_pcm, read_coded
from appliance.audio.measure.continuity import Break, Continuity, check_continuity
from appliance.audio.measure.level import Span, activity, level_dbfs, levels_dbfs, silences
from appliance.audio.measure.offset import Offset, find_offset
from appliance.audio.measure.samples import Samples
from appliance.audio.measure.tone import Tone, find_tone, make_tone

__all__ = [
    "Break",
    "CodedFrames",
    "Continuity",
    "Offset",
    "Samples",
    "Span",
    "Tone",
    "activity",
    "check_continuity",
    "coded_payload",
    "coded_pcm",
    "find_offset",
    "find_tone",
    "level_dbfs",
    "levels_dbfs",
    "make_tone",
    "read_coded",
    "silences",
]
