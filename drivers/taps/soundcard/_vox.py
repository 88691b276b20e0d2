"""Whether there is voice on a line: by level against the line's own noise. Pure."""

from __future__ import annotations

import dataclasses
import math
from typing import Final, final

WINDOW_S: Final = 0.01
ATTACK_WINDOWS: Final = 5
_ATTACK_BITS: Final = (1 << ATTACK_WINDOWS) - 1
_LOUD_WINDOWS: Final = 3  # of the last ATTACK_WINDOWS: a click is shorter
_LEAST_DBFS: Final = -120.0
_LEARN_S: Final = 0.3
_FALL: Final = 0.25  # of the way down to what is quieter, in WINDOW_S
_RISE_DB_S: Final = 6.0  # while nobody speaks
_SLOW_RISE_DB_S: Final = 1.0  # while somebody does


@final
@dataclasses.dataclass(frozen=True, slots=True)
class VoxRules:
    """Levels in dBFS (a full-scale sine is 0), differences in dB."""

    onset_db: float = 9
    hysteresis_db: float = 4
    hang_s: float = 4
    never_below_dbfs: float = -55
    always_above_dbfs: float = -25


@final
class Vox:
    """Takes the level of each window of ``window_s`` in turn.

    The noise floor falls quickly to what is quieter and rises slowly to what is louder, so pauses between words set it
    and words hardly lift it; a noise that begins and stays becomes the floor in the end. Voice begins when three of
    five windows are ``onset_db`` above the floor, and ends when no window was within ``hysteresis_db`` of that for
    ``hang_s``. ``quiet_s`` counts from the last window that was voice, or from the begin.
    """

    def __init__(self, rules: VoxRules, window_s: float = WINDOW_S) -> None:
        self.voice = False
        self.quiet_s = 0.0
        self.floor_dbfs = math.inf
        self._onset_db, self._hysteresis_db = rules.onset_db, rules.hysteresis_db
        self._never_below_dbfs, self._always_above_dbfs = rules.never_below_dbfs, rules.always_above_dbfs
        self._window_s = window_s
        self._rise_db, self._slow_rise_db = _RISE_DB_S * window_s, _SLOW_RISE_DB_S * window_s
        self._hang_windows = max(1, round(rules.hang_s / window_s))
        self._to_learn = max(1, round(_LEARN_S / window_s))
        self._fall = 1 - (1 - _FALL) ** (window_s / WINDOW_S)
        self._quiet_windows = 0
        self._loud = 0  # a bit for each of the last ATTACK_WINDOWS

    @property
    def onset_dbfs(self) -> float:
        """Level from which on a window is loud now."""
        wanted_dbfs = self.floor_dbfs + self._onset_db
        if wanted_dbfs < self._never_below_dbfs:
            return self._never_below_dbfs
        return wanted_dbfs if wanted_dbfs < self._always_above_dbfs else self._always_above_dbfs  # noqa: FURB136 - the same

    def take(self, level_dbfs: float) -> bool:
        """Take a window's level; gives whether there is voice now."""
        self.quiet_s += self._window_s
        level_dbfs = max(level_dbfs, _LEAST_DBFS)
        if self._to_learn:
            self._to_learn -= 1
            self.floor_dbfs = min(self.floor_dbfs, level_dbfs)
            return False
        onset_dbfs = self.onset_dbfs
        self._loud = (self._loud << 1 | (level_dbfs >= onset_dbfs)) & _ATTACK_BITS
        if self.voice:
            if level_dbfs >= onset_dbfs - self._hysteresis_db:
                self._quiet_windows, self.quiet_s = 0, 0.0
            else:
                self._quiet_windows += 1
                self.voice = self._quiet_windows < self._hang_windows
        elif self._loud.bit_count() >= _LOUD_WINDOWS:
            self.voice, self._quiet_windows, self.quiet_s = True, 0, 0.0
        above_db = level_dbfs - self.floor_dbfs
        if above_db < 0:
            self.floor_dbfs += self._fall * above_db
        else:
            most_db = self._slow_rise_db if self.voice else self._rise_db
            self.floor_dbfs += above_db if above_db < most_db else most_db  # noqa: FURB136 - min() is a call
        return self.voice

    def hush(self) -> None:
        """Forget the voice, but not the noise."""
        self.voice = False
        self._loud = 0
