"""What lies still in the picture and was not there before, without a model that knows it.

Two backgrounds of different speed on cells of 4 x 4 pixels: a long one that follows only where the picture
agrees with it, and a candidate for each cell that does not, which must keep its brightness for ``SETTLE_S``.
Both are carried along when the exposure changes. A settled blob is then compared with the half-size picture
from before it came: a change of light keeps the texture or has soft edges, a ghost (a parked car that left)
took its edges away, an object brought its own. Cells under what is tracked wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain import patches
from edge_agent.domain.detection import Reals, Track
from edge_agent.domain.patches import CELL_PX, Mask
from shared.kinds import ObjectClass

COVERING = frozenset(ObjectClass) - {ObjectClass.UNKNOWN, ObjectClass.BAG, ObjectClass.OBJECT}
"""Persons, vehicles, animals: what hides the ground and is no left thing itself."""
PERIOD_S = 0.35
QUIET_PERIOD_S = 1.9
"""How often a picture is looked at: while things move, and while nothing does and nothing is awaited."""
LEARN_S = 3.0
"""The first pictures are the background, whatever they show."""
FOLLOW_S = 15.0
"""How fast the background follows: a shadow's edge creeps 4 cm a minute."""
NOISE_S = 40.0
LEAST_STEP, LARGEST_STEP, NOISE_FACTOR = 6.0, 25.0, 4.0
"""Luma levels by which a cell must differ, by its own restlessness."""
SETTLE_S = 5.0
SUSPECT_S = 1.5
FULL_S = 12.0
"""A candidate needs no more support than this."""
FORGET_RATE, HIDDEN_RATE = 3.0, 0.4
"""How fast support wanes, seconds a second: where the background is seen again, where something else is."""
JUDGE_S = 0.9
HIDDEN_SHARE = 0.3
"""A blob is not judged while more of it is hidden."""
LEAST_CELLS = 3
LARGEST_SHARE = 0.12
"""A blob of more than this share of the picture is no thing; nor is anything while so much has changed."""
MAX_STATICS = 32
STOOD_S = 3.0
STOOD_MEMORY_S = 900.0
SAME_STAND = 0.35
"""Overlap (share of the larger) from which a blob is a vehicle or person that the model lost sight of."""
_REFERENCE_S = 1.8
_REFERENCE_SHARE = 0.3
_MARGIN = 6
LEAST_RING = 12
"""Half-size pixels of the surroundings that must be seen."""
_TEXTURE = 0.9
"""Levels a half-size pixel: below it the ground has no texture to compare."""
_SAME_TEXTURE = 0.55
_SOFT = 0.10
"""A soft edge rises by less than this share of the contrast in a half-size pixel."""


class Static(NamedTuple):
    """One thing that lies still and is new."""

    id: int
    """Counts up from 1; never used again."""
    box: Reals
    """(4,): left, top, right, bottom in pixels of the frame."""
    since_us: int
    """When it came into view."""
    is_covered: bool
    """Whether a tracked person or vehicle hides it now, for the most part."""
    is_attached: bool
    """Whether it touches a tracked person or vehicle that stands: its shadow, its open door."""


class Nature(Enum):
    """What a settled blob turns out to be."""

    OBJECT = "object"
    GHOST = "ghost"
    """Something that belonged to the background has gone."""
    LIGHT = "light"
    STOOD = "stood"
    """A vehicle or person that the model knew and lost sight of."""
    UNCLEAR = "unclear"


@dataclass(slots=True)
class _Known:
    id: int
    cells: NDArray[np.intp]
    since_us: int
    is_kept: bool = False
    """It was there before a restart, so it is in the background now: it goes when its place changes."""


class _Grid:
    """The two backgrounds, each (rows, columns) of cells."""

    def __init__(self, cells: Reals) -> None:
        self.background = cells.copy()
        self.noise = np.full(cells.shape, LEAST_STEP / NOISE_FACTOR, np.float32)
        self.candidate = cells.copy()
        self.support_s = np.zeros(cells.shape, np.float32)
        self.since_us = np.zeros(cells.shape, np.int64)

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

    def adopt(self, cells: NDArray[np.intp], now: Reals) -> None:
        """Make what is seen in some cells the background."""
        self.background.flat[cells] = now.flat[cells]
        self.support_s.flat[cells] = 0.0


