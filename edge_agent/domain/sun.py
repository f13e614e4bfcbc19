"""When it is night, from the clock and the place: street lamps follow the sun, a covered camera does not."""

import math
from typing import NamedTuple

from shared.geo import LatLon

KOSSHY = LatLon(50.962, 71.357)
"""The town: good to three minutes for every camera of it that is not calibrated."""
NIGHT_DEG = -6.0
"""Below it lamps are lit: the end of civil twilight."""
_J2000_US = 946_728_000_000_000
"""2000-01-01 12:00 UTC."""
_DAY_US = 86_400_000_000


class Sky(NamedTuple):
    """Where the sun is."""

    height_deg: float
    night: int
    """The number of the night: counts up at each noon of the sun."""


def sky_at(at_us: int, place: LatLon) -> Sky:
    """The sun at an instant, to a few hundredths of a degree: The Astronomical Almanac's short formulas."""
    days = (at_us - _J2000_US) / _DAY_US
    anomaly = math.radians((357.529 + 0.98560028 * days) % 360)
    mean = (280.459 + 0.98564736 * days) % 360
    ecliptic = math.radians(mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    tilt = math.radians(23.439 - 0.00000036 * days)
    declination = math.asin(math.sin(tilt) * math.sin(ecliptic))
    ascension = math.atan2(math.cos(tilt) * math.sin(ecliptic), math.cos(ecliptic))
    sidereal = (280.46062 + 360.98564737 * days + place.lon_deg) % 360
    hour = math.radians(sidereal) - ascension
    latitude = math.radians(place.lat_deg)
    height = math.sin(latitude) * math.sin(declination)
    height += math.cos(latitude) * math.cos(declination) * math.cos(hour)
    return Sky(math.degrees(math.asin(height)), math.floor(days + place.lon_deg / 360))
