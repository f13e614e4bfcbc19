"""``illegal_parking``: cars at a bus stop, as a timetable. The limit is 60 s."""

import numpy as np
import pytest

from edge_agent.domain.detection import Track
from edge_agent.domain.rules.sighting import View
from edge_agent.domain.rules.standing import ADRIFT_S, Standing
from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import VEHICLES, Kind, ObjectClass
from tests.street import START_US, Street, Thing, scene_of

STOP = '[[zone]]\nid = "bus-stop"\npolygon_px = [[100, 300], [900, 300], [900, 500], [100, 500]]'
RULE = '[[rule]]\nkind = "illegal_parking"\nzone = "bus-stop"\nlimit_s = 60'


def car(number: int, x_px: float, *, is_seen: bool = True, y_px: float = 400) -> Thing:
    return Thing(number, ObjectClass.CAR, (x_px, y_px), is_seen)


def drive(t_s: float, come_s: float, go_s: float, stop_px: float = 500, number: int = 1) -> list[Thing]:
    """A car that comes from the left, stands from ``come_s`` to ``go_s`` and drives on to the right."""
    x_px = stop_px - 150 * max(0, come_s - t_s) + 150 * max(0, t_s - go_s)
    return [car(number, x_px)] if -75 < x_px < 1075 else []


@pytest.fixture
def street() -> Street:
    return Street(scene_of(STOP, RULE))


def test_begins_at_the_limit_and_ends_when_it_leaves(street: Street) -> None:
    told = street.play(150, lambda t_s: drive(t_s, 5, 100))
    assert [(one.phase, one.thread) for one in told] == [("BEGIN", told[0].thread), ("END", told[0].thread)]
    assert told[0].t_s == pytest.approx(65, abs=1)
    assert told[1].t_s == pytest.approx(101 + ADRIFT_S, abs=1.5)
    assert told[1].reason["stood_s"] == pytest.approx(95, abs=2)
    assert all(verdict_holds(Kind.ILLEGAL_PARKING, one.reason) for one in told)


def test_told_again_when_the_time_has_doubled(street: Street) -> None:
    told = street.play(400, lambda _: [car(1, 500)])
    assert [one.phase for one in told] == ["BEGIN", "UPDATE", "UPDATE"]
    assert [one.t_s for one in told] == pytest.approx([60, 120, 240], abs=1)


def test_gone_before_the_limit_is_nothing(street: Street) -> None:
    assert not street.play(120, lambda t_s: drive(t_s, 5, 60))


def test_creeping_is_not_standing(street: Street) -> None:
    assert not street.play(200, lambda t_s: [car(1, 150 + 3 * t_s)])


def test_hidden_for_20_s_and_the_timer_runs_on(street: Street) -> None:
    told = street.play(80, lambda t_s: [car(1, 500, is_seen=not 20 <= t_s < 39.5)])
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 60)]


def test_a_car_passing_in_front_takes_the_track_along(street: Street) -> None:
    """Track 1 leaves with the passing car at 30 s; half a second later the parked car is track 7."""

    def script(t_s: float) -> list[Thing]:
        if t_s < 30:
            return [car(1, 500)]
        passing = drive(t_s, 0, 30)
        return [*passing, car(7, 502)] if t_s >= 30.6 else passing

    told = street.play(100, script)
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 60)]


@pytest.mark.parametrize("away_s", [0.4, 0.8, 1.4])
def test_the_track_goes_along_with_a_passing_car_and_comes_back(street: Street, away_s: float) -> None:
    """Every twelve seconds; the tracker gives the parked car its number back."""

    def script(t_s: float) -> list[Thing]:
        since_s = t_s % 12 if t_s >= 12 else away_s
        return [car(1, 500 + 150 * (since_s + 0.4) if since_s < away_s else 500)]

    told = street.play(90, script)
    assert [one.phase for one in told] == ["BEGIN"]
    assert told[0].t_s == pytest.approx(61, abs=2)


