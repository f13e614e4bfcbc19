"""From a model's output arrays to boxes: one decoder for each way in which detectors write their answer.

A decoder is a class with the shapes that it accepts and a pure function from real-valued arrays to ``Found``.
All work in fractions or pixels of the model's own picture; the runtime puts them back into the frame.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.inference.model import Manifest
from shared.kinds import VEHICLES, ObjectClass

Floats = NDArray[np.float32]

OVERLAP_LIMIT = 0.5
"""Boxes of one class that overlap more (intersection over union) are one. Raising it keeps more twins."""
_CANDIDATE_LIMIT = 400
"""The best so many boxes go into the overlap test: bounds the work for a picture full of noise."""
_GROUP = np.arange(max(ObjectClass) + 1, dtype=np.int16)
# Models call a van car and truck at once; it is one thing.
_GROUP[[int(vehicle) for vehicle in VEHICLES]] = int(ObjectClass.CAR)


class Found(NamedTuple):
    """What a decoder gives: N boxes of our classes, best first."""

    boxes: Floats
    """(N, 4): left, top, right, bottom as fractions of the model's picture."""
    scores: Floats
    classes: NDArray[np.int16]


class Decoder(Protocol):
    """How one kind of model writes its answer."""

    def __init__(self, manifest: Manifest) -> None: ...

    def expected_shapes(self) -> Sequence[tuple[int, ...]]:
        """The shapes of the outputs in their order; -1 stands for any length."""
        ...

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Found:
        """Outputs as real numbers, in the model's order."""
        ...


class SsdPostProcess:
    """``TFLite_Detection_PostProcess``: the overlap test is done inside the model.

    Four outputs: boxes (1, N, 4) as top, left, bottom, right fractions; classes (1, N); scores (1, N);
    count (1,).
    """

    def __init__(self, manifest: Manifest) -> None:
        self._classes = np.array(manifest.class_numbers(), np.int16)

    def expected_shapes(self) -> Sequence[tuple[int, ...]]:
        return ((1, -1, 4), (1, -1), (1, -1), (1,))

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Found:
        boxes, labels, scores = outputs[0][0], outputs[1][0], outputs[2][0]
        good = (scores >= min_score) & (labels >= 0) & (labels < len(self._classes))
        classes = self._classes[labels[good].astype(np.int64)]
        ours = classes >= 0
        return Found(boxes[good][ours][:, [1, 0, 3, 2]], scores[good][ours], classes[ours])


