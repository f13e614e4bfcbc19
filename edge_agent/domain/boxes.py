"""Arithmetic on boxes: (N, 4) arrays of left, top, right, bottom in pixels."""

import numpy as np

from edge_agent.domain.detection import Reals

Boxes = Reals


def areas(boxes: Boxes) -> Reals:
    """Pixels that each box covers, (N,)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def overlaps(first: Boxes, second: Boxes) -> Reals:
    """Pixels that each of N boxes shares with each of M, (N, M)."""
    low = np.maximum(first[:, None, :2], second[:, :2])
    high = np.minimum(first[:, None, 2:], second[:, 2:])
    sides = np.maximum(high - low, 0)
    return sides[..., 0] * sides[..., 1]


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
