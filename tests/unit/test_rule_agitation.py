"""``agitation``: five people on a square. A metre is 59 px. It is told of only where the scene says so."""

import math

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

SQUARE = '[[zone]]\nid = "square"\npolygon_px = [[0, 100], [1000, 100], [1000, 600], [0, 600]]'
RULE = '[[rule]]\nkind = "agitation"\nzone = "square"\nmode = "on"'


def group(t_s: float, from_s: float = 1e9, count: int = 5, x_px: float = 450.0) -> list[Thing]:
    """They stand in a ring and sway; from some time on each darts about in another rhythm."""
    things: list[Thing] = []
    for n in range(count):
        turn = 2 * math.pi * n / 5
        x, y = x_px + 90 * math.cos(turn), 350 + 60 * math.sin(turn)
        x += 3 * math.sin(t_s + n)
        if t_s >= from_s:
            x += 70 * math.sin((2.6 + 0.35 * n) * (t_s - from_s))
        things.append(Thing(n + 1, ObjectClass.PERSON, (x, y)))
    return things


@pytest.fixture
def street() -> Street:
    return Street(scene_of(SQUARE, RULE))


def test_a_scuffle_is_told_of_once(street: Street) -> None:
    told = street.play(40, lambda t_s: group(t_s, 15))
    assert [(one.phase, one.t_s) for one in told] == [("BEGIN", pytest.approx(18, abs=2.5))]
    assert verdict_holds(Kind.AGITATION, told[0].reason)


def test_people_who_hide_one_another(street: Street) -> None:
    told = street.play(
        40, lambda t_s: [t._replace(is_seen=(round(5 * t_s) + t.id) % 4 != 0) for t in group(t_s, 15)]
    )
    assert len(told) == 1


def test_in_the_shadow_by_default() -> None:
    street = Street(scene_of(SQUARE, RULE.replace('\nmode = "on"', "")))
    assert not street.play(40, lambda t_s: group(t_s, 15))
    assert street.duty.tallies[0].shadowed == 1


def test_people_who_stand_and_talk(street: Street) -> None:
    assert not street.play(60, group)


def test_two_who_scuffle_are_no_group(street: Street) -> None:
    assert not street.play(40, lambda t_s: group(t_s, 15, count=2))


def test_all_run_for_the_bus(street: Street) -> None:
    assert not street.play(30, lambda t_s: group(t_s, x_px=200 + 190 * max(0, t_s - 15)))


def test_two_groups_walk_through_each_other(street: Street) -> None:
    def script(t_s: float) -> list[Thing]:
        other = [t._replace(id=t.id + 10) for t in group(t_s, x_px=900 - 70 * t_s)]
        return group(t_s, x_px=100 + 70 * t_s) + other

    assert not street.play(12, script)
