"""``open_burning``: a waste ground, for a model that has a class for fire."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

GROUND = '[[zone]]\nid = "ground"\npolygon_px = [[0, 100], [1000, 100], [1000, 600], [0, 600]]'
HEARTH = '[[zone]]\nid = "grill"\npolygon_px = [[400, 300], [600, 300], [600, 500], [400, 500]]'
RULE = '[[rule]]\nkind = "open_burning"\nzone = "ground"'


def fire(x_px: float = 500, number: int = 1) -> Thing:
    return Thing(number, ObjectClass.FIRE, (x_px, 400))


@pytest.fixture
def street() -> Street:
    return Street(scene_of(GROUND, RULE))


def test_burns(street: Street) -> None:
    """Flames come and go: seen for 2 s of every 4, and another track each time."""
    told = street.play(40, lambda t_s: [fire(500 + 4 * (t_s % 5), int(t_s // 4))] if t_s % 4 < 2 else [])
    assert [(one.phase, one.t_s) for one in told] == [("BEGIN", pytest.approx(12, abs=2.5))]
    assert verdict_holds(Kind.OPEN_BURNING, told[0].reason)


def test_a_flash(street: Street) -> None:
    assert not street.play(40, lambda t_s: [fire()] if 5 < t_s < 12 else [])


def test_steam_that_drifts(street: Street) -> None:
    assert not street.play(60, lambda t_s: [fire(100 + 12 * t_s)])


def test_headlights_of_a_car_that_waits(street: Street) -> None:
    assert not street.play(60, lambda _: [fire(530), Thing(2, ObjectClass.CAR, (500, 410))])


def test_in_the_hearth() -> None:
    street = Street(scene_of(GROUND, HEARTH, RULE + '\nhearth = "grill"'))
    assert not street.play(60, lambda _: [fire()])
