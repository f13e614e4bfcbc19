"""``road_obstruction``: a lane in which something lies."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

LANE = '[[zone]]\nid = "lane"\npolygon_px = [[50, 250], [950, 250], [950, 550], [50, 550]]'
WORKS = '[[zone]]\nid = "works"\npolygon_px = [[250, 350], [450, 350], [450, 450], [250, 450]]'
RULE = '[[rule]]\nkind = "road_obstruction"\nzone = "lane"'
FALLEN = Thing(2, ObjectClass.BAG, (330, 400))


@pytest.fixture
def street() -> Street:
    return Street(scene_of(LANE, RULE))


def test_begins_after_90_s_and_ends_when_the_lane_is_free(street: Street) -> None:
    told = street.play(140, lambda t_s: [FALLEN] if 10 <= t_s < 120 else [])
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 100), ("END", 120)]
    assert told[0].thread == told[1].thread
    assert all(verdict_holds(Kind.ROAD_OBSTRUCTION, one.reason) for one in told)


def test_a_car_that_stands_is_none(street: Street) -> None:
    assert not street.play(140, lambda _: [Thing(3, ObjectClass.CAR, (330, 400))])


def test_cleared_in_time(street: Street) -> None:
    assert not street.play(140, lambda t_s: [FALLEN] if 10 <= t_s < 95 else [])


def test_in_the_works_zone_things_may_lie() -> None:
    street = Street(scene_of(LANE, WORKS, RULE + '\nworks = "works"'))
    assert not street.play(140, lambda t_s: [FALLEN] if t_s >= 10 else [])


def test_whose_foot_is_seen_only_later_lies_in_the_works_zone_all_the_same() -> None:
    """Of a barrier the upper half is seen first, whose lower edge is not yet in the zone."""
    street = Street(scene_of(LANE, WORKS, RULE + '\nworks = "works"'))

    def script(t_s: float) -> list[Thing]:
        return [Thing(2, ObjectClass.BAG, (330, 345 if t_s < 30 else 365))] if t_s >= 10 else []

    assert not street.play(140, script)
