"""Where vehicles stand: the middle of their ground, found from a box alone and from where they went."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.domain.detection import Track
from edge_agent.domain.ground import Ground, SurveyedPoint, fit_ground
from edge_agent.domain.rules.berth import LENGTH_M, WIDTH_M, Headings, middle_px
from edge_agent.domain.rules.sighting import View
from edge_agent.domain.scene import Zone
from shared.geo import LatLon, from_plane
from shared.kinds import ObjectClass

ORIGIN = LatLon(50.96, 71.36)
HEIGHT_M, DOWN_RAD, FOCAL_PX = 6.0, math.radians(25), 500.0
EAST, AWAY = (1.0, 0.0), (0.0, 1.0)
LANE = [(-9.0, 19.2), (9.0, 19.2), (9.0, 22.0), (-9.0, 22.0)]
"""It begins behind the near side of a bus at 20 m."""


def pixel(east_m: float, north_m: float) -> tuple[float, float]:
    """A camera at the origin, 6 m up, that looks north and 25 degrees down."""
    ahead = north_m * math.cos(DOWN_RAD) + HEIGHT_M * math.sin(DOWN_RAD)
    below = HEIGHT_M * math.cos(DOWN_RAD) - north_m * math.sin(DOWN_RAD)
    return 320 + FOCAL_PX * east_m / ahead, 180 + FOCAL_PX * below / ahead


def calibrated() -> Ground:
    places = [(-8.0, 10.0), (8.0, 10.0), (-8.0, 30.0), (8.0, 30.0), (0.0, 18.0)]
    return fit_ground([SurveyedPoint(pixel(*place), from_plane(ORIGIN, *place)) for place in places], 1.0)


def track(
    box: tuple[float, float, float, float], at_us: int = 0, kind: ObjectClass = ObjectClass.CAR
) -> Track:
    return Track(1, kind, np.array(box, np.float32), 0.8, 0, at_us, 9, (0.0, 0.0), at_us)


def box_of(east_m: float, north_m: float, heading: tuple[float, float], kind: ObjectClass) -> Track:
    """The box around a vehicle's ground: its foot is the lowest corner's row."""
    length, width = LENGTH_M[kind] / 2, WIDTH_M[kind] / 2
    corners = [
        pixel(
            east_m + a * length * heading[0] - b * width * heading[1],
            north_m + a * length * heading[1] + b * width * heading[0],
        )
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    xs, ys = zip(*corners, strict=True)
    middle_x = pixel(east_m, north_m)[0]
    half = max(abs(x - middle_x) for x in xs)
    return track((middle_x - half, min(ys) - 20, middle_x + half, max(ys)), kind=kind)


def miss_m(found: tuple[float, float], east_m: float, north_m: float) -> float:
    place = calibrated().locate(*found)
    true = calibrated().locate(*pixel(east_m, north_m))
    assert place
    assert true
    return math.hypot(place.east_m - true.east_m, place.north_m - true.north_m)


@pytest.mark.parametrize("kind", [ObjectClass.CAR, ObjectClass.BUS])
@pytest.mark.parametrize("heading", [EAST, AWAY, (0.6, 0.8), (-0.8, 0.6)])
@pytest.mark.parametrize("place", [(0.0, 18.0), (4.0, 22.0), (-3.0, 15.0)])
def test_the_middle_is_found(
    place: tuple[float, float], heading: tuple[float, float], kind: ObjectClass
) -> None:
    seen = box_of(*place, heading, kind)
    assert miss_m(middle_px(seen, heading, calibrated()), *place) < 0.1
    assert miss_m(seen.foot_px, *place) > 0.8


def test_one_of_unknown_heading_stands_across_the_view() -> None:
    seen = box_of(2.0, 20.0, EAST, ObjectClass.CAR)
    assert miss_m(middle_px(seen, None, calibrated()), 2.0, 20.0) < 0.1


def test_a_place_is_shown_where_it_was_seen() -> None:
    ground = calibrated()
    place = ground.locate(300, 200)
    assert place
    assert ground.pixel_of(place.east_m, place.north_m) == pytest.approx((300, 200))


def follow(
    headings: Headings, places: list[tuple[float, float]], from_us: int = 0
) -> tuple[float, float] | None:
    known = None
    for number, (east_m, north_m) in enumerate(places):
        x, y = pixel(east_m, north_m)
        at_us = from_us + number * 200_000
        known = headings.step([track((x - 20, y - 30, x + 20, y), at_us)], calibrated(), at_us).get(1)
    return known


def test_a_heading_is_kept_by_one_who_stops() -> None:
    headings = Headings()
    assert follow(headings, [(-6.0 + 1.5 * n, 15.0) for n in range(8)]) == pytest.approx(EAST, abs=0.05)
    assert follow(headings, [(4.5, 15.0)] * 10, 1_600_000) == pytest.approx(EAST, abs=0.05)


def test_a_track_that_jumps_back_has_not_turned_round() -> None:
    headings = Headings()
    follow(headings, [(-6.0 + 1.5 * n, 15.0) for n in range(8)])
    assert follow(headings, [(0.0, 14.0)] * 5, 1_600_000) == pytest.approx(EAST, abs=0.05)


def test_two_with_one_foot_point_stand_each_in_their_own_place() -> None:
    """The person in front of the bus, whoever is asked for first."""
    bus = replace(box_of(0.0, 20.0, EAST, ObjectClass.BUS), id=2)
    (x, y), zone = bus.foot_px, Zone("lane", np.array([pixel(*p) for p in LANE]))
    person = track((x - 8, y - 50, x + 8, y), kind=ObjectClass.PERSON)
    assert person.foot_px == bus.foot_px
    for first, second in ((person, bus), (bus, person)):
        view = View(0, 0.2, [first, second], calibrated(), headings={2: EAST})
        depths = {one.id: view.depth_px(zone, one) > 0 for one in (first, second)}
        assert depths == {1: False, 2: True}
