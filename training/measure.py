"""How good a model is on unseen streets, through the agent's detector: ``measure MODEL OUT SEED STREETS``."""

import itertools
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Detections
from edge_agent.inference.runtime import Detector, open_detector
from shared.kinds import ObjectClass
from training.pictures import LABEL_OF, LABELS, Frame, clips

MIN_SCORE = 0.5
"""The threshold at which precision and recall are stated; the agent's default."""
SAME_THING = 0.5
"""Intersection over union from which a box counts."""
PLAIN_HEIGHT_PX = 16.0
PLAIN_VISIBLE = 0.8
"""Higher and less hidden than this, a thing is plain to see and should be found nearly always."""
IGNORED_VISIBLE = 0.35
IGNORED_HEIGHT_PX = 8.0
"""Things that hide more, or are lower, may be found or not."""
_LABEL_OF_OURS = {
    ObjectClass.PERSON: 0,
    ObjectClass.CAR: 1,
    ObjectClass.TRUCK: 2,
    ObjectClass.BICYCLE: 3,
    ObjectClass.BAG: 4,
}
_EVERY_NTH_FRAME = 2


class Tally(NamedTuple):
    """What happened to one label: its boxes as (score, is right), its things, and the plain ones."""

    found: list[tuple[float, bool]]
    things: list[bool]
    """Per thing that counts: found at ``MIN_SCORE``."""
    plain: list[bool]
    """The same for those plain to see."""


def held_out(seed: int, streets: int) -> Iterable[Frame]:
    """Frames of streets whose seed no training uses."""
    for number in range(streets):
        for clip in clips(seed, number):
            yield from itertools.islice(clip, 0, None, _EVERY_NTH_FRAME)


def tally(detector: Detector, frames: Iterable[Frame]) -> list[Tally]:
    """One ``Tally`` per label, over whole frames."""
    tallies = [Tally([], [], []) for _ in LABELS]
    for frame in frames:
        seen = detector.detect_i420(frame.i420, None, min_score=0.05)
        for label, entry in enumerate(tallies):
            _judge(entry, label, frame, seen)
    return tallies


def _judge(entry: Tally, label: int, frame: Frame, seen: Detections) -> None:
    truth = [b for b in frame.boxes if LABEL_OF.get(b.object_class) == label]
    mine = [i for i, number in enumerate(seen.classes) if _LABEL_OF_OURS[ObjectClass(number)] == label]
    score_of: dict[int, float] = {}
    for i in sorted(mine, key=lambda i: -seen.scores[i]):
        free = [
            (_overlap(seen.boxes[i], np.array(b.box)), k) for k, b in enumerate(truth) if k not in score_of
        ]
        best, k = max(free, default=(0.0, -1))
        if best >= SAME_THING:
            score_of[k] = float(seen.scores[i])
            if _counts(truth[k].box, truth[k].visible_fraction):
                entry.found.append((float(seen.scores[i]), True))
        elif not any(
            _inside(seen.boxes[i], np.array(b.box)) > 0.7
            for b in truth
            if not _counts(b.box, b.visible_fraction)
        ):
            entry.found.append((float(seen.scores[i]), False))
    for k, thing in enumerate(truth):
        if not _counts(thing.box, thing.visible_fraction):
            continue
        is_found = score_of.get(k, 0.0) >= MIN_SCORE
        entry.things.append(is_found)
        if thing.visible_fraction >= PLAIN_VISIBLE and thing.box[3] - thing.box[1] > PLAIN_HEIGHT_PX:
            entry.plain.append(is_found)


def _counts(box: tuple[float, float, float, float], visible_fraction: float) -> bool:
    return visible_fraction >= IGNORED_VISIBLE and box[3] - box[1] >= IGNORED_HEIGHT_PX


def _both(a: NDArray, b: NDArray) -> float:
    span = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    return float(span[0] * span[1])


def _overlap(a: NDArray, b: NDArray) -> float:
    both = _both(a, b)
    return both / float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def _inside(a: NDArray, b: NDArray) -> float:
    return _both(a, b) / max(float(np.prod(a[2:] - a[:2])), 1e-6)


def summary(tallies: list[Tally]) -> dict[str, dict[str, float]]:
    """Per label: precision and recall at ``MIN_SCORE``, average precision, recall of what is plain to see."""
    return {label: _figures(entry) for label, entry in zip(LABELS, tallies, strict=True)}


def _figures(entry: Tally) -> dict[str, float]:
    sure = [right for score, right in entry.found if score >= MIN_SCORE]
    return {
        "things": len(entry.things),
        "precision": round(float(np.mean(sure)) if sure else 0.0, 3),
        "recall": round(float(np.mean(entry.things)) if entry.things else 0.0, 3),
        "ap50": round(_average_precision(entry), 3),
        "plain_things": len(entry.plain),
        "plain_recall": round(float(np.mean(entry.plain)) if entry.plain else 0.0, 3),
    }


def _average_precision(entry: Tally) -> float:
    """Area under precision over recall, precision made monotone first (the usual "all points" way)."""
    if not entry.found or not entry.things:
        return 0.0
    right = np.array([is_right for _, is_right in sorted(entry.found, key=lambda row: -row[0])])
    recall = np.cumsum(right) / len(entry.things)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision))


def best_threshold(entry: Tally) -> float:
    """The score at which the harmonic mean of precision and recall is best (``MIN_SCORE`` when none is)."""
    rows = sorted(entry.found, key=lambda row: -row[0])
    if not any(right for _, right in rows):
        return MIN_SCORE
    right = np.cumsum([is_right for _, is_right in rows])
    f1 = 2 * right / (np.arange(1, len(rows) + 1) + len(entry.things))
    return rows[int(f1.argmax())][0]


def main() -> None:
    """Write ``quality.json``."""
    cv2.setNumThreads(1)
    detector, out = open_detector(Path(sys.argv[1])), Path(sys.argv[2])
    seed, streets = int(sys.argv[3]), int(sys.argv[4])
    frames = list(held_out(seed, streets))
    labels = summary(tally(detector, frames))
    quality = {
        "sha256": detector.manifest.sha256,
        "recipe": detector.manifest.recipe,
        "training_seed": detector.manifest.seed,
        "measured_on": {"seed": seed, "streets": streets, "frames": len(frames)},
        "min_score": MIN_SCORE,
        "iou": SAME_THING,
        "runtime": detector.runtime,
        "labels": labels,
        "map50": round(float(np.mean([figures["ap50"] for figures in labels.values()])), 3),
    }
    out.write_text(json.dumps(quality, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(quality) + "\n")


if __name__ == "__main__":
    main()
