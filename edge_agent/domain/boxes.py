"""Arithmetic on boxes: (N, 4) arrays of left, top, right, bottom in pixels."""

from collections.abc import Sequence

import numpy as np

from edge_agent.domain.detection import Reals

Boxes = Reals


def areas(boxes: Boxes) -> Reals:
    """Pixels that each box covers, (N,)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def overlaps(first: Boxes, second: Boxes) -> Reals:
    """Pixels that each of N boxes shares with each of M, (N, M)."""
    # Column by column: numpy is several times slower along a last axis of two.
    left, top, right, bottom = first.T[:, :, None]
    other_left, other_top, other_right, other_bottom = np.ascontiguousarray(second.T)
    wide = np.minimum(right, other_right) - np.maximum(left, other_left)
    high = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    return np.maximum(wide, 0) * np.maximum(high, 0)


def ious(first: Boxes, second: Boxes) -> Reals:
    """Intersection over union of each of N boxes with each of M, (N, M), 0 to 1."""
    shared = overlaps(first, second)
    return shared / np.maximum(areas(first)[:, None] + areas(second) - shared, np.float32(1e-6))


def expand(boxes: Boxes, share: float) -> Boxes:
    """Boxes with ``share`` of their width and height added on each side."""
    margin = (boxes[:, 2:] - boxes[:, :2]) * np.float32(share)
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)


def to_centre(boxes: Boxes) -> Reals:
    """Centre x, centre y, width, height of each box, (N, 4)."""
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def to_corners(centres: Reals) -> Boxes:
    """The inverse of ``to_centre``."""
    half = centres[:, 2:] / 2
    return np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)


def share_of_larger(box: Reals, other: Reals) -> float:
    """How much of the larger of two boxes, (4,) each, both cover, 0 to 1."""
    shared = np.maximum(0, np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]))
    return float(np.prod(shared)) / max(1e-6, *(float(np.prod(b[2:] - b[:2])) for b in (box, other)))


def touches(box: Reals, other: Reals, gap_px: float) -> bool:
    """Whether two boxes, (4,) each, come as near to each other as ``gap_px``."""
    return bool((box[:2] - gap_px <= other[2:]).all() and (other[:2] - gap_px <= box[2:]).all())


def around(boxes: Sequence[Reals]) -> Reals:
    """The box, (4,), around boxes of (4,) each."""
    corners = np.stack(boxes)
    return np.concatenate([corners[:, :2].min(0), corners[:, 2:].max(0)])


def is_within(box: Reals, other: Reals, gap_px: float = 0.0) -> bool:
    """Whether a box, (4,), lies in another one that is ``gap_px`` larger on each side."""
    return bool((box[:2] >= other[:2] - gap_px).all() and (box[2:] <= other[2:] + gap_px).all())
