"""The motion gate: where a picture differs from how the scene has looked, from its luma plane alone.

The picture is cut into cells of 8 x 8 pixels; of each, half the rows are summed. Sums of 32 pixels are nearly
free of sensor noise, and eight pixels at once are added inside 64-bit words: 0.2 ms in all for 768 x 432.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Reals

CELL_PX = 8
_PIXELS_PER_CELL = 32
_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_ONE_PER_LANE = np.uint64(0x0001000100010001)

BACKGROUND_S = 3.0
"""How fast the background follows: something that stands still stops being motion after a few of these."""
NOISE_S = 20.0
LEAST_STEP = 3.0
"""Luma levels by which a cell must differ; below it is compression noise."""
LARGEST_STEP = 14.0
"""However restless a cell is (leaves, water), a difference above this is motion."""
NOISE_FACTOR = 4.0
GLOBAL_STEP = 10.0
"""Luma levels; a picture that shifts by less as a whole is a cloud or the camera's exposure."""
GLOBAL_SHARE = 0.5
"""When more of the picture than this changes at once, the picture changed and not a thing in it."""
LEAST_CELLS = 2
_COLOURLESS, _COLOURFUL = 0.25, 2.5
"""Mean distance of the chroma from grey, levels: infrared, which has no chroma at all, is below the first,
day above the second. A grey road by day has 0.35, and more while a coloured car passes: that is no switch."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What moved in one frame."""

    cells: NDArray[np.bool_]
    """(H // 8, W // 8): the cells that differ from the background."""
    share: float
    """0 to 1: how much of the picture differs strongly, a shift of its whole brightness included."""
    is_global: bool
    """More than half of it changed at once: IR cut, lightning, a turned camera."""
    is_switch: bool
    """The camera went between colour and infrared with this frame."""
    means: Reals | None = None
    """(H // 8, W // 8): mean brightness of each cell, 0 to 255; None where there is no picture."""
    is_infrared: bool = False
    """The picture has had no colours since the last switch."""

    @property
    def is_still(self) -> bool:
        return not self.is_global and int(self.cells.sum()) < LEAST_CELLS

    def in_box(self, box: Reals) -> bool:
        """Whether anything moved in ``box`` (4,), left, top, right, bottom in pixels, or at its rim."""
        left, top, right, bottom = (int(side) // CELL_PX for side in box)
        return bool(self.cells[max(0, top - 1) : bottom + 2, max(0, left - 1) : right + 2].any())


def cell_means(luma: NDArray[np.uint8]) -> Reals:
    """Mean brightness of each whole cell, (H // 8, W // 8), 0 to 255."""
    rows, columns = luma.shape[0] // CELL_PX, luma.shape[1] // CELL_PX
    half = luma[: rows * CELL_PX : 2, : columns * CELL_PX]
    words = np.ascontiguousarray(half).view(np.uint64)
    lanes = (words & _EVEN_BYTES) + ((words >> np.uint64(8)) & _EVEN_BYTES)
    lanes = lanes.reshape(rows, CELL_PX // 2, columns).sum(1)
    sums = (lanes * _ONE_PER_LANE) >> np.uint64(48)
    return sums.astype(np.float32) / _PIXELS_PER_CELL


class MotionGate:
    """Follows one camera's background. Deterministic; forgets nothing but by its time constants."""

    def __init__(self) -> None:
        self.threshold_factor = 1.0
        """Above 1 in weather that moves every cell a little."""
        self._background: Reals | None = None
        self._noise: Reals = np.zeros((0, 0), np.float32)
        self._at_us = 0
        self._is_colourful: bool | None = None

    def observe(self, i420: NDArray[np.uint8], height: int, at_us: int) -> Motion:
        """Compare a frame, (H * 3 // 2, W) I420, with the background and let the background follow.

        The first frame, and the first of another size, counts as a global change.
        """
        cells = cell_means(i420[:height])
        is_switch = self._switched(i420[height:])
        if self._background is None or self._background.shape != cells.shape:
            self._restart(cells, at_us)
            return self._motion(np.ones(cells.shape, np.bool_), 1.0, cells, is_global=True, is_switch=False)
        elapsed_s = max(0.0, (at_us - self._at_us) / 1e6)
        difference = cells - self._background
        threshold = self.threshold_factor * np.clip(NOISE_FACTOR * self._noise, LEAST_STEP, LARGEST_STEP)
        share = float((np.abs(difference) > GLOBAL_STEP).mean())
        if share > GLOBAL_SHARE or is_switch:
            self._restart(cells, at_us)
            return self._motion(
                np.ones(cells.shape, np.bool_), share, cells, is_global=True, is_switch=is_switch
            )
        # A cloud or the camera's exposure shifts everything a little: that is not motion.
        size = np.abs(difference - np.median(difference[::2, ::2]))
        self._follow(cells, size, threshold, elapsed_s)
        self._at_us = at_us
        return self._motion(size > threshold, share, cells, is_global=False, is_switch=False)

    def _motion(
        self, moving: NDArray[np.bool_], share: float, means: Reals, *, is_global: bool, is_switch: bool
    ) -> Motion:
        return Motion(moving, share, is_global, is_switch, means, is_infrared=self._is_colourful is False)

    def _restart(self, cells: Reals, at_us: int) -> None:
        self._background = cells
        self._noise = np.full(cells.shape, LEAST_STEP / NOISE_FACTOR, np.float32)
        self._at_us = at_us

    def _follow(
        self,
        cells: Reals,
        size: Reals,
        threshold: Reals,
        elapsed_s: float,
    ) -> None:
        assert self._background is not None
        self._background = self._background + np.float32(1 - np.exp(-elapsed_s / BACKGROUND_S)) * (
            cells - self._background
        )
        calm = np.minimum(size, threshold)
        self._noise = self._noise + np.float32(1 - np.exp(-elapsed_s / NOISE_S)) * (calm - self._noise)

    def _switched(self, chroma: NDArray[np.uint8]) -> bool:
        """Whether the picture lost or gained its colours; grey scenes in between keep what they were."""
        sample = chroma[::8, ::8].astype(np.int16) - 128
        colour = float(np.abs(sample).mean()) if sample.size else 0.0
        before = self._is_colourful
        if colour > _COLOURFUL:
            self._is_colourful = True
        elif colour < _COLOURLESS:
            self._is_colourful = False
        return before is not None and before is not self._is_colourful
