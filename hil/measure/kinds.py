"""Every kind of measurement: its name, unit and usual limits. A rig file may give limits of its own.

The usual limits are those of the recommendations for telephone channels where there is one (ITU-T G.712 for level,
gain tracking, response and crosstalk; O.41 for the weighting of noise), and else what a sound card of no merit keeps.
"""

from __future__ import annotations

import dataclasses
from typing import Final, final


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A kind of measurement; ``low`` and ``high`` are its usual limits, None for none.

    ``digits`` are those behind the point that a reader can use.
    """

    name: str
    title: str
    unit: str
    low: float | None
    high: float | None
    digits: int
    says: str


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("channel", "Channel", "", 0, 0, 0, "how many lines away from its own the played signal is heard"),
        Kind("level", "Level", "dB", -0.5, 0.5, 2, "level of 1020 Hz against what was played, less the cable's loss"),
        Kind("gain_tracking", "Gain tracking", "dB", -0.5, 0.5, 2, "worst change of gain at louder and softer levels"),
        Kind("response", "Frequency response", "dB", -1.0, 0.5, 2, "worst level from 300 to 3400 Hz against 1020 Hz"),
        Kind("noise", "Idle noise", "dBFS", None, -65, 1, "noise of a driven but silent line, all of its band"),
        Kind("weighted_noise", "Weighted noise", "dBFSp", None, -68, 1, "the same, weighted as an ear does (O.41)"),
        Kind("noise_dbm0p", "Noise in dBm0p", "dBm0p", None, -65, 1, "the same at the card's calibrated level (G.712)"),
        Kind("thd_n", "THD+N", "%", None, 1.0, 3, "distortion and noise beside the test tone"),
        Kind("crosstalk", "Crosstalk", "dB", None, -60, 1, "the loudest other line, driven alone, as heard here"),
        Kind("polarity", "Polarity", "", 1, 1, 0, "1: as the cable says, −1: the wires are the other way round"),
        Kind("latency", "Latency", "ms", -5, 150, 1, "from the output's clock to the recording's"),
        Kind(
            "drift", "Clock drift", "ppm", -100, 100, 1, "the card's clock against the system's, as the record has it"
        ),
        Kind("clock", "Clock difference", "ppm", -100, 100, 1, "the recorded frequency against the played one"),
        Kind("drop_outs", "Drop-outs", "", 0, 0, 0, "breaks of the long tone's phase or level, in windows of 20 ms"),
        Kind("lost", "Lost audio", "ms", 0, 0, 1, "gaps that the record tells of, overruns included"),
        Kind("vox_calls", "VOX calls", "", 0, 0, 0, "calls made by voice, more or fewer than words played"),
        Kind("vox_onset", "VOX onset", "ms", -150, 60, 0, "how much later than the pre-roll says such a call begins"),
        Kind("serial_number", "Serial number", "", 0, 0, 0, "0: USB shows the rig file's, 1: another device is there"),
        Kind("serial_errors", "Serial errors", "octets", 0, 0, 0, "of 1024 that a looped port lost or changed"),
    )
}
