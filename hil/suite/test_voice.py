"""Lines that voice starts: as many calls as words, and the begin of each in its call."""

from __future__ import annotations

import pytest

from hil import measure
from hil.rigfile import Wire
from hil.suite.captures import VOX, WORDS_S, Captures
from hil.suite.conftest import Check
from hil.suite.proof import Measured

pytestmark = pytest.mark.rig("vox")


@pytest.mark.measures("vox_calls")
def test_every_word_is_a_call(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        calls = len(captures.voice[wire.line])
        return calls - len(WORDS_S), f"{calls} calls of {len(WORDS_S)} words"

    check("vox_calls", wire.line, measured)


@pytest.mark.measures("vox_onset")
def test_the_first_syllable_is_in_the_call(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        calls = captures.voice[wire.line]
        leads = [measure.first_loud_s(call.pcm, wire.card.rate_hz) for call in calls]
        late = [1000 * (VOX["vox_preroll_s"] - lead) for lead in leads if lead is not None]
        return max(late, default=None), "" if late else "no call has voice in it"

    check("vox_onset", wire.line, measured)
