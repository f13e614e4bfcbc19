"""What a camera's picture says of the camera itself: how bright, how detailed, how sharp it is, and whether
it still shows the scene that it always showed.

All of it comes from the cell means that the motion gate makes anyway, and from every 16th row of pixels:
0.2 ms for 768 x 432, and once a second is enough.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Reals

MOST_COLUMNS = 100
"""Cells of larger pictures are joined until a row has no more than this."""
BLOCKS = (4, 5)
"""The picture is compared in so many rows and columns of blocks: what passes close to the camera changes some
of them, what is done to the camera changes all."""
LEAST_ENERGY = 3.0
"""Mean squared step from cell to cell, levels: a block with less has nothing to be recognised by."""
LEAST_BLOCKS = 4
SAME_BLOCK = 0.45
"""A block whose steps correlate with the reference's at least so much still shows the same."""
LEARN_S = 10.0
"""The first pictures are the reference, as far as they agree."""
PROVE_S = 15.0
FOLLOW_S = 900.0
"""How fast the reference follows shadows, dusk and fog."""
LEVEL_S = 120.0
DETAIL_S = 21_600.0
"""Snow covers a lens in half an hour: what detail there should be is remembered for hours."""
_ROW_STEP = 16
_MOST_ROWS = 30
_COARSE_PX = 8
_NOISE_STEPS, _LEAST_NOISE = 4.4, 3.0
"""Three standard deviations of the noise, from the median step; and the coding's, levels."""
_SATURATED = 225.0
_STEP_NOISE = 0.8
_LARGEST_STEP = 20.0
_BLACK = 8.0
"""Video black is 16; below it the brightness says nothing of the light."""
_SAME_CELL = 0.05


class Look(NamedTuple):
    """What one picture says. What needs a reference is nan while there is none."""

    level: float
    """Mean brightness, 0 to 255."""
    dimmed: float
    """By how many levels it is darker than before, nan without a before."""
    white: float
    """0 to 1: the share of the picture that is burnt out."""
    detail: float
    """Its steps from cell to cell, by its brightness, against what was usual for hours: 1 is as ever."""
    faded: float
    """The same against the last quarter of an hour, as fog lets it fade slowly."""
    sharpness: float
    """Fine against coarse contrast, compared with what was usual: 1 is as ever, 0 is a blur."""
    kept: float
    """0 to 1: the share of recognisable blocks that show what they always showed."""
    same_s: float
    """For how long the picture has been the same to the last bit, as far as cells tell."""
    same_looks: int
    """How many pictures were the same."""


@dataclass(slots=True)
class _Reference:
    """How the scene looks, in colour or in infrared."""

    steps: Reals
    since_us: int
    sharpness: float
    detail: float
    level: float
    is_proven: bool = False


@dataclass(slots=True)
class Lens:
    """Follows one camera. Deterministic; time comes with the pictures."""

    usual_detail: float = math.nan
    """May be carried over a restart, so that a covered camera is known for one."""
    carried_sharpness: dict[bool, float] = field(default_factory=dict[bool, float])
    """How sharp the scene was before a restart, in colour (False) and in infrared."""
    _references: dict[bool, _Reference] = field(default_factory=dict[bool, _Reference])
    _is_infrared: bool = False
    _at_us: int = 0
    _anchor: Reals | None = None
    _anchor_us: int = 0
    _same_looks: int = 0

    def observe(
        self, luma: NDArray[np.uint8], means: Reals, at_us: int, *, is_infrared: bool, is_doubtful: bool
    ) -> Look:
        """Look at a picture, luma (H, W) with its cell means.

        In infrared the scene looks different: it has a reference of its own.
        While ``is_doubtful`` a proven reference stays as it is.
        """
        self._is_infrared = is_infrared
        self._compare_with_anchor(means, at_us)
        cells = _joined(means)
        level, steps, sharpness = float(cells.mean()), _steps(cells), sharpness_of(luma)
        size = np.hypot(steps[0], steps[1])
        detail = float(np.clip(size - _STEP_NOISE, 0, None).mean()) / max(level - _BLACK, 4.0)
        usual = self._references.get(self._is_infrared)
        if usual is not None and usual.steps.shape != steps.shape:
            self._references.clear()
            usual = None
        look = Look(
            level=level,
            dimmed=usual.level - level if usual else math.nan,
            white=float((cells >= _SATURATED).mean()),
            detail=detail / self.usual_detail if self.usual_detail > 0 else math.nan,
            faded=detail / max(usual.detail, 1e-6) if usual and usual.is_proven else math.nan,
            sharpness=sharpness / max(self._usual_sharpness(usual), 1e-6),
            kept=kept_share(usual.steps, steps) if usual and usual.is_proven else math.nan,
            same_s=(at_us - self._anchor_us) / 1e6,
            same_looks=self._same_looks,
        )
        if not (is_doubtful and self.is_proven):
            self._follow(usual, steps, sharpness, detail, level, at_us)
            self._prove(usual, steps, at_us, is_doubtful=is_doubtful)
        self._at_us = at_us
        return look

    def interrupt(self) -> None:
        """The camera was not looked at for a while: go on as after a restart."""
        self.carried_sharpness = self.sharpness()
        self._references.clear()
        self._anchor = None

    def sharpness(self) -> dict[bool, float]:
        """How sharp the scene is, to be carried over a restart."""
        return self.carried_sharpness | {
            light: usual.sharpness for light, usual in self._references.items() if usual.is_proven
        }

    @property
    def is_proven(self) -> bool:
        """Whether the scene of the present light is known."""
        usual = self._references.get(self._is_infrared)
        return usual is not None and usual.is_proven

    def _compare_with_anchor(self, means: Reals, at_us: int) -> None:
        anchor = self._anchor
        if anchor is not None and anchor.shape == means.shape:
            self._same_looks += 1
            if float((np.abs(means - anchor) > _SAME_CELL).mean()) < 0.01:
                return
        self._anchor, self._anchor_us, self._same_looks = means, at_us, 0

    def _follow(
        self,
        usual: _Reference | None,
        steps: Reals,
        sharpness: float,
        detail: float,
        level: float,
        at_us: int,
    ) -> None:
        if usual is None:
            self._references[self._is_infrared] = _Reference(steps, at_us, sharpness, detail, level)
            return
        elapsed_s = max(0.0, (at_us - self._at_us) / 1e6)
        share = _share(elapsed_s, FOLLOW_S if usual.is_proven else LEARN_S)
        usual.steps = usual.steps + np.float32(share) * (steps - usual.steps)
        usual.sharpness += share * (sharpness - usual.sharpness)
        usual.detail += share * (detail - usual.detail)
        usual.level += _share(elapsed_s, LEVEL_S) * (level - usual.level)
        if usual.is_proven:
            self.usual_detail += _share(elapsed_s, DETAIL_S) * (detail - self.usual_detail)

    def _usual_sharpness(self, usual: _Reference | None) -> float:
        if usual is not None and usual.is_proven:
            return usual.sharpness
        return self.carried_sharpness.get(self._is_infrared, math.nan)

    def _prove(self, usual: _Reference | None, steps: Reals, at_us: int, *, is_doubtful: bool) -> None:
        """A camera that pans or drives has no scene: what it showed first must be there a while later."""
        if usual is None or usual.is_proven:
            return
        learnt_s = (at_us - usual.since_us) / 1e6
        kept = kept_share(usual.steps, steps)
        if learnt_s >= LEARN_S and kept < 0.6:
            del self._references[self._is_infrared]
        elif learnt_s >= LEARN_S + PROVE_S and not (
            is_doubtful and self._is_infrared in self.carried_sharpness
        ):
            usual.is_proven = True
            if not self.usual_detail > usual.detail:
                self.usual_detail = usual.detail


