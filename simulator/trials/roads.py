"""Trials of the kinds about vehicles on the carriageway."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shared.kinds import ObjectClass
from simulator import deeds
from simulator.actors import Actor, Waypoint
from simulator.traffic import walk
from simulator.trials.cast import driver, due_of, nose_m, rectangle, spans_in, stander, walker
from simulator.trials.setting import Setting
from simulator.trials.stand import stand
from simulator.trials.trial import Due, Trial, Variant
from simulator.world import Point

Rng = np.random.Generator

EAST_M, WEST_M, PASSING_M = -2.25, 2.25, 0.85
END_M = 90.0
_PARKING_S, _STOPPED_S, _JAM_S = 60.0, 30.0, 60.0


def lane(
    rng: Rng,
    first_id: int,
    from_s: float,
    to_s: float,
    gap_s: float,
    is_east: bool = True,
    around: Sequence[float] = (),
    speed_mps: float = 9.0,
) -> list[Actor]:
    """Vehicles one after the other in a lane; they drive round what stands at the places ``around``."""
    way = 1.0 if is_east else -1.0
    own, aside = (EAST_M, 0.35) if is_east else (WEST_M, PASSING_M)
    points: list[Point] = [(-END_M * way, own)]
    for x in sorted(around, reverse=not is_east):
        points += [(x - 22 * way, own), (x - 10 * way, aside), (x + 9 * way, aside), (x + 20 * way, own)]
    points.append((END_M * way, own))
    actors: list[Actor] = []
    t_s = from_s - END_M / speed_mps
    while t_s < to_s:
        actors.append(driver(rng, first_id + len(actors), points, t_s, speed_mps))
        t_s += gap_s * float(rng.uniform(0.6, 1.6))
    return actors


def illegal_parking(rng: Rng, variant: Variant) -> Trial:
    """A no-stopping zone at the kerb. Some stand in it too long, some a moment, some beside it."""
    x, seconds = float(rng.uniform(-45, 12)), 150.0
    camera = stand(rng, variant, (x, 2.8), reach_m=8.5)
    setting = Setting(camera, rng)
    setting.zone("no-stopping", [(x - 6, 0.9), (x + 6, 0.9), (x + 6, 4.7), (x - 6, 4.7)])
    setting.rule("illegal_parking", zone="no-stopping", limit_s=_PARKING_S)
    stop_s = float(rng.uniform(15, 30))
    is_offence = rng.random() < 0.75
    stay_s = float(rng.uniform(75, 100)) if is_offence else float(rng.uniform(15, 42))
    kind = ObjectClass.TRUCK if rng.random() < 0.2 else ObjectClass.CAR
    at_m = x + float(rng.uniform(-2, 2))
    (parked,) = deeds.park(rng, 1, at_m, stop_s, stay_s, kind=kind).actors
    beside = stander(rng, 2, ObjectClass.CAR, (x + float(rng.uniform(-4, 4)), 8.8), 0.0, -1, seconds + 1)
    traffic = lane(rng, 20, 0, seconds, 9.0) + lane(
        rng, 60, stop_s + 6, stop_s + stay_s - 12, 11.0, is_east=False, around=[at_m]
    )
    passer = walker(rng, 3, [(x - 25, 6.6), (x + 25, 6.6)], float(rng.uniform(0, 90)))
    due = (
        [due_of(parked, "illegal_parking", stop_s, stop_s + _PARKING_S, stop_s + stay_s)]
        if is_offence
        else []
    )
    return Trial(camera, setting.text(), seconds, (parked, beside, passer, *traffic), tuple(due))


def stopped_on_carriageway(rng: Rng, variant: Variant) -> Trial:
    """A vehicle stands in its lane while the others drive round it; or they all stand, or it is a bus that
    goes on soon."""
    x, seconds = float(rng.uniform(-45, 12)), 110.0
    camera = stand(rng, variant, (x, 0.0), reach_m=10.0)
    setting = Setting(camera, rng)
    setting.zone("lane", rectangle((x, 0.0), 9.5, 4.4))
    setting.rule("stopped_on_carriageway", zone="lane", limit_s=_STOPPED_S)
    case, stop_s = rng.choice(["stops", "bus", "jam"], p=[0.7, 0.15, 0.15]), float(rng.uniform(12, 22))
    if case == "jam":
        queue = convoy(rng, 1, (x + 12.0), 12, stop_s, stop_s + 70.0, 0.0)
        return Trial(camera, setting.text(), seconds, (*queue, *lane(rng, 40, 0, seconds, 12.0, False)))
    stay_s = float(rng.uniform(50, 70)) if case == "stops" else float(rng.uniform(12, 20))
    kind = ObjectClass.BUS if case == "bus" else None
    points: list[Point] = [(-END_M, EAST_M), (x + float(rng.uniform(-3, 3)), EAST_M), (END_M, EAST_M)]
    start_s = stop_s - (points[1][0] + END_M) / 8.0
    stopped = driver(rng, 1, points, start_s, 8.0, kind, {1: stay_s})
    gone_s = stop_s + stay_s
    flow = lane(rng, 20, stop_s + 5, gone_s - 9, 7.0, around=[points[1][0]])
    flow += lane(rng, 60, 0, seconds, 9.0, is_east=False)
    due = (
        [due_of(stopped, "stopped_on_carriageway", stop_s, stop_s + _STOPPED_S, gone_s)]
        if case == "stops"
        else []
    )
    return Trial(camera, setting.text(), seconds, (stopped, *flow), tuple(due))


def convoy(
    rng: Rng,
    first_id: int,
    head_m: float,
    count: int,
    stop_s: float,
    go_s: float,
    creep_mps: float,
    is_east: bool = True,
) -> list[Actor]:
    """Vehicles that come up behind one another, stand or creep from ``stop_s`` to ``go_s``, and go on.
    The first stands at ``head_m``, east for those who go east."""
    way, lane_m = (1.0, EAST_M) if is_east else (-1.0, WEST_M)
    shift = [(stop_s - 30, -240.0), (stop_s - 3, -10.0), (stop_s, 0.0)]
    t_s, gone_m = stop_s, 0.0
    while creep_mps and t_s < go_s - 8:
        rest_s, move_s = float(rng.uniform(2, 7)), float(rng.uniform(2, 4))
        gone = creep_mps * (rest_s + move_s)
        shift += [(t_s + rest_s, gone_m), (t_s + rest_s + move_s, gone_m + gone)]
        t_s, gone_m = t_s + rest_s + move_s, gone_m + gone
    shift += [(max(go_s, t_s + 0.1), gone_m), (go_s + 4, gone_m + 12), (go_s + 30, gone_m + 250)]
    actors: list[Actor] = []
    behind_m = 0.0
    for number in range(count):
        kind = ObjectClass.TRUCK if rng.random() < 0.1 else ObjectClass.CAR
        behind_m += 2.0 if kind is ObjectClass.TRUCK else 0.0
        way_points = tuple(Waypoint(t, (head_m + (m - behind_m) * way), lane_m) for t, m in shift)
        actors.append(Actor(first_id + number, kind, way_points, int(rng.integers(1 << 30))))
        behind_m += float(rng.uniform(6.2, 7.4)) + (2.0 if kind is ObjectClass.TRUCK else 0.0)
    return actors


def congestion(rng: Rng, variant: Variant) -> Trial:
    """Both lanes creep for long; or they flow; or they wait for a light and go on."""
    x, seconds = float(rng.uniform(-40, 5)), 150.0
    camera = stand(rng, variant, (x, 0.0), reach_m=15.0)
    setting = Setting(camera, rng)
    setting.zone("road", rectangle((x, 0.0), 14.0, 4.4))
    setting.rule("congestion", zone="road", vehicles=5, speed_kmh=5, limit_s=_JAM_S)
    case, stop_s = rng.choice(["jam", "light", "flow"], p=[0.7, 0.15, 0.15]), float(rng.uniform(15, 25))
    if case == "flow":
        free = lane(rng, 1, 0, seconds, 4.0) + lane(rng, 80, 0, seconds, 4.0, is_east=False)
        return Trial(camera, setting.text(), seconds, tuple(free))
    go_s = stop_s + (105.0 if case == "jam" else 32.0)
    creep = 0.45 if case == "jam" else 0.0
    east = convoy(rng, 1, x + 16, 12, stop_s, go_s, creep)
    west = convoy(rng, 40, x - 16, 12, stop_s, go_s, creep, is_east=False)
    due = (
        [Due("congestion", stop_s, stop_s + _JAM_S, (x, 0.0), None, go_s, late_s=25.0, far_m=22.0)]
        if case == "jam"
        else []
    )
    return Trial(camera, setting.text(), seconds, (*east, *west), tuple(due))


def wrong_way(rng: Rng, variant: Variant) -> Trial:
    """A lane with an arrow. One drives against it; others drive along it, back up a little, or walk."""
    x, seconds = float(rng.uniform(-40, 5)), 60.0
    camera = stand(rng, variant, (x, EAST_M), reach_m=13.0)
    setting = Setting(camera, rng)
    ring = rectangle((x, EAST_M), 12.5, 1.95)
    setting.zone("lane", ring)
    setting.tripwire("arrow", (x - 4, EAST_M), (x + 4, EAST_M))
    setting.rule("wrong_way", zone="lane", heading="arrow")
    at_s = float(rng.uniform(20, 34))
    traffic = [a for a in lane(rng, 20, 0, seconds, 7.0) if abs(a.waypoints[0].t_s + 10 - at_s) > 9]
    traffic += lane(rng, 60, 0, seconds, 8.0, is_east=False)
    back_m = float(rng.uniform(2.0, 3.5))
    backing = Actor(
        2,
        ObjectClass.CAR,
        (
            Waypoint(-1, x + 5, -5.9),
            Waypoint(5, x + 5, -5.9),
            Waypoint(5 + back_m / 0.9, x + 5 - back_m, -5.9),
            Waypoint(seconds + 1, x + 5 - back_m, -5.9),
        ),
        int(rng.integers(1 << 30)),
        heading_deg=0.0,
    )
    on_foot = walker(rng, 3, [(x + 20, -5.0), (x - 20, -5.0)], float(rng.uniform(0, 20)))
    if rng.random() < 0.25:
        return Trial(camera, setting.text(), seconds, (backing, on_foot, *traffic))
    speed = float(rng.uniform(4.5, 8.0))
    ghost = driver(rng, 1, [(END_M, EAST_M), (-END_M, EAST_M)], at_s - (END_M - x) / speed, speed)
    ((begin_s, end_s),) = spans_in(ghost, ring)
    due = due_of(ghost, "wrong_way", begin_s, begin_s + max(2.0, 8.0 / speed), end_s + 3)
    return Trial(camera, setting.text(), seconds, (ghost, backing, on_foot, *traffic), (due,))


def crossing_not_yielded(rng: Rng, variant: Variant) -> Trial:
    """People on a crossing and vehicles: some drive by right before them, some wait, some pass in time."""
    x, seconds = 24.0, 70.0
    camera = stand(rng, variant, (x, 0.0), reach_m=9.0)
    setting = Setting(camera, rng)
    setting.zone("crossing", rectangle((x, 0.0), 2.2, 4.6))
    setting.rule("crossing_not_yielded", zone="crossing")
    actors: list[Actor] = []
    due: list[Due] = []
    for number, start_s in enumerate((8.0, 30.0, 50.0)):
        north = rng.random() < 0.5
        side = 1.0 if north else -1.0
        pace = float(rng.uniform(1.1, 1.4))
        near, far = 8.5 * side, -8.5 * side
        points = [(x + 14, near), (x, near), (x, far), (x - 14, far)]
        on_foot = walker(rng, 10 + number, points, start_s - 14 / pace, speed_mps=pace)
        here = next(s for s in spans_in(on_foot, rectangle((x, 0.0), 2.2, 4.6)))
        case = rng.choice(["rude", "waits", "late"], p=[0.5, 0.25, 0.25])
        vehicle, told = _approach(rng, 20 + number, x, here, side, str(case), pace)
        actors += [on_foot, vehicle]
        due += told
    return Trial(camera, setting.text(), seconds, tuple(actors), tuple(due))


def _approach(
    rng: Rng,
    number: int,
    x: float,
    here: tuple[float, float],
    side: float,
    case: str,
    pace: float,
) -> tuple[Actor, list[Due]]:
    """A vehicle that comes to the crossing while someone walks over it from ``side`` (1: the north)."""
    # The lane that the walker comes to second: eastbound for who comes from the north.
    lane_m, way = (EAST_M, 1.0) if side > 0 else (WEST_M, -1.0)
    ends: list[Point] = [(-END_M * way + x, lane_m), (END_M * way + x, lane_m)]
    speed = float(rng.uniform(7, 10))
    if case == "waits":
        # Two metres before the crossing, by its front: a bus in a car's place would stand upon it.
        vehicle = driver(rng, number, ends, 0.0, speed)
        off_m = 2.2 + 2.0 + nose_m(vehicle)
        points = [ends[0], (x - off_m * way, lane_m), ends[1]]
        arrive_s = here[0] + 0.5
        start_s = arrive_s - (END_M - off_m) / speed
        pauses = {1: here[1] - arrive_s + 1.5}
        return replace(vehicle, waypoints=walk(points, start_s, speed, pauses)), []
    # Rude: the walker is a step or two from the vehicle's side. Late: is well past it and off the crossing.
    meet_s = here[0] + (4.6 - 0.35) / pace if case == "rude" else here[1] + 2.5
    vehicle = driver(rng, number, ends, meet_s - END_M / speed, speed)
    if case != "rude":
        return vehicle, []
    return vehicle, [
        due_of(vehicle, "crossing_not_yielded", meet_s - 1.0, meet_s + 0.5, meet_s + 2, far_m=9.0)
    ]


def speeding_hotspot(rng: Rng, variant: Variant) -> Trial:
    """Five minutes of traffic on one lane: many too fast, or one in twenty."""
    x, seconds, period_s = float(rng.uniform(-40, 5)), 315.0, 300.0
    camera = stand(rng, variant, (x, EAST_M), reach_m=13.0)
    setting = Setting(camera, rng)
    setting.zone("lane", rectangle((x, EAST_M), 12.5, 2.1))
    setting.rule("speeding_hotspot", zone="lane", limit_kmh=40, over_kmh=20, vehicles=10, period_s=period_s)
    is_hot = rng.random() < 0.7
    actors: list[Actor] = []
    t_s = 2.0
    while t_s < seconds:
        is_fast = rng.random() < (0.5 if is_hot else 0.04)
        speed = float(rng.uniform(19, 23)) if is_fast else float(rng.uniform(8.5, 11.5))
        points: list[Point] = [(x - 60, EAST_M), (x + 60, EAST_M)]
        actors.append(driver(rng, 1 + len(actors), points, t_s - 60 / speed, speed))
        t_s += float(rng.uniform(5.5, 9.5))
    due = [Due("speeding_hotspot", 0.0, period_s, (x, EAST_M), late_s=15.0, far_m=16.0)] if is_hot else []
    return Trial(camera, setting.text(), seconds, tuple(actors), tuple(due))
