"""The transition table: complete, closed, and what happens besides it is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.channels.states import TRANSITIONS, ChannelState, TransitionError, Trigger, diagram, following


def test_every_state_is_reached_and_left() -> None:
    reached = {state for ways in TRANSITIONS.values() for state in ways.values()} | {ChannelState.ERROR}
    assert reached == set(ChannelState)
    assert set(TRANSITIONS) == set(ChannelState)


def test_numbers_are_those_of_the_manual() -> None:
    assert sorted(state.number for state in ChannelState) == list(range(10))
    assert (ChannelState.IDLE.number, ChannelState.RECORDING.number, ChannelState.ERROR.number) == (0, 2, 5)


@given(st.lists(st.sampled_from(Trigger), max_size=30))
def test_any_sequence_gives_a_state_or_a_transition_error(triggers: list[Trigger]) -> None:
    state = ChannelState.IDLE
    for trigger in triggers:
        try:
            state = following(state, trigger)
        except TransitionError:
            assert trigger not in TRANSITIONS[state]
    assert state in ChannelState


def test_failed_leads_to_error_from_everywhere() -> None:
    assert {following(state, Trigger.FAILED) for state in ChannelState} == {ChannelState.ERROR}


def test_idle_cannot_stop() -> None:
    with pytest.raises(TransitionError, match="Idle"):
        following(ChannelState.IDLE, Trigger.STOPPED)


def test_diagram_draws_every_way() -> None:
    assert diagram().count("-->") == 1 + sum(len(ways) for ways in TRANSITIONS.values()) + len(ChannelState) - 1
