"""What lies still in the picture and was not there before, without a model that knows it.

Two backgrounds of different speed on cells of 4 x 4 pixels: a long one that follows only where the picture
agrees with it, and a candidate for each cell that does not, which must keep its brightness for ``SETTLE_S``.
Both are carried along when the exposure changes. A settled blob is then compared with the half-size picture
from before it came: a change of light keeps the texture or has soft edges, a ghost (a parked car that left)
took its edges away, an object brought its own. Cells under what is tracked wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain import patches
from edge_agent.domain.blob_nature import LEAST_CONTRAST, Nature, keeps_texture, nature_of
from edge_agent.domain.boxes import around, is_within, share_of_larger, touches
from edge_agent.domain.cell_grid import AGREES_SHARE, CAME_TO_LIGHT_S, LEAST_CELLS, Grid
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
SETTLE_S = 5.0
JUDGE_S = 0.9
HIDDEN_SHARE = 0.3
"""A blob is not judged while more of it is hidden."""
BESIDE_SHARE, BESIDE_S = 0.25, 20.0
"""Nor while somebody stands before more of its surroundings, who may hide half of it, unless he stays."""
GLIMPSE_S = 1.5
"""A look between two passers, no longer than this, shows nothing."""
LIT_SHARE = 0.3
"""When so much of a blob shows the texture from before, that is light, and only the rest may be a thing."""
SPEAKS_CELLS = 16
"""A blob of so many is not judged with the light around it."""
CREPT_SHARE = 0.33
"""A thing beside which, in its time, so much more of its kind came of itself is on the move: a shadow."""
LARGEST_SHARE = 0.12
"""A blob of more than this share of the picture is no thing; nor is anything while so much has changed."""
MAX_STATICS = 32
STOOD_S = 3.0
STOOD_MEMORY_S = 900.0
SAME_STAND = 0.35
"""Overlap (share of the larger) from which a blob is a vehicle or person that the model lost sight of."""
_REFERENCE_S = 1.8
_REFERENCE_SHARE = 0.03
"""In a minute: a cloud's shadow that comes and goes leaves no edges in it."""
_CALM_S = 1.2
"""The picture that is compared is the mean of so long: noise and wind go out of it."""
_MARGIN = 3
"""Cells of the surroundings that are compared too."""
_REACH = 4
"""Cells around a blob that are judged with it where they differ from before: light settles in pieces."""


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


@dataclass(slots=True, eq=False)
class _Known:
    id: int
    cells: NDArray[np.intp]
    since_us: int
    home: Reals
    """The box of what came with it or came to light, (4,) pixels: it does not creep along with its rim."""
    front: Reals
    """The same with what came to it of itself."""
    is_kept: bool = False
    """It was there before a restart, so it is in the background now: it goes when its place changes."""
    crept: int = 0
    """So many cells came to it of themselves."""


