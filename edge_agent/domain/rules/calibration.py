"""The rule ``calibration_stale``: the camera no longer looks where it looked when it was calibrated."""

import math
from typing import Any

import numpy as np

from edge_agent.domain.conditions import Weather
from edge_agent.domain.detection import Reals
from edge_agent.domain.ground import Ground
from edge_agent.domain.landmarks import (
    LEAST_LANDMARKS,
    Drift,
    Landmarks,
    compare,
    restored,
    shrink,
    where_now,
)
from edge_agent.domain.rules.form import WHOLE_PICTURE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View
from edge_agent.domain.rules.slow import Sample, Sampler, SlowState, enough_samples, sampling
from edge_agent.domain.rules.taught import NOTHING
from edge_agent.domain.scene import RuleSpec, Zone
from shared.messages import Phase

PICTURES, APART_S = 5, 0.4
"""A sample is the mean of so many pictures: a shaking pole, flakes and passers-by average out."""
LONGEST_GAP_S = 30.0
"""Key frames are never farther apart; after a longer gap the mean begins anew."""
CLEAR_SHARE = 0.5
"""The second threshold: the picture fits again below this share of the limit."""
LOST_SAMPLES = 144
"""After a day of samples in which too little of the scene is found, what it looks like now is kept anew."""
UNFAIR = frozenset({Weather.RAIN, Weather.SNOW, Weather.FOG})
_GRID = (8, 12)
_SAME_PLACE_M = 0.05


class _Gathering(Sampler):
    """Says that a sample is due when it has gathered the mean of a few pictures of one light."""

    def __init__(self, zone: Zone, every_s: float) -> None:
        super().__init__(zone, every_s)
        self.mean: Reals | None = None
        self._sum: Reals | None = None
        self._count = self._added_us = 0
        self._light = ""

    def is_due(self, view: View) -> bool:
        """See ``Sampler``; traffic is no hindrance."""
        is_early = self.last_us is not None and 0 <= view.at_us - self.last_us < self.every_us
        if view.frame is None or is_early:
            return False
        since_s = (view.at_us - self._added_us) / 1e6
        if self._sum is None or not 0 <= since_s <= LONGEST_GAP_S or self._light != light_of(view):
            self._sum, self._count, self._light = np.zeros((1, 1), np.float32), 0, light_of(view)
        elif since_s < APART_S:
            return False
        self._added_us, self._count = view.at_us, self._count + 1
        self._sum = self._sum + shrink(view.frame.luma)
        if self._count < PICTURES:
            return False
        self.mean, self._sum = self._sum / np.float32(PICTURES), None
        self.last_us = view.at_us
        return True


class DriftEye:
    """Measures how far the scene has moved in the picture since the calibration, by what it looked like first
    in each light; and what that is on the ground."""

    def __init__(self, spec: RuleSpec, sampler: _Gathering) -> None:
        self._limits = spec.limits
        self._sampler = sampler
        self._known: dict[str, Landmarks] = {}
        self._last = Drift()
        """The drift that was measured last, in whatever light."""
        self._lost = 0
        self._ground: Ground | None = None
        """The calibration that was looked at last."""
        self._places: list[float] = []
        """What it says of a few pixels: tells one calibration from another, over a restart too."""

    def look(self, view: View, is_open: bool) -> Sample | None:  # noqa: ARG002  # measured the same way
        """See ``Eye``. The first look in a light is kept: it shows the scene as far off as it was last."""
        mean, ground = self._sampler.mean, view.ground
        if mean is None or ground is None or view.frame is None or view.conditions.weather in UNFAIR:
            return None
        light = light_of(view)
        known = self._known.get(light)
        if known is None or known.picture.shape != mean.shape:
            self._known[light] = Landmarks(mean, self._last)
            return None
        measured = compare(known.picture, mean)
        if measured is None:
            self._lose(light, mean)
            return None
        self._lost = 0
        self._last = measured.drift.after(known.drift)
        off_px, off_m = off_by(ground, self._last, (view.frame.width, view.frame.height))
        limit_px = self._limits["limit_sigma"] * ground.pixel_error_px
        numbers = {
            "drift_px": off_px,
            "limit_px": limit_px,
            "drift_m": off_m,
            "landmarks": float(measured.landmarks),
            "least_landmarks": float(LEAST_LANDMARKS),
        }
        is_clean = off_px < CLEAR_SHARE * limit_px
        return Sample(True if off_px >= limit_px else False if is_clean else None, numbers)

    def is_other(self, ground: Ground) -> bool:
        """Whether the camera was calibrated anew; what was known then is of no use."""
        if ground is self._ground:
            return False
        self._ground = ground
        box = self._sampler.box
        corners = [(float(box[2]) * x, float(box[3]) * y) for x in (0.2, 0.5, 0.8) for y in (0.6, 0.8, 0.95)]
        spots = [ground.locate(x, y) for x, y in corners]
        degrees = [ground.place(spot) for spot in spots if spot is not None]
        places = [float(value) for place in degrees for value in place]
        before, self._places = self._places, places
        # A degree is 111 km.
        is_same = len(before) == len(places) and np.allclose(before, places, rtol=0, atol=_SAME_PLACE_M / 1e5)
        if not before or is_same:
            return False
        self._known, self._last, self._lost = {}, Drift(), 0
        return True

    def remember(self) -> dict[str, Any]:
        """See ``Eye``."""
        known = {light: landmarks.remember() for light, landmarks in self._known.items()}
        return {"known": known, "last": list(self._last), "places": self._places}

    def recall(self, memory: dict[str, Any]) -> None:
        """See ``Eye``."""
        self._known = {str(light): restored(stored) for light, stored in memory["known"].items()}
        self._last = Drift(*(float(value) for value in memory["last"]))
        self._places = [float(value) for value in memory["places"]]

    def _lose(self, light: str, mean: Reals) -> None:
        self._lost += 1
        if self._lost >= LOST_SAMPLES:
            self._known[light], self._lost = Landmarks(mean, self._last), 0


