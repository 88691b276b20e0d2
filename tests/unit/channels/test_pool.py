"""Who gets which channel."""

import pytest

from appliance import clock
from appliance.channels.channel import Arrival, Assignment, Channel
from appliance.channels.pool import ChannelPool, Wanted, choose
from appliance.channels.states import ChannelState


def _steady(count: int, devices: tuple[str, ...] = ("*",)) -> list[Channel]:
    return [Channel(n, "card", str(n), calls_arrive=False, devices=devices) for n in range(count)]


def _recording(channel: Channel, priority: int) -> None:
    channel.state, channel.priority = ChannelState.RECORDING, priority


def test_first_free_line_is_taken() -> None:
    channels = _steady(3)
    _recording(channels[0], 50)
    assert choose(channels, Wanted("5001")).channel is channels[1]


def test_a_line_fixed_to_the_device_comes_before_a_free_one_and_serves_nobody_else() -> None:
    channels = _steady(2)
    channels[0].assignment = Assignment("device", "5001")
    assert choose(channels, Wanted("5001")).channel is channels[0]
    assert choose(channels, Wanted("5002")).channel is channels[1]
    _recording(channels[1], 50)
    assert choose(channels, Wanted("5002")).channel is None


def test_a_line_for_playback_records_nobody() -> None:
    channels = _steady(1)
    channels[0].assignment = Assignment("playback")
    assert choose(channels, Wanted("5001")).channel is None


def test_an_agents_line_serves_the_agent() -> None:
    channels = _steady(2)
    channels[1].assignment = Assignment("agent", "7")
    assert choose(channels, Wanted("5001", agent_id="7")).channel is channels[1]


def test_device_patterns_of_a_tap_keep_others_out() -> None:
    channels = _steady(1, devices=("50*",))
    assert choose(channels, Wanted("5001")).channel is channels[0]
    assert choose(channels, Wanted("6001")).channel is None


def test_lowest_lower_priority_is_preempted_and_equal_is_not() -> None:
    channels = _steady(3)
    for channel, priority in zip(channels, (40, 20, 60), strict=True):
        _recording(channel, priority)
    choice = choose(channels, Wanted("5001", priority=50))
    assert choice.preempt
    assert choice.channel is channels[1]
    assert choose(channels, Wanted("5001", priority=20)).channel is None


def test_a_line_that_ends_just_now_is_awaited_rather_than_preempting() -> None:
    channels = _steady(2)
    _recording(channels[0], 10)
    channels[1].state = ChannelState.FINISHING
    choice = choose(channels, Wanted("5001", priority=90))
    assert choice.channel is channels[1]
    assert choice.busy
    assert not choice.preempt
    channels[1].promised = True
    assert choose(channels, Wanted("5002", priority=90)).channel is channels[0]


def test_a_trunk_is_waited_for_and_its_call_is_taken_when_it_is_up() -> None:
    trunk = [Channel(n, "trunk", str(n), calls_arrive=True, devices=("*",)) for n in range(2)]
    choice = choose(trunk, Wanted("5001"))
    assert choice.wait
    assert choice.channel is None
    trunk[1].arrival = Arrival("5001", "s", clock.now(), clock.monotonic_s())
    trunk[1].state = ChannelState.OFF_HOOK
    assert choose(trunk, Wanted("5001")).channel is trunk[1]
    assert choose(trunk, Wanted("5002")).wait


def test_channels_count_through_the_taps() -> None:
    pool = ChannelPool()
    pool.add("a", "0", calls_arrive=False, devices=["*"])
    pool.add("a", "1", calls_arrive=False, devices=["*"])
    assert pool.add("b", "0", calls_arrive=True, devices=["*"]).number == 2
    assert pool.at("b", "0").number == 2
    with pytest.raises(KeyError):
        pool.at("b", "1")


@pytest.mark.parametrize("text", ["device", "device:", "agent:", "any:5", "phone:5", ""])
def test_assignments_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="none of"):
        Assignment.parse(text)