def sharpness_of(luma: NDArray[np.uint8]) -> float:
    """Steep against all contrast in a few rows, 0 to about 0.1. A blur takes the steep edges; darkness and
    fog take from both. Steps that sensor noise makes do not count."""
    row_step = max(_ROW_STEP, luma.shape[0] // _MOST_ROWS)
    rows = luma[row_step // 2 :: row_step].astype(np.float32)
    fine, coarse = np.abs(rows[:, 1:] - rows[:, :-1]), np.abs(rows[:, _COARSE_PX:] - rows[:, :-_COARSE_PX])
    noise = _NOISE_STEPS * float(np.median(fine[:, ::8])) + _LEAST_NOISE
    steep, all_steps = np.maximum(fine - noise, 0), np.maximum(coarse - noise, 0)
    return float(np.vdot(steep, steep) / steep.size) / max(
        float(np.vdot(all_steps, all_steps) / coarse.size), 1.0
    )


def kept_share(reference: Reals, steps: Reals) -> float:
    """The share of blocks that still show what the reference shows, nan where too few can be recognised.

    Both are (2, rows, columns), steps to the right and down. Correlation: contrast does not matter.
    """
    both = _block_sums((reference * steps).sum(0))
    before, now = _block_sums((reference**2).sum(0)), _block_sums((steps**2).sum(0))
    per_block = reference[0].size / before.size
    is_known = before >= LEAST_ENERGY * per_block
    if int(is_known.sum()) < LEAST_BLOCKS:
        return math.nan
    correlation = both / np.sqrt(before * now + 1e-6)
    return float((correlation[is_known] >= SAME_BLOCK).mean())


def _block_sums(values: Reals) -> Reals:
    rows, columns = values.shape[0] // BLOCKS[0], values.shape[1] // BLOCKS[1]
    whole = values[: rows * BLOCKS[0], : columns * BLOCKS[1]]
    return whole.reshape(BLOCKS[0], rows, BLOCKS[1], columns).sum((1, 3))


def _joined(means: Reals) -> Reals:
    """Cells of a large picture joined, so that a look costs the same whatever the picture's size."""
    factor = -(-means.shape[1] // MOST_COLUMNS)
    if factor == 1:
        return means
    rows, columns = means.shape[0] // factor, means.shape[1] // factor
    return means[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor).mean((1, 3))


def _steps(cells: Reals) -> Reals:
    """(2, rows - 1, columns - 1): from cell to cell, to the right and down; strong edges count no more than
    middling ones."""
    right, down = cells[:-1, 1:] - cells[:-1, :-1], cells[1:, :-1] - cells[:-1, :-1]
    return np.clip(np.stack([right, down]), -_LARGEST_STEP, _LARGEST_STEP)


def _share(elapsed_s: float, constant_s: float) -> float:
    return 1.0 - math.exp(-elapsed_s / constant_s)