class CalibrationStale(SlowState):
    """What stands in the scene has moved in the picture by ``limit_sigma`` times the calibration's
    ``pixel_error_px`` or more: beyond the error that each place is given with.

    A state. It ends when the picture fits again, and with a new calibration.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        gathering = _Gathering(spec.zone, spec.limits["sample_s"])
        self._drift_eye = DriftEye(spec, gathering)
        super().__init__(spec, self._drift_eye, gathering)

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        if view.ground is None or view.frame is None:
            return []
        if self._drift_eye.is_other(view.ground):
            return self._begin_anew(view)
        return super().step(view)

    def _begin_anew(self, view: View) -> list[Sighting]:
        self._votes.clear()
        self._sampler.last_us = None
        numbers, was_told = self._opened, self._is_told
        self._opened, self._is_told = {}, False
        if not (numbers and was_told):
            return []
        return [self._sighting(Phase.END, view, Sample(False, {}), numbers)]


def light_of(view: View) -> str:
    """Pictures of one light are compared: what shines by night is dark by day."""
    return "infrared" if view.conditions.is_infrared else view.conditions.light.value


def off_by(ground: Ground, drift: Drift, size_px: tuple[int, int]) -> tuple[float, float]:
    """By how much the places of the picture's ground are wrong, medians over it: pixels and metres."""
    y, x = np.meshgrid(*((np.arange(n) + 0.5) / n for n in _GRID), indexing="ij")
    points = np.stack([x.ravel() * size_px[0], y.ravel() * size_px[1]], axis=1)
    off_px: list[float] = []
    off_m: list[float] = []
    for point, moved in zip(points, where_now(drift, points, size_px), strict=True):
        truly, taken = ground.locate(*point), ground.locate(*moved)
        if truly is not None and taken is not None:
            off_px.append(math.dist(point, moved))
            off_m.append(math.hypot(taken.east_m - truly.east_m, taken.north_m - truly.north_m))
    return (float(np.median(off_px)), float(np.median(off_m))) if off_px else (0.0, 0.0)


def _is_off(reason: dict[str, float]) -> bool:
    is_seen = reason["landmarks"] >= reason["least_landmarks"]
    return enough_samples(reason) and is_seen and reason["drift_px"] >= reason["limit_px"]


CALIBRATION_STALE = RuleEntry(
    CalibrationStale,
    RuleForm(
        WHOLE_PICTURE,
        NOTHING,
        sampling(600, 4, 6) | {"limit_sigma": Parameter(2, 0.5, 100)},
        needs_pixels=True,
        needs_ground=True,
        is_everywhere=True,
        shows_end=True,
    ),
    version=1,
    holds=_is_off,
)
