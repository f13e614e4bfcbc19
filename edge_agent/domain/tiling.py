"""Large pictures in tiles: which parts the model is shown, and how what it saw in them is put together. Pure.

A model sees a picture at some 300 pixels a side: in 4K a person 20 pixels high is then under 3. Tiles keep
the small things large. Looked at are those in which something moves, and in turn some of the others, so that
what stands still is found within one round; what lies across a seam is one box again.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Detections, Reals
from edge_agent.domain.matching import GROUP
from edge_agent.domain.motion import CELL_PX, LEAST_CELLS, Motion

AUTO_SHARE = 0.6
"""Width of an automatic tile, in widths of the model's picture: 20 pixels of a person become 33.

Looked at once, the bundled model finds 87 to 91 of 100 of them at 27 and 92 to 94 at 33
(``tests/acceptance/test_tiles_4k.py`` shows what the pipeline makes of it), for half as many tiles again."""
AUTO_FROM = 3.0
"""Pictures at least so many times as wide as the model's are cut without being asked for a width."""
OVERLAP_SHARE = 0.2
"""Neighbours share so much of a tile: what is smaller is whole in one of them."""
MOST_TILES = 96
"""Looked at for one frame; what is left has its turn at the next look."""
SWEEP_S = 40.0
"""Where nothing moves each tile is looked at so often: within the time that a track is held unseen."""
AGAIN_LOOKS = 2
"""A tile in which something stood is looked at so often more at once: three detections make a track."""
_FAINT_SHARE = 0.9
_SAME_SHARE = 0.6
"""Boxes of one group of which the smaller lies so far in the other are one thing."""
_SEAM_PX = 4.0
"""A box that ends so near to its tile's edge may go on in the next."""
_FLUSH_SHARE = 0.6
"""Two parts of one thing share so much of the shorter one's side along the seam."""
Tile = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the frame."""


class Seen(NamedTuple):
    """What one tile showed; boxes in the frame's pixels."""

    tile: Tile
    found: Detections


def tiles_of(look_px: Tile, width_px: int, model_px: tuple[int, int]) -> list[Tile]:
    """Cut a region into tiles of the model's shape, row by row; one tile when there is nothing to gain.

    ``width_px``: a tile's width; 0 chooses it by ``model_px``, width and height of the model's picture.
    """
    left, top, right, bottom = look_px
    if width_px == 0 and right - left < AUTO_FROM * model_px[0]:
        return [look_px]
    wide = width_px or round(AUTO_SHARE * model_px[0])
    columns, rows = _cuts(left, right, wide), _cuts(top, bottom, round(wide * model_px[1] / model_px[0]))
    return [(x0, y0, x1, y1) for y0, y1 in rows for x0, x1 in columns]


