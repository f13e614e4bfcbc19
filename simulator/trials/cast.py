"""Who takes part in trials: people, vehicles and animals on their ways, and when each is where."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from shared.kinds import ObjectClass
from simulator.actors import Actor, Waypoint
from simulator.traffic import walk
from simulator.trials.sight import outline
from simulator.trials.trial import Due
from simulator.world import Point

Rng = np.random.Generator
_STEP_S = 0.1


def rectangle(middle: Point, half_east_m: float, half_north_m: float) -> list[Point]:
    """A ring around ``middle``, counter-clockwise."""
    (x, y), a, b = middle, half_east_m, half_north_m
    return [(x - a, y - b), (x + a, y - b), (x + a, y + b), (x - a, y + b)]


def walker(
    rng: Rng,
    number: int,
    points: Sequence[Point],
    start_s: float,
    pauses: dict[int, float] | None = None,
    speed_mps: float | None = None,
    kind: ObjectClass = ObjectClass.PERSON,
) -> Actor:
    """Someone on foot along ``points``; ``pauses``: seconds at a point, by its index."""
    speed = float(rng.uniform(1.0, 1.6)) if speed_mps is None else speed_mps
    return Actor(number, kind, walk(points, start_s, speed, pauses), _seed(rng))


def driver(
    rng: Rng,
    number: int,
    points: Sequence[Point],
    start_s: float,
    speed_mps: float | None = None,
    kind: ObjectClass | None = None,
    pauses: dict[int, float] | None = None,
) -> Actor:
    """A vehicle along ``points``, a car in four of five cases."""
    speed = float(rng.uniform(6.0, 11.0)) if speed_mps is None else speed_mps
    shares = ((ObjectClass.CAR, 0.8), (ObjectClass.TRUCK, 0.12), (ObjectClass.BUS, 0.08))
    drawn = shares[rng.choice(3, p=[share for _, share in shares])][0]
    return Actor(number, kind or drawn, walk(points, start_s, speed, pauses), _seed(rng))


def nose_m(actor: Actor) -> float:
    """How far a thing's front is before its middle, metres."""
    return float(outline(actor)[0][:, 0].max())


def stander(
    rng: Rng,
    number: int,
    kind: ObjectClass,
    place: Point,
    heading_deg: float,
    from_s: float,
    to_s: float,
) -> Actor:
    """What stays at a place for a time: it is there all at once and gone all at once."""
    return Actor(
        number, kind, (Waypoint(from_s, *place), Waypoint(to_s, *place)), _seed(rng), heading_deg=heading_deg
    )


def fidget(rng: Rng, place: Point, from_s: float, to_s: float, reach_m: float = 0.35) -> list[Waypoint]:
    """Waypoints of someone who waits: a shift of weight, a step aside and back, every few seconds."""
    way, t_s = [Waypoint(from_s, *place)], from_s
    while t_s < to_s - 4:
        t_s += float(rng.uniform(3, 9))
        here = way[-1]
        turn, far = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0, reach_m))
        way.append(Waypoint(min(t_s, to_s - 1.0), here.east_m, here.north_m))
        way.append(
            Waypoint(min(t_s + 0.7, to_s), place[0] + far * math.cos(turn), place[1] + far * math.sin(turn))
        )
    return [*way, Waypoint(max(to_s, way[-1].t_s + 0.1), way[-1].east_m, way[-1].north_m)]


def visitor(
    rng: Rng, number: int, come: Sequence[Point], arrive_s: float, leave_s: float, go: Sequence[Point]
) -> Actor:
    """Someone who walks along ``come`` to its last point, waits there, and goes off along ``go``."""
    speed = float(rng.uniform(1.1, 1.5))
    length_m = sum(math.dist(a, b) for a, b in pairwise(come))
    before = walk(come, arrive_s - length_m / speed, speed)
    stay = fidget(rng, come[-1], arrive_s + 0.1, leave_s)
    last = stay[-1]
    after = walk([(last.east_m, last.north_m), *go], leave_s + 0.2, speed)
    return Actor(number, ObjectClass.PERSON, (*before, *stay, *after), _seed(rng))


def spans_in(actor: Actor, ring: Sequence[Point]) -> list[tuple[float, float]]:
    """When a thing's place lies in a ring: spans from its coming in to its going out."""
    times = np.arange(actor.waypoints[0].t_s, actor.waypoints[-1].t_s + _STEP_S, _STEP_S)
    inside = np.array([is_in(actor.place_at(float(t))[:2], ring) for t in times], np.int8)
    edges = np.diff(np.concatenate([[0], inside, [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(float(times[a]), float(times[b - 1])) for a, b in zip(starts, ends, strict=True)]


def is_in(place: Point, ring: Sequence[Point]) -> bool:
    """Whether a place lies in a ring."""
    inside, (x, y) = False, place
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return inside


def due_of(
    actor: Actor,
    kind: str,
    begin_s: float,
    due_s: float,
    end_s: float | None = None,
    late_s: float = 15.0,
    far_m: float = 8.0,
) -> Due:
    """What should be told of an actor, at the place where it then is."""
    place = actor.place_at(due_s)
    return Due(kind, begin_s, due_s, (place[0], place[1]), actor.id, end_s, late_s, far_m)


def _seed(rng: Rng) -> int:
    return int(rng.integers(1 << 30))
