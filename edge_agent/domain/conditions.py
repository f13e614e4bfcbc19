"""Under what light and in what weather a camera sees, and what that changes.

Rules that need daylight, or must not trust a restless picture, read ``View.conditions``.
"""

from dataclasses import dataclass
from enum import StrEnum


class Light(StrEnum):
    """How light it is before the camera."""

    DAY = "day"
    DUSK = "dusk"
    """Neither: what a day baseline or a night baseline says does not hold."""
    NIGHT = "night"


class Weather(StrEnum):
    """What lies between the camera and its scene."""

    CLEAR = "clear"
    RAIN = "rain"
    SNOW = "snow"
    """Snow is falling; whether it lies is another question."""
    FOG = "fog"
    WIND = "wind"
    """The camera itself shakes."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the picture says of the light and the weather. Where no picture is, a clear day is taken."""

    light: Light = Light.DAY
    is_infrared: bool = False
    """The picture has no colours: the camera lights the scene itself."""
    weather: Weather = Weather.CLEAR
