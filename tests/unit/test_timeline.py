"""A stream's own time made continuous, and tied to the machine's clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.sources.timeline import LiveClock, Timeline


def test_time_begins_at_zero_and_goes_on() -> None:
    timeline = Timeline(0.04)
    assert timeline.place(100.0) == (0.0, False)
    assert timeline.place(100.5) == (pytest.approx(0.5), False)


def test_pictures_out_of_order_are_no_jump() -> None:
    timeline = Timeline(0.04)
    assert [timeline.place(at)[1] for at in (1.0, 1.12, 1.04, 1.08, 1.24)] == [False] * 5


def test_a_loop_goes_on_one_picture_later() -> None:
    timeline = Timeline(0.04)
    timeline.place(0.0)
    timeline.place(9.96)
    assert timeline.place(0.0) == (pytest.approx(10.0), True)
    assert timeline.place(0.04) == (pytest.approx(10.04), False)


def test_a_clock_that_was_set_ahead_is_a_jump() -> None:
    timeline = Timeline(0.04)
    timeline.place(5.0)
    assert timeline.place(5000.0) == (pytest.approx(0.04), True)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=100))
def test_never_back_by_more_than_reordering(stream: list[float]) -> None:
    timeline = Timeline(0.04)
    latest = 0.0
    for at in stream:
        placed, _ = timeline.place(at)
        assert placed >= latest - 1.0
        latest = max(latest, placed)


def test_late_packets_do_not_move_the_clock() -> None:
    clock = LiveClock()
    clock.arrive(0.0, 100.0)
    clock.arrive(1.0, 103.0)
    assert clock.at(1.0) == pytest.approx(101.0, abs=0.001)


def test_the_earliest_packet_fixes_it() -> None:
    """The first packets waited while the stream was opened."""
    clock = LiveClock()
    for n in range(10):
        clock.arrive(n * 0.04, 100.4)
    assert clock.at(0.36) == pytest.approx(100.4)


def test_a_slow_camera_clock_is_followed() -> None:
    """100 ppm over an hour are 0.36 s; the clock may not lag behind that."""
    clock = LiveClock()
    for second in range(3600):
        clock.arrive(second * 0.9999, 100.0 + second)
    assert clock.at(3599 * 0.9999) == pytest.approx(3699.0, abs=0.01)
