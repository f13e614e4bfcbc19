"""What the network should say about a picture, and how wrong an answer is.

Each cell in the middle of a thing says its label and how far the thing's edges are (as in Tian and others,
"FCOS", 2019). Peaks of one cell, as in CenterNet, were tried first: for people two or three cells wide the
neighbours then count as wrong, and scores stay low for long.
"""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.network import HEIGHT, STRIDE, WIDTH

ROWS, COLUMNS = HEIGHT // STRIDE, WIDTH // STRIDE
MIDDLE_SHARE = 0.2
"""Cells up to this share of a thing's width and height from its centre are its middle,"""
MIDDLE_CELLS = 0.55
"""or up to so many cells, if that is more."""
FULL_WEIGHT_CELLS = 4
"""Things with more cells in their middle share the weight of so many: a bus must not drown a person."""
SEEN_ENOUGH = 0.25
"""Things of which less is visible neither must nor must not be found."""
SMALLEST_PX = 4.0
"""Nor must things lower than this in the model's picture."""


def encode(boxes: NDArray[np.float32], label_count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One picture's boxes (N, 6), see ``pictures.py``, as maps and edges over (48, 80) cells.

    Maps: for each label the weight of cells in a middle, else 0; then 1 where saying nothing is right and 0
    where it does not matter. Edges: left, top, right, bottom in cells from the picture's corner; the weight.
    """
    maps = np.zeros((ROWS, COLUMNS, label_count + 1), np.float32)
    edges = np.zeros((ROWS, COLUMNS, 5), np.float32)
    maps[..., -1] = 1
    boxes = boxes[boxes[:, 4] >= 0]
    counts = (boxes[:, 5] >= SEEN_ENOUGH) & (boxes[:, 3] - boxes[:, 1] >= SMALLEST_PX)
    for box in boxes:
        x1, y1, x2, y2 = (box[:4] / STRIDE).round().astype(int)
        maps[max(y1, 0) : y2 + 1, max(x1, 0) : x2 + 1, -1] = 0
    sure = boxes[counts]
    areas = np.prod(sure[:, 2:4] - sure[:, :2], 1)
    for box in sure[np.argsort(-areas, kind="stable")]:  # small things last: they win shared cells
        _draw(maps, edges, box[:4] / STRIDE, int(box[4]))
    return maps, edges


def _draw(
    maps: NDArray[np.float32], edges: NDArray[np.float32], box: NDArray[np.float32], label: int
) -> None:
    size, centre = box[2:] - box[:2], (box[:2] + box[2:]) / 2
    reach = np.maximum(size * MIDDLE_SHARE, MIDDLE_CELLS)
    x = np.flatnonzero(np.abs(np.arange(COLUMNS) + 0.5 - centre[0]) <= reach[0])
    y = np.flatnonzero(np.abs(np.arange(ROWS) + 0.5 - centre[1]) <= reach[1])
    here, cells = np.ix_(y, x), max(len(x) * len(y), 1)
    maps[here] = 0
    maps[..., label][here] = min(1.0, FULL_WEIGHT_CELLS / cells)
    maps[..., -1][here] = 1
    edges[here] = np.concatenate([box, [(1 + np.log1p(np.prod(size))) / cells]])


def loss(
    logits: tf.Tensor, roots: tf.Tensor, maps: tf.Tensor, edges: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """How wrong the labels and the edges are, for a batch."""
    return _label_loss(logits, maps[..., :-1], maps[..., -1:]), _edge_loss(roots, edges)


def _label_loss(logits: tf.Tensor, weight: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Focal loss (Lin and others, "RetinaNet", 2017) with its exponent 2."""
    sure = tf.sigmoid(logits)
    hit = weight * (1 - sure) ** 2 * tf.nn.softplus(-logits)
    false = tf.cast(weight == 0, tf.float32) * counts * sure**2 * tf.nn.softplus(logits)
    return tf.reduce_sum(hit + false) / tf.maximum(tf.reduce_sum(weight), 1)


def _edge_loss(roots: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    """1 minus generalised intersection over union (Rezatofighi and others, 2019), weighted by cell."""
    x, y = tf.meshgrid(tf.range(COLUMNS, dtype=tf.float32) + 0.5, tf.range(ROWS, dtype=tf.float32) + 0.5)
    centre = tf.stack([x, y], -1)
    away = roots**2
    low, high = centre - away[..., :2], centre + away[..., 2:]
    true_low, true_high, weight = edges[..., :2], edges[..., 2:4], edges[..., 4]
    both = _area(tf.minimum(high, true_high) - tf.maximum(low, true_low))
    union = _area(high - low) + _area(true_high - true_low) - both + 1e-6
    around = _area(tf.maximum(high, true_high) - tf.minimum(low, true_low)) + 1e-6
    giou = both / union - (around - union) / around
    return tf.reduce_sum(weight * (1 - giou)) / tf.maximum(tf.reduce_sum(weight), 1e-3)


def _area(size: tf.Tensor) -> tf.Tensor:
    size = tf.maximum(size, 0.0)
    return size[..., 0] * size[..., 1]
