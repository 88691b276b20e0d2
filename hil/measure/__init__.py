"""What a technician measures of a line: pure functions on arrays of numpy, and the kinds of result.

Each takes legs as they were recorded (shape ``(frames,)``, int16 or float with full scale at 1) and gives a number in
the unit that its name says; nothing here plays, records or opens a file. What the box's own proofs need as well lives
in :mod:`appliance.audio.measure`, and is used here.

Levels are dBFS as AES17 has them: a sine that just reaches full scale is 0.
"""

from __future__ import annotations

from hil.measure.channels import AUDIBLE_DBFS, heard_channel
from hil.measure.crosstalk import crosstalk_matrix, worst_crosstalk
from hil.measure.distortion import Spectrum, spectrum, thd_n_percent
from hil.measure.drops import drop_outs
from hil.measure.kinds import KINDS, Kind
from hil.measure.linearity import Response, frequency_response, gain_deviations_db, worst
from hil.measure.noise import noise_dbfs, weighted_noise_dbfs
from hil.measure.polarity import Placed, find_placed
from hil.measure.result import Limits, Result
from hil.measure.sine import Sine, fit_sine
from hil.measure.timing import PhaseTrack, clock_difference_ppm, phase_track
from hil.measure.voice import first_loud_s

__all__ = [
    "AUDIBLE_DBFS",
    "KINDS",
    "Kind",
    "Limits",
    "PhaseTrack",
    "Placed",
    "Response",
    "Result",
    "Sine",
    "Spectrum",
    "clock_difference_ppm",
    "crosstalk_matrix",
    "drop_outs",
    "find_placed",
    "first_loud_s",
    "fit_sine",
    "frequency_response",
    "gain_deviations_db",
    "heard_channel",
    "noise_dbfs",
    "phase_track",
    "spectrum",
    "thd_n_percent",
    "weighted_noise_dbfs",
    "worst",
    "worst_crosstalk",
]