def _cuts(low: int, high: int, side_px: int) -> list[tuple[int, int]]:
    """Spans of equal length that cover a length, each at most ``side_px`` and overlapping its neighbours."""
    length, step = high - low, max(1, round(side_px * (1 - OVERLAP_SHARE)))
    count = 1 if length <= side_px else 1 + -(-(length - side_px) // step)
    side = min(length, side_px)
    starts = [low + round(n * (length - side) / max(1, count - 1)) for n in range(count)]
    return [(start, start + side) for start in starts]


class Sweep:
    """Chooses the tiles of each look: those in which something moves, and in turn some of the rest."""

    def __init__(self, tiles: Sequence[Tile]) -> None:
        self.tiles = list(tiles)
        self._again = np.zeros(len(self.tiles), np.int64)
        self._swept: set[Tile] = set()
        self._last: dict[Tile, Detections] = {}
        self._next = 0
        self._at_us: int | None = None

    def choose(self, motion: Motion, at_us: int) -> list[Tile]:
        """The tiles to look at in the frame of ``at_us``, each once, at most ``MOST_TILES``."""
        count = len(self.tiles)
        since_s = SWEEP_S if self._at_us is None else max(0.0, (at_us - self._at_us) / 1e6)
        self._at_us = at_us
        wanted = self._again > 0
        if not motion.is_global:
            wanted |= [_moves_in(motion, tile) for tile in self.tiles]
        chosen = wanted.nonzero()[0][:MOST_TILES].tolist()
        rest = min(count, MOST_TILES - len(chosen), 1 + int(count * since_s / SWEEP_S))
        swept = {(self._next + n) % count for n in range(rest)} - set(chosen)
        self._next = (self._next + rest) % count
        self._swept = {self.tiles[n] for n in swept}
        self._again[chosen] = np.maximum(self._again[chosen] - 1, 0)
        return [self.tiles[n] for n in sorted({*chosen, *swept})]

    def complete(self, seen: list[Seen], min_score: float) -> list[Seen]:
        """What was seen now and, faintly, what the other tiles showed when last looked at.

        Faint detections carry known tracks and begin none. What stands in a tile that was only swept is
        looked at again until it is a track.
        """
        for one in seen:
            self._last.pop(one.tile, None)
            if len(one.found.scores):
                self._last[one.tile] = one.found
            if one.tile in self._swept and bool((one.found.scores >= min_score).any()):
                self._again[self.tiles.index(one.tile)] = AGAIN_LOOKS
        looked = {one.tile for one in seen}
        others = [Seen(tile, found) for tile, found in self._last.items() if tile not in looked]
        faint = np.float32(_FAINT_SHARE * min_score)
        return seen + [
            Seen(one.tile, one.found._replace(scores=np.minimum(one.found.scores, faint))) for one in others
        ]


def _moves_in(motion: Motion, tile: Tile) -> bool:
    left, top, right, bottom = (side // CELL_PX for side in tile)
    return int(motion.cells[top : bottom + 1, left : right + 1].sum()) >= LEAST_CELLS


def merged(seen: Sequence[Seen], look_px: Tile) -> Detections:
    """One list out of all tiles' lists: a thing that two tiles saw, or that a seam cut, is there once.

    Where its surest box is whole, that is its box: one that spans all of them is larger than the thing, by a
    third where this is small. Where a seam cut it, its box spans the parts.
    """
    if not seen:
        return Detections.empty()
    boxes = np.concatenate([one.found.boxes for one in seen])
    scores = np.concatenate([one.found.scores for one in seen])
    classes = np.concatenate([one.found.classes for one in seen])
    ends = np.concatenate([_ends_at_seam(one, look_px) for one in seen])
    tile = np.repeat(np.arange(len(seen)), [len(one.found.scores) for one in seen])
    order = np.argsort(-scores, kind="stable")
    boxes, scores, classes, ends, tile = boxes[order], scores[order], classes[order], ends[order], tile[order]
    is_one = _is_one(boxes, ends) & (tile[:, None] != tile) & (GROUP[classes][:, None] == GROUP[classes])
    kept: list[int] = []
    free = np.ones(len(scores), np.bool_)
    for row in range(len(scores)):
        if not free[row]:
            continue
        parts = free & is_one[row]
        parts[row] = True
        if ends[row].any():
            boxes[row] = [*boxes[parts, :2].min(0), *boxes[parts, 2:].max(0)]
        free &= ~parts
        kept.append(row)
    rows = np.array(kept, np.intp)
    return Detections(boxes[rows], scores[rows], classes[rows])


def _ends_at_seam(one: Seen, look_px: Tile) -> NDArray[np.bool_]:
    """Which sides of each box lie at an edge of its tile that is not one of the picture, (N, 4)."""
    tile = np.array(one.tile, np.float32)
    inner = np.abs(tile - np.array(look_px, np.float32)) > _SEAM_PX
    return (np.abs(one.found.boxes - tile) <= _SEAM_PX) & inner


def _is_one(boxes: Reals, ends: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which pairs are one thing: mostly in each other, or parts that meet in a seam's overlap. (N, N)"""
    shared = box_math.overlaps(boxes, boxes)
    area = np.maximum(box_math.areas(boxes), np.float32(1))
    same = shared >= _SAME_SHARE * np.minimum(area[:, None], area)
    for axis in (0, 1):
        along = 1 - axis
        low, high = boxes[:, along], boxes[:, along + 2]
        common = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
        is_flush = common >= _FLUSH_SHARE * np.minimum((high - low)[:, None], high - low)
        # The first ends at its tile's far edge, the second begins at its own near one and goes on from there.
        near, far = boxes[:, axis], boxes[:, axis + 2]
        meets = ends[:, axis + 2][:, None] & ends[:, axis] & is_flush
        meets &= (far[:, None] >= near - _SEAM_PX) & (near[:, None] <= near) & (far[:, None] <= far)
        same |= meets | meets.T
    return same
