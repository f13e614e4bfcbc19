"""What the street's houses hide from a camera."""

import numpy as np

from simulator.camera import Array
from simulator.world import Point, street

_LOW_M = 2.0
"""What is lower than this is looked over."""


def hidden_by_houses(eye: Point, places: Array) -> Array:
    """Which of places (..., 2), metres, lie behind or in a house for an eye on the plane. (...,) bool"""
    origin = np.array(eye)
    ways = places - origin
    hidden = np.zeros(places.shape[:-1], np.bool_)
    for house in street().houses:
        if house.height_m < _LOW_M:
            continue
        area = house.area
        low, high = np.array([area.west_m, area.south_m]), np.array([area.east_m, area.north_m])
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second = (low - origin) / ways, (high - origin) / ways
        enter = np.nanmax(np.minimum(first, second), axis=-1)
        leave = np.nanmin(np.maximum(first, second), axis=-1)
        hidden |= (enter <= leave) & (leave >= 0) & (enter <= 1)
    return hidden
