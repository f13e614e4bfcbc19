"""Constant-velocity Kalman filters for many boxes at once.

Centre x, centre y, width and height are filtered independently, so that the 8 x 8 algebra falls apart into
2 x 2 filters that numpy steps for all tracks together. All deviations are in units of a thing's own size,
the square root of its area, because near things move and jitter by more pixels than far ones.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Reals

_JITTER = np.array([0.05, 0.05, 0.08, 0.08], np.float32)
"""Deviation of a detection, in sizes: in place, and in width and height."""
_ACCELERATION = np.array([2.0, 2.0, 1.0, 1.0], np.float32)
"""Deviation of the acceleration, sizes per second squared: about 2 m/s^2 for a person, 5 for a car."""
_FIRST_SPEED = np.array([2.0, 2.0, 0.5, 0.5], np.float32)
"""Deviation of the speed of a thing seen once, sizes per second."""
_LEAST_AREA_PX2 = 16.0
_LEAST_SIDE_PX = np.float32(2)
_FADE_S = 1.0
"""How fast the belief in its speed fades while a thing is not seen."""
_SWELL = np.float32(1.0)
"""No side is expected to grow or shrink faster than by so many times itself a second: what drives up grows by
as much; who falls turns flat faster, but not until nothing is left of him."""


class Motions(NamedTuple):
    """The filters of N tracks, each field (N, 4) for centre x, centre y, width, height."""

    place: Reals
    """Pixels."""
    speed: Reals
    """Pixels per second."""
    place_variance: Reals
    covariance: Reals
    speed_variance: Reals

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Motions":
        """The filters of some tracks only."""
        return self._make(field[rows] for field in self)

    def joined(self, other: "Motions") -> "Motions":
        """These filters, then the other ones."""
        return self._make(np.concatenate(pair) for pair in zip(self, other, strict=True))


def sizes(places: Reals) -> Reals:
    """A thing's size: the square root of its box's area, (N, 1), at least 4 pixels."""
    return np.sqrt(np.maximum(places[:, 2:3] * places[:, 3:4], np.float32(_LEAST_AREA_PX2)))


def begin(places: Reals) -> Motions:
    """Filters for things seen once, at (N, 4) places."""
    size = sizes(places)
    nothing = np.zeros_like(places)
    return Motions(places, nothing, (size * _JITTER) ** 2, nothing, (size * _FIRST_SPEED) ** 2)


def predict(motions: Motions, elapsed_s: float, is_unseen: NDArray[np.bool_]) -> Motions:
    """Move all filters on by ``elapsed_s``; those unseen at the last frame slow down."""
    dt = np.float32(elapsed_s)
    speed = motions.speed.copy()
    if is_unseen.any():
        speed[is_unseen] *= np.float32(np.exp(-elapsed_s / _FADE_S))
    swell = _SWELL * motions.place[:, 2:]
    np.clip(speed[:, 2:], -swell, swell, out=speed[:, 2:])
    area = np.maximum(motions.place[:, 2:3] * motions.place[:, 3:4], np.float32(_LEAST_AREA_PX2))
    noise = area * (_ACCELERATION * dt) ** 2
    place = motions.place + speed * dt
    np.maximum(place[:, 2:], _LEAST_SIDE_PX, out=place[:, 2:])
    drift = dt * motions.speed_variance
    return Motions(
        place,
        speed,
        motions.place_variance + dt * (2 * motions.covariance + drift) + noise * (dt**2 / 4),
        motions.covariance + drift + noise * (dt / 2),
        motions.speed_variance + noise,
    )


def correct(motions: Motions, rows: NDArray[np.intp], measured: Reals) -> None:
    """Take one measurement each, (M, 4) places, into the filters in ``rows``, in place."""
    place, speed, variance, covariance, speed_variance = (field[rows] for field in motions)
    area = np.maximum(measured[:, 2:3] * measured[:, 3:4], np.float32(_LEAST_AREA_PX2))
    whole = variance + area * _JITTER**2
    place_gain, speed_gain = variance / whole, covariance / whole
    off = measured - place
    place += place_gain * off
    np.maximum(place[:, 2:], _LEAST_SIDE_PX, out=place[:, 2:])
    rest = 1 - place_gain
    motions.place[rows] = place
    motions.speed[rows] = speed + speed_gain * off
    motions.place_variance[rows] = rest * variance
    motions.covariance[rows] = rest * covariance
    motions.speed_variance[rows] = speed_variance - speed_gain * covariance
