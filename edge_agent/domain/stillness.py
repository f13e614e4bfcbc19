"""Telling what stands from what moves, in spite of boxes that jitter and of things that pass in front."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Reals

JITTER = 0.15
"""A thing that keeps within this share of its size (square root of its box's area) has not moved."""
GROWTH = 1.3
"""Coming straight at the camera, a thing only grows."""
MOVED_FRAMES = 2
"""Frames in a row beyond its jitter before a thing counts as moving: one bad box is not a start."""
STILL_S = 10.0
"""No displacement for so long is stationary [Frigate]."""
RESTED_S = 3.0
"""A place held for so long is remembered for a while after its thing has moved on."""


class Stillness(NamedTuple):
    """Where N things stopped, and when."""

    anchor: Reals
    """(N, 4): the box when the thing last began to stand."""
    since_us: NDArray[np.int64]
    moved_frames: NDArray[np.int64]
    left: Reals
    """(N, 4): the box in which the thing last rested for ``RESTED_S``."""
    rested_us: NDArray[np.int64]
    """Since when it had rested there."""
    left_us: NDArray[np.int64]
    """When it moved on from there; 0 when it never did."""

    @classmethod
    def begin(cls, boxes: Reals, at_us: int) -> "Stillness":
        count = len(boxes)
        nothing = np.zeros(count, np.int64)
        return cls(
            boxes.copy(),
            np.full(count, at_us, np.int64),
            nothing,
            boxes.copy(),
            nothing.copy(),
            nothing.copy(),
        )

    @classmethod
    def empty(cls) -> "Stillness":
        return cls.begin(np.empty((0, 4), np.float32), 0)

    def take(self, rows: NDArray[np.bool_]) -> "Stillness":
        return self._make(column[rows] for column in self)

    def joined(self, other: "Stillness") -> "Stillness":
        return self._make(np.concatenate(pair) for pair in zip(self, other, strict=True))

    def has_rested(self, at_us: int) -> NDArray[np.bool_]:
        """Which things have not moved for ``RESTED_S``, (N,)."""
        return at_us - self.since_us >= RESTED_S * 1e6

    def is_still(self, at_us: int) -> NDArray[np.bool_]:
        """Which things have not moved for ``STILL_S``, (N,)."""
        return at_us - self.since_us >= STILL_S * 1e6

    def observe(self, rows: NDArray[np.intp], boxes: Reals, at_us: int) -> None:
        """Compare the things in ``rows`` with where they stood; ``boxes``, one each, is where they are."""
        is_off = _displacement(self.anchor[rows], boxes) > JITTER
        is_off |= box_math.areas(boxes) > GROWTH**2 * box_math.areas(self.anchor[rows])
        self.moved_frames[rows] = np.where(is_off, self.moved_frames[rows] + 1, 0)
        has_moved = self.moved_frames[rows] >= MOVED_FRAMES
        if not has_moved.any():
            return
        moved = rows[has_moved]
        rested = moved[at_us - self.since_us[moved] >= RESTED_S * 1e6]
        self.left[rested], self.left_us[rested] = self.anchor[rested], at_us
        self.rested_us[rested] = self.since_us[rested]
        self.anchor[moved] = boxes[has_moved]
        self.since_us[moved] = at_us
        self.moved_frames[moved] = 0


def _displacement(before: Reals, after: Reals) -> Reals:
    """How far each box went, in sizes, (N,): the least of its top's, centre's and foot's way.

    What passes in front hides the head or the feet and moves two of the three, never all.
    """
    size = np.sqrt(np.maximum(box_math.areas(before), np.float32(16)))
    across = ((after[:, 0] + after[:, 2]) - (before[:, 0] + before[:, 2])) / 2
    tops, feet = after[:, 1] - before[:, 1], after[:, 3] - before[:, 3]
    down = np.minimum(np.minimum(np.abs(tops), np.abs(feet)), np.abs(tops + feet) / 2)
    return np.hypot(across, down) / size
