"""``loitering``: someone before a door. The limit is 60 s; a metre is 59 px."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

DOOR = '[[zone]]\nid = "door"\npolygon_px = [[300, 300], [700, 300], [700, 500], [300, 500]]'
STOP = '[[zone]]\nid = "stop"\npolygon_px = [[300, 300], [500, 300], [500, 500], [300, 500]]'
RULE = '[[rule]]\nkind = "loitering"\nzone = "door"\nlimit_s = 60'


def man(x_px: float, number: int = 1) -> Thing:
    return Thing(number, ObjectClass.PERSON, (x_px, 400))


def pacing(t_s: float) -> float:
    """Comes in from the left within 5 s, then paces up and down."""
    return 100 + 60 * t_s if t_s < 6 else 460 + 40 * ((t_s // 8) % 2)


@pytest.fixture
def street() -> Street:
    return Street(scene_of(DOOR, RULE))


def test_stays_and_is_told_of_once(street: Street) -> None:
    told = street.play(150, lambda t_s: [man(pacing(t_s))])
    assert [(one.phase, round(one.t_s, -1)) for one in told] == [("BEGIN", 60)]
    assert told[0].t_s == pytest.approx(3.4 + 60, abs=1)
    assert verdict_holds(Kind.LOITERING, told[0].reason)


def test_gone_before_the_limit_is_nothing(street: Street) -> None:
    assert not street.play(120, lambda t_s: [man(pacing(t_s))] if t_s < 55 else [])


def test_another_number_after_a_gap_is_the_same_man(street: Street) -> None:
    """Lost at 30 s behind a van, found again 4 s later as track 9, half a metre on."""
    told = street.play(
        100, lambda t_s: [man(pacing(t_s))] if t_s < 30 else [man(pacing(t_s) + 30, 9)] if t_s >= 34 else []
    )
    assert [one.t_s for one in told] == [pytest.approx(63.4, abs=1)]


def test_a_number_every_seven_seconds(street: Street) -> None:
    told = street.play(100, lambda t_s: [man(pacing(t_s), int(t_s / 7) + 1)] if t_s % 7 > 0.6 else [])
    assert len(told) == 1


def test_a_longer_gap_begins_anew(street: Street) -> None:
    told = street.play(120, lambda t_s: [] if 30 <= t_s < 37 else [man(pacing(t_s), 1 if t_s < 30 else 9)])
    assert [one.t_s for one in told] == [pytest.approx(97.4, abs=1)]


def test_those_who_relieve_one_another_are_not_one(street: Street) -> None:
    """Each stays for 40 s; the next comes from the other side as the last one goes."""
    told = street.play(
        160,
        lambda t_s: (
            [man(400 if t_s % 40 < 37 else 400 - 90 * (t_s % 40 - 37), int(t_s // 40) + 1)]
            + ([man(950 - 100 * (t_s % 40 - 36), int(t_s // 40) + 2)] if t_s % 40 > 36 else [])
        ),
    )
    assert not told


def test_a_post_that_looks_like_a_man(street: Street) -> None:
    """Boxes jitter by a few pixels, for as long as you like."""
    assert not street.play(400, lambda t_s: [man(450 + int(5 * t_s) % 5)])


def test_who_waits_for_the_bus() -> None:
    street = Street(scene_of(DOOR, STOP, RULE + '\nbus_stop = "stop"'))
    assert not street.play(200, lambda t_s: [man(100 + 60 * t_s if t_s < 6 else 460 + 10 * (int(t_s) % 2))])


def test_passing_through_the_bus_stop_forgives_nothing() -> None:
    street = Street(scene_of(DOOR, STOP, RULE + '\nbus_stop = "stop"'))
    told = street.play(100, lambda t_s: [man(min(650, 100 + 60 * t_s))])
    assert [one.t_s for one in told] == [pytest.approx(67, abs=2)]
