"""How traffic flows: each vehicle's way, speed and ground under it, in metres on the plane of ``visits.Way``.

x points east or right, y south or down. On an uncalibrated camera a metre is taken from the thing's height.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edge_agent.domain.detection import Reals, Track
from edge_agent.domain.geometry import Point
from edge_agent.domain.ground import Ground
from edge_agent.domain.rules.berth import LENGTH_M, WIDTH_M
from edge_agent.domain.rules.sighting import View, metres_per_px
from edge_agent.domain.rules.visits import Visit, Visits
from edge_agent.domain.scene import Zone
from shared.kinds import ObjectClass

KMH = 3.6
HIDDEN_S = 2.0
"""A vehicle hidden for at most so long is still in the traffic."""
AT_REST_S = 1.0
"""What has not moved beyond its box's jitter for so long has no speed."""
PACE_M_S = 6.0
"""Vehicles speed up and brake: so far in a second a hidden one may stray from where it is expected."""
SAME_WAY_COS = 0.5
"""Within 60 degrees two go the same way."""
SLOWEST_M_S = 1.5
"""Below it a direction is the box's jitter."""

HEIGHT_M = {ObjectClass.MOTORCYCLE: 1.2, ObjectClass.CAR: 0.9, ObjectClass.BUS: 3.0, ObjectClass.TRUCK: 2.7}
"""Up to where it is as long and as wide as on the ground: a car's roof is shorter."""
_FITS = 2
_MOMENT_S = 0.3
_LATERAL = 0.3
"""From so much of a box's width between rear and front on, it is seen from the side."""
_EDGE_PX = 2.0
"""A box's side so near to the picture's is cut there."""
_FORESHORTENED = 0.5
"""Without a map: what a metre away from the camera is in the picture, of one across; a street camera looks
down at about 30 degrees."""


@dataclass(slots=True)
class Vehicle:
    """One vehicle in the traffic."""

    visit: Visit
    is_inside: bool
    """Its foot point is in the zone; for one that is hidden, when it was last seen."""
    velocity_m_s: Point = (0.0, 0.0)
    heading: Point | None = None
    """Unit vector of its last movement; None when it was never seen to move."""

    @property
    def speed_kmh(self) -> float:
        return KMH * math.hypot(*self.velocity_m_s)


class Flow:
    """The vehicles about one zone, those hidden for up to ``hidden_s`` among them."""

    def __init__(self, zone: Zone, classes: Iterable[ObjectClass], hidden_s: float = HIDDEN_S) -> None:
        self._zone = zone
        self._visits = Visits(classes, hidden_s, PACE_M_S)
        self._vehicles: dict[int, Vehicle] = {}

    def step(self, view: View) -> list[Vehicle]:
        """Follow one frame; gives those that are seen in it."""
        seen = [self._see(visit, view) for visit in self._visits.step(view)]
        alive = {visit.thread for visit in self._visits.all}
        self._vehicles = {thread: v for thread, v in self._vehicles.items() if thread in alive}
        return seen

    @property
    def all(self) -> list[Vehicle]:
        """Those that are hidden too."""
        return list(self._vehicles.values())

    @property
    def inside(self) -> list[Vehicle]:
        """The vehicles in the zone."""
        return [v for v in self._vehicles.values() if v.is_inside]

    def _see(self, visit: Visit, view: View) -> Vehicle:
        vehicle = self._vehicles.setdefault(visit.thread, Vehicle(visit, is_inside=False))
        vehicle.is_inside = view.depth_px(self._zone, visit.track) >= 0
        is_at_rest = view.at_us - visit.track.still_since_us >= AT_REST_S * 1e6
        vehicle.velocity_m_s = (0.0, 0.0) if is_at_rest else visit.way.velocity_m_s
        speed = math.hypot(*vehicle.velocity_m_s)
        if speed >= SLOWEST_M_S:
            vehicle.heading = vehicle.velocity_m_s[0] / speed, vehicle.velocity_m_s[1] / speed
        return vehicle


def go_the_same_way(a: Point | None, b: Point | None) -> bool:
    """Whether two headings agree; one that is not known agrees with all."""
    return a is None or b is None or a[0] * b[0] + a[1] * b[1] >= SAME_WAY_COS


class Footprint(NamedTuple):
    """The ground under a vehicle, metres: a line along its middle and its half width."""

    rear: Point
    front: Point
    half_width_m: float

    def gap_m(self, point: Point) -> float:
        """How far a point is from it; 0 under it."""
        return max(0.0, distance_to_line(point, self.rear, self.front) - self.half_width_m)


def place_on_plane(view: View, point_px: Point, scale: float) -> Point | None:
    """A pixel in metres; ``scale`` is metres per pixel for a camera without a map. None above the horizon."""
    if view.ground is None:
        return point_px[0] * scale, point_px[1] * scale / _FORESHORTENED
    place = view.ground.locate(*point_px)
    return None if place is None else (place.east_m, -place.north_m)


def velocity_on_plane(view: View, track: Track, scale: float) -> Point | None:
    """How fast it goes as the tracker has it, m/s: known as soon as it is shown, and less sure than a way."""
    (x, y), (right, down) = track.foot_px, track.velocity_px_s
    before = place_on_plane(view, (x - right * _MOMENT_S, y - down * _MOMENT_S), scale)
    now = place_on_plane(view, track.foot_px, scale)
    if before is None or now is None:
        return None
    return (now[0] - before[0]) / _MOMENT_S, (now[1] - before[1]) / _MOMENT_S


