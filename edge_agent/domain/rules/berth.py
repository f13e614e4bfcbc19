"""Where vehicles stand: the middle of the ground under each, not the foot of its box.

The foot of a box is the corner nearest to the camera. Of a car that is seen at an angle it lies up to two
metres from the car's middle, of a bus five: in the next lane, or out of the zone at the kerb.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge_agent.domain.detection import Track
from edge_agent.domain.geometry import Point
from edge_agent.domain.ground import Ground, GroundPoint
from shared.kinds import ObjectClass

LENGTH_M = {ObjectClass.MOTORCYCLE: 2.1, ObjectClass.CAR: 4.5, ObjectClass.BUS: 11.0, ObjectClass.TRUCK: 7.5}
WIDTH_M = {ObjectClass.MOTORCYCLE: 0.8, ObjectClass.CAR: 1.8, ObjectClass.BUS: 2.5, ObjectClass.TRUCK: 2.5}
"""Of a vehicle's ground, by its class."""
_STEP_M = 2.0
"""A heading is taken over so far at least: boxes jitter by decimetres."""
_SURE = 4.0
"""And over so many times the place's error."""
_AGREES_COS = 0.5
"""Within 60 degrees: nobody turns more sharply within two metres."""
_MOVING_S = 1.0
"""Who has not moved for longer keeps his heading, though his box shrinks behind what passes."""


@dataclass(slots=True)
class _Course:
    """Where a vehicle last took a step, and which way."""

    here: Point
    step: Point | None = None
    """Unit vector of its last step."""
    known: Point | None = None
    """Unit vector of the last step that agreed with the one before."""

    def go_to(self, place: GroundPoint) -> None:
        away = place.east_m - self.here[0], place.north_m - self.here[1]
        way_m = math.hypot(*away)
        if way_m < max(_STEP_M, _SURE * place.sigma_m):
            return
        before, self.step = self.step, (away[0] / way_m, away[1] / way_m)
        self.here = place.east_m, place.north_m
        if _agree(self.step, before) or _agree(self.step, self.known):
            self.known = self.step


class Headings:
    """Which way each vehicle drove last, as a unit vector east and north. One who stops keeps it.

    Two steps must agree: a track that went along with a passing car for a moment jumps back in one.
    """

    def __init__(self) -> None:
        self._courses: dict[int, _Course] = {}

    def step(self, tracks: Iterable[Track], ground: Ground, at_us: int) -> Mapping[int, Point]:
        """Follow one frame; by track id, without those never seen to drive."""
        before, self._courses = self._courses, {}
        for track in tracks:
            if track.object_class not in LENGTH_M:
                continue
            course = before.get(track.id)
            is_moving = track.last_seen_us >= at_us and at_us - track.still_since_us <= _MOVING_S * 1e6
            if course is None or is_moving:
                place = ground.locate(*track.foot_px)
                if place is not None and course is not None:
                    course.go_to(place)
                elif place is not None:
                    course = _Course((place.east_m, place.north_m))
            if course is not None:
                self._courses[track.id] = course
        return {number: course.known for number, course in self._courses.items() if course.known is not None}


def _agree(a: Point, b: Point | None) -> bool:
    return b is not None and a[0] * b[0] + a[1] * b[1] >= _AGREES_COS


def middle_px(track: Track, heading: Point | None, ground: Ground) -> Point:
    """The pixel of the ground under a vehicle's middle; the foot of its box where that cannot be told.

    The lowest corner of its ground lies in the picture's row of the box's foot, the middle in the foot's
    column. One whose ``heading``, a unit vector east and north, is not known is taken to stand across the
    view.
    """
    x, y = track.foot_px
    foot, beside, above = ground.locate(x, y), ground.locate(x + 1, y), ground.locate(x, y - 1)
    if foot is None or beside is None or above is None:
        return x, y
    row = beside.east_m - foot.east_m, beside.north_m - foot.north_m
    column = above.east_m - foot.east_m, above.north_m - foot.north_m
    row_m = math.hypot(*row)
    # How far from the row's line on the ground one gets by a pixel of the column, and has to.
    deeper_m = abs(row[0] * column[1] - row[1] * column[0]) / row_m
    half_m = _half_depth_m(track.object_class, heading, (row[0] / row_m, row[1] / row_m))
    share = half_m / max(1e-9, deeper_m)
    middle = ground.pixel_of(foot.east_m + share * column[0], foot.north_m + share * column[1])
    return middle or (x, y)


def _half_depth_m(object_class: ObjectClass, heading: Point | None, row: Point) -> float:
    """How far a vehicle's ground reaches to either side of the row through its middle, metres."""
    half_length_m, half_width_m = LENGTH_M[object_class] / 2, WIDTH_M[object_class] / 2
    if heading is None:
        return half_width_m
    along = abs(heading[0] * row[0] + heading[1] * row[1])
    aside = abs(heading[0] * row[1] - heading[1] * row[0])
    return aside * half_length_m + along * half_width_m
