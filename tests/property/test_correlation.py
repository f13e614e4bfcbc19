"""Correlation: what is one thing, what is two, and that the order of arrival does not matter."""

from dataclasses import replace
from itertools import permutations
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.correlation import (
    LIMITS,
    MAX_REACH_M,
    REACH_SIGMAS,
    SETTLED_GRACE_S,
    Attach,
    Open,
    decide_new,
    render,
)
from hub.domain.gathering import Gathered, Memory, gather
from hub.domain.nearby import RECALL_S, Nearby
from hub.domain.situation import Arrival, Situation, begin, fuse
from shared.geo import LatLon, distance_m
from shared.kinds import TRAITS, Kind
from shared.messages import Phase
from tests.reports import T0_US, came, report

LATE_S = 3_600.0


class World(NamedTuple):
    """What is left after batches were gathered."""

    memory: Memory
    gathered: list[Gathered]

    @property
    def opened(self) -> int:
        return sum(len(each.opened) for each in self.gathered)

    def situations(self) -> list[Situation]:
        found = {s.incident_id: s for each in self.gathered for s in each.opened.values()}
        return list(found.values())


def run(*batches: list[Arrival]) -> World:
    """Gather batch after batch, as the service does with a store that remembers."""
    memory = Memory(Nearby(), {}, {}, {})
    return World(memory, [gather(batch, memory) for batch in batches])


def decide(first: Arrival, second: Arrival) -> Open | Attach:
    nearby = Nearby()
    nearby.put(begin(first))
    return decide_new(second, nearby.around(second))


@given(
    st.sampled_from([kind for kind in Kind if kind is not Kind.SOS]),
    st.floats(0, 360),
    st.floats(0, 2 * MAX_REACH_M),
    st.floats(0.5, 12),
    st.floats(0.5, 12),
)
def test_places_are_one_within_the_things_size_and_both_uncertainties(
    kind: Kind, bearing_deg: float, apart: float, sigma_a: float, sigma_b: float
) -> None:
    import math

    east = apart * math.sin(math.radians(bearing_deg))
    north = apart * math.cos(math.radians(bearing_deg))
    first = came(report(1, kind=kind, sigma_m=sigma_a))
    second = came(
        report(2, kind=kind, camera="cam-2", east_m=east, north_m=north, sigma_m=sigma_b), box="box-b"
    )
    reach = min(MAX_REACH_M, LIMITS[kind].radius_m + REACH_SIGMAS * math.hypot(sigma_a, sigma_b))
    decision = decide(first, second)
    if apart < reach - 0.5:
        assert isinstance(decision, Attach)
        assert decision.why.word == "near"
        assert decision.why.numbers["apart_m"] == pytest.approx(apart, abs=0.3)
        assert "m apart, within" in render(decision.why)
    elif apart > reach + 0.5:
        assert decision == Open(decision.why)
        assert render(decision.why) == "nothing of this kind near by"


@given(st.sampled_from([kind for kind in Kind if kind is not Kind.SOS]), st.integers(-90_000, 90_000))
def test_times_are_one_within_the_window_and_a_state_that_goes_on_for_a_day(kind: Kind, gap_s: int) -> None:
    limits = LIMITS[kind]
    start_s = 200_000.0
    decision = decide(
        came(report(1, kind=kind, at_s=start_s), late_s=400_000),
        came(report(2, kind=kind, at_s=start_s + gap_s, camera="cam-2"), late_s=400_000),
    )
    after_s = max(limits.window_s, 86_400) if TRAITS[kind].is_state else limits.window_s
    assert isinstance(decision, Attach) == (-limits.window_s - 0.01 <= gap_s <= after_s + 0.01)


def test_another_kind_or_site_is_another_thing() -> None:
    first = came(report(1))
    assert isinstance(decide(first, came(report(2, kind=Kind.LOITERING))), Open)
    assert isinstance(decide(first, came(report(2))._replace(site="astana")), Open)


def test_each_press_of_a_button_is_an_incident_of_its_own() -> None:
    press = {"kind": Kind.SOS, "camera": None, "zone": None}
    decision = decide(came(report(1, **press)), came(report(2, **press)))
    assert decision == Open(decision.why)
    assert render(decision.why) == "each one is an incident of its own"


