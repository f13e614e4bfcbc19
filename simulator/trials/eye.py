"""A detector that errs as real ones do, without a model: the truth's boxes, degraded.

Stated once for all trials: 8 % of what is clearly visible is missed (single pictures and runs of a few), one
box in twenty is false, places and sizes jitter and drift, scores waver, and now and then a class is mistaken
for its neighbour. What is small or half hidden is missed more.
"""

from dataclasses import dataclass

import numpy as np

from shared.kinds import ObjectClass
from simulator.camera import Array, Camera
from simulator.trials.sight import SIZES_M

FALSE_SHARE = 0.05
_RUN_SHARE = 0.3
"""So much of all misses come in runs."""
_RUN_FRAMES = 3.5
_JITTER, _DRIFT = 0.02, 0.02
"""Share of a box's size, standard deviation per side: from picture to picture, and slowly."""
_CONFUSED = 0.04
_SCORE, _SCORE_SPREAD = 0.76, 0.09
_HIDDEN, _HALF_HIDDEN = 0.25, 0.5
_TINY_PX, _SMALL_PX = 9.0, 14.0
_GHOST_FRAMES = (2, 7)
_NEIGHBOURS: dict[ObjectClass, tuple[ObjectClass, ...]] = {
    ObjectClass.CAR: (ObjectClass.TRUCK, ObjectClass.BUS),
    ObjectClass.TRUCK: (ObjectClass.CAR, ObjectClass.BUS),
    ObjectClass.BUS: (ObjectClass.TRUCK,),
    ObjectClass.BICYCLE: (ObjectClass.MOTORCYCLE,),
    ObjectClass.MOTORCYCLE: (ObjectClass.BICYCLE,),
    ObjectClass.BAG: (ObjectClass.OBJECT,),
    ObjectClass.OBJECT: (ObjectClass.BAG,),
    ObjectClass.DOG: (ObjectClass.CAT,),
    ObjectClass.CAT: (ObjectClass.DOG,),
    ObjectClass.HORSE: (ObjectClass.COW,),
    ObjectClass.COW: (ObjectClass.HORSE,),
    ObjectClass.SHEEP: (ObjectClass.COW,),
}
_GHOST_SIZES = {**SIZES_M, ObjectClass.PERSON: (0.5, 0.5, 1.7), ObjectClass.CAR: (4.3, 1.8, 1.5)}
_GHOSTS = (ObjectClass.PERSON, ObjectClass.CAR, ObjectClass.BAG, ObjectClass.DOG, ObjectClass.BICYCLE)


@dataclass
class _Ghost:
    box: Array
    object_class: ObjectClass
    frames: int


