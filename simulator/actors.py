"""Things that move through the street: a class, a look, and a timed path that says where each is at any
instant."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from shared.kinds import ObjectClass
from simulator import people, vehicles
from simulator.camera import Array
from simulator.shapes import Capsules, Faces


class Waypoint(NamedTuple):
    """Where a thing is at one instant; between two it goes straight at even speed."""

    t_s: float
    east_m: float
    north_m: float
    up_m: float = 0.0


class Moment(NamedTuple):
    """A thing at one instant."""

    place: Array
    """(3,) metres."""
    heading_rad: float
    """Counter-clockwise from east."""
    speed_mps: float
    walked_m: float


class Body(NamedTuple):
    """What is drawn of a thing, in its own axes."""

    faces: tuple[Faces, ...]
    capsules: Capsules | None
    has_lamps: bool


_PHASES = 32
_LOOK_S = 0.35
"""Headings are taken over this span, so that a thing turns instead of snapping round at a corner."""


@dataclass(frozen=True)
class Actor:
    """One moving or standing thing of the scene. ``seed`` fixes its look."""

    id: int
    object_class: ObjectClass
    waypoints: tuple[Waypoint, ...]
    seed: int
    heading_deg: float | None = None
    """Counter-clockwise from east; fixed for a thing that stands or is put down. None: where it goes."""
    bends: tuple[tuple[float, float], ...] = ()
    """Spans (t_s, t_s) in which a person stoops to the ground."""
    carries: tuple[float, float] | None = None
    """The span in which a person's left arm hangs straight with something in the hand."""
    is_riding: bool = False
    lies: tuple[tuple[float, float], ...] = ()
    """Spans (t_s, t_s) in which a person lies on the ground."""

    @cached_property
    def _times(self) -> list[float]:
        return [w.t_s for w in self.waypoints]

    @cached_property
    def _walked(self) -> list[float]:
        """Metres gone at each waypoint."""
        steps = [math.dist(a[1:3], b[1:3]) for a, b in pairwise(self.waypoints)]
        return list(accumulate(steps, initial=0.0))

    @cached_property
    def _leg_headings(self) -> list[float]:
        """Heading on each leg; where the thing stands, that of the leg before, or of the first that moves."""
        moving = [
            math.atan2(b.north_m - a.north_m, b.east_m - a.east_m) if _is_move(a, b) else None
            for a, b in pairwise(self.waypoints)
        ]
        current = next((h for h in moving if h is not None), 0.0)
        headings: list[float] = []
        for heading in moving:
            current = current if heading is None else heading
            headings.append(current)
        return headings or [current]

    def is_there(self, t_s: float) -> bool:
        """Whether the thing is in the street at ``t_s``."""
        return self.waypoints[0].t_s <= t_s <= self.waypoints[-1].t_s

    def _leg(self, t_s: float) -> tuple[int, float]:
        """The leg at ``t_s`` and how much of it is gone, 0–1; the first and last instants hold before and
        after."""
        leg = min(max(bisect_right(self._times, t_s) - 1, 0), max(len(self._times) - 2, 0))
        if len(self._times) < 2:
            return 0, 0.0
        span_s = self._times[leg + 1] - self._times[leg]
        share = (t_s - self._times[leg]) / span_s if span_s > 0 else 1.0
        return leg, min(max(share, 0.0), 1.0)

    def place_at(self, t_s: float) -> tuple[float, float, float]:
        """Metres east, north, up; before its first and after its last instant, where it then is."""
        leg, share = self._leg(t_s)
        a, b = self.waypoints[leg], self.waypoints[min(leg + 1, len(self.waypoints) - 1)]
        return (
            a.east_m + (b.east_m - a.east_m) * share,
            a.north_m + (b.north_m - a.north_m) * share,
            a.up_m + (b.up_m - a.up_m) * share,
        )

    def moment(self, t_s: float) -> Moment:
        """Where it is and how it goes at ``t_s``."""
        ahead, behind = self.place_at(t_s + _LOOK_S), self.place_at(t_s - _LOOK_S)
        way = (ahead[0] - behind[0], ahead[1] - behind[1])
        leg, share = self._leg(t_s)
        if self.heading_deg is not None:
            heading = math.radians(self.heading_deg)
        else:
            heading = math.atan2(way[1], way[0]) if math.hypot(*way) > 0.02 else self._leg_headings[leg]
        walked = (
            self._walked[leg]
            + (self._walked[min(leg + 1, len(self._walked) - 1)] - self._walked[leg]) * share
        )
        return Moment(np.array(self.place_at(t_s)), heading, math.hypot(*way) / (2 * _LOOK_S), walked)

    @cached_property
    def _vehicle(self) -> vehicles.Vehicle | None:
        build = vehicles.BUILDERS.get(self.object_class)
        return build(np.random.default_rng(self.seed)) if build else None

    @cached_property
    def _person(self) -> people.PersonLook:
        return people.person_look(np.random.default_rng(self.seed))

    def body(self, t_s: float, moment: Moment) -> Body:
        """What it looks like at ``t_s``. Postures come in small steps, so that few are ever built."""
        if self._vehicle:
            return self._vehicle_body
        pose = self._pose(t_s, moment)
        if pose not in self._bodies:
            self._bodies[pose] = Body((), self._capsules(pose), False)
        return self._bodies[pose]

    @cached_property
    def _vehicle_body(self) -> Body:
        assert self._vehicle is not None
        return Body((self._vehicle.quads, self._vehicle.discs), None, True)

    @cached_property
    def _bodies(self) -> dict[people.Posture, Body]:
        return {}

    def _capsules(self, pose: people.Posture) -> Capsules:
        rng = np.random.default_rng(self.seed)
        if self.object_class is ObjectClass.PERSON:
            return people.person(self._person, pose)
        if self.object_class is ObjectClass.BICYCLE:
            return people.bicycle(rng, -pose.phase_rad)
        if self.object_class is ObjectClass.DOG:
            return people.dog(rng, pose.phase_rad, pose.swing)
        return people.bag(rng)

    def _pose(self, t_s: float, moment: Moment) -> people.Posture:
        if self.object_class is ObjectClass.BAG:
            return people.Posture()
        stride_m = {ObjectClass.BICYCLE: 2.1, ObjectClass.DOG: 0.44}.get(
            self.object_class, 4.5 if self.is_riding else self._person.stride_m * self._person.height_m / 1.75
        )
        phase = round(moment.walked_m / stride_m * _PHASES) % _PHASES * (2 * math.pi / _PHASES)
        swing = round(min(1.0, moment.speed_mps / 1.1) * 6) / 6
        bend = round(max((_bump(t_s, a, b) for a, b in self.bends), default=0.0) * 12) / 12
        carrying = self.carries is not None and self.carries[0] <= t_s <= self.carries[1]
        is_down = any(a <= t_s <= b for a, b in self.lies)
        return people.Posture(phase if swing else 0.0, swing, bend, self.is_riding, carrying, is_down)

    @cached_property
    def footprint_m(self) -> tuple[float, float]:
        """Length and width on the ground."""
        if self._vehicle:
            return self._vehicle.length_m, self._vehicle.width_m
        return {
            ObjectClass.BICYCLE: (1.7, 0.5),
            ObjectClass.BAG: (0.6, 0.6),
            ObjectClass.DOG: (1.0, 0.35),
        }.get(self.object_class, (0.4, 0.5))


def _is_move(a: Waypoint, b: Waypoint) -> bool:
    return math.dist(a[1:3], b[1:3]) > 0.05


def _bump(t_s: float, start_s: float, end_s: float) -> float:
    """0 outside the span, rising to 1 within it and falling again, smoothly."""
    if not start_s < t_s < end_s:
        return 0.0
    return math.sin(math.pi * (t_s - start_s) / (end_s - start_s)) ** 0.7
