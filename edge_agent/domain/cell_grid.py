"""The two backgrounds of ``statics``: how each cell of the picture looked, and looks since it differs."""

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Reals
from edge_agent.domain.patches import Mask, grown

FOLLOW_S = 15.0
"""How fast the background follows: a shadow's edge creeps 4 cm a minute."""
NOISE_S = 40.0
LEAST_STEP, LARGEST_STEP, NOISE_FACTOR = 6.0, 25.0, 4.0
"""Luma levels by which a cell must differ, by its own restlessness."""
SUSPECT_S = 1.5
FULL_S = 12.0
"""A candidate needs no more support than this."""
FORGET_RATE, HIDDEN_RATE = 3.0, 0.4
"""How fast support wanes, seconds a second: where the background is seen again, where something else is."""
CAME_TO_LIGHT_S = 3.0
"""What shows so soon after somebody stood before it, ever since the thing came, was there all along."""
AT_ONCE_S = 1.5
"""A thing comes within so long, as far as nobody stood before it; a shadow's edge takes longer."""
LEAST_CELLS = 3
"""Fewer are no thing, and their times say nothing."""
AGREES_SHARE = 0.85
"""So much of a picture must be as before a break for what was known to hold."""


class Grid:
    """The two backgrounds, each (rows, columns) of cells."""

    def __init__(self, cells: Reals) -> None:
        self.background = cells.copy()
        self.noise = np.full(cells.shape, LEAST_STEP / NOISE_FACTOR, np.float32)
        self.candidate = cells.copy()
        self.support_s = np.zeros(cells.shape, np.float32)
        self.since_us = np.zeros(cells.shape, np.int64)
        self.was_hidden = np.zeros(cells.shape, np.bool_)
        """Whether somebody stood before a cell when its candidate came: it may have been there before."""
        self.taken_us = np.zeros(cells.shape, np.int64)
        """When what settled in a cell was last taken for the background."""

    def threshold(self) -> Reals:
        return np.clip(NOISE_FACTOR * self.noise, LEAST_STEP, LARGEST_STEP)

    def brighten(self, cells: Reals) -> float:
        """Carry all along with the picture's exposure; returns the factor."""
        sample, before = cells[::4, ::4], self.background[::4, ::4]
        gain = float(np.median((sample + 8) / (before + 8)))
        if abs(gain - 1) < 0.004:
            return 1.0
        self.background *= gain
        self.candidate *= gain
        return gain

    def agrees(self, cells: Reals) -> bool:
        """Whether a picture is the background's, brighter or darker as a whole."""
        gain = np.float32(np.median((cells + 8) / (self.background + 8)))
        differs = np.abs(cells - gain * self.background) > self.threshold()
        return float(differs.mean()) <= 1 - AGREES_SHARE

    def adopt(self, cells: NDArray[np.intp], now: Reals) -> None:
        """Make what is seen in some cells the background."""
        self.background.flat[cells] = now.flat[cells]
        self.support_s.flat[cells] = 0.0

    def learn(self, cells: Reals, covered: Mask, elapsed_s: float) -> None:
        """What the first pictures show is the background, but for the cells ``covered``."""
        difference, threshold = cells - self.background, self.threshold()
        self.background += np.float32(0.3) * difference * ~covered
        self._calm(np.abs(difference), threshold, ~covered & (self.support_s < SUSPECT_S), elapsed_s)

    def follow(self, cells: Reals, covered: Mask, recently: Mask, elapsed_s: float, at_us: int) -> bool:
        """Let the backgrounds follow a picture; whether something is awaited.

        ``covered``: what is hidden now; ``recently``: what somebody stood before a moment ago.
        """
        difference, threshold = cells - self.background, self.threshold()
        size = np.abs(difference)
        differs = size > threshold
        # What keeps another brightness is no noise and no background.
        unsettled = ~covered & (self.support_s < SUSPECT_S)
        self.background += np.float32(1 - np.exp(-elapsed_s / FOLLOW_S)) * difference * (unsettled & ~differs)
        self._calm(size, threshold, unsettled, elapsed_s)
        active = np.flatnonzero((differs | (self.support_s > 0)) & ~covered)
        fresh = self._support(cells, differs, threshold, active, elapsed_s)
        self.since_us.flat[fresh] = at_us
        self.was_hidden.flat[fresh] = recently.flat[fresh]
        return bool(len(active))

    def came_slowly(self, own: Mask, window: tuple[slice, slice], reach: int) -> bool:
        """Whether the cells of a blob before which nobody stood came one after the other, as a shadow does.

        ``own`` is the blob in ``window``. If more than itself beside it, within ``reach`` cells, was taken
        for the background since it came, it may be the last piece of that: those cells count too.
        """
        since_us = self.since_us[window]
        first_us = int(since_us[own].min())
        beside = grown(own, reach) & ~own & (since_us > 0)
        beside &= (self.taken_us[window] >= first_us) & (self.support_s[window] <= 0)
        free = ~self.was_hidden[window]
        came_us = since_us[free & (own | beside if int(beside.sum()) > int(own.sum()) else own)]
        if len(came_us) < LEAST_CELLS:
            return False
        early_us, late_us = np.percentile(came_us, (10, 90))
        return float(late_us - early_us) > AT_ONCE_S * 1e6

    def _calm(self, size: Reals, threshold: Reals, unsettled: Mask, elapsed_s: float) -> None:
        step = np.minimum(size, threshold) - self.noise
        self.noise += np.float32(1 - np.exp(-elapsed_s / NOISE_S)) * step * unsettled

    def _support(
        self, cells: Reals, differs: Mask, threshold: Reals, active: NDArray[np.intp], elapsed_s: float
    ) -> NDArray[np.intp]:
        """Let the candidates of some cells gain or lose support; gives those whose candidate is new."""
        now, candidate = cells.flat[active], self.candidate.flat[active]
        support = self.support_s.flat[active]
        is_other = differs.flat[active]
        is_same = is_other & (np.abs(now - candidate) <= threshold.flat[active]) & (support > 0)
        step = np.where(is_same, elapsed_s, np.where(is_other, -HIDDEN_RATE, -FORGET_RATE) * elapsed_s)
        support = np.clip(support + step.astype(np.float32), 0, FULL_S)
        is_fresh = is_other & (support <= 0)
        self.support_s.flat[active] = np.where(is_fresh, np.float32(0.01), support)
        kept = np.where(is_same, candidate + np.float32(0.15) * (now - candidate), candidate)
        self.candidate.flat[active] = np.where(is_fresh, now, kept)
        return active[is_fresh]
