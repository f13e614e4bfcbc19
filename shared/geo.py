"""Distances and directions on the ground, WGS-84.

For the few kilometres of a town, a local plane is exact to millimetres; the formulas are the usual series of
the meridian and parallel radii (Torge, Geodesy, 3rd ed.).
"""

import math
from typing import NamedTuple

_A_M = 6_378_137.0
_E2 = 6.694_379_990_14e-3


class LatLon(NamedTuple):
    """A point, degrees."""

    lat_deg: float
    lon_deg: float


class PlanePoint(NamedTuple):
    """A point on the local plane of an origin, metres east and north of it."""

    east_m: float
    north_m: float


def metres_per_degree(lat_deg: float) -> tuple[float, float]:
    """Metres of one degree of latitude and of longitude at a latitude."""
    phi = math.radians(lat_deg)
    w = math.sqrt(1 - _E2 * math.sin(phi) ** 2)
    meridian_m = _A_M * (1 - _E2) / w**3
    parallel_m = _A_M * math.cos(phi) / w
    return math.radians(meridian_m), math.radians(parallel_m)


def to_plane(origin: LatLon, point: LatLon) -> PlanePoint:
    """Put ``point`` on the plane that touches the ground at ``origin``; good within about 10 km."""
    lat_m, lon_m = metres_per_degree(origin.lat_deg)
    return PlanePoint((point.lon_deg - origin.lon_deg) * lon_m, (point.lat_deg - origin.lat_deg) * lat_m)


def from_plane(origin: LatLon, east_m: float, north_m: float) -> LatLon:
    """The inverse of ``to_plane``."""
    lat_m, lon_m = metres_per_degree(origin.lat_deg)
    return LatLon(origin.lat_deg + north_m / lat_m, origin.lon_deg + east_m / lon_m)


def distance_m(a: LatLon, b: LatLon) -> float:
    """Distance in metres, within 0.1 % below 10 km."""
    mid = LatLon((a.lat_deg + b.lat_deg) / 2, a.lon_deg)
    lat_m, lon_m = metres_per_degree(mid.lat_deg)
    return math.hypot((b.lat_deg - a.lat_deg) * lat_m, (b.lon_deg - a.lon_deg) * lon_m)
