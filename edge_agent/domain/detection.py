"""What crosses from one stage of a camera's work to the next: frames, detections, tracks."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.kinds import ObjectClass

Reals = NDArray[np.floating[Any]]
"""An array of real numbers; those of pictures are float32."""


class Frame(NamedTuple):
    """One decoded picture, planar YUV 4:2:0 (I420).

    ``i420`` is (H * 3 // 2, W) uint8: H rows of luma, then the two chroma planes. W and H are even.
    """

    camera: str
    number: int
    captured_at_us: int
    """UTC in microseconds; for files, the clip's start plus the picture's presentation time."""
    i420: NDArray[np.uint8]
    width: int
    height: int
    is_key: bool

    @property
    def luma(self) -> NDArray[np.uint8]:
        """The brightness plane, (H, W) uint8, without a copy."""
        return self.i420[: self.height]


class Detections(NamedTuple):
    """What the model saw in one picture, N things."""

    boxes: Reals
    """(N, 4): left, top, right, bottom in pixels of the frame."""
    scores: Reals
    """(N,): 0 to 1."""
    classes: NDArray[np.int16]
    """(N,): numbers of ``ObjectClass``."""

    @classmethod
    def empty(cls) -> "Detections":
        """Nothing seen."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int16))

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Detections":
        """Some of them only: by number, in that order, or by mask."""
        return Detections(self.boxes[rows], self.scores[rows], self.classes[rows])


@dataclass(frozen=True, slots=True)
class Track:
    """One thing followed over time, as it stands at one frame."""

    id: int
    """Counts up from 1 per camera."""
    object_class: ObjectClass
    box: Reals
    """(4,): left, top, right, bottom in pixels of the frame."""
    score: float
    first_seen_us: int
    last_seen_us: int
    """When a detection last supported it; earlier than the frame's time while it coasts."""
    hits: int
    """How many detections supported it so far."""
    velocity_px_s: tuple[float, float]
    """Of the box's centre, right and down."""
    still_since_us: int
    """Since when it has not moved beyond its jitter; ``last_seen_us`` or later when it moves."""

    @property
    def foot_px(self) -> tuple[float, float]:
        """Where it stands: the bottom centre of its box."""
        return (float(self.box[0] + self.box[2]) / 2, float(self.box[3]))

    @property
    def height_px(self) -> float:
        return float(self.box[3] - self.box[1])
