"""``congestion``: five vehicles slower than 5 km/h for 60 s."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

ROAD = '[[zone]]\nid = "road"\npolygon_px = [[0, 250], [1000, 250], [1000, 600], [0, 600]]'
RULE = '[[rule]]\nkind = "congestion"\nzone = "road"\nvehicles = 5\nlimit_s = 60'


def queue(t_s: float, count: int = 6, px_s: float = 5.0, *, seen: float = 1.0) -> list[Thing]:
    """Vehicles that creep at 5 px/s, which is 0.3 km/h, unless told otherwise; each keeps its number."""
    return [
        Thing(
            n, ObjectClass.CAR, ((150 * n + px_s * t_s) % 1000, 400 + 10 * (n % 2)), (7 * t_s + n) % 1 < seen
        )
        for n in range(1, count + 1)
    ]


@pytest.fixture
def street() -> Street:
    return Street(scene_of(ROAD, RULE))


def test_begins_at_the_limit_is_told_again_and_ends_when_it_flows(street: Street) -> None:
    told = street.play(200, lambda t_s: queue(t_s, px_s=5 if t_s < 150 else 300))
    assert [one.phase for one in told] == ["BEGIN", "UPDATE", "END"]
    assert [one.t_s for one in told] == pytest.approx([61, 121, 160], abs=3)
    assert all(verdict_holds(Kind.CONGESTION, one.reason) for one in told)
    assert told[0].reason["count"] == pytest.approx(6, abs=0.1)


def test_four_are_no_jam(street: Street) -> None:
    assert not street.play(120, lambda t_s: queue(t_s, 4))


def test_flowing_traffic_is_no_jam(street: Street) -> None:
    assert not street.play(120, lambda t_s: queue(t_s, px_s=200))


def test_a_queue_at_a_red_light_flows_at_each_green(street: Street) -> None:
    """45 s of red, 15 s of green, five times."""
    assert not street.play(300, lambda t_s: queue(t_s, px_s=0 if t_s % 60 < 45 else 150))


def test_at_a_light_a_jam_outlasts_two_cycles() -> None:
    street = Street(scene_of(ROAD, RULE + "\ncycle_s = 50"))
    told = street.play(130, queue)
    assert [(one.phase, round(one.t_s, -1)) for one in told] == [("BEGIN", 100)]
    assert told[0].reason["limit_s"] == 100


def test_misses_and_a_moment_of_speed_do_not_break_it(street: Street) -> None:
    told = street.play(70, lambda t_s: queue(t_s, px_s=4 if not 30 < t_s < 32 else 4.2, seen=0.85))
    assert [one.phase for one in told] == ["BEGIN"]


def test_off_duty_ends_it() -> None:
    street = Street(scene_of(ROAD, RULE + '\nhours = ["04:00-05:02"]'))
    assert [one.phase for one in street.play(130, queue)] == ["BEGIN", "END"]
