"""Ordinary life: cars that keep their lane and people who walk to somewhere, none of them doing anything
wrong.

All of it repeats with the film's length, so that a film can be shown in a loop.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from shared.kinds import ObjectClass
from simulator.actors import Actor, Waypoint
from simulator.world import CROSSING, Point

END_M = 104.0
"""Cars come from here and go as far."""
_EASTBOUND_M, _WESTBOUND_M, _PASSING_M = -2.25, 2.25, 0.85
SPEED_MPS = 10.0
_VEHICLE_SHARES = ((ObjectClass.CAR, 0.84), (ObjectClass.TRUCK, 0.09), (ObjectClass.BUS, 0.07))


def walk(
    points: Sequence[Point], start_s: float, speed_mps: float, pauses: dict[int, float] | None = None
) -> tuple[Waypoint, ...]:
    """A walk along ``points`` at an even speed; ``pauses`` are seconds spent at a point, by its index."""
    t_s, way = start_s, [Waypoint(start_s, *points[0])]
    for i, (a, b) in enumerate(pairwise(points), start=1):
        t_s += float(np.hypot(b[0] - a[0], b[1] - a[1])) / speed_mps
        way.append(Waypoint(t_s, *b))
        if pauses and i in pauses:
            t_s += pauses[i]
            way.append(Waypoint(t_s, *b))
    return tuple(way)


def standing_cars(rng: np.random.Generator, first_id: int, seconds: float) -> list[Actor]:
    """Cars parked where they may be: on the forecourts."""
    places = [
        (3.0, 13.2, 90.0),
        (6.0, 13.2, 90.0),
        (26.5, 13.0, -90.0),
        (-52, 14.6, 0.0),
        (-22.0, 14.4, 180.0),
        (52.0, 12.4, 90.0),
        (55.4, 12.4, 90.0),
        (-44.0, -13.8, 0.0),
        (44.0, -14.2, 90.0),
    ]
    kept = [p for p in places if rng.random() < 0.75]
    return [
        Actor(
            first_id + i,
            ObjectClass.CAR,
            (Waypoint(-1.0, x, y), Waypoint(seconds + 1.0, x, y)),
            int(rng.integers(1 << 30)),
            turn,
        )
        for i, (x, y, turn) in enumerate(kept)
    ]


def walkers(rng: np.random.Generator, first_id: int, count: int, seconds: float) -> list[Actor]:
    """People along both footpaths and over the crossing; some ride a bicycle, some walk a bag home, one is
    a dog."""
    actors: list[Actor] = []
    for _ in range(count):
        actors += _walker(rng, first_id + len(actors), float(rng.uniform(0, seconds)))
    return actors


def _walker(rng: np.random.Generator, number: int, start_s: float) -> list[Actor]:
    north, south = float(rng.uniform(7.8, 9.7)), float(rng.uniform(-9.5, -7.8))
    side = north if rng.random() < 0.5 else south
    ends = (-66.0, 66.0) if rng.random() < 0.5 else (66.0, -66.0)
    points: list[Point] = [(ends[0], side), (ends[1], side)]
    if rng.random() < 0.3:
        x = float(rng.uniform(CROSSING.west_m + 0.6, CROSSING.east_m - 0.6))
        points = [(ends[0], side), (x, side), (x, -side), (ends[1], -side)]
    seed, kind = int(rng.integers(1 << 30)), rng.random()
    if kind < 0.1 and len(points) == 2:
        ride = walk(points, start_s, float(rng.uniform(3.0, 4.2)))
        return [
            Actor(number, ObjectClass.BICYCLE, ride, seed),
            Actor(number + 1, ObjectClass.PERSON, ride, seed + 1, is_riding=True),
        ]
    way = walk(points, start_s, float(rng.uniform(1.1, 1.55)))
    object_class = ObjectClass.DOG if kind > 0.95 else ObjectClass.PERSON
    return [Actor(number, object_class, way, seed)]


def cars(
    rng: np.random.Generator, first_id: int, seconds: float, others: Sequence[Actor], gap_s: float = 6.0
) -> list[Actor]:
    """Traffic on both lanes. Whoever would hit one of ``others`` is left out: nobody here has to brake."""
    kept: list[Actor] = []
    for lane in (_EASTBOUND_M, _WESTBOUND_M):
        t_s = float(rng.uniform(0, gap_s))
        while t_s < seconds:
            pick = rng.choice(3, p=[share for _, share in _VEHICLE_SHARES])
            actor = Actor(
                first_id + len(kept),
                _VEHICLE_SHARES[pick][0],
                _lane(lane, t_s, others),
                int(rng.integers(1 << 30)),
            )
            if _is_free(actor, [*others, *wrapped(kept, seconds)], seconds):
                kept.append(actor)
            t_s += gap_s * float(rng.uniform(0.5, 1.8))
    return kept


def _lane(lane_m: float, start_s: float, others: Sequence[Actor]) -> tuple[Waypoint, ...]:
    way = 1.0 if lane_m < 0 else -1.0
    points = [(-END_M * way, lane_m)]
    for x in sorted((x for x in _standing(others, start_s) if lane_m > 0), reverse=True):
        points += [(x + 24, lane_m), (x + 11, _PASSING_M), (x - 9, _PASSING_M), (x - 22, lane_m)]
    points.append((END_M * way, lane_m))
    return walk(points, start_s, SPEED_MPS)


def _standing(others: Sequence[Actor], start_s: float) -> list[float]:
    """Where vehicles stand in the westbound lane when a car that starts at ``start_s`` comes by."""
    places: list[float] = []
    for a, b in (
        (a, b)
        for o in others
        for a, b in zip(o.waypoints, o.waypoints[1:], strict=False)
        if o.object_class in (ObjectClass.CAR, ObjectClass.TRUCK)
    ):
        passing_s = start_s + (END_M - a.east_m) / SPEED_MPS
        if a[1:] == b[1:] and 2.0 < a.north_m < 4.5 and a.t_s - 5 < passing_s < b.t_s + 4:
            places.append(a.east_m)
    return places


def _is_free(actor: Actor, others: Iterable[Actor], seconds: float) -> bool:
    own = [actor, replace(actor, waypoints=_shifted(actor, -seconds))]
    return not any(_meet(a, b) for a in own for b in others if b.id != actor.id)


def _meet(a: Actor, b: Actor) -> bool:
    """Whether two things come into one another's way."""
    start, end = max(a.waypoints[0].t_s, b.waypoints[0].t_s), min(a.waypoints[-1].t_s, b.waypoints[-1].t_s)
    (la, wa), (lb, wb) = a.footprint_m, b.footprint_m
    for t_s in np.arange(start, end, 0.2):
        here, there = a.place_at(t_s), b.place_at(t_s)
        along, across = abs(there[0] - here[0]), abs(there[1] - here[1])
        if along < (la + lb) / 2 + 2.5 and across < (wa + wb) / 2 + 0.2:
            return True
    return False


def wrapped(actors: Sequence[Actor], seconds: float) -> list[Actor]:
    """The same things and, of those still there at the film's end, copies for its beginning. A copy keeps
    its id: the film in a loop shows one thing."""
    late = [a for a in actors if a.waypoints[-1].t_s > seconds + 1.5]
    return [*actors, *(replace(a, waypoints=_shifted(a, -seconds)) for a in late)]


def _shifted(actor: Actor, by_s: float) -> tuple[Waypoint, ...]:
    return tuple(w._replace(t_s=w.t_s + by_s) for w in actor.waypoints)