class Eye:
    """Sees one trial's things; ``classes`` (A,) are theirs, ``miss`` the share of clear things missed."""

    def __init__(
        self, rng: np.random.Generator, camera: Camera, classes: list[ObjectClass], miss: float
    ) -> None:
        self._rng, self._camera, self._classes = rng, camera, classes
        self._single = miss * (1 - _RUN_SHARE)
        self._run_start = miss * _RUN_SHARE / _RUN_FRAMES
        self._run = np.zeros(len(classes), np.int64)
        self._drift = rng.normal(0, _DRIFT, (len(classes), 4))
        self._mood = rng.normal(0, _SCORE_SPREAD / 2, len(classes))
        self._ghosts: list[_Ghost] = []

    def see(self, boxes: Array, visible: Array) -> tuple[Array, Array, Array]:
        """One picture: boxes (N, 4), scores (N,) and classes (N,) out of the truth's (A, 4) and (A,)."""
        seen = np.flatnonzero(self._is_seen(boxes, visible))
        self._drift = 0.9 * self._drift + self._rng.normal(0, _DRIFT * 0.43, self._drift.shape)
        self._mood = 0.9 * self._mood + self._rng.normal(0, _SCORE_SPREAD * 0.3, len(self._mood))
        found = self._shaken(boxes[seen], self._drift[seen], visible[seen])
        scores = _SCORE + self._mood[seen] + self._rng.normal(0, _SCORE_SPREAD / 2, len(seen))
        scores -= 0.15 * (visible[seen] < _HALF_HIDDEN)
        classes = [self._named(self._classes[n]) for n in seen]
        false_boxes, false_scores, false_classes = self._false(boxes[visible > _HIDDEN])
        return (
            np.concatenate([found, false_boxes]),
            np.clip(np.concatenate([scores, false_scores]), 0.2, 0.98),
            np.array([*classes, *false_classes], np.int16),
        )

    def _is_seen(self, boxes: Array, visible: Array) -> Array:
        draw = self._rng.random((3, len(visible)))
        self._run = np.maximum(self._run - 1, 0)
        starts = draw[0] < self._run_start
        lengths = 1 + self._rng.geometric(1 / (_RUN_FRAMES - 1), len(visible))
        self._run[starts] = lengths[starts]
        height_px = boxes[:, 3] - boxes[:, 1]
        missed = (self._run > 0) | (draw[1] < self._single)
        missed |= (visible < _HIDDEN) | (height_px < _TINY_PX)
        missed |= ((visible < _HALF_HIDDEN) | (height_px < _SMALL_PX)) & (draw[2] < 0.35)
        return ~missed

    def _shaken(self, boxes: Array, drift: Array, visible: Array) -> Array:
        if not len(boxes):
            return boxes.reshape(0, 4)
        size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        error = drift + self._rng.normal(0, _JITTER, boxes.shape)
        error *= np.where(visible < _HALF_HIDDEN, 2.0, 1.0)[:, None]
        shaken = boxes + error * size + self._rng.normal(0, 0.4, boxes.shape)
        return np.clip(shaken, 0, np.tile(self._camera.size_px, 2))

    def _named(self, object_class: ObjectClass) -> int:
        neighbours = _NEIGHBOURS.get(object_class, ())
        if neighbours and self._rng.random() < _CONFUSED:
            return int(neighbours[self._rng.integers(len(neighbours))])
        return int(object_class)

    def _false(self, boxes: Array) -> tuple[Array, Array, list[int]]:
        """Parts of things taken for things, and things where nothing is, some for a few pictures in a row."""
        rate = FALSE_SHARE * max(1, len(boxes)) / 3
        listed: list[tuple[Array, int]] = []
        if len(boxes):
            chosen = self._rng.integers(len(boxes), size=self._rng.poisson(rate))
            listed += [self._part(boxes[n]) for n in chosen]
        if self._rng.random() < rate:
            listed.append(self._nothing())
        if self._rng.random() < rate / np.mean(_GHOST_FRAMES):
            box, number = self._nothing()
            self._ghosts.append(_Ghost(box, ObjectClass(number), int(self._rng.integers(*_GHOST_FRAMES))))
        for ghost in self._ghosts:
            ghost.frames -= 1
            listed.append((ghost.box + self._rng.normal(0, 1.0, 4), int(ghost.object_class)))
        self._ghosts = [ghost for ghost in self._ghosts if ghost.frames > 0]
        boxes_ = np.array([box for box, _ in listed]).reshape(-1, 4)
        return boxes_, self._rng.uniform(0.3, 0.72, len(listed)), [number for _, number in listed]

    def _part(self, box: Array) -> tuple[Array, int]:
        size = box[2:] - box[:2]
        low = box[:2] + size * self._rng.uniform(0, 0.4, 2)
        high = low + size * self._rng.uniform(0.35, 0.6, 2)
        return np.concatenate([low, high]), int(_GHOSTS[self._rng.integers(len(_GHOSTS))])

    def _nothing(self) -> tuple[Array, int]:
        """A box of a likely size somewhere on the ground."""
        width, height = self._camera.size_px
        foot = np.array([self._rng.uniform(0, width), self._rng.uniform(0.25 * height, height)])
        ground = self._camera.unproject_ground(foot[None])[0]
        away_m = float(np.hypot(*(ground - self._camera.position[:2]))) if np.isfinite(ground).all() else 60.0
        px_per_m = self._camera.focal_px / min(80.0, max(3.0, away_m + 1))
        kind = _GHOSTS[self._rng.integers(len(_GHOSTS))]
        length, wide, tall = np.array(_GHOST_SIZES[kind]) * self._rng.uniform(0.7, 1.3) * px_per_m
        half = max(3.0, (length + wide) / 4)
        box = np.array([foot[0] - half, foot[1] - max(6.0, tall), foot[0] + half, foot[1]])
        return np.clip(box, 0, (width, height, width, height)), int(kind)
