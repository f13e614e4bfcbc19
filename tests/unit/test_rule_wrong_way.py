"""``wrong_way``: a lane that leads to the right. A car of 90 px makes a metre 60 px, 1000 px are 17 m."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

LANE = '[[zone]]\nid = "lane"\npolygon_px = [[0, 350], [1000, 350], [1000, 450], [0, 450]]'
ARROW = '[[tripwire]]\nid = "arrow"\nfrom_px = [400, 400]\nto_px = [600, 400]'
RULE = '[[rule]]\nkind = "wrong_way"\nzone = "lane"\nheading = "arrow"'


def car(x_px: float, number: int = 1, y_px: float = 400.0) -> list[Thing]:
    return [Thing(number, ObjectClass.CAR, (x_px, y_px))] if 0 < x_px < 1000 else []


@pytest.fixture
def street() -> Street:
    return Street(scene_of(LANE, ARROW, RULE))


def test_against_the_arrow(street: Street) -> None:
    """300 px a second are 18 km/h; 8 m are gone after 1.6 s, 2 s are asked for."""
    told = street.play(5, lambda t_s: car(990 - 300 * t_s))
    assert [one.phase for one in told] == ["BEGIN"]
    assert told[0].t_s == pytest.approx(2.6, abs=0.5)
    assert verdict_holds(Kind.WRONG_WAY, told[0].reason)
    assert told[0].reason["speed_km_h"] == pytest.approx(18, abs=1)


def test_a_miss_and_another_number_on_the_way(street: Street) -> None:
    told = street.play(5, lambda t_s: [] if 1.2 <= t_s < 1.8 else car(990 - 250 * t_s, 1 if t_s < 1.2 else 2))
    assert len(told) == 1


def test_along_the_arrow(street: Street) -> None:
    assert not street.play(5, lambda t_s: car(10 + 300 * t_s))


def test_in_the_lane_beside_it(street: Street) -> None:
    assert not street.play(5, lambda t_s: car(990 - 300 * t_s, y_px=300))


def test_across_the_lane(street: Street) -> None:
    """Out of a yard, 75 degrees off the lane."""
    assert not street.play(5, lambda t_s: car(600 - 30 * t_s, y_px=350 + 110 * t_s))


def test_backing_into_a_gap(street: Street) -> None:
    """Drives past, stops, and backs 10 m at 9 km/h."""

    def x_px(t_s: float) -> float:
        return min(900, 100 + 200 * t_s) if t_s < 6 else max(300, 900 - 150 * (t_s - 6))

    assert not street.play(20, lambda t_s: car(x_px(t_s)))


def test_too_slow(street: Street) -> None:
    assert not street.play(15, lambda t_s: car(990 - 70 * t_s))


def test_a_box_that_jitters(street: Street) -> None:
    assert not street.play(60, lambda t_s: car(500 + (37 * round(5 * t_s)) % 41))


def test_a_track_that_jumps_back_to_the_next_car(street: Street) -> None:
    """Traffic goes with the lane at 10 m/s, 5 m apart; the track falls back to the car behind each second."""
    assert not street.play(20, lambda t_s: car(700 + 600 * (t_s % 0.5) - 300 * (t_s % 1 >= 0.5)))


def test_nobody_reverses_at_16_km_h(street: Street) -> None:
    """Its track drove with the lane a second ago, on an oncoming car."""

    def x_px(t_s: float) -> float:
        return 700 + 150 * t_s if t_s < 1.6 else 940 - 270 * (t_s - 1.6)

    assert len(street.play(5, lambda t_s: car(x_px(t_s)))) == 1
