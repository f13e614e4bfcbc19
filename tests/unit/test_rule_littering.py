"""``littering``: a square, a man, a bottle. A metre is 59 px. It is told of only where the scene says so."""

from dataclasses import replace

import pytest

from edge_agent.domain.ground import SurveyedPoint, fit_ground
from edge_agent.domain.rules.table import verdict_holds
from edge_agent.domain.scene import Scene
from shared.geo import LatLon, from_plane
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

SQUARE = '[[zone]]\nid = "square"\npolygon_px = [[0, 100], [1000, 100], [1000, 600], [0, 600]]'
BIN = '[[zone]]\nid = "bin"\npolygon_px = [[450, 350], [560, 350], [560, 450], [450, 450]]'
RULE = '[[rule]]\nkind = "littering"\nzone = "square"\nmode = "on"'


def man(x_px: float) -> list[Thing]:
    return [Thing(1, ObjectClass.PERSON, (x_px, 400))] if 0 < x_px < 1000 else []


def bottle(x_px: float, y_px: float = 402.0, number: int = 2) -> list[Thing]:
    return [Thing(number, ObjectClass.OBJECT, (x_px, y_px), size_px=(10, 16))]


def drops(t_s: float, number: int = 2) -> list[Thing]:
    """Walks past at 80 px a second and drops the bottle at x = 500."""
    return man(100 + 80 * t_s) + (bottle(500, number=number) if t_s > 5 else [])


@pytest.fixture
def street() -> Street:
    return Street(scene_of(SQUARE, RULE))


def test_dropped_in_walking(street: Street) -> None:
    told = street.play(40, drops)
    assert [(one.phase, one.t_s) for one in told] == [("BEGIN", pytest.approx(12, abs=2))]
    assert verdict_holds(Kind.LITTERING, told[0].reason)


def test_in_the_shadow_by_default() -> None:
    street = Street(scene_of(SQUARE, RULE.replace('\nmode = "on"', "")))
    assert not street.play(40, drops)
    assert street.duty.tallies[0].shadowed == 1


def test_carried_past(street: Street) -> None:
    assert not street.play(20, lambda t_s: man(100 + 80 * t_s) + bottle(min(990, 120 + 80 * t_s), 370))


def test_set_down_beside_him(street: Street) -> None:
    assert not street.play(60, lambda t_s: man(min(480, 100 + 80 * t_s)) + (bottle(500) if t_s > 5 else []))


def test_taken_up_again(street: Street) -> None:
    """He goes 3 m off and comes back for it."""
    assert not street.play(
        40,
        lambda t_s: (
            man(500 + 60 * (3 - abs(t_s - 8))) + (bottle(500) if 5 < t_s < 11 else [])
            if t_s > 3
            else man(400)
        ),
    )


def test_lay_there_before_he_came(street: Street) -> None:
    assert not street.play(60, lambda t_s: bottle(500) + man(80 * (t_s - 20)))


def test_hidden_by_a_passer_by_and_found_again(street: Street) -> None:
    """Its track ends for half a minute; when he has gone by it is track 7."""
    assert not street.play(
        90,
        lambda t_s: (
            (bottle(500) if t_s < 30 else bottle(502, number=7) if t_s > 60 else []) + man(80 * (t_s - 55.5))
        ),
    )


def test_into_the_bin() -> None:
    street = Street(scene_of(SQUARE, BIN, RULE + '\ncontainer = "bin"'))
    assert not street.play(40, drops)


def test_too_large_to_be_litter(street: Street) -> None:
    assert not street.play(
        40,
        lambda t_s: (
            man(100 + 80 * t_s)
            + ([Thing(2, ObjectClass.OBJECT, (500, 402), size_px=(60, 70))] if t_s > 5 else [])
        ),
    )


def from_above(scene: Scene) -> Scene:
    """A metre is 30 px across the view and 21 px along it, as for a camera that looks down by 45 degrees."""
    points = [
        SurveyedPoint((x, y), from_plane(LatLon(50.96, 71.36), x / 30, -y / 21))
        for x, y in ((0, 0), (1000, 0), (1000, 600), (0, 600))
    ]
    return replace(scene, ground=fit_ground(points, 1.0))


@pytest.mark.parametrize(("size_px", "is_litter"), [((20, 24), True), ((20, 60), False), ((60, 24), False)])
def test_seen_from_above_a_thing_shows_its_top(size_px: tuple[float, float], is_litter: bool) -> None:
    """He is 36 px high, and the bag looks as if it were 1.1 m high, though it is half a metre each way."""
    told = Street(from_above(scene_of(SQUARE, RULE))).play(
        60,
        lambda t_s: [
            *([Thing(1, ObjectClass.PERSON, (100 + 40 * t_s, 400), size_px=(16, 36))] if t_s < 22 else []),
            *([Thing(2, ObjectClass.BAG, (500, 402), size_px=size_px)] if t_s > 10 else []),
        ],
    )
    assert len(told) == is_litter
