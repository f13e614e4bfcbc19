"""``crowd``: a square. Eight are a crowd, below five it is over, for 30 s each."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import FPS, Street, Thing, scene_of

SQUARE = '[[zone]]\nid = "square"\npolygon_px = [[100, 200], [900, 200], [900, 550], [100, 550]]'
RULE = '[[rule]]\nkind = "crowd"\nzone = "square"\nhigh = 8\nlow = 5'


def people(count: int, t_s: float = 0.0) -> list[Thing]:
    """So many stand in rows; each is missed in one look of six."""
    look = round(FPS * t_s)
    return [
        Thing(n + 1, ObjectClass.PERSON, (150 + 90 * (n % 8), 300 + 100 * (n // 8)), (look + n) % 6 != 0)
        for n in range(count)
    ]


@pytest.fixture
def street() -> Street:
    return Street(scene_of(SQUARE, RULE))


def test_begins_grows_and_ends(street: Street) -> None:
    def script(t_s: float) -> list[Thing]:
        return people(10 if t_s < 100 else 16 if t_s < 160 else 3, t_s)

    told = street.play(260, script)
    assert [one.phase for one in told] == ["BEGIN", "UPDATE", "END"]
    assert told[0].t_s == pytest.approx(38, abs=4)
    assert told[2].t_s == pytest.approx(160 + 38, abs=6)
    assert all(verdict_holds(Kind.CROWD, one.reason) for one in told)
    assert len({one.thread for one in told}) == 1


def test_too_few(street: Street) -> None:
    assert not street.play(120, lambda t_s: people(7, t_s))


def test_a_queue_that_passes(street: Street) -> None:
    """Twelve come off a bus and are gone after 20 s."""
    assert not street.play(120, lambda t_s: people(12, t_s) if 20 <= t_s < 40 else [])


def test_a_count_that_dithers_between_is_one_crowd(street: Street) -> None:
    told = street.play(300, lambda t_s: people(9 if t_s % 20 < 14 else 6, t_s))
    assert [one.phase for one in told] == ["BEGIN"]


def test_outside_the_square(street: Street) -> None:
    crowd = [Thing(n, ObjectClass.PERSON, (100 * n, 190)) for n in range(1, 10)]
    assert not street.play(120, lambda _: crowd)


def test_the_same_market_next_week_is_usual(street: Street) -> None:
    """Half an hour of ten people teaches; a week later ten are silent and sixteen are not."""
    assert [one.phase for one in street.play(1810, lambda t_s: people(10, t_s))] == ["BEGIN"]
    street.wait_until(3600)
    assert [one.phase for one in street.play(60, lambda _: [])] == ["END"]
    street.wait_until(7 * 86_400)
    street.play(10, lambda _: [])
    assert not street.play(120, lambda t_s: people(10, t_s))
    assert [one.phase for one in street.play(120, lambda t_s: people(16, t_s))] == ["BEGIN"]
