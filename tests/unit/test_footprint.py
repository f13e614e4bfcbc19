"""The ground under a vehicle, from its box: cameras on poles see lorries and cars at every angle."""

import math
from itertools import product

import numpy as np
import pytest

from edge_agent.domain.detection import Track
from edge_agent.domain.ground import Ground, SurveyedPoint, fit_ground
from edge_agent.domain.rules.flow import HEIGHT_M, LENGTH_M, WIDTH_M, footprint
from edge_agent.domain.rules.sighting import View
from shared.geo import LatLon, from_plane
from shared.kinds import ObjectClass

SIZE_PX = (1280, 720)
ORIGIN = LatLon(50.937, 71.365)
HEIGHT, TILT, FOCAL_PX = 6.0, math.radians(24), 800.0


def project(east: float, north: float, up: float = 0.0) -> tuple[float, float]:
    """A camera 6 m over the origin that looks north and 24 degrees down."""
    depth = north * math.cos(TILT) + (HEIGHT - up) * math.sin(TILT)
    down = (HEIGHT - up) * math.cos(TILT) - north * math.sin(TILT)
    return 640 + FOCAL_PX * east / depth, 360 + FOCAL_PX * down / depth


@pytest.fixture
def ground() -> Ground:
    places = [(-6, 12), (6, 12), (-10, 30), (10, 30), (0, 20)]
    points = [SurveyedPoint(project(*place), from_plane(ORIGIN, *place)) for place in places]
    fitted = fit_ground(points, 1.0, SIZE_PX)
    # The tests count from the camera, the ground from the middle of its points.
    shift = np.array([[1, 0, 0.0], [0, 1, 20.8], [0, 0, 1]])
    return Ground(shift @ fitted.matrix, ORIGIN, 0.0, 1.0, SIZE_PX)


def seen(kind: ObjectClass, middle: tuple[float, float], turn: float) -> Track:
    """The box of a block of the class's size that goes ``turn`` degrees left of east."""
    ahead, aside = LENGTH_M[kind] / 2, WIDTH_M[kind] / 2
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    shown = [
        project(
            middle[0] + x * ahead * cos - y * aside * sin, middle[1] + x * ahead * sin + y * aside * cos, up
        )
        for x, y, up in product((-1, 1), (-1, 1), (0.0, HEIGHT_M[kind]))
    ]
    box = np.concatenate([np.min(shown, 0), np.max(shown, 0)]).astype(np.float32)
    box = np.clip(box, 0, np.tile(SIZE_PX, 2))
    return Track(1, kind, box, 0.9, 0, 0, 9, (0.0, 0.0), 0)


@pytest.mark.parametrize("kind", [ObjectClass.CAR, ObjectClass.TRUCK, ObjectClass.BUS])
@pytest.mark.parametrize("turn", range(0, 360, 45))
@pytest.mark.parametrize("middle", [(0.0, 18.0), (-5.0, 20.0), (6.0, 22.0)])
def test_its_front_is_where_it_is(
    ground: Ground, kind: ObjectClass, turn: float, middle: tuple[float, float]
) -> None:
    track = seen(kind, middle, turn)
    heading = math.cos(math.radians(turn)), -math.sin(math.radians(turn))
    found = footprint(View(0, 0.2, [track], ground), track, heading, 1.0)
    assert found is not None
    front = middle[0] + heading[0] * LENGTH_M[kind] / 2, middle[1] - heading[1] * LENGTH_M[kind] / 2
    assert math.dist((found.front[0], -found.front[1]), front) < 0.12 * LENGTH_M[kind]


def test_one_that_the_picture_cuts_is_placed_by_the_side_that_is_seen(ground: Ground) -> None:
    """A lorry drives in from the left, half of it out of the picture."""
    middle = -13.0, 18.0
    track = seen(ObjectClass.TRUCK, middle, 0)
    assert track.box[0] == 0
    found = footprint(View(0, 0.2, [track], ground), track, (1.0, 0.0), 1.0)
    assert found is not None
    assert math.dist((found.front[0], -found.front[1]), (middle[0] + 3.75, middle[1])) < 1.0