@pytest.mark.parametrize(
    ("second", "is_one"),
    [
        ({"camera": "cam-1", "zone": "yard"}, True),
        ({"camera": "cam-1", "zone": "gate"}, False),
        ({"camera": "cam-2", "zone": "yard"}, False),
        ({"camera": "cam-1", "zone": "yard", "east_m": 900.0}, True),
    ],
)
def test_off_the_map_camera_and_zone_stand_for_the_place(second: dict[str, object], is_one: bool) -> None:
    first = came(report(1, east_m=None))
    decision = decide(first, came(report(2, **{"east_m": None, **second})))  # type: ignore[arg-type]
    assert isinstance(decision, Attach) is is_one
    if isinstance(decision, Attach):
        assert render(decision.why).startswith("same camera and zone; 0 s of silence")


def test_where_the_box_speaks_the_box_is_the_place() -> None:
    full = {"kind": Kind.DISK_FULL, "camera": None, "zone": None, "east_m": None}
    first = came(report(1, **full))
    one = decide(first, came(report(2, **full)))
    assert isinstance(one, Attach)
    assert render(one.why).startswith("same box")
    assert isinstance(decide(first, came(report(2, **full), box="box-b")), Open)


@pytest.mark.parametrize(("after_s", "is_quiet"), [(-30, True), (SETTLED_GRACE_S - 1, True), (90, None)])
def test_what_happens_after_an_operator_settled_it_is_new(after_s: float, is_quiet: bool | None) -> None:
    settled = replace(begin(came(report(1))), settled_at_us=T0_US + 10_000_000)
    nearby = Nearby()
    nearby.put(settled)
    again = came(report(2, at_s=10 + after_s))
    decision = decide_new(again, nearby.around(again))
    assert (decision.is_quiet if isinstance(decision, Attach) else None) is is_quiet


def test_a_clock_that_runs_ahead_cannot_reach_into_the_future() -> None:
    ahead = came(report(1, at_s=10 * 365 * 86_400), late_s=0)
    assert begin(ahead).last_observed_at_us == T0_US
    at_1970 = came(report(1, at_s=-T0_US / 1e6), late_s=0)
    assert begin(at_1970).first_observed_at_us == T0_US - 7 * 86_400_000_000


# Clusters that are far from each other, so that which reports are one does not depend on their order.
@st.composite
def streets(draw: st.DrawFn) -> list[Arrival]:
    arrivals: list[Arrival] = []
    number = 0
    for cluster in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([Kind.INTRUSION, Kind.ILLEGAL_PARKING, Kind.DUMP]))
        for camera in range(draw(st.integers(1, 3))):
            number += 1
            last = draw(st.integers(0, 2))
            for revision in range(last + 1):
                phase = Phase.BEGIN if revision == 0 else draw(st.sampled_from([Phase.UPDATE, Phase.END]))
                arrivals.append(
                    came(
                        report(
                            number,
                            kind=kind,
                            camera=f"cam-{cluster}-{camera}",
                            east_m=cluster * 500.0 + draw(st.floats(-1, 1)),
                            north_m=draw(st.floats(-1, 1)),
                            sigma_m=draw(st.floats(0.5, 2)),
                            at_s=draw(st.floats(0, 40)),
                            phase=phase,
                            revision=revision,
                            score=draw(st.integers(0, 1000)),
                        ),
                        box=f"box-{camera}",
                        late_s=LATE_S,
                    )
                )
    return arrivals


def _essence(world: World) -> list[object]:
    """What an incident is, whichever of its events came first."""
    return sorted(
        (
            situation.kind,
            situation.severity,
            (situation.lat_e7, situation.lon_e7, situation.sigma_dm),
            sorted(situation.cameras),
            sorted(situation.boxes),
            situation.event_count,
            situation.first_observed_at_us,
            situation.last_observed_at_us,
            situation.ended_at_us or 0,
            sorted(situation.open_events),
        )
        for situation in world.situations()
    )


@given(streets(), st.data())
def test_order_and_portions_do_not_matter(arrivals: list[Arrival], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(arrivals))
    cut = data.draw(st.integers(0, len(arrivals)))
    straight = run(arrivals)
    assert _essence(run(shuffled[:cut], shuffled[cut:])) == _essence(straight)


@given(streets(), st.data())
def test_what_is_repeated_changes_nothing(arrivals: list[Arrival], data: st.DataObject) -> None:
    again = data.draw(st.permutations(arrivals))
    once, twice = run(arrivals), run(arrivals, again)
    assert _essence(twice) == _essence(once)
    assert twice.gathered[1].repeats == len(again)
    assert not twice.gathered[1].touched


def test_two_cameras_make_one_incident_in_every_order_and_portion() -> None:
    three = [
        came(report(1, camera="north", sigma_m=3.0), box="a"),
        came(report(2, camera="south", east_m=4.0, at_s=2.0), box="b"),
        came(report(3, camera="west", north_m=3.0, at_s=5.0), box="c"),
    ]
    for order in permutations(three):
        assert run(list(order)).opened == 1
        assert run(*([one] for one in order)).opened == 1