def test_a_passing_car_is_at_the_place_while_the_parked_one_is_missed(street: Street) -> None:
    """Each time the model misses the parked car just as another drives by: the place stays the parked
    car's, and when it drives off, its event is over."""

    def script(t_s: float) -> list[Thing]:
        since_s = t_s % 10
        here = [] if 1.7 < since_s < 2.3 else drive(t_s, 0, 90)
        return [*here, car(int(100 + t_s // 10), 150 * (since_s + 1.3))]

    told = street.play(110, script)
    assert [(one.phase, one.thread) for one in told] == [("BEGIN", told[0].thread), ("END", told[0].thread)]
    assert [one.t_s for one in told] == pytest.approx([60, 92], abs=2)


def test_a_bus_stands_before_the_place_its_track_went_to(street: Street) -> None:
    """The parked car's number goes along with a bus that stops before it for 8 s: it is no longer in view,
    and has not left."""

    def script(t_s: float) -> list[Thing]:
        if t_s < 30:
            return [car(1, 500)]
        bus = Thing(1, ObjectClass.BUS, (min(500 + 150 * (t_s - 30), 720), 480), size_px=(300, 180))
        cover = Thing(5, ObjectClass.BUS, (500, 430), size_px=(400, 200))
        return [bus, cover] if t_s < 38 else [car(9, 502)]

    told = street.play(100, script)
    assert [one.phase for one in told] == ["BEGIN"]
    assert told[0].t_s == pytest.approx(60, abs=1)


def test_a_track_flickers_in_the_same_place(street: Street) -> None:
    """Every new track of a parked car goes on with its time, and counts no second twice."""
    told = street.play(100, lambda t_s: [car(int(t_s / 7) + 1, 500 + int(t_s) % 3)] if t_s % 7 > 0.6 else [])
    assert [one.phase for one in told] == ["BEGIN"]
    assert told[0].t_s == pytest.approx(61, abs=1.5)


def test_hidden_and_another_track_afterwards(street: Street) -> None:
    told = street.play(80, lambda t_s: [car(1, 500)] if t_s < 20 else [] if t_s < 35 else [car(7, 505)])
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 60)]


def test_hidden_for_longer_begins_anew(street: Street) -> None:
    told = street.play(130, lambda t_s: [car(1, 500, is_seen=not 20 <= t_s < 45)])
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 105)]


def test_unseen_for_good_ends_after_the_occlusion(street: Street) -> None:
    told = street.play(120, lambda t_s: [car(1, 500)] if t_s < 80 else [])
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 60), ("END", 100)]


def test_a_jam_pauses_the_timer(street: Street) -> None:
    """Three come and stand from 5 s to 45 s; two drive on, the last stays."""
    told = street.play(
        130,
        lambda t_s: [
            *drive(t_s, 5, 45, 700, number=1),
            *drive(t_s, 5, 45, 500, number=2),
            *drive(t_s, 5, 400, 300, number=3),
        ],
    )
    assert [one.phase for one in told] == ["BEGIN"]
    assert told[0].t_s == pytest.approx(45 + 60 - 3, abs=2)


def test_flowing_traffic_beside_it_is_no_jam(street: Street) -> None:
    told = street.play(
        80,
        lambda t_s: [
            *drive(t_s, 2, 400, 500, number=1),
            *(car(round(100 + t_s // 4 * 3 + n), 100 + 200 * (t_s % 4) + 80 * n, y_px=250) for n in range(2)),
        ],
    )
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 62)]


def test_two_cars_are_two_events(street: Street) -> None:
    told = street.play(100, lambda _: [car(1, 300), car(2, 700)])
    assert [one.phase for one in told] == ["BEGIN", "BEGIN"]
    assert len({one.thread for one in told}) == 2


def test_off_duty_ends_what_is_open() -> None:
    """The street begins at 05:00 in Almaty; the stop is closed until 05:02."""
    street = Street(scene_of(STOP, RULE + '\nhours = ["04:00-05:02"]'))
    told = street.play(200, lambda _: [car(1, 500)])
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 60), ("END", 120)]


def test_its_place_is_where_it_came_to_rest() -> None:
    """Not where it rolled when it came into the zone: half a length off, each jitter would be a departure."""
    standing = Standing(scene_of(STOP).zones["bus-stop"], VEHICLES, 20.0)
    for n in range(20):
        x_px, at_us = (450.0 if n < 5 else 500.0), START_US + n * 200_000
        box = np.array([x_px - 75, 310, x_px + 75, 400], np.float32)
        track = Track(1, ObjectClass.CAR, box, 0.8, START_US, at_us, 9, (0.0, 0.0), START_US)
        standing.step(View(at_us, 0.2, [track], None), is_paused=False)
    (place,) = standing.places
    assert place.box[0] == pytest.approx(425)
    assert place.stood_s == pytest.approx(2.8, abs=0.3)
