"""Light and weather: how bright and from where, what falls, how far one sees, how much a camera suffers."""

import math
from dataclasses import dataclass, replace

import numpy as np

from simulator.camera import Array
from simulator.shapes import Illumination
from simulator.world import Lamp


@dataclass(frozen=True)
class Weather:
    """Light and air of one film. Colours are BGR factors of a surface's own colour."""

    name: str
    sun_bearing_deg: float = 205.0
    sun_height_deg: float = 38.0
    sun_colour: tuple[float, float, float] = (0.70, 0.86, 0.94)
    sky_colour: tuple[float, float, float] = (0.62, 0.56, 0.52)
    horizon: tuple[float, float, float] = (226, 214, 196)
    zenith: tuple[float, float, float] = (206, 158, 108)
    lamp_strength: float = 0.0
    """0 by day; at 1 the lamps are what one sees by."""
    fog_per_m: float = 0.0012
    snow_cover: float = 0.0
    wet: float = 0.0
    falling: str = ""
    """'' | snow | rain."""
    is_infrared: bool = False
    noise: float = 1.6
    """Standard deviation of the sensor's noise, 0–255."""
    shake_px: float = 0.0

    @property
    def sun(self) -> Array:
        """(3,) unit vector to the sun."""
        b, h = math.radians(self.sun_bearing_deg), math.radians(self.sun_height_deg)
        return np.array([math.sin(b) * math.cos(h), math.cos(b) * math.cos(h), math.sin(h)])


_OVERCAST = {
    "sun_colour": (0.04, 0.04, 0.04),
    "sky_colour": (1.0, 0.98, 0.96),
    "horizon": (214, 210, 204),
    "zenith": (196, 190, 182),
}
_NIGHT = {
    "sun_colour": (0.0, 0.0, 0.0),
    "sky_colour": (0.125, 0.10, 0.085),
    "horizon": (58, 44, 36),
    "zenith": (30, 20, 16),
    "lamp_strength": 1.0,
    "noise": 3.2,
}

WEATHERS: dict[str, Weather] = {
    w.name: w
    for w in (
        Weather("clear"),
        Weather("overcast", **_OVERCAST),
        Weather("snow", **_OVERCAST, snow_cover=0.85, falling="snow", fog_per_m=0.006, noise=1.8),
        Weather(
            "rain",
            **{**_OVERCAST, "sky_colour": (0.82, 0.80, 0.78)},
            wet=0.8,
            falling="rain",
            fog_per_m=0.006,
            noise=2.2,
        ),
        Weather("fog", **_OVERCAST, fog_per_m=0.026),
        Weather("wind", shake_px=0.8, sun_bearing_deg=150.0),
        Weather(
            "dusk",
            sun_bearing_deg=262.0,
            sun_height_deg=9.0,
            sun_colour=(0.08, 0.17, 0.30),
            sky_colour=(0.40, 0.32, 0.29),
            horizon=(120, 150, 214),
            zenith=(120, 84, 62),
            lamp_strength=0.55,
            noise=2.4,
        ),
        Weather("night", **_NIGHT),
        Weather(
            "snow_night",
            **{**_NIGHT, "sky_colour": (0.17, 0.14, 0.12)},
            snow_cover=0.85,
            falling="snow",
            fog_per_m=0.005,
        ),
        Weather("infrared", **{**_NIGHT, "lamp_strength": 0.25}, is_infrared=True),
    )
}

_LAMP_COLOUR = np.array([0.52, 0.74, 0.88])
_INFRARED_REACH_M = 24.0


def lamp_light(weather: Weather, lamps: tuple[Lamp, ...], points: Array) -> Array:
    """What lamps give to points (N, 3): (N, 3) BGR factors. Falls with the square of the distance."""
    total = np.zeros(len(points))
    if weather.lamp_strength > 0:
        for lamp in lamps:
            head = np.array([lamp.place[0] + lamp.arm[0], lamp.place[1] + lamp.arm[1], lamp.height_m])
            away = points - head
            squared = np.einsum("nj,nj->n", away, away)
            downward = np.clip(-away[:, 2] / np.sqrt(squared + 1e-6), 0.12, 1.0)
            total += 40.0 * downward / (squared + 10.0)
    return np.minimum(total, 1.5)[:, None] * _LAMP_COLOUR * weather.lamp_strength


def infrared_light(weather: Weather, depth_m: Array) -> Array:
    """What a camera's own infrared lamp gives at a depth: factors of the same shape; zeros without one."""
    if not weather.is_infrared:
        return np.zeros_like(depth_m)
    return 0.85 / (1.0 + (depth_m / _INFRARED_REACH_M) ** 2)


def illumination(
    weather: Weather, lamps: tuple[Lamp, ...], place: Array, sun_share: float, depth_m: float
) -> Illumination:
    """The light on something at ``place`` (3,) that gets ``sun_share`` (0–1) of the sun."""
    near = lamp_light(weather, lamps, place[None, :] + (0.0, 0.0, 1.0))[0] + float(
        infrared_light(weather, np.array(depth_m))
    )
    return Illumination(
        weather.sun, np.array(weather.sun_colour) * sun_share, np.array(weather.sky_colour) + near
    )


def varied(rng: np.random.Generator) -> Weather:
    """A random light and weather, for training pictures."""
    weather = WEATHERS[list(WEATHERS)[rng.integers(len(WEATHERS))]]
    gain = rng.uniform(0.8, 1.15)
    tint = rng.uniform(0.95, 1.05, 3) * gain
    return replace(
        weather,
        sun_bearing_deg=float(rng.uniform(90, 270)),
        sun_height_deg=float(rng.uniform(8, 60)) if weather.sun_colour[2] > 0.2 else weather.sun_height_deg,
        sky_colour=tuple(np.array(weather.sky_colour) * tint),
        noise=float(rng.uniform(0.5, 4.0)),
        shake_px=0.0,
    )
