"""``line_crossed``: a fence line down the middle of the picture, walked over in many ways."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

MIDDLE_PX = 500
METRE_PX = 100 / 1.7


def fence(direction: str, travel_m: float = 1) -> Street:
    """A line from the bottom to the top: left of it is left in the picture."""
    wire = f'[[tripwire]]\nid = "fence"\nfrom_px = [500, 590]\nto_px = [500, 100]\ndirection = "{direction}"'
    rule = f'[[rule]]\nkind = "line_crossed"\ntripwire = "fence"\ntravel_m = {travel_m}'
    return Street(scene_of(wire, rule))


def walk(from_m: float, to_m: float, speed_m_s: float = 1.5, y_px: float = 400):
    """From so many metres right of the line to so many."""
    way = 1 if to_m > from_m else -1

    def script(t_s: float) -> list[Thing]:
        x_m = from_m + way * min(speed_m_s * t_s, abs(to_m - from_m))
        return [Thing(1, ObjectClass.PERSON, (MIDDLE_PX + x_m * METRE_PX, y_px))]

    return script


@pytest.mark.parametrize(
    ("direction", "way", "is_told"),
    [
        ("left_to_right", (-3, 3), True),
        ("left_to_right", (3, -3), False),
        ("right_to_left", (3, -3), True),
        ("right_to_left", (-3, 3), False),
        ("both", (-3, 3), True),
        ("both", (3, -3), True),
    ],
)
def test_only_the_counted_direction(direction: str, way: tuple[float, float], is_told: bool) -> None:
    told = fence(direction).play(10, walk(*way))
    assert len(told) == is_told
    assert all(verdict_holds(Kind.LINE_CROSSED, one.reason) for one in told)


def test_a_car_that_jumps_over_the_line_between_two_frames() -> None:
    street = fence("both")
    told = street.play(
        2, lambda t_s: [Thing(1, ObjectClass.CAR, (100 + 1500 * t_s, 400))] if t_s < 0.6 else []
    )
    assert [one.t_s for one in told] == [0.4]


def test_told_when_a_metre_is_gone_beyond_the_line() -> None:
    told = fence("both").play(10, walk(-3, 3, speed_m_s=1))
    assert [round(one.t_s, 1) for one in told] == [4.0]
    assert told[0].reason["before_m"] == pytest.approx(3)


def test_half_a_metre_over_and_back_is_nothing() -> None:
    there, back = walk(-3, 0.5), walk(0.5, -3)
    assert not fence("both").play(20, lambda t_s: there(t_s) if t_s < 5 else back(t_s - 5))


def test_one_who_appears_at_the_line_has_not_come_over_it() -> None:
    assert not fence("both").play(10, walk(-0.4, 3))


@pytest.mark.parametrize(("seen_before_s", "is_told"), [(0.4, True), (0.1, False)])
def test_what_was_seen_before_it_was_sure_counts(seen_before_s: float, is_told: bool) -> None:
    """A car is shown half a metre beyond the line, at its third detection; it goes 5 m/s."""

    def script(t_s: float) -> list[Thing]:
        x_px = MIDDLE_PX + 30 + 300 * t_s
        return [Thing(1, ObjectClass.CAR, (x_px, 400), speed_px_s=(300, 0), seen_before_s=seen_before_s)]

    assert len(fence("both").play(1.4, script)) == is_told


def test_past_the_end_of_the_line_is_not_over_it() -> None:
    assert not fence("both").play(10, walk(-3, 3, y_px=95))


def test_to_and_fro_is_told_once() -> None:
    there, back = walk(-3, 3), walk(3, -3)
    told = fence("both").play(30, lambda t_s: there(t_s % 10) if t_s % 10 < 5 else back(t_s % 10 - 5))
    assert len(told) == 1
