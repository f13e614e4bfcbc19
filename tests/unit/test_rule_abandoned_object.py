"""``abandoned_object``: a square, a bag and its owner. A metre is 59 px there."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

SQUARE = '[[zone]]\nid = "square"\npolygon_px = [[50, 250], [950, 250], [950, 550], [50, 550]]'
BIN = '[[zone]]\nid = "bin"\npolygon_px = [[250, 350], [450, 350], [450, 450], [250, 450]]'
RULE = '[[rule]]\nkind = "abandoned_object"\nzone = "square"'
BAG = Thing(2, ObjectClass.BAG, (330, 400))


def owner(t_s: float, go_s: float = 12) -> list[Thing]:
    """He comes to x = 300, and leaves to the right at ``go_s``, 100 px a second."""
    x_px = 300 - 60 * max(0.0, 10 - t_s) + 100 * max(0.0, t_s - go_s)
    return [Thing(1, ObjectClass.PERSON, (x_px, 400))] if 0 < x_px < 900 else []


def left_at_11_s(t_s: float) -> list[Thing]:
    return [*owner(t_s), *([BAG] if t_s >= 11 else [])]


@pytest.fixture
def street() -> Street:
    return Street(scene_of(SQUARE, RULE))


def test_told_once_after_60_s(street: Street) -> None:
    told = street.play(120, left_at_11_s)
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 71)]
    assert verdict_holds(Kind.ABANDONED_OBJECT, told[0].reason)


def test_who_stays_by_it_for_long_and_then_goes_is_given_30_s(street: Street) -> None:
    told = street.play(120, lambda t_s: [*owner(t_s, go_s=80), *([BAG] if t_s >= 11 else [])])
    assert [one.phase for one in told] == ["BEGIN"]
    assert 111 <= told[0].t_s <= 114


def test_somebody_waits_beside_it(street: Street) -> None:
    other = Thing(5, ObjectClass.PERSON, (430, 400))
    assert not street.play(120, lambda t_s: [*left_at_11_s(t_s), other])


def test_nobody_brought_it(street: Street) -> None:
    assert not street.play(120, lambda t_s: [BAG] if t_s >= 11 else [])


def test_what_the_model_named_for_some_pictures_and_nobody_looked_at_again(street: Street) -> None:
    erred = BAG._replace(is_carried=True)
    assert not street.play(120, lambda t_s: [*owner(t_s), *([erred] if t_s >= 11 else [])])


def test_taken_after_it_was_told_ends_it(street: Street) -> None:
    told = street.play(120, lambda t_s: left_at_11_s(t_s) if t_s < 90 else [])
    assert [one.phase for one in told] == ["BEGIN", "END"]
    assert told[0].thread == told[1].thread
    assert all(verdict_holds(Kind.ABANDONED_OBJECT, one.reason) for one in told)


def test_into_the_bin_is_right() -> None:
    street = Street(scene_of(SQUARE, BIN, RULE + '\ncontainer = "bin"'))
    assert not street.play(120, left_at_11_s)
