"""Things that move through the street: a class, a look, and a timed path that says where each is at any instant."""

from dataclasses import dataclass
from functools import cached_property
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
    tilt: float
    """The size of its contact shadow across, metres; 0 for none."""


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

    @cached_property
    def _times(self) -> Array:
        return np.array([w.t_s for w in self.waypoints])

    @cached_property
    def _points(self) -> Array:
        return np.array([w[1:] for w in self.waypoints], float)

    @cached_property
    def _walked(self) -> Array:
        steps = np.linalg.norm(np.diff(self._points[:, :2], axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def _still_heading(self) -> Array:
        """Heading at each waypoint's leg, carried on through legs where the thing stands."""
        headings, current = [], self._first_heading()
        for a, b in zip(self._points, self._points[1:], strict=False):
            if np.hypot(*(b - a)[:2]) > 0.05:
                current = float(np.arctan2(b[1] - a[1], b[0] - a[0]))
            headings.append(current)
        return np.array(headings or [current])

    def _first_heading(self) -> float:
        for a, b in zip(self._points, self._points[1:], strict=False):
            if np.hypot(*(b - a)[:2]) > 0.05:
                return float(np.arctan2(b[1] - a[1], b[0] - a[0]))
        return 0.0

    def is_there(self, t_s: float) -> bool:
        """Whether the thing is in the street at ``t_s``."""
        return self.waypoints[0].t_s <= t_s <= self.waypoints[-1].t_s

    def place_at(self, t_s: float) -> Array:
        """(3,) metres; before its first and after its last instant, where it then is."""
        return np.array([np.interp(t_s, self._times, self._points[:, i]) for i in range(3)])

    def moment(self, t_s: float) -> Moment:
        """Where it is and how it goes at ``t_s``."""
        ahead, behind = self.place_at(t_s + _LOOK_S), self.place_at(t_s - _LOOK_S)
        way = ahead[:2] - behind[:2]
        if self.heading_deg is not None:
            heading = float(np.radians(self.heading_deg))
        elif np.hypot(*way) > 0.02:
            heading = float(np.arctan2(way[1], way[0]))
        else:
            leg = int(np.clip(np.searchsorted(self._times, t_s, side="right") - 1, 0, len(self._still_heading) - 1))
            heading = float(self._still_heading[leg])
        walked = float(np.interp(t_s, self._times, self._walked))
        return Moment(self.place_at(t_s), heading, float(np.hypot(*way) / (2 * _LOOK_S)), walked)

    @cached_property
    def _vehicle(self) -> vehicles.Vehicle | None:
        build = vehicles.BUILDERS.get(self.object_class)
        return build(np.random.default_rng(self.seed)) if build else None

    @cached_property
    def _person(self) -> people.PersonLook:
        return people.person_look(np.random.default_rng(self.seed))

    def body(self, t_s: float, moment: Moment) -> Body:
        """What it looks like at ``t_s``."""
        if self._vehicle:
            return Body((self._vehicle.quads, self._vehicle.discs), None, True, 0.0)
        return Body((), self._capsules(t_s, moment), False, 0.9)

    def _capsules(self, t_s: float, moment: Moment) -> Capsules:
        rng = np.random.default_rng(self.seed)
        if self.object_class is ObjectClass.PERSON:
            return people.person(self._person, self._posture(t_s, moment))
        if self.object_class is ObjectClass.BICYCLE:
            return people.bicycle(rng, -moment.walked_m / 0.34)
        if self.object_class is ObjectClass.DOG:
            return people.dog(rng, 2 * np.pi * moment.walked_m / 0.7, min(1.0, moment.speed_mps / 1.2))
        return self._bag

    @cached_property
    def _bag(self) -> Capsules:
        return people.bag(np.random.default_rng(self.seed))

    def _posture(self, t_s: float, moment: Moment) -> people.Posture:
        stride = 4.5 if self.is_riding else self._person.stride_m * self._person.height_m / 1.75
        swing = min(1.0, moment.speed_mps / 1.1)
        bend = max((_bump(t_s, a, b) for a, b in self.bends), default=0.0)
        carrying = self.carries is not None and self.carries[0] <= t_s <= self.carries[1]
        return people.Posture(2 * np.pi * moment.walked_m / stride, swing, bend, self.is_riding, carrying)

    @cached_property
    def footprint_m(self) -> tuple[float, float]:
        """Length and width on the ground."""
        if self._vehicle:
            return self._vehicle.length_m, self._vehicle.width_m
        return {ObjectClass.BICYCLE: (1.7, 0.5), ObjectClass.BAG: (0.6, 0.6), ObjectClass.DOG: (1.0, 0.35)}.get(self.object_class, (0.4, 0.5))


def _bump(t_s: float, start_s: float, end_s: float) -> float:
    """0 outside the span, rising to 1 within it and falling again, smoothly."""
    if not start_s < t_s < end_s:
        return 0.0
    return float(np.sin(np.pi * (t_s - start_s) / (end_s - start_s)) ** 0.7)
