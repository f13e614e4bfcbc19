"""Under what light and in what weather a camera sees, and what that changes.

Rules that need daylight, or must not trust a restless picture, read ``View.conditions``.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Reals
from edge_agent.domain.motion import CELL_PX, Motion

PERIOD_S = 0.9
LONGEST_GAP_S = 3.0
"""Two pictures further apart say nothing of what falls or shakes."""
HOLD_S = 60.0
AIR_S = 10.0
CLEARING_S, FORGET_S = 600.0, 43_200.0
"""The scene's contrast on a clear day is learned in minutes and forgotten over half a day."""
NIGHT_LEVEL, DAY_LEVEL, LEVEL_MARGIN = 56.0, 82.0, 8.0
"""Median brightness below which it is night, above which it is day, and how far a light holds on to itself.
The simulator's nights have 46 and 66 (with snow), its dusk 63, its days 97 and more; real clips by day 96
to 129."""
FALLING = 0.9
"""Percent of the pixels. Measured: snow 1.3 to 2.4, rain 2.6, a shaking lens 1.3, a drive 0.5, all else 0."""
STREAK = 0.3
"""Of a rain's bits 0.6 are long, of snow's 0.1."""
SHAKING_PX = 0.5
"""Measured: wind 0.9, all else below 0.4."""
FADED, CLEARED = 0.62, 0.75
"""Of the usual contrast; the simulator's fog leaves 0.5."""
RESTLESS_MOTION = 1.3
DIM_SCORE = 0.9
_ROW, _MOST_ROWS, _BIT_PX = 8, 54, 4
_BIT_LEVELS = 14.0
_MOVED_LEVELS = 12.0


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


class Profile(StrEnum):
    """What a scene file may say of a camera's conditions."""

    AUTO = "auto"
    """By the picture itself."""
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"
    INFRARED = "infrared"
    RAIN = "rain"
    SNOW = "snow"
    FOG = "fog"
    WIND = "wind"

    @property
    def conditions(self) -> Conditions:
        """What it stands for."""
        return _STANDS_FOR.get(self, Conditions())


_STANDS_FOR = {
    Profile.DUSK: Conditions(Light.DUSK),
    Profile.NIGHT: Conditions(Light.NIGHT),
    Profile.INFRARED: Conditions(Light.NIGHT, is_infrared=True),
    Profile.RAIN: Conditions(weather=Weather.RAIN),
    Profile.SNOW: Conditions(weather=Weather.SNOW),
    Profile.FOG: Conditions(weather=Weather.FOG),
    Profile.WIND: Conditions(weather=Weather.WIND),
}


class Factors(NamedTuple):
    """What conditions change: factors of the motion gate's threshold and of the scene's score limit."""

    motion: float = 1.0
    score: float = 1.0


def factors_of(conditions: Conditions) -> Factors:
    """By night and in fog a detector trained by day gives the same things lower scores: the limit comes down.
    Flakes, streaks and a shaking pole move every cell a little, so a cell must differ by more: else each of
    them would ask for an inference."""
    is_dim = conditions.light is Light.NIGHT or conditions.weather is Weather.FOG
    is_restless = conditions.weather in (Weather.RAIN, Weather.SNOW, Weather.WIND)
    return Factors(RESTLESS_MOTION if is_restless else 1.0, DIM_SCORE if is_dim else 1.0)


