"""What the network should say about a picture, and how wrong an answer is.

A thing is a soft peak on its label's map; around the peak the network says how far the thing's edges are
(Liu and others, "Training-Time-Friendly Network for Real-Time Object Detection", 2019).
"""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.network import HEIGHT, STRIDE, WIDTH

ROWS, COLUMNS = HEIGHT // STRIDE, WIDTH // STRIDE
PEAK_SHARE = 0.54
"""How much of a thing's width and height its peak covers; the paper's value."""
SEEN_ENOUGH = 0.25
"""Things of which less is visible neither must nor must not be found."""
SMALLEST_PX = 4.0
"""Nor must things lower than this in the model's picture."""


def encode(boxes: NDArray[np.float32], label_count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One picture's boxes (N, 6), see ``pictures.py``, as maps and edges over (48, 80) cells.

    Maps: each label's peaks, then 1 where the loss counts and 0 where it does not. Edges: left, top, right,
    bottom in cells from the picture's corner, and the cell's weight.
    """
    maps = np.zeros((ROWS, COLUMNS, label_count + 1), np.float32)
    edges = np.zeros((ROWS, COLUMNS, 5), np.float32)
    maps[..., -1] = 1
    boxes = boxes[boxes[:, 4] >= 0]
    counts = (boxes[:, 5] >= SEEN_ENOUGH) & (boxes[:, 3] - boxes[:, 1] >= SMALLEST_PX)
    for box in boxes[~counts]:
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
    cx, cy = np.minimum(centre.astype(int), (COLUMNS - 1, ROWS - 1))
    reach = np.maximum(size * PEAK_SHARE / 2, 0).astype(int)
    sigma = (2 * reach + 1) / 6
    x = np.arange(max(cx - reach[0], 0), min(cx + reach[0] + 1, COLUMNS))
    y = np.arange(max(cy - reach[1], 0), min(cy + reach[1] + 1, ROWS))
    bump = np.exp(-((x - cx)[None] ** 2) / (2 * sigma[0] ** 2) - (y - cy)[:, None] ** 2 / (2 * sigma[1] ** 2))
    here = np.ix_(y, x)
    maps[..., label][here] = np.maximum(maps[..., label][here], bump)
    maps[..., -1][here] = 1
    edges[here] = np.concatenate([box, [0]])
    edges[..., 4][here] = bump / bump.sum() * (1 + np.log1p(np.prod(size)))


def loss(
    logits: tf.Tensor, roots: tf.Tensor, maps: tf.Tensor, edges: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """How wrong the labels and the edges are, for a batch."""
    return _label_loss(logits, maps[..., :-1], maps[..., -1:]), _edge_loss(roots, edges)


def _label_loss(logits: tf.Tensor, peaks: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Focal loss for soft peaks (Law and Deng, "CornerNet", 2018), with its exponents 2 and 4."""
    sure = tf.sigmoid(logits)
    is_peak = tf.cast(peaks > 0.999, tf.float32)
    hit = is_peak * (1 - sure) ** 2 * tf.nn.softplus(-logits)
    false = (1 - is_peak) * (1 - peaks) ** 4 * sure**2 * tf.nn.softplus(logits)
    return tf.reduce_sum((hit + false) * counts) / tf.maximum(tf.reduce_sum(is_peak), 1)


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
