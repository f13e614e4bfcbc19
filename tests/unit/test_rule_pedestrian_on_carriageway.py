"""``pedestrian_on_carriageway``: a road across the picture with a crossing. A metre is 59 px."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

ROAD = '[[zone]]\nid = "road"\npolygon_px = [[0, 250], [1000, 250], [1000, 500], [0, 500]]'
CROSSING = '[[zone]]\nid = "zebra"\npolygon_px = [[700, 240], [850, 240], [850, 510], [700, 510]]'
RULE = '[[rule]]\nkind = "pedestrian_on_carriageway"\nzone = "road"\ncrossing = "zebra"'


def man(x_px: float, y_px: float, number: int = 1) -> Thing:
    return Thing(number, ObjectClass.PERSON, (x_px, y_px))


@pytest.fixture
def street() -> Street:
    return Street(scene_of(ROAD, CROSSING, RULE))


def test_walks_across_and_is_told_of_once(street: Street) -> None:
    told = street.play(8, lambda t_s: [man(300, 200 + 60 * t_s)])
    assert [one.phase for one in told] == ["BEGIN"]
    assert told[0].t_s == pytest.approx((250 - 200 + 0.7 * 59) / 60 + 2, abs=0.5)
    assert verdict_holds(Kind.PEDESTRIAN_ON_CARRIAGEWAY, told[0].reason)


def test_another_number_in_the_middle(street: Street) -> None:
    assert len(street.play(8, lambda t_s: [man(300, 200 + 60 * t_s, 1 if t_s < 3 else 2)])) == 1


def test_on_the_crossing_or_just_beside_it(street: Street) -> None:
    assert not street.play(8, lambda t_s: [man(670, 200 + 60 * t_s), man(780, 200 + 60 * t_s, 2)])


def test_along_the_kerb(street: Street) -> None:
    assert not street.play(12, lambda t_s: [man(100 + 50 * t_s, 285)])


def test_a_post_on_the_island(street: Street) -> None:
    assert not street.play(60, lambda t_s: [man(300 + 9 * (round(5 * t_s) % 2), 380)])


def test_a_moment_is_not_enough(street: Street) -> None:
    assert not street.play(8, lambda t_s: [man(300, 200 + 60 * min(t_s, 3 - min(t_s, 2.9)))])


@pytest.mark.parametrize("vehicle", [ObjectClass.BICYCLE, ObjectClass.CAR])
def test_riders_and_drivers(street: Street, vehicle: ObjectClass) -> None:
    """On a bicycle, or seen through a windscreen."""
    lift_px = 30 if vehicle is ObjectClass.CAR else 0

    def script(t_s: float) -> list[Thing]:
        x_px = 50 + 100 * t_s
        size_px = (150.0, 140.0) if vehicle is ObjectClass.CAR else (100.0, 70.0)
        return [man(x_px, 400 - lift_px), Thing(2, vehicle, (x_px, 400), size_px=size_px)]

    assert not street.play(8, script)


def test_feet_behind_a_parked_car(street: Street) -> None:
    """On the footpath behind it, only the upper body is seen: the box ends on the car's roof."""
    car = Thing(2, ObjectClass.CAR, (400, 540), size_px=(500, 200))
    assert not street.play(8, lambda t_s: [man(250 + 40 * t_s, 420), car])
