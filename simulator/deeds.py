"""What is done in the scenes: each deed is its actors' timed paths and, when a rule should report it, the
truth."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from shared.kinds import Kind, ObjectClass
from simulator.actors import Actor, Waypoint
from simulator.traffic import END_M, SPEED_MPS, walk
from simulator.world import GATE, YARD, Point

PARKING_LIMIT_S = 20.0
DUMPING_STAY_S = 12.0
DUMPING_AWAY_M = 5.0
INTRUSION_DWELL_S = 1.5

_LANE_M, _KERB_M = 2.25, 3.42


class Happening(NamedTuple):
    """Something that the rules should report, once."""

    kind: Kind
    actor_id: int
    zone: str
    begin_s: float
    """When it begins: the car stands, the bag lies, the fence line is passed."""
    due_s: float
    """When a perfect observer would report it: the rule's own time has passed."""
    end_s: float | None
    place: Point


class Deed(NamedTuple):
    """Actors and what of it is to be reported."""

    actors: list[Actor]
    happenings: list[Happening]


def park(
    rng: np.random.Generator,
    number: int,
    at_m: float,
    stop_s: float,
    stay_s: float,
    is_zone: bool = True,
    kind: ObjectClass = ObjectClass.CAR,
) -> Deed:
    """A westbound vehicle pulls up at the kerb and goes on after ``stay_s``; an offence in the zone over
    the limit."""
    way = _pull_up(at_m, stop_s) + _pull_out(at_m, stop_s + stay_s)
    actor = Actor(number, kind, way, int(rng.integers(1 << 30)))
    if not is_zone or stay_s <= PARKING_LIMIT_S:
        return Deed([actor], [])
    truth = Happening(
        Kind.ILLEGAL_PARKING,
        number,
        "no-stopping",
        stop_s,
        stop_s + PARKING_LIMIT_S,
        stop_s + stay_s,
        (at_m, _KERB_M),
    )
    return Deed([actor], [truth])


_BRAKING_M = 26.0


def _pull_up(at_m: float, stop_s: float) -> tuple[Waypoint, ...]:
    braking_s = 2 * _BRAKING_M / SPEED_MPS
    far = Waypoint(stop_s - braking_s - (END_M - at_m - _BRAKING_M) / SPEED_MPS, END_M, _LANE_M)
    return (
        far,
        *(
            Waypoint(stop_s - s * braking_s, at_m + _BRAKING_M * s * s, _beside(s))
            for s in np.linspace(1, 0, 14)
        ),
    )


def _pull_out(at_m: float, start_s: float) -> tuple[Waypoint, ...]:
    speeding_s = 2 * _BRAKING_M / SPEED_MPS
    near = tuple(
        Waypoint(start_s + s * speeding_s, at_m - _BRAKING_M * s * s, _beside(s))
        for s in np.linspace(0, 1, 14)
    )
    return (*near, Waypoint(start_s + speeding_s + (END_M + at_m - _BRAKING_M) / SPEED_MPS, -END_M, _LANE_M))


def _beside(share: float) -> float:
    """How far north a car is, from the kerb (0) to its lane (1)."""
    smooth = np.clip((share - 0.3) / 0.7, 0, 1)
    smooth = smooth * smooth * (3 - 2 * smooth)
    return float(_KERB_M + (_LANE_M - _KERB_M) * smooth)


def intrude(rng: np.random.Generator, number: int, enter_s: float, stay_s: float) -> Deed:
    """Someone goes through the yard's open gate to its cells, looks about and leaves again."""
    gate_x, speed = float(rng.uniform(GATE[0] + 1.2, GATE[1] - 1.0)), 1.35
    goal = (float(rng.uniform(15.5, 17.5)), float(rng.uniform(-19.5, -17.5)))
    line = YARD.north_m
    side = 48.0 if rng.random() < 0.5 else -40.0
    approach: list[Point] = [(side, -9.0), (gate_x, -9.6), (gate_x, line)]
    before_s = _length_m(approach) / speed
    inside_s = _length_m([(gate_x, line), goal]) / speed
    pause_s = max(2.0, stay_s - 2 * inside_s)
    points = [*approach, goal, (gate_x, line), (gate_x, -9.6), (48.0, -8.6)]
    way = walk(points, enter_s - before_s, speed, {3: pause_s})
    begin_s = enter_s
    truth = Happening(
        Kind.INTRUSION,
        number,
        "yard",
        begin_s,
        begin_s + INTRUSION_DWELL_S,
        enter_s + 2 * inside_s + pause_s,
        (gate_x, line - INTRUSION_DWELL_S * speed),
    )
    stoop_s = enter_s + inside_s + pause_s / 2
    return Deed(
        [
            Actor(
                number,
                ObjectClass.PERSON,
                way,
                int(rng.integers(1 << 30)),
                bends=((stoop_s - 1.5, stoop_s + 1.5),),
            )
        ],
        [truth],
    )