class Statics:
    """Follows one camera's left things. Deterministic; ``observe`` every frame, ``restart`` after a change of
    the whole picture."""

    def __init__(self) -> None:
        self._grid: _Grid | None = None
        self._next_id = 1
        self._known: list[_Known] = []
        self._shape = (0, 0)
        self.restart(keep=False)

    def restart(self, *, keep: bool) -> None:
        """Begin anew: what is there now was there before. ``keep``: the camera still looks the same way, so
        what was known to lie there is still taken to."""
        self._grid = None
        self._known = [replace(known, is_kept=True) for known in self._known] if keep else []
        self._stood: dict[int, tuple[Reals, int]] = {}
        self._statics: tuple[Static, ...] = self._statics if keep else ()
        self._at_us = self._began_us = self._judged_us = self._referred_us = 0
        self._is_restless = True

    def observe(
        self, luma: NDArray[np.uint8], tracks: Sequence[Track], at_us: int, *, is_still: bool
    ) -> tuple[Static, ...]:
        """Compare a picture, (H, W), with the backgrounds; gives what lies there and is new.

        ``is_still``: whether the motion gate saw nothing move; then pictures may be passed over.
        """
        period_s = QUIET_PERIOD_S if is_still and not self._is_restless else PERIOD_S
        if self._grid is not None and at_us - self._at_us < period_s * 1e6:
            return self._statics
        thin = patches.thinning(luma.shape[1])
        self._cell_px = CELL_PX * thin
        half = patches.half_plane(luma[::thin, ::thin] if thin > 1 else luma)
        cells = patches.cells_of(half)
        if self._grid is None or self._grid.background.shape != cells.shape:
            self._begin(cells, half, at_us)
            return self._statics
        elapsed_s = min(4.0, max(0.0, (at_us - self._at_us) / 1e6))
        self._at_us = at_us
        self._gain *= self._grid.brighten(cells)
        covered = self._cover(tracks, at_us)
        self._uncover(self._grid, cells, half, covered)
        self._follow(self._grid, cells, covered, elapsed_s)
        self._refer(self._grid, half, covered)
        if at_us - self._judged_us >= JUDGE_S * 1e6:
            self._judged_us = at_us
            self._judge(self._grid, cells, half, covered, tracks)
        return self._statics

    def _begin(self, cells: Reals, half: NDArray[np.uint16], at_us: int) -> None:
        self.restart(keep=cells.shape == self._shape)
        self._shape = cells.shape
        self._grid = _Grid(cells)
        self._reference: Reals = half.astype(np.float32) / 4
        self._gain = 1.0
        self._unseen: Mask = np.zeros(cells.shape, np.bool_)
        self._at_us = self._began_us = at_us

    # The backgrounds

    def _cover(self, tracks: Sequence[Track], at_us: int) -> Mask:
        """The cells under persons and vehicles; remembers where those stood."""
        assert self._grid is not None
        covered = np.zeros(self._grid.background.shape, np.bool_)
        for track in tracks:
            if track.object_class not in COVERING:
                continue
            covered[self._window(track.box, 1)] = True
            if at_us - track.still_since_us >= STOOD_S * 1e6:
                self._stood[track.id] = (track.box, at_us)
            elif track.last_seen_us >= at_us:
                self._stood.pop(track.id, None)
        for number, (_, stood_us) in list(self._stood.items()):
            if at_us - stood_us > STOOD_MEMORY_S * 1e6:
                del self._stood[number]
        return covered

    def _uncover(self, grid: _Grid, cells: Reals, half: NDArray[np.uint16], covered: Mask) -> None:
        """Take what comes to light where something stood from the beginning as the background."""
        if self._at_us - self._began_us < LEARN_S * 1e6:
            self._unseen |= covered
            return
        fresh = self._unseen & ~covered
        if fresh.any():
            self._unseen &= covered
            grid.adopt(np.flatnonzero(fresh), cells)
            fine = fresh.repeat(2, 0).repeat(2, 1)
            self._reference[fine] = half[fine] * np.float32(0.25 / self._gain)

    def _window(self, box: Reals, margin: int) -> tuple[slice, slice]:
        """The cells of a box in pixels, with so many around it."""
        left, top, right, bottom = (int(side // self._cell_px) for side in box)
        return (
            slice(max(0, top - margin), max(0, bottom + 1 + margin)),
            slice(max(0, left - margin), max(0, right + 1 + margin)),
        )

    def _follow(self, grid: _Grid, cells: Reals, covered: Mask, elapsed_s: float) -> None:
        difference = cells - grid.background
        size, threshold = np.abs(difference), grid.threshold()
        is_learning = self._at_us - self._began_us < LEARN_S * 1e6
        differs = size > threshold
        # What keeps another brightness is no noise and no background.
        unsettled = ~covered & (grid.support_s < SUSPECT_S)
        agrees = unsettled & ~differs
        if is_learning:
            agrees = ~covered
        follow = np.float32(0.3 if is_learning else 1 - np.exp(-elapsed_s / FOLLOW_S))
        grid.background += follow * difference * agrees
        calm = np.minimum(size, threshold) - grid.noise
        grid.noise += np.float32(1 - np.exp(-elapsed_s / NOISE_S)) * calm * unsettled
        if not is_learning:
            active = np.flatnonzero((differs | (grid.support_s > 0)) & ~covered)
            self._is_restless = bool(len(active))
            self._support(grid, cells, differs, threshold, active, elapsed_s)

    def _support(
        self,
        grid: _Grid,
        cells: Reals,
        differs: Mask,
        threshold: Reals,
        active: NDArray[np.intp],
        elapsed_s: float,
    ) -> None:
        """Let the candidates of some cells gain or lose support."""
        now, candidate = cells.flat[active], grid.candidate.flat[active]
        support = grid.support_s.flat[active]
        is_other = differs.flat[active]
        is_same = is_other & (np.abs(now - candidate) <= threshold.flat[active]) & (support > 0)
        step = np.where(is_same, elapsed_s, np.where(is_other, -HIDDEN_RATE, -FORGET_RATE) * elapsed_s)
        support = np.clip(support + step.astype(np.float32), 0, FULL_S)
        is_fresh = is_other & (support <= 0)
        grid.support_s.flat[active] = np.where(is_fresh, np.float32(0.01), support)
        grid.candidate.flat[active] = np.where(
            is_fresh, now, np.where(is_same, candidate + np.float32(0.15) * (now - candidate), candidate)
        )
        grid.since_us.flat[active[is_fresh]] = self._at_us

    def _refer(self, grid: _Grid, half: NDArray[np.uint16], covered: Mask) -> None:
        """Let the half-size picture of the background follow where nothing else is seen."""
        is_learning = self._at_us - self._began_us < LEARN_S * 1e6
        if not is_learning and self._at_us - self._referred_us < _REFERENCE_S * 1e6:
            return
        self._referred_us = self._at_us
        share = np.where(covered | (grid.support_s > 0), np.float32(0), np.float32(_REFERENCE_SHARE))
        fine = share.repeat(2, 0).repeat(2, 1)
        self._reference += fine * (half * np.float32(0.25 / self._gain) - self._reference)

    # The blobs

    def _judge(
        self, grid: _Grid, cells: Reals, half: NDArray[np.uint16], covered: Mask, tracks: Sequence[Track]
    ) -> None:
        settled = grid.support_s >= SETTLE_S
        if settled.mean() > LARGEST_SHARE * 2:
            self.restart(keep=True)
            return
        self._known = [known for known in self._known if self._is_there(known, grid, covered)]
        found = patches.blobs(settled) if settled.any() else []
        for blob in found:
            self._meet(blob, grid, cells, half, covered)
        self._statics = tuple(self._static(known, covered, tracks) for known in self._known)

    def _is_there(self, known: _Known, grid: _Grid, covered: Mask) -> bool:
        """Whether enough of what can be seen of it still looks the same."""
        hidden = covered.flat[known.cells]
        if known.is_kept:
            changed = grid.support_s.flat[known.cells] >= SETTLE_S
            return bool((changed & ~hidden).sum() <= 0.6 * len(known.cells))
        supported = grid.support_s.flat[known.cells] > 0
        return bool(hidden.mean() > 0.5 or (supported & ~hidden).sum() >= 0.4 * (~hidden).sum())

    def _meet(
        self,
        blob: NDArray[np.intp],
        grid: _Grid,
        cells: Reals,
        half: NDArray[np.uint16],
        covered: Mask,
    ) -> None:
        """Add a blob to the thing that it belongs to, or judge it as a new one."""
        owner = next((k for k in self._known if np.isin(blob, k.cells).any()), None)
        if owner is not None:
            if len(blob) <= 2 * len(owner.cells) and not owner.is_kept:
                owner.cells = np.union1d(owner.cells, blob)
            return
        if len(blob) < LEAST_CELLS:
            return
        nature = self._nature(blob, grid, half, covered)
        if nature is Nature.OBJECT and len(self._known) < MAX_STATICS:
            since_us = int(np.median(grid.since_us.flat[blob]))
            self._known.append(_Known(self._next_id, blob, since_us))
            self._next_id += 1
        elif nature is not Nature.UNCLEAR:
            grid.adopt(blob, cells)

    def _nature(self, blob: NDArray[np.intp], grid: _Grid, half: NDArray[np.uint16], covered: Mask) -> Nature:
        box = self._box(blob)
        if len(blob) > LARGEST_SHARE * grid.background.size:
            return Nature.LIGHT
        if any(_is_same_stand(box, stood) for stood, _ in self._stood.values()):
            return Nature.STOOD
        if covered.flat[blob].mean() > HIDDEN_SHARE:
            return Nature.UNCLEAR
        mask = np.zeros(grid.background.shape, np.bool_)
        mask.flat[blob] = True
        rows, columns = self._window(box, _MARGIN // 2)
        where = slice(rows.start * 2, rows.stop * 2), slice(columns.start * 2, columns.stop * 2)
        now = half[where] * np.float32(0.25)
        before = self._reference[where] * np.float32(self._gain)
        hidden = covered[rows, columns].repeat(2, 0).repeat(2, 1)
        return nature_of(before, now, mask[rows, columns].repeat(2, 0).repeat(2, 1), hidden)

    def _box(self, cells: NDArray[np.intp]) -> Reals:
        assert self._grid is not None
        rows, columns = np.divmod(cells, self._grid.background.shape[1])
        corners = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return np.array(corners, np.float32) * self._cell_px

    def _static(self, known: _Known, covered: Mask, tracks: Sequence[Track]) -> Static:
        box = self._box(known.cells)
        is_covered = bool(covered.flat[known.cells].mean() > 0.5)
        gap = 2.0 * self._cell_px
        is_attached = any(
            track.object_class in COVERING
            and self._at_us - track.still_since_us >= STOOD_S * 1e6
            and _touches(box, track.box, gap)
            for track in tracks
        )
        return Static(known.id, box, known.since_us, is_covered, is_attached)


def nature_of(before: Reals, now: Reals, mask: Mask, hidden: Mask) -> Nature:
    """What a settled blob is, from two half-size pictures of its surroundings, (h, w), levels.

    ``mask`` (h, w) is the blob, ``hidden`` (h, w) what something else stands before. Never ``STOOD``.
    """
    rim = patches.grown(mask, 1) & patches.grown(~mask, 2) & ~hidden
    ring = patches.grown(mask, 4) & ~patches.grown(mask, 2) & ~hidden
    mask = mask & ~hidden
    if int(ring.sum()) < LEAST_RING or not mask.any() or not rim.any():
        return Nature.UNCLEAR
    before = before * np.float32((np.median(now[ring]) + 8) / (np.median(before[ring]) + 8))
    contrast = float(np.abs(now - before)[mask].mean())
    slopes_before, slopes_now = patches.gradients(before), patches.gradients(now)
    # Its outline is the light's as well as a thing's: the texture is compared within.
    inner = mask & ~patches.grown(~mask, 3)
    inner = inner if int(inner.sum()) >= LEAST_RING else mask
    texture = float(np.hypot(*slopes_before)[inner].mean())
    if texture > _TEXTURE and patches.likeness(slopes_before, slopes_now, inner) > _SAME_TEXTURE:
        return Nature.LIGHT
    edge_before = float(np.hypot(*slopes_before)[rim].mean())
    edge_now = float(np.hypot(*slopes_now)[rim].mean())
    off_before = abs(float(before[mask].mean()) - float(before[ring].mean()))
    off_now = abs(float(now[mask].mean()) - float(now[ring].mean()))
    if edge_before + off_before > edge_now + off_now:
        return Nature.GHOST
    return Nature.LIGHT if edge_now < _SOFT * contrast else Nature.OBJECT


def _is_same_stand(box: Reals, stood: Reals) -> bool:
    shared = np.maximum(0, np.minimum(box[2:], stood[2:]) - np.maximum(box[:2], stood[:2]))
    sizes = [float(np.prod(b[2:] - b[:2])) for b in (box, stood)]
    return float(np.prod(shared)) >= SAME_STAND * max(sizes)


def _touches(box: Reals, other: Reals, gap_px: float) -> bool:
    return bool((box[:2] - gap_px <= other[2:]).all() and (other[:2] - gap_px <= box[2:]).all())
