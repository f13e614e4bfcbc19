"""``stray_animals``: a road, and grass above it. A dog of 30 px makes a metre 60 px."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

ROAD = '[[zone]]\nid = "road"\npolygon_px = [[0, 400], [1000, 400], [1000, 550], [0, 550]]'
PEN = '[[zone]]\nid = "pen"\npolygon_px = [[0, 150], [1000, 150], [1000, 300], [0, 300]]'
RULE = '[[rule]]\nkind = "stray_animals"\nzone = "road"'


def dog(t_s: float, y_px: float, number: int = 1, kind: ObjectClass = ObjectClass.DOG) -> Thing:
    """Runs up and down."""
    return Thing(number, kind, (400 + 70 * number + 40 * abs(t_s % 8 - 4), y_px))


@pytest.fixture
def street() -> Street:
    return Street(scene_of(ROAD, RULE))


def test_on_the_road(street: Street) -> None:
    told = street.play(40, lambda t_s: [dog(t_s, 450)])
    assert [(one.phase, one.t_s) for one in told] == [("BEGIN", pytest.approx(13, abs=2))]
    assert verdict_holds(Kind.STRAY_ANIMALS, told[0].reason)


def test_another_number_on_the_way(street: Street) -> None:
    assert (
        len(
            street.play(30, lambda t_s: [] if 6 <= t_s < 7 else [dog(t_s, 450, 1)._replace(id=1 + (t_s > 6))])
        )
        == 1
    )


def test_unseen_for_five_seconds(street: Street) -> None:
    assert len(street.play(20, lambda t_s: [] if 6 <= t_s < 11 else [dog(t_s, 450)])) == 1


def test_its_first_number_comes_back(street: Street) -> None:
    """It turns about, the tracker takes it for another one, and finds out a second later that it is not."""
    told = street.play(16, lambda t_s: [dog(t_s, 450)._replace(id=7 if 6 <= t_s < 7 else 1)])
    assert len(told) == 1


def test_crosses_and_is_gone(street: Street) -> None:
    assert not street.play(40, lambda t_s: [dog(t_s, 450 if 10 < t_s < 17 else 350)])


def test_one_on_the_grass(street: Street) -> None:
    assert not street.play(60, lambda t_s: [dog(t_s, 350)])


def test_three_on_the_grass_are_a_pack(street: Street) -> None:
    told = street.play(60, lambda t_s: [dog(t_s, 350, n) for n in (1, 2, 3)])
    assert [one.reason["count"] for one in told] == [3]
    assert verdict_holds(Kind.STRAY_ANIMALS, told[0].reason)


def test_three_in_their_pen() -> None:
    street = Street(scene_of(ROAD, PEN, RULE + '\npen = "pen"'))
    assert not street.play(60, lambda t_s: [dog(t_s, 250, n, ObjectClass.SHEEP) for n in (1, 2, 3)])


def test_on_a_leash(street: Street) -> None:
    """Its owner is 1.5 m away, and missed now and then."""

    def script(t_s: float) -> list[Thing]:
        pet = dog(t_s, 450)
        x_px, y_px = pet.foot_px
        return [pet, Thing(9, ObjectClass.PERSON, (x_px + 90, y_px), t_s % 3 > 0.7)]

    assert not street.play(60, script)


def test_a_passer_by_is_no_owner(street: Street) -> None:
    told = street.play(60, lambda t_s: [dog(t_s, 450), Thing(9, ObjectClass.PERSON, (100 * t_s % 1000, 560))])
    assert len(told) <= 1


def test_a_heap_of_snow(street: Street) -> None:
    assert not street.play(90, lambda t_s: [Thing(1, ObjectClass.DOG, (500 + round(5 * t_s) % 4, 450))])