def pass_the_fence(rng: np.random.Generator, number: int, start_s: float) -> Deed:
    """Someone stops before the gate, looks in, and goes on: nothing to report."""
    way = walk([(48.0, -9.2), (16.5, -10.4), (-30.0, -9.0)], start_s, 1.3, {1: 5.0})
    return Deed([Actor(number, ObjectClass.PERSON, way, int(rng.integers(1 << 30)))], [])


def dump(
    rng: np.random.Generator,
    number: int,
    at: Point,
    down_s: float,
    collected_s: float | None = None,
    is_wrong: bool = True,
    zone: str = "roadside",
) -> Deed:
    """Someone carries a bag along the footpath, puts it down at ``at`` and goes away. A cleaner may
    collect it."""
    come, go = 34.0, float(rng.choice([-34.0, 34.0]))
    path_m = 8.2
    approach: list[Point] = [
        (at[0] + come, path_m),
        (at[0] + 0.8 * np.sign(come), path_m),
        (at[0] + 0.28, at[1] + 0.55),
    ]
    speed, seed = 1.3, int(rng.integers(1 << 30))
    pause_s = 1.8
    start_s = down_s - _length_m(approach) / speed - pause_s / 2
    way = walk(
        [*approach, (at[0] + 0.6 * np.sign(go), path_m), (at[0] + go, path_m)], start_s, speed, {2: pause_s}
    )
    person = Actor(
        number,
        ObjectClass.PERSON,
        way,
        seed,
        bends=((down_s - 0.9, down_s + 0.9),),
        carries=(start_s, down_s - 0.8),
    )
    taken_s = collected_s if collected_s is not None else 1e4
    bag = Actor(
        number + 1,
        ObjectClass.BAG,
        _carried(person, at, down_s, taken_s),
        seed + 1,
        heading_deg=float(rng.uniform(0, 360)),
    )
    actors = [person, bag]
    if collected_s is not None:
        cleaner, ride = _collect(rng, number + 2, at, collected_s)
        actors = [
            person,
            Actor(bag.id, bag.object_class, bag.waypoints + ride, bag.seed, bag.heading_deg),
            cleaner,
        ]
    if not is_wrong:
        return Deed(actors, [])
    away_s = _away_s(person, at, down_s)
    due_s = max(away_s + DUMPING_STAY_S, down_s + 10.0)
    return Deed(actors, [Happening(Kind.DUMPING_ACT, bag.id, zone, down_s, due_s, collected_s, at)])


def _carried(person: Actor, at: Point, down_s: float, until_s: float) -> tuple[Waypoint, ...]:
    """A bag's way in its carrier's left hand, then on the ground."""
    way: list[Waypoint] = []
    for t_s in np.arange(person.waypoints[0].t_s, down_s - 0.5, 0.25):
        moment = person.moment(float(t_s))
        left = np.array([-np.sin(moment.heading_rad), np.cos(moment.heading_rad)]) * 0.3
        way.append(Waypoint(float(t_s), moment.place[0] + left[0], moment.place[1] + left[1], 0.1))
    return (*way, Waypoint(down_s, *at), Waypoint(until_s, *at))


def _collect(
    rng: np.random.Generator, number: int, at: Point, at_s: float
) -> tuple[Actor, tuple[Waypoint, ...]]:
    """A cleaner takes the bag up at ``at_s``; returns the cleaner and the bag's way after that."""
    approach: list[Point] = [(at[0] + 40.0, 9.0), (at[0] + 0.5, 8.4), (at[0] + 0.3, at[1] + 0.5)]
    speed = 1.4
    way = walk(
        [*approach, (at[0] - 0.5, 8.8), (at[0] - 40.0, 9.0)],
        at_s - _length_m(approach) / speed - 0.8,
        speed,
        {2: 1.6},
    )
    cleaner = Actor(
        number,
        ObjectClass.PERSON,
        way,
        int(rng.integers(1 << 30)),
        bends=((at_s - 0.9, at_s + 0.8),),
        carries=(at_s + 0.8, 1e4),
    )
    ride: list[Waypoint] = []
    for t_s in np.arange(at_s + 0.5, way[-1].t_s, 0.25):
        moment = cleaner.moment(float(t_s))
        left = np.array([-np.sin(moment.heading_rad), np.cos(moment.heading_rad)]) * 0.3
        ride.append(Waypoint(float(t_s), moment.place[0] + left[0], moment.place[1] + left[1], 0.1))
    return cleaner, tuple(ride)


