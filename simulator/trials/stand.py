"""Where a trial's camera stands: at the variant's distance and height, with a clear view of its focus."""

import math

import numpy as np

from simulator.camera import Camera
from simulator.trials.trial import Variant
from simulator.trials.walls import hidden_by_houses
from simulator.world import MAIN_STREET, SIDE_STREET, Area, Point, street

_LEAST_FOV_DEG, _MOST_FOV_DEG = 50.0, 92.0
_HEAD_M = 1.9
"""So high above the far ground the picture still reaches."""
_TRIES = 400
_MARGIN = 1.08


class NoStand(ValueError):
    """Nowhere around the focus can a camera see it."""


def stand(
    rng: np.random.Generator,
    variant: Variant,
    focus: Point,
    reach_m: float = 6.0,
    from_deg: tuple[float, float] = (0.0, 360.0),
    size_px: tuple[int, int] = (640, 360),
) -> Camera:
    """A camera that sees ``reach_m`` around ``focus``: at the variant's distance, or farther off where that
    is too near for one lens. ``from_deg``: in which directions from the focus it may stand, clockwise from
    north. It stands beside the carriageway, never in a house nor behind one. Raises ``NoStand``.
    """
    for number in range(_TRIES):
        away_m, fov_deg, pitch_deg = _lens(variant, reach_m)
        away_m += number // 40
        bearing = math.radians(float(rng.uniform(*from_deg)))
        place = (focus[0] + away_m * math.sin(bearing), focus[1] + away_m * math.cos(bearing))
        if _may_stand(place, focus, reach_m):
            heading = (math.degrees(bearing) + 180 + float(rng.normal(0, 2))) % 360
            return Camera(
                "trial", "Trial", *place, variant.height_m, heading, pitch_deg, fov_deg, size_px=size_px
            )
    raise NoStand(f"no camera can see {reach_m:g} m around {focus}; choose another focus or directions")


def _lens(variant: Variant, reach_m: float) -> tuple[float, float, float]:
    """Distance on the ground, field of view and pitch, degrees, that show all of the focus."""
    away_m, height_m = variant.distance_m, variant.height_m
    while True:
        near = math.atan2(height_m, max(0.3, away_m - reach_m))
        far = math.atan2(height_m - _HEAD_M, away_m + reach_m)
        tall = math.tan((near - far) / 2 * _MARGIN) * 16 / 9
        wide = reach_m * _MARGIN / math.hypot(away_m, height_m)
        fov_deg = 2 * math.degrees(math.atan(max(tall, wide)))
        if fov_deg <= _MOST_FOV_DEG:
            return away_m, max(fov_deg, _LEAST_FOV_DEG), math.degrees((near + far) / 2)
        away_m += 0.5


def _may_stand(place: Point, focus: Point, reach_m: float) -> bool:
    houses = [h.area for h in street().houses]
    if any(_within(place, area, 0.6) for area in (*houses, MAIN_STREET, SIDE_STREET)):
        return False
    around = [(focus[0] + reach_m * 0.8 * x, focus[1] + reach_m * 0.8 * y) for x in (-1, 1) for y in (-1, 1)]
    targets = np.array([focus, *around])
    return not hidden_by_houses(place, targets).any()


def _within(place: Point, area: Area, margin_m: float) -> bool:
    return (
        area.west_m - margin_m <= place[0] <= area.east_m + margin_m
        and area.south_m - margin_m <= place[1] <= area.north_m + margin_m
    )
