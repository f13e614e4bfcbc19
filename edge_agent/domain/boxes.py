"""Arithmetic on boxes: (N, 4) arrays of left, top, right, bottom in pixels."""

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