def _away_s(person: Actor, at: Point, down_s: float) -> float:
    """When the one who left the bag is far enough away from it."""
    for t_s in np.arange(down_s, person.waypoints[-1].t_s, 0.1):
        if math.dist(person.place_at(float(t_s))[:2], at) >= DUMPING_AWAY_M:
            return float(t_s)
    return person.waypoints[-1].t_s


def carry_past(rng: np.random.Generator, number: int, start_s: float) -> Deed:
    """Someone carries a bag along the footpath and keeps it."""
    seed = int(rng.integers(1 << 30))
    way = walk([(10.0, 8.6), (-70.0, 8.6)], start_s, 1.35)
    person = Actor(number, ObjectClass.PERSON, way, seed, carries=(start_s, 1e4))
    carried = _carried(person, (-70.0, 8.6), way[-1].t_s, way[-1].t_s)
    return Deed([person, Actor(number + 1, ObjectClass.BAG, carried[:-1], seed + 1, heading_deg=0.0)], [])


def rest_a_bag(rng: np.random.Generator, number: int, at: Point, down_s: float, up_s: float) -> Deed:
    """Someone sets a bag down, waits beside it and takes it up again."""
    seed, speed = int(rng.integers(1 << 30)), 1.3
    approach: list[Point] = [(at[0] + 34.0, 8.2), (at[0] + 0.7, 8.2), (at[0] + 0.25, at[1] + 0.5)]
    start_s = down_s - _length_m(approach) / speed - 0.9
    way = walk([*approach, (at[0] - 0.6, 8.2), (at[0] - 34.0, 8.2)], start_s, speed, {2: up_s - down_s + 1.8})
    person = Actor(
        number,
        ObjectClass.PERSON,
        way,
        seed,
        bends=((down_s - 0.9, down_s + 0.9), (up_s - 0.9, up_s + 0.8)),
        carries=(start_s, down_s - 0.8),
    )
    again: list[Waypoint] = []
    for t_s in np.arange(up_s + 0.5, way[-1].t_s, 0.25):
        moment = person.moment(float(t_s))
        left = np.array([-np.sin(moment.heading_rad), np.cos(moment.heading_rad)]) * 0.3
        again.append(Waypoint(float(t_s), moment.place[0] + left[0], moment.place[1] + left[1], 0.1))
    bag = _carried(person, at, down_s, up_s) + tuple(again)
    return Deed([person, Actor(number + 1, ObjectClass.BAG, bag, seed + 1, heading_deg=30.0)], [])


WIRE: tuple[Point, Point] = ((34.2, 13.0), (41.8, 13.0))
"""Across the side street, which is closed to motor traffic northwards."""


def drive_in(
    rng: np.random.Generator, number: int, cross_s: float, kind: ObjectClass = ObjectClass.CAR
) -> Deed:
    """A vehicle turns from the main street into the closed side street."""
    points: list[Point] = [
        (-60.0, -2.25),
        (26.0, -2.25),
        (33.0, -1.2),
        (37.5, 2.2),
        (39.6, 7.5),
        (39.8, WIRE[0][1]),
        (39.8, 56.0),
    ]
    speed = 7.0
    way = walk(points, cross_s - _length_m(points[:6]) / speed, speed)
    truth = Happening(
        Kind.LINE_CROSSED, number, "side-street", cross_s, cross_s + 0.3, cross_s, (39.8, WIRE[0][1])
    )
    return Deed([Actor(number, kind, way, int(rng.integers(1 << 30)))], [truth])


def drive_out(rng: np.random.Generator, number: int, cross_s: float) -> Deed:
    """A car leaves the side street southwards, as it may."""
    points: list[Point] = [
        (36.2, 56.0),
        (36.2, WIRE[0][1]),
        (36.0, 8.0),
        (33.5, 3.4),
        (27.0, 2.25),
        (-END_M, 2.25),
    ]
    way = walk(points, cross_s - _length_m(points[:2]) / 7.0, 7.0)
    return Deed([Actor(number, ObjectClass.CAR, way, int(rng.integers(1 << 30)))], [])


def _length_m(points: list[Point]) -> float:
    return float(sum(np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points)))