def footprint(view: View, track: Track, heading: Point, scale: float) -> Footprint | None:
    """The ground under a vehicle that goes towards ``heading``, a unit vector of ``place_on_plane``'s metres.

    Where the camera's height is known, a block of its class's size is put where it would be seen in the
    vehicle's box: seen at an angle, a lorry's box has its foot in the next lane.
    """
    ground = _guessed(view, track, heading, scale)
    if ground is None or view.ground is None or not view.ground.knows_heights:
        return ground
    for _ in range(_FITS):
        miss = _miss_m(view.ground, ground, track)
        if miss is None:
            break
        (x, y), (rear_x, rear_y), (front_x, front_y) = miss, ground.rear, ground.front
        ground = ground._replace(rear=(rear_x + x, rear_y + y), front=(front_x + x, front_y + y))
    return ground


def _guessed(view: View, track: Track, heading: Point, scale: float) -> Footprint | None:
    """By its foot alone, which is the side that the camera sees: the front of who comes, the rear of who goes
    away."""
    foot = place_on_plane(view, track.foot_px, scale)
    above = place_on_plane(view, (track.foot_px[0], track.foot_px[1] - 4.0), scale)
    if foot is None or above is None:
        return None
    away = above[0] - foot[0], above[1] - foot[1]
    length = LENGTH_M.get(track.object_class, LENGTH_M[ObjectClass.CAR])
    half_width_m = WIDTH_M.get(track.object_class, WIDTH_M[ObjectClass.CAR]) / 2
    cos = (heading[0] * away[0] + heading[1] * away[1]) / max(1e-9, math.hypot(*away))
    ahead_m = length * (1 + cos) / 2
    # Seen from the side, the foot is its near flank; its middle lies half a width further away.
    aside_m = half_width_m * math.sqrt(max(0.0, 1 - cos * cos)) / max(1e-9, math.hypot(*away))
    middle = foot[0] + away[0] * aside_m, foot[1] + away[1] * aside_m
    front = middle[0] + heading[0] * ahead_m, middle[1] + heading[1] * ahead_m
    rear = front[0] - heading[0] * length, front[1] - heading[1] * length
    return Footprint(rear, front, half_width_m)


def _miss_m(ground: Ground, footprint: Footprint, track: Track) -> Point | None:
    """How far on the ground a block upon the footprint would have to move to be seen where the box is."""
    block = _seen_as(ground, footprint, HEIGHT_M.get(track.object_class, HEIGHT_M[ObjectClass.CAR]))
    if block is None or ground.size_px is None:
        return None
    width, height = ground.size_px
    (left, right, bottom), nose_px = block
    box_left, _, box_right, box_bottom = (float(side) for side in track.box)
    is_cut = box_left <= _EDGE_PX, box_right >= width - _EDGE_PX
    # The side at its front tells most of where that is, whatever its length; head-on both sides do.
    is_lateral = abs(nose_px) >= _LATERAL * (right - left)
    uses_left, uses_right = (nose_px < 0, nose_px > 0) if is_lateral else (True, True)
    if (uses_left and is_cut[0]) or (uses_right and is_cut[1]):
        uses_left, uses_right = not is_cut[0], not is_cut[1]
    if not uses_left and not uses_right:
        return None
    count = uses_left + uses_right
    expected = ground.locate((uses_left * left + uses_right * right) / count, min(bottom, height))
    seen = ground.locate((uses_left * box_left + uses_right * box_right) / count, box_bottom)
    if expected is None or seen is None:
        return None
    return seen.east_m - expected.east_m, expected.north_m - seen.north_m


def _seen_as(
    ground: Ground, footprint: Footprint, height_m: float
) -> tuple[tuple[float, float, float], float] | None:
    """Left, right and bottom of a block in the picture, px, and how far its front is to the right of its
    rear."""
    (rear_x, rear_y), (x, y) = footprint.rear, footprint.front
    length_m = max(1e-9, math.hypot(x - rear_x, y - rear_y))
    share = footprint.half_width_m / length_m
    aside_x, aside_y = (rear_y - y) * share, (x - rear_x) * share
    shown = [
        ground.pixel_above(to_x + way * aside_x, -(to_y + way * aside_y), up_m)
        for to_x, to_y in (footprint.front, footprint.rear)
        for way in (1, -1)
        for up_m in (0.0, height_m)
    ]
    corners = [corner for corner in shown if corner is not None]
    if len(corners) < len(shown):
        return None
    xs = [corner[0] for corner in corners]
    bottom = max(corner[1] for corner in corners)
    return (min(xs), max(xs), bottom), (sum(xs[:4]) - sum(xs[4:])) / 4


def scale_of(track: Track) -> float:
    """Metres per pixel at a thing's place, by its height."""
    return metres_per_px(track)


def distance_to_line(point: Point, start: Point, end: Point) -> float:
    """From a point to a stretch of line."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / max(1e-9, dx * dx + dy * dy)
    along = min(1.0, max(0.0, along))
    return math.hypot(point[0] - start[0] - along * dx, point[1] - start[1] - along * dy)


def box_of(zone: Zone) -> Reals:
    """The rectangle around a zone, (4,): where a sighting about its traffic as a whole is shown."""
    return np.concatenate([zone.polygon_px.min(0), zone.polygon_px.max(0)])