@given(st.lists(st.tuples(st.integers(-900, 900), st.integers(-900, 900), st.integers(5, 90)), min_size=1))
def test_a_fused_place_is_no_worse_than_the_best_and_lies_among_them(
    places: list[tuple[int, int, int]],
) -> None:
    base_lat, base_lon = 509_370_000, 713_650_000
    moved = [(base_lat + lat, base_lon + lon, sigma) for lat, lon, sigma in places]
    lat, lon, sigma_dm = fuse(moved)
    assert min(p[0] for p in moved) <= lat <= max(p[0] for p in moved)
    assert min(p[1] for p in moved) <= lon <= max(p[1] for p in moved)
    assert sigma_dm <= min(p[2] for p in moved)
    assert fuse(reversed(moved)) == (lat, lon, sigma_dm)


def test_a_place_weighs_by_its_inverse_variance() -> None:
    lat_e7, lon_e7, sigma_dm = fuse([(0, 0, 10), (500, 0, 20)])
    assert (lat_e7, lon_e7, sigma_dm) == (100, 0, 9)


def test_one_cameras_many_sightings_weigh_as_its_best() -> None:
    world = run(
        [came(report(number, east_m=number / 10, sigma_m=2.0, at_s=number)) for number in range(1, 9)]
    )
    (situation,) = world.situations()
    assert situation.sigma_dm == 20
    assert situation.event_count == 8


@given(st.lists(st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000)), max_size=40))
def test_the_grid_finds_every_neighbour(spots: list[tuple[float, float]]) -> None:
    nearby = Nearby()
    known = [begin(came(report(n, east_m=e, north_m=m))) for n, (e, m) in enumerate(spots, 1)]
    for situation in known:
        nearby.put(situation)
    here = came(report(999, east_m=10.0, north_m=-10.0, camera="cam-x"))
    position = here.report.position
    assert position
    near = {
        s.incident_id
        for s in known
        if s.lat_e7
        and s.lon_e7
        and distance_m(LatLon(s.lat_e7 / 1e7, s.lon_e7 / 1e7), LatLon(position.lat_deg, position.lon_deg))
        <= MAX_REACH_M - 0.1
    }
    found = [s.incident_id for s in nearby.around(here)]
    assert near <= set(found)
    assert len(found) == len(set(found))


def test_what_moves_is_filed_anew_and_what_is_old_is_forgotten() -> None:
    nearby = Nearby()
    situation = begin(came(report(1, east_m=None)))
    nearby.put(situation)
    placed = came(report(2, camera="cam-2"))
    assert list(nearby.around(placed)) == []
    assert situation.lat_e7 is None
    there = begin(came(report(1)))
    nearby.put(there)
    assert list(nearby.around(placed)) == [there]
    nearby.forget_before(T0_US + 1)
    assert len(nearby) == 0
    assert list(nearby.around(placed)) == []
    assert RECALL_S == 8 * 86_400


def test_a_second_camera_takes_the_doubt_away_and_the_agencies_hear_of_it() -> None:
    world = run(
        [came(report(1, score=300))],
        [came(report(2, camera="cam-2", score=200, at_s=3))],
    )
    (situation,) = world.situations()
    assert situation.severity == "high"
    told = world.gathered[1].told
    assert [(each.message, each.about.split("-")[0]) for each in told] == [("updated", "severity")]
    lines = [entry.what for _, entry in world.gathered[1].timeline]
    assert lines == ["seen_by", "severity"]


def test_a_state_that_begins_again_within_its_window_goes_on() -> None:
    parked = {"kind": Kind.ILLEGAL_PARKING}
    world = run(
        [came(report(1, **parked)), came(report(1, revision=1, phase=Phase.END, at_s=30, **parked))],
        [came(report(2, at_s=60, **parked))],
    )
    (situation,) = world.situations()
    assert situation.ended_at_us is None
    assert [each.about.split("-")[0] for g in world.gathered for each in g.told] == [
        "opened",
        "ended",
        "resumed",
    ]


def test_an_end_that_came_first_is_as_late_as_the_latest_report() -> None:
    parked = {"kind": Kind.ILLEGAL_PARKING}
    end = came(report(1, revision=1, phase=Phase.END, at_s=5, **parked))
    begun = came(report(1, at_s=7, **parked))
    assert _essence(run([end], [begun])) == _essence(run([begun], [end]))