class ConditionsWatch:
    """Follows the light and the weather of one camera, from its pictures alone. A change is believed when it
    has been so for ``HOLD_S``; light between two thresholds stays what it was."""

    def __init__(self, profile: Profile = Profile.AUTO) -> None:
        self._profile = profile
        self.now = profile.conditions
        self._next, self._next_us = self.now, 0
        self._looked_us: int | None = None
        self._bands: NDArray[np.int16] | None = None
        self._means: Reals | None = None
        self._bits = self._shift_px = self._length = 0.0
        self._contrast: float | None = None
        self._usual_contrast = 0.0

    def observe(self, luma: NDArray[np.uint8], motion: Motion, at_us: int) -> Conditions:
        """Look at a picture, luma (H, W), once a second; gives what is believed."""
        since_s = math.inf if self._looked_us is None else (at_us - self._looked_us) / 1e6
        if self._profile is not Profile.AUTO or motion.means is None:
            return self.now
        if 0 <= since_s < PERIOD_S and motion.is_infrared is self.now.is_infrared:
            return self.now
        self._looked_us = at_us
        before_bands, before_means = self._bands, self._means
        self._bands, self._means = bands_of(luma), motion.means
        self._follow_contrast(motion.means, since_s)
        has_both = before_bands is not None and before_bands.shape == self._bands.shape
        if has_both and before_means is not None and not motion.is_global and since_s <= LONGEST_GAP_S:
            assert before_bands is not None
            self._follow_air(before_bands, self._bands, before_means, motion.means, since_s)
        self._believe(Conditions(self._light(motion), motion.is_infrared, self._weather()), at_us, since_s)
        return self.now

    def _follow_contrast(self, means: Reals, since_s: float) -> None:
        """How much the scene's cells differ from each other, by its brightness, and how much usually."""
        step = np.abs(np.diff(means, axis=1))
        contrast = float(np.minimum(step, 20).mean()) / max(float(means.mean()) - 8, 4)
        first = self._contrast is None
        self._contrast = contrast if first else _drawn(self._contrast or 0.0, contrast, since_s, AIR_S)
        if first:
            self._usual_contrast = contrast
        constant_s = CLEARING_S if self._contrast > self._usual_contrast else FORGET_S
        self._usual_contrast = _drawn(self._usual_contrast, self._contrast, since_s, constant_s)

    def _follow_air(
        self, was: NDArray[np.int16], now: NDArray[np.int16], was_means: Reals, means: Reals, since_s: float
    ) -> None:
        bits, length = falling_bits(was, now)
        self._bits = _drawn(self._bits, bits, since_s, AIR_S)
        if bits >= FALLING:
            self._length = _drawn(self._length or length, length, since_s, AIR_S)
        self._shift_px = _drawn(self._shift_px, shift_px(was_means, means), since_s, AIR_S)

    def _light(self, motion: Motion) -> Light:
        if motion.is_infrared:
            return Light.NIGHT
        assert motion.means is not None
        level, margin = float(np.median(motion.means)), LEVEL_MARGIN
        was = self._next.light
        night = NIGHT_LEVEL + (margin if was is Light.NIGHT else 0)
        day = DAY_LEVEL - (margin if was is Light.DAY else 0)
        return Light.NIGHT if level < night else Light.DAY if level >= day else Light.DUSK

    def _weather(self) -> Weather:
        was = self._next.weather
        if self._shift_px >= (SHAKING_PX / 2 if was is Weather.WIND else SHAKING_PX):
            return Weather.WIND
        if self._bits >= (FALLING / 2 if was in (Weather.RAIN, Weather.SNOW) else FALLING):
            return Weather.RAIN if self._length >= STREAK else Weather.SNOW
        faded = (self._contrast or 0.0) / max(self._usual_contrast, 1e-6)
        return Weather.FOG if faded <= (CLEARED if was is Weather.FOG else FADED) else Weather.CLEAR

    def _believe(self, seen: Conditions, at_us: int, since_s: float) -> None:
        if seen != self._next:
            self._next, self._next_us = seen, at_us
        is_held = at_us - self._next_us >= HOLD_S * 1e6
        if math.isinf(since_s) or seen.is_infrared is not self.now.is_infrared or is_held:
            self.now = seen


def bands_of(luma: NDArray[np.uint8]) -> NDArray[np.int16]:
    """(2, N, W): rows of the picture, and the rows 4 px below them."""
    step = max(_ROW, luma.shape[0] // _MOST_ROWS)
    lower = luma[_ROW::step]
    return np.stack([luma[_ROW - _BIT_PX :: step][: len(lower)], lower]).astype(np.int16)


def falling_bits(was: NDArray[np.int16], now: NDArray[np.int16]) -> tuple[float, float]:
    """What falls through the picture: in percent of the pixels, narrow bits that came or went between two
    pictures, as many as half of the picture's parts have; and the share of them that reach 4 px up or down.

    ``was``, ``now``: (2, N, W), as ``bands_of`` gives them.
    """
    upper, lower = np.abs(now - was)
    beside = _BIT_LEVELS * 0.6
    bits = (upper[:, 6:-6] > _BIT_LEVELS) & (upper[:, :-12] < beside) & (upper[:, 12:] < beside)
    height, width = bits.shape[0] // 4, bits.shape[1] // 5
    if not height or not width:
        return 0.0, 0.0
    parts = bits[: height * 4, : width * 5].reshape(4, height, 5, width).mean((1, 3))
    long_bits = bits & (lower[:, 6:-6] > _BIT_LEVELS)
    return 100 * float(np.median(parts)), float(long_bits.sum()) / max(1, int(bits.sum()))


def shift_px(was: Reals, now: Reals) -> float:
    """By how many pixels the whole picture shifted between two pictures' cell means; below a cell's size."""
    right = (was[1:-1, 2:] - was[1:-1, :-2]) / (2 * CELL_PX)
    down = (was[2:, 1:-1] - was[:-2, 1:-1]) / (2 * CELL_PX)
    change = (now - was)[1:-1, 1:-1]
    keep = np.abs(change) < _MOVED_LEVELS
    right, down, change = right[keep], down[keep], change[keep]
    xx, xy, yy = float(right @ right) + 1, float(right @ down), float(down @ down) + 1
    xt, yt = float(right @ change), float(down @ change)
    determinant = xx * yy - xy * xy
    return math.hypot((yy * xt - xy * yt) / determinant, (xx * yt - xy * xt) / determinant)


def _drawn(value: float, to: float, elapsed_s: float, constant_s: float) -> float:
    """``value`` after it was drawn to ``to`` for a while."""
    return value + (1 - math.exp(-max(0.0, elapsed_s) / constant_s)) * (to - value)
