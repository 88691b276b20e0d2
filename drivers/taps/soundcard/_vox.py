"""Whether there is voice on a line: by level against the line's own noise. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final, final

WINDOW_S: Final = 0.01
ATTACK_WINDOWS: Final = 5  # three loud ones of so many are voice: a click is shorter
_NONE_LOUD: Final = (-ATTACK_WINDOWS, -ATTACK_WINDOWS)
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
    """Takes the level of each window of ``window_s`` in turn, none below -120 dBFS.

    Some windows are taken at once, in a loop over plain numbers: each needs the one before, and the lines of a card are
    too few for arrays.

    The noise floor falls quickly to what is quieter and rises slowly to what is louder, so pauses between words set it
    and words hardly lift it; a noise that begins and stays becomes the floor in the end. Voice begins when three of
    five windows are ``onset_db`` above the floor, and ends when no window was within ``hysteresis_db`` of that for
    ``hang_s``. ``quiet_s`` counts from the last window that was voice, or from the begin.
    """

    def __init__(self, rules: VoxRules, window_s: float = WINDOW_S) -> None:
        self.voice = False
        self.floor_dbfs = math.inf
        self._rules = rules
        self._window_s = window_s
        self._rise_db, self._slow_rise_db = _RISE_DB_S * window_s, _SLOW_RISE_DB_S * window_s
        self._hang_windows = max(1, round(rules.hang_s / window_s))
        self._to_learn = max(1, round(_LEARN_S / window_s))
        self._fall = 1 - (1 - _FALL) ** (window_s / WINDOW_S)
        self._window = 0  # number of the last one
        self._heard = 0  # number of the last that was voice
        self._loud = _NONE_LOUD  # numbers of the last two that were loud

    @property
    def quiet_s(self) -> float:
        """Seconds since the last window that was voice, or since the begin."""
        return (self._window - self._heard) * self._window_s

    def take(self, levels_dbfs: Sequence[float]) -> int | None:
        """Take the levels of windows in turn; gives the number of the last at which voice began, if one did."""
        learnt = 0
        if self._to_learn:
            learnt = self._learn(levels_dbfs[: self._to_learn])
            levels_dbfs = levels_dbfs[learnt:]
        if len(levels_dbfs) > 1 and self._goes_on(levels_dbfs):
            return None
        began = self._begin_and_end(levels_dbfs)
        return None if began is None else learnt + began

    def hush(self) -> None:
        """Forget the voice, but not the noise."""
        self.voice = False
        self._loud = _NONE_LOUD

    def _goes_on(self, levels_dbfs: Sequence[float]) -> bool:
        """Take the windows at once if each is silence, or each loud voice, wherever the floor goes meanwhile."""
        in_order = sorted(levels_dbfs)  # quicker than min() and max()
        windows, lowest_dbfs, highest_dbfs = len(in_order), in_order[0], in_order[-1]
        if self.voice:
            if lowest_dbfs < self._onset_dbfs(max(self.floor_dbfs, highest_dbfs)):
                return False
            self._heard = self._window + windows
            self._loud = self._heard - 1, self._heard
        elif highest_dbfs >= self._onset_dbfs(min(self.floor_dbfs, lowest_dbfs)):
            return False
        self._window += windows
        self._follow(levels_dbfs)
        return True

    def _follow(self, levels_dbfs: Sequence[float]) -> None:
        """Let the floor follow windows that change nothing else."""
        floor_dbfs, fall, most_db = self.floor_dbfs, self._fall, self._slow_rise_db if self.voice else self._rise_db
        for level_dbfs in levels_dbfs:
            if level_dbfs < floor_dbfs:
                floor_dbfs += fall * (level_dbfs - floor_dbfs)
            else:
                risen_dbfs = floor_dbfs + most_db
                floor_dbfs = level_dbfs if level_dbfs < risen_dbfs else risen_dbfs  # noqa: FURB136 - min() is a call
        self.floor_dbfs = floor_dbfs

    def _onset_dbfs(self, floor_dbfs: float) -> float:
        """Level from which on a window is loud above such a floor."""
        rules = self._rules
        onset_dbfs = floor_dbfs + rules.onset_db
        if onset_dbfs < rules.never_below_dbfs:
            onset_dbfs = rules.never_below_dbfs
        elif onset_dbfs > rules.always_above_dbfs:
            onset_dbfs = rules.always_above_dbfs
        return onset_dbfs

    def _begin_and_end(self, levels_dbfs: Sequence[float]) -> int | None:
        """Take window by window, in plain numbers; gives the number of the last at which voice began."""
        began = None
        first = number = self._window
        voice, heard, (older, newer), floor_dbfs = self.voice, self._heard, self._loud, self.floor_dbfs
        for level_dbfs in levels_dbfs:
            number += 1
            onset_dbfs = self._onset_dbfs(floor_dbfs)
            if level_dbfs >= onset_dbfs:
                if not voice and number - older < ATTACK_WINDOWS:
                    voice, began = True, number - first - 1
                older, newer = newer, number
            if voice:
                if level_dbfs >= onset_dbfs - self._rules.hysteresis_db:
                    heard = number
                elif number - heard >= self._hang_windows:
                    voice = False
            if level_dbfs < floor_dbfs:
                floor_dbfs += self._fall * (level_dbfs - floor_dbfs)
            else:
                risen_dbfs = floor_dbfs + (self._slow_rise_db if voice else self._rise_db)
                floor_dbfs = level_dbfs if level_dbfs < risen_dbfs else risen_dbfs  # noqa: FURB136 - min() is a call
        self._window, self.voice, self._heard, self.floor_dbfs = number, voice, heard, floor_dbfs
        self._loud = older, newer
        return began

    def _learn(self, levels_dbfs: Sequence[float]) -> int:
        """Take the first windows for noise, whatever they are; gives how many."""
        self._to_learn -= len(levels_dbfs)
        self._window += len(levels_dbfs)
        self.floor_dbfs = min([self.floor_dbfs, *levels_dbfs])
        return len(levels_dbfs)