class YoloxGrid:
    """YOLOX without its last step: one output (1, cells, 5 + labels) over grids of stride 8, 16 and 32.

    Each row: centre x, y (in cells, from the cell's corner), log width and height (in strides), how sure that
    there is a thing, and how sure of each label, the last ones already between 0 and 1.
    """

    _STRIDES = (8, 16, 32)

    def __init__(self, manifest: Manifest) -> None:
        self._numbers = np.array(manifest.class_numbers(), np.int16)
        self._label_count = len(manifest.labels)
        self._columns = 5 + np.flatnonzero(self._numbers >= 0)
        self._classes = self._numbers[self._numbers >= 0]
        self._size = np.array([manifest.input.width, manifest.input.height], np.float32)
        self._corners, self._strides = self._grids(manifest.input.width, manifest.input.height)

    def _grids(self, width: int, height: int) -> tuple[Floats, Floats]:
        corners = [
            np.stack(np.meshgrid(np.arange(width // s), np.arange(height // s)), -1).reshape(-1, 2)
            for s in self._STRIDES
        ]
        strides = [np.full((len(cells), 1), s) for cells, s in zip(corners, self._STRIDES, strict=True)]
        return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)

    def expected_shapes(self) -> Sequence[tuple[int, ...]]:
        return ((1, len(self._corners), 5 + self._label_count),)

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Found:
        rows = outputs[0][0]
        cells = np.flatnonzero(rows[:, 4] >= min_score)  # the product below can only be smaller
        sure = rows[cells][:, self._columns] * rows[cells, 4:5]
        best = sure.argmax(1)
        scores = sure[np.arange(len(cells)), best]
        keep = scores >= min_score
        cells, scores, classes = cells[keep], scores[keep], self._classes[best[keep]]
        centre = (rows[cells, :2] + self._corners[cells]) * self._strides[cells]
        half = np.exp(np.clip(rows[cells, 2:4], -20, 8)) * self._strides[cells] / 2
        boxes = np.concatenate([centre - half, centre + half], 1) / np.tile(self._size, 2)
        return suppress(boxes.astype(np.float32), scores, classes)


class NanoDetGrid:
    """NanoDet-Plus: one output (1, cells, labels + 32) over grids of stride 8, 16, 32 and 64.

    Each row: how sure of each label, between 0 and 1, then for left, top, right and bottom eight weights
    (their logarithms) of the distances 0 to 7 strides from the cell's top left corner.
    """

    _STRIDES = (8, 16, 32, 64)
    _DISTANCES = np.arange(8, dtype=np.float32)

    def __init__(self, manifest: Manifest) -> None:
        self._classes = np.array(manifest.class_numbers(), np.int16)
        self._size = np.array([manifest.input.width, manifest.input.height], np.float32)
        grids = [self._corners(manifest.input.width, manifest.input.height, s) for s in self._STRIDES]
        self._from_px = np.concatenate(grids)
        self._stride_px = np.repeat(np.array(self._STRIDES, np.float32), [len(grid) for grid in grids])

    @staticmethod
    def _corners(width: int, height: int, stride: int) -> Floats:
        columns, rows = -(-width // stride), -(-height // stride)
        cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2)
        return (cells * stride).astype(np.float32)

    def expected_shapes(self) -> Sequence[tuple[int, ...]]:
        return ((1, len(self._from_px), len(self._classes) + 4 * len(self._DISTANCES)),)

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Found:
        rows = outputs[0][0]
        cells, best, scores = best_label(rows[:, : len(self._classes)], self._classes, min_score)
        weights = np.exp(np.clip(rows[cells, len(self._classes) :], -30, 30)).reshape(-1, 4, 8)
        distance = (weights @ self._DISTANCES) / weights.sum(2) * self._stride_px[cells, None]
        centre = self._from_px[cells]
        boxes = np.concatenate([centre - distance[:, :2], centre + distance[:, 2:]], 1) / np.tile(
            self._size, 2
        )
        return suppress(boxes.astype(np.float32), scores, self._classes[best])


class YoloV8Columns:
    """YOLOv8, v9, v11 and their like: one output (1, 4 + labels, N).

    Each column: centre x, y, width and height, then how sure of each label, between 0 and 1. As fractions of
    the picture; exporters that leave pixels want ``YoloV8PixelColumns``.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._classes = np.array(manifest.class_numbers(), np.int16)
        self._unit = np.ones(2, np.float32)

    def expected_shapes(self) -> Sequence[tuple[int, ...]]:
        return ((1, 4 + len(self._classes), -1),)

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Found:
        rows = outputs[0][0].T
        cells, best, scores = best_label(rows[:, 4:], self._classes, min_score)
        centre, half = rows[cells, :2] / self._unit, rows[cells, 2:4] / self._unit / 2
        boxes = np.concatenate([centre - half, centre + half], 1).astype(np.float32)
        return suppress(boxes, scores, self._classes[best])


class YoloV8PixelColumns(YoloV8Columns):
    """The same with boxes in pixels of the model's picture."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._unit = np.array([manifest.input.width, manifest.input.height], np.float32)


class FastestDetGrid:
    """FastestDet: one output (1, rows, columns, 5 + labels) over a grid of stride 16.

    Each cell: how sure that there is a thing, its centre's shift from the cell's corner (in cells, by tanh),
    its width and height (through the logistic function, as fractions), and how sure of each label.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._classes = np.array(manifest.class_numbers(), np.int16)

    def expected_shapes(self) -> Sequence[tuple[int, ...]]:
        return ((1, -1, -1, 5 + len(self._classes)),)

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Found:
        grid = outputs[0][0]
        high, wide = grid.shape[:2]
        labels = grid[..., 5:].argmax(-1)
        label_score = np.take_along_axis(grid[..., 5:], labels[..., None], -1)[..., 0]
        # The exponents are the ones of its training code: a thing's presence counts more than its kind.
        sure = np.clip(grid[..., 0], 0, 1) ** 0.6 * np.clip(label_score, 0, 1) ** 0.4
        y, x = np.nonzero((sure >= min_score) & (self._classes[labels] >= 0))
        cells = grid[y, x]
        centre = (np.tanh(cells[:, 1:3]) + np.stack([x, y], 1)) / np.array([wide, high], np.float32)
        half = logistic(cells[:, 3:5]) / 2
        boxes = np.concatenate([centre - half, centre + half], 1).astype(np.float32)
        return suppress(boxes, sure[y, x], self._classes[labels[y, x]])


class CentreGrid:
    """The project's own small detector: a thing is a peak of its class's map.

    Two outputs over one grid: class logits (1, rows, columns, labels), and (1, rows, columns, 4) square roots
    of the distances from the cell's centre to the thing's left, top, right and bottom edge, in cells. Roots,
    so that the 256 steps of an int8 output are fine for a far person and enough for a near bus.
    """

    _NEIGHBOURS = np.ones((3, 3), np.uint8)

    def __init__(self, manifest: Manifest) -> None:
        self._classes = np.array(manifest.class_numbers(), np.int16)

    def expected_shapes(self) -> Sequence[tuple[int, ...]]:
        return ((1, -1, -1, len(self._classes)), (1, -1, -1, 4))

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Found:
        logits, roots = outputs[0][0], outputs[1][0]
        high, wide = logits.shape[:2]
        best_around = cv2.dilate(logits, self._NEIGHBOURS).reshape(logits.shape)
        is_peak = (
            (logits >= best_around) & (logits >= np.log(min_score / (1 - min_score))) & (self._classes >= 0)
        )
        y, x, label = np.nonzero(is_peak)
        distance = roots[y, x] ** 2
        centre = np.stack([x, y], 1) + 0.5
        boxes = np.concatenate([centre - distance[:, :2], centre + distance[:, 2:]], 1)
        boxes /= np.array([wide, high, wide, high])
        return suppress(boxes.astype(np.float32), logistic(logits[y, x, label]), self._classes[label])


DECODERS: dict[str, type[Decoder]] = {
    "tflite_ssd_postprocess": SsdPostProcess,
    "yolox_grid": YoloxGrid,
    "nanodet_grid": NanoDetGrid,
    "yolov8_columns": YoloV8Columns,
    "yolov8_columns_px": YoloV8PixelColumns,
    "fastestdet_grid": FastestDetGrid,
    "centre_grid": CentreGrid,
}


def logistic(x: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow."""
    return (1 / (1 + np.exp(-np.clip(x, -30, 30)))).astype(np.float32)


def best_label(
    sure: Floats, classes: NDArray[np.int16], min_score: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Which of N rows are sure enough of a label that is a class of ours: their numbers, labels and scores.

    ``sure`` is (N, labels), 0 to 1.
    """
    ours = np.flatnonzero(classes >= 0)
    best = ours[sure[:, ours].argmax(1)] if len(sure) else np.empty(0, np.intp)
    scores = sure[np.arange(len(sure)), best]
    rows = np.flatnonzero(scores >= min_score)
    return rows, best[rows], scores[rows]


def suppress(boxes: Floats, scores: Floats, classes: NDArray[np.int16]) -> Found:
    """Keep the best of each heap of boxes that lie on one thing (greedy non-maximum suppression).

    Boxes of different classes leave each other alone, except that all vehicles count as one class.
    Boxes (N, 4) in any unit; the answer is best first. Ties keep their order: the same answer every time.
    """
    order = np.argsort(-scores, kind="stable")[:_CANDIDATE_LIMIT]
    boxes, scores, classes = boxes[order], scores[order], classes[order]
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    area, group = size[:, 0] * size[:, 1], _GROUP[classes]
    alive = np.ones(len(boxes), bool)
    for best in range(len(boxes)):
        if not alive[best]:
            continue
        rest = slice(best + 1, None)
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        span = np.maximum(np.minimum(boxes[best, 2:], boxes[rest, 2:]) - low, 0)
        both = span[:, 0] * span[:, 1]
        twin = both > OVERLAP_LIMIT * (area[best] + area[rest] - both)
        alive[rest] &= ~(twin & (group[rest] == group[best]))
    return Found(boxes[alive], scores[alive], classes[alive])