class Statics:
    """Follows one camera's left things. Deterministic; ``observe`` every frame, ``restart`` after a change of
    the whole picture."""

    def __init__(self) -> None:
        self._grid: Grid | None = None
        self._next_id = 1
        self._known: list[_Known] = []
        self._shape = (0, 0)
        self.restart(keep=False)

    def restart(self, *, keep: bool) -> None:
        """Begin anew with the next picture: what it shows was there before. ``keep``: the camera still looks
        the same way, so all goes on if that picture is like the last one, and else what was known to lie
        there is still taken to."""
        if keep and self._grid is not None:
            self._is_in_doubt = True
        else:
            self._clear(keep=keep)

    def _clear(self, *, keep: bool) -> None:
        self._grid, self._is_in_doubt = None, False
        self._known = [replace(known, is_kept=True) for known in self._known] if keep else []
        self._stood: dict[int, tuple[Reals, int]] = {}
        self._met: set[int] = set()
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
        if self._is_in_doubt and self._grid is not None:
            self._is_in_doubt = False
            if not self._grid.agrees(cells):
                self._clear(keep=True)
        if self._grid is None or self._grid.background.shape != cells.shape:
            self._begin(cells, half, at_us)
            return self._statics
        elapsed_s = min(4.0, max(0.0, (at_us - self._at_us) / 1e6))
        self._at_us = at_us
        gain = self._grid.brighten(cells)
        self._gain *= gain
        covered = self._cover(tracks, at_us)
        self._hidden_us[covered & (self._covered_us < at_us - GLIMPSE_S * 1e6)] = at_us
        self._covered_us[covered] = at_us
        self._calm(half, covered, gain, elapsed_s)
        self._meet_standers(self._grid, cells, tracks)
        self._uncover(self._grid, cells, half, covered)
        self._follow(self._grid, cells, covered, elapsed_s)
        self._refer(self._grid, covered)
        if at_us - self._judged_us >= JUDGE_S * 1e6:
            self._judged_us = at_us
            self._judge(self._grid, covered, tracks)
        return self._statics

    def _begin(self, cells: Reals, half: NDArray[np.uint16], at_us: int) -> None:
        self._clear(keep=cells.shape == self._shape)
        self._shape = cells.shape
        self._grid = Grid(cells)
        self._now: Reals = half.astype(np.float32) / 4
        """The half-size picture of the last moments, without what is tracked."""
        self._reference: Reals = self._now.copy()
        self._gain = 1.0
        self._unseen: Mask = np.zeros(cells.shape, np.bool_)
        self._covered_us = np.zeros(cells.shape, np.int64)
        """When something tracked was last before a cell, and since when it then had been."""
        self._hidden_us = np.zeros(cells.shape, np.int64)
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

    def _uncover(self, grid: Grid, cells: Reals, half: NDArray[np.uint16], covered: Mask) -> None:
        """Take what comes to light where something stood from the beginning as the background."""
        if self._at_us - self._began_us < LEARN_S * 1e6:
            self._unseen |= covered
            return
        fresh = self._unseen & ~covered
        if fresh.any():
            self._unseen &= covered
            grid.adopt(np.flatnonzero(fresh), cells)
            fine = fresh.repeat(2, 0).repeat(2, 1)
            self._now[fine] = half[fine] * np.float32(0.25)
            self._reference[fine] = self._now[fine] / np.float32(self._gain)

    def _meet_standers(self, grid: Grid, cells: Reals, tracks: Sequence[Track]) -> None:
        """Whoever is seen for the first time where the picture is as ever was there before: in a still scene
        the model may see a parked car only after a while."""
        for track in tracks:
            if track.id in self._met or track.object_class not in COVERING:
                continue
            window = self._window(track.box, 1)
            differs = np.abs(cells[window] - grid.background[window]) > grid.threshold()[window]
            if float(differs.mean()) <= 1 - AGREES_SHARE:
                self._unseen[window] = True
        self._met = {track.id for track in tracks}

    def _calm(self, half: NDArray[np.uint16], covered: Mask, gain: float, elapsed_s: float) -> None:
        """Let the picture of the last moments follow."""
        if gain != 1:
            self._now *= np.float32(gain)
        share = np.where(covered, np.float32(0), np.float32(1 - np.exp(-elapsed_s / _CALM_S)))
        self._now += share.repeat(2, 0).repeat(2, 1) * (half * np.float32(0.25) - self._now)

    def _window(self, box: Reals, margin: int) -> tuple[slice, slice]:
        """The cells of a box in pixels, with so many around it."""
        left, top, right, bottom = (int(side // self._cell_px) for side in box)
        return (
            slice(max(0, top - margin), max(0, bottom + 1 + margin)),
            slice(max(0, left - margin), max(0, right + 1 + margin)),
        )

    def _follow(self, grid: Grid, cells: Reals, covered: Mask, elapsed_s: float) -> None:
        if self._at_us - self._began_us < LEARN_S * 1e6:
            grid.learn(cells, covered, elapsed_s)
        else:
            recently = self._covered_us >= self._at_us - CAME_TO_LIGHT_S * 1e6
            self._is_restless = grid.follow(cells, covered, recently, elapsed_s, self._at_us)

    def _refer(self, grid: Grid, covered: Mask) -> None:
        """Let the half-size picture of the background follow where nothing else is seen."""
        is_learning = self._at_us - self._began_us < LEARN_S * 1e6
        if not is_learning and self._at_us - self._referred_us < _REFERENCE_S * 1e6:
            return
        self._referred_us = self._at_us
        step = np.float32(0.3 if is_learning else _REFERENCE_SHARE)
        share = np.where(covered | (grid.support_s > 0), np.float32(0), step)
        fine = share.repeat(2, 0).repeat(2, 1)
        self._reference += fine * (self._now / np.float32(self._gain) - self._reference)

    # The blobs

    def _judge(self, grid: Grid, covered: Mask, tracks: Sequence[Track]) -> None:
        settled = grid.support_s >= SETTLE_S
        if settled.mean() > LARGEST_SHARE * 2:
            self._clear(keep=True)
            return
        gone = [known for known in self._known if not self._is_there(known, grid, covered)]
        for known in gone:
            if not known.is_kept:
                # What is left of it is seen with new eyes.
                grid.support_s.flat[known.cells] = 0.0
                settled.flat[known.cells] = False
        self._known = [known for known in self._known if known not in gone]
        for known in self._known:
            if not known.is_kept:
                settled.flat[known.cells] = False
        for blob in patches.blobs(settled) if settled.any() else []:
            for part in self._without_light(blob, grid, covered):
                self._meet(part, grid, covered)
        self._statics = tuple(self._static(known, covered, tracks) for known in self._known)

    def _is_there(self, known: _Known, grid: Grid, covered: Mask) -> bool:
        """Whether enough of what can be seen of it still looks the same."""
        hidden = covered.flat[known.cells]
        if known.is_kept:
            changed = grid.support_s.flat[known.cells] >= SETTLE_S
            return bool((changed & ~hidden).sum() <= 0.6 * len(known.cells))
        supported = grid.support_s.flat[known.cells] > 0
        return bool(hidden.mean() > 0.5 or (supported & ~hidden).sum() >= 0.4 * (~hidden).sum())

    def _without_light(self, blob: NDArray[np.intp], grid: Grid, covered: Mask) -> list[NDArray[np.intp]]:
        """The parts of a blob where not only the light is another; that becomes background, with its rim."""
        if len(blob) < LEAST_CELLS:
            return [blob]
        window, where = self._windows(blob, 1)
        before = self._reference[where] * np.float32(self._gain)
        own = np.zeros(self._shape, np.bool_)
        own.flat[blob] = True
        lit = own[window] & keeps_texture(before, self._now[where]) & ~covered[window]
        if float(lit.sum()) < LIT_SHARE * len(blob):
            return [blob]
        rest = np.zeros(self._shape, np.bool_)
        rest[window] = own[window] & ~lit
        rest &= patches.grown(~patches.grown(~rest, 1), 1)
        self._adopt(np.flatnonzero(own & ~rest), Nature.LIGHT, grid)
        return patches.blobs(rest)

    def _meet(self, blob: NDArray[np.intp], grid: Grid, covered: Mask) -> None:
        """Judge a blob: a new thing, more of one that it touches, or background."""
        box = self._box(blob)
        owners = [k for k in self._known if touches(box, self._box(k.cells), self._cell_px)]
        if any(owner.is_kept for owner in owners):
            return
        if len(blob) < LEAST_CELLS:
            if owners and is_within(box, self._box(owners[0].cells)):
                self._grow(owners, blob)
            return
        nature = self._nature(blob, grid, covered)
        if nature is Nature.OBJECT:
            self._take(owners, blob, grid)
        elif nature is not Nature.UNCLEAR:
            self._adopt(blob, nature, grid)

    def _take(self, owners: list[_Known], blob: NDArray[np.intp], grid: Grid) -> None:
        """Add what came with a thing, or came to light beside it, to that. What comes there later and of
        itself creeps; what somebody stood before when it came is a thing of its own."""
        box, since_us, was_hidden = self._box(blob), grid.since_us.flat[blob], grid.was_hidden.flat[blob]
        if any(self._came_with(blob, owner, grid, was_hidden) for owner in owners):
            self._grow(owners, blob)
            owners[0].home = around([box, *(owner.home for owner in owners)])
            owners[0].front = around([box, *(owner.front for owner in owners)])
        elif any(is_within(box, owner.home, self._cell_px) for owner in owners):
            self._grow(owners, blob)
        elif (behind := self._behind(box)) and float(was_hidden.mean()) < 0.5:
            self._creep(behind[0], blob, grid)
        elif self._came_slowly(blob, grid):
            self._adopt(blob, Nature.LIGHT, grid)
        elif len(self._known) < MAX_STATICS:
            self._known.append(_Known(self._next_id, blob, int(np.median(since_us)), box, box))
            self._next_id += 1

    def _came_slowly(self, blob: NDArray[np.intp], grid: Grid) -> bool:
        """Whether it swept over its place cell by cell, with what beside it turned out to be light."""
        own = np.zeros(self._shape, np.bool_)
        own.flat[blob] = True
        window, _ = self._windows(blob, _REACH)
        return grid.came_slowly(own[window], window, _REACH)

    def _came_with(self, blob: NDArray[np.intp], owner: _Known, grid: Grid, was_hidden: Mask) -> bool:
        """Whether a blob beside a thing came when it did, or was hidden ever since."""
        latest_us = owner.since_us + SETTLE_S * 1e6
        if float(np.median(grid.since_us.flat[blob])) <= latest_us:
            return True
        return float((was_hidden & (self._hidden_us.flat[blob] <= latest_us)).mean()) >= 0.5

    def _behind(self, box: Reals) -> list[_Known]:
        """The things that may have crept to a place."""
        return [k for k in self._known if touches(box, k.front, _REACH * self._cell_px) and not k.is_kept]

    def _creep(self, known: _Known, blob: NDArray[np.intp], grid: Grid) -> None:
        """Take more of what moves on of itself for the background; if it does so for long, all of it."""
        self._adopt(blob, Nature.LIGHT, grid)
        known.crept += len(blob)
        known.front = around([self._box(blob), known.front])
        if known.crept > CREPT_SHARE * len(known.cells):
            self._known.remove(known)
            self._adopt(known.cells[grid.support_s.flat[known.cells] > 0], Nature.LIGHT, grid)

    def _grow(self, owners: list[_Known], blob: NDArray[np.intp]) -> None:
        """Add a blob to the thing that it touches; if it touches several, they were one all along."""
        first, *others = owners
        first.cells = np.unique(np.concatenate([blob, *(owner.cells for owner in owners)]))
        self._known = [known for known in self._known if known not in others]

    def _adopt(self, blob: NDArray[np.intp], nature: Nature, grid: Grid) -> None:
        """Make what has settled in some cells the background."""
        grid.adopt(blob, grid.candidate)
        grid.taken_us.flat[blob] = self._at_us
        if nature is not Nature.LIGHT:
            # Light keeps the texture, and what was lit in pieces is better compared with the whole before.
            fresh = np.zeros(self._shape, np.bool_)
            fresh.flat[blob] = True
            fine = fresh.repeat(2, 0).repeat(2, 1)
            self._reference[fine] = self._now[fine] / np.float32(self._gain)

    def _nature(self, blob: NDArray[np.intp], grid: Grid, covered: Mask) -> Nature:
        box = self._box(blob)
        if len(blob) > LARGEST_SHARE * grid.background.size:
            return Nature.LIGHT
        if any(share_of_larger(box, stood) >= SAME_STAND for stood, _ in self._stood.values()):
            return Nature.STOOD
        if covered.flat[blob].mean() > HIDDEN_SHARE:
            return Nature.UNCLEAR
        window = self._window(box, _MARGIN)
        hidden, support_s = covered[window], grid.support_s[window]
        # More than itself beside it is only settling: it is a part of that.
        is_growing = ((support_s > 0) & (support_s < SETTLE_S) & ~hidden).sum() > len(blob)
        lasted_s = (self._at_us - int(np.median(grid.since_us.flat[blob]))) / 1e6
        if (is_growing or hidden.mean() > BESIDE_SHARE) and lasted_s < BESIDE_S:
            return Nature.UNCLEAR
        return self._compared(blob, grid, covered)

    def _compared(self, blob: NDArray[np.intp], grid: Grid, covered: Mask) -> Nature:
        """Judge it from how the picture was before and is now, together with what else differs beside it."""
        window, where = self._windows(blob, _REACH + _MARGIN)
        before, now = self._reference[where] * np.float32(self._gain), self._now[where]
        hidden = covered[window]
        own, taken = np.zeros(self._shape, np.bool_), np.zeros(self._shape, np.bool_)
        own.flat[blob] = True
        for known in self._known:
            taken.flat[known.cells] = True
        least = np.maximum(LEAST_CONTRAST, grid.threshold()[window])
        differs = patches.halved(np.abs(now - before)) > least
        mask = own[window]
        if len(blob) >= SPEAKS_CELLS:
            differs &= ~keeps_texture(before, now)
        free = mask | (differs & ~hidden & ~taken[window])
        for _ in range(_REACH):
            mask = patches.grown(mask, 1) & free
        mask, hidden = (cells.repeat(2, 0).repeat(2, 1) for cells in (mask, hidden))
        return nature_of(before, now, mask, hidden)

    def _windows(
        self, cells: NDArray[np.intp], margin: int
    ) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Where some cells and so many around them lie: among the cells, and in the half-size picture."""
        rows, columns = self._window(self._box(cells) - np.array([0, 0, 1, 1], np.float32), margin)
        rows = slice(rows.start, min(rows.stop, self._shape[0]))
        columns = slice(columns.start, min(columns.stop, self._shape[1]))
        half = slice(rows.start * 2, rows.stop * 2), slice(columns.start * 2, columns.stop * 2)
        return (rows, columns), half

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
            and touches(box, track.box, gap)
            for track in tracks
        )
        return Static(known.id, box, known.since_us, is_covered, is_attached)
