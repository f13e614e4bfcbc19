"""``person_down``: a square. A man is 100 px high; lying he is 90 x 30."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

SQUARE = '[[zone]]\nid = "square"\npolygon_px = [[0, 100], [1000, 100], [1000, 600], [0, 600]]'
RULE = '[[rule]]\nkind = "person_down"\nzone = "square"'
LYING, ALONG = (90.0, 30.0), (36.0, 42.0)


def man(x_px: float, size_px: tuple[float, float] = (34, 100), number: int = 1, y_px: float = 400.0) -> Thing:
    return Thing(number, ObjectClass.PERSON, (x_px, y_px), size_px=size_px)


def falls(t_s: float, size_px: tuple[float, float] = LYING, up_s: float = 60, number: int = 1) -> list[Thing]:
    """Walks for 10 s, falls, and is up again at ``up_s``."""
    return [man(200 + 30 * t_s)] if t_s < 10 else [man(500, size_px if t_s < up_s else (34, 100), number)]


@pytest.fixture
def street() -> Street:
    return Street(scene_of(SQUARE, RULE))


@pytest.mark.parametrize("size_px", [LYING, ALONG], ids=["across", "along the view"])
def test_falls_and_is_told_of_once(street: Street, size_px: tuple[float, float]) -> None:
    told = street.play(60, lambda t_s: falls(t_s, size_px))
    assert [(one.phase, one.t_s) for one in told] == [("BEGIN", pytest.approx(21, abs=1.5))]
    assert verdict_holds(Kind.PERSON_DOWN, told[0].reason)


@pytest.mark.parametrize("size_px", [(38, 72), (86, 64)], ids=["along the view", "aslant"])
def test_lies_as_seen_from_above(street: Street, size_px: tuple[float, float]) -> None:
    """Hardly lower than one who sits; but something of him lies nearer to the camera, or he is too long."""
    assert (
        len(street.play(60, lambda t_s: [t._replace(foot_px=_nearer(t)) for t in falls(t_s, size_px)])) == 1
    )


def _nearer(thing: Thing) -> tuple[float, float]:
    x_px, y_px = thing.foot_px
    return x_px, y_px + (20 if thing.size_px != (34, 100) else 0)


def test_falls_after_he_walked_away_from_the_camera(street: Street) -> None:
    """Within five seconds he is less than half as big as he was when he came."""

    def script(t_s: float) -> list[Thing]:
        if t_s >= 10:
            return [man(500, (40, 14), y_px=332)]
        shrunk = 1 - 0.11 * max(0.0, t_s - 5)
        return [man(500, (34 * shrunk, 100 * shrunk), y_px=500 - 17 * t_s)]

    assert len(street.play(60, script)) == 1


def test_walks_towards_the_camera_and_squats(street: Street) -> None:
    assert not street.play(
        60,
        lambda t_s: [man(500, (34, 100), y_px=300 + 20 * t_s) if t_s < 10 else man(500, (50, 62), y_px=500)],
    )


def test_a_new_number_on_the_ground(street: Street) -> None:
    """The tracker loses whoever falls: nothing for a second, then track 7."""
    told = street.play(60, lambda t_s: [] if 10 <= t_s < 11 else falls(t_s, number=7))
    assert len(told) == 1


def test_the_model_does_not_see_him_for_five_seconds(street: Street) -> None:
    told = street.play(60, lambda t_s: [] if 14 <= t_s < 19 else falls(t_s, number=1 if t_s < 19 else 7))
    assert len(told) == 1


def test_seen_in_every_third_look_only(street: Street) -> None:
    told = street.play(
        60, lambda t_s: [t._replace(is_seen=t_s < 10 or round(5 * t_s) % 3 == 0) for t in falls(t_s)]
    )
    assert len(told) == 1


def test_up_again_soon(street: Street) -> None:
    assert not street.play(60, lambda t_s: falls(t_s, up_s=19))


@pytest.mark.parametrize("size_px", [(44, 78), (52, 58), (50, 62)], ids=["bench", "ground", "squats"])
def test_sits(street: Street, size_px: tuple[float, float]) -> None:
    assert not street.play(80, lambda t_s: falls(t_s, size_px))


def test_a_bag_that_the_model_takes_for_a_man(street: Street) -> None:
    """Flat, but never upright; he who set it down walks on."""
    assert not street.play(
        60, lambda t_s: [man(100 + 60 * t_s), *([man(400, (60, 30), 2)] if t_s > 6 else [])]
    )


def test_legs_behind_a_car(street: Street) -> None:
    """He stops behind a car: the box ends at its roof, the head stays where it was."""
    assert not street.play(
        60,
        lambda t_s: [
            man(200 + 30 * min(t_s, 10), (34, 100 if t_s < 10 else 42), 1, 400 if t_s < 10 else 342)
        ],
    )


def test_comes_nearer_and_goes_away(street: Street) -> None:
    assert not street.play(60, lambda t_s: [man(500, (34 - 0.45 * t_s, 100 - 1.3 * t_s), 1, 500 - 5 * t_s)])
