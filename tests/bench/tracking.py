"""Measures our tracker beside roboflow's ByteTrack, on the same boxes of a real street and on made ones.

``uv run --with motmetrics --with trackers python -m tests.bench.tracking`` prints tables, then JSON, and ends
with exit code 1 when ours is the worse one, or slower than its budget. Nothing else needs them.
"""

import json
import statistics
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edge_agent.domain.boxes import ious
from edge_agent.domain.detection import Detections, Reals
from edge_agent.domain.motion import Motion
from edge_agent.domain.tracking import Tracker
from shared.kinds import ObjectClass
from tests.bench.places import DATA

SAMPLE = "tracking/bdd100k_sample"
SIZE_PX = (1280, 720)
PERIOD_US = 200_000
"""BDD100K is annotated five times a second."""
SCORE_LIMIT = 0.5
"""``camera.min_score`` where a scene says nothing."""
BUDGET_MS = 0.6
"""For a frame of 30 things."""

CLASSES = (
    *(ObjectClass.UNKNOWN, ObjectClass.PERSON, ObjectClass.PERSON, ObjectClass.CAR, ObjectClass.TRUCK),
    *(ObjectClass.BUS, ObjectClass.UNKNOWN, ObjectClass.MOTORCYCLE, ObjectClass.BICYCLE),
)
"""By the sample's class number: a rider is a person to us, a train nothing."""

Answer = tuple[Reals, list[int]]
"""Boxes of one frame (N, 4), left, top, right, bottom, and their ids."""
Follow = Callable[[int, Detections], Answer]
"""Frame number and detections → what is followed in it."""


class Quality(NamedTuple):
    idf1: float
    mota: float
    switches: int


def read_boxes(file: Path) -> dict[int, tuple[Reals, list[int], Detections]]:
    """Boxes, ids, and both as detections, of each frame of a file in MOTChallenge columns."""
    rows: dict[int, list[list[float]]] = defaultdict(list)
    for line in file.read_text().splitlines():
        values = [float(value) for value in line.split(",")]
        rows[int(values[0])].append(values)
    frames = {}
    for number, found in rows.items():
        table = np.array(found, np.float32)
        boxes = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
        classes = np.array(CLASSES, np.int16)[table[:, 7].astype(int)]
        frames[number] = boxes, [int(row[1]) for row in found], Detections(boxes, table[:, 6], classes)
    return frames


def ours() -> Follow:
    tracker = Tracker((0, 0, *SIZE_PX), SCORE_LIMIT)

    def follow(number: int, found: Detections) -> Answer:
        at_us = number * PERIOD_US
        here = [track for track in tracker.update(found, at_us) if track.last_seen_us == at_us]
        boxes = np.array([track.box for track in here], np.float32).reshape(-1, 4)
        return boxes, [track.id for track in here]

    return follow


def bytetrack(**settings: Any) -> Follow:
    import supervision as sv  # only where the libraries are wanted
    from trackers import ByteTrackTracker

    tracker = ByteTrackTracker(**settings)

    def follow(number: int, found: Detections) -> Answer:
        shown = sv.Detections(xyxy=found.boxes, confidence=found.scores, class_id=found.classes.astype(int))
        followed = tracker.update(shown)
        known = followed.tracker_id >= 0
        return followed.xyxy[known], followed.tracker_id[known].tolist()

    return follow


def quality(follow: Follow, truth: dict[int, Any], found: dict[int, Any]) -> Quality:
    """What motmetrics says, at half an overlap, of one way to follow the sample's boxes."""
    import motmetrics

    sums = motmetrics.MOTAccumulator(auto_id=True)
    for number in range(1, max(truth) + 1):
        boxes, ids = follow(number, found[number][2] if number in found else Detections.empty())
        true_boxes, true_ids = truth[number][:2] if number in truth else (np.empty((0, 4), np.float32), [])
        away = 1 - ious(true_boxes, boxes)
        sums.update(true_ids, ids, np.where(away > 0.5, np.nan, away))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = motmetrics.metrics.create().compute(sums, metrics=["idf1", "mota", "num_switches"])
    row = answer.iloc[0]
    return Quality(round(float(row["idf1"]), 4), round(float(row["mota"]), 4), int(row["num_switches"]))


def crowd(count: int, frames: int = 200) -> list[Detections]:
    """Things that cross the picture, boxes that jitter, one in twelve missing."""
    chance = np.random.default_rng(count)
    place = chance.uniform((50, 50), (1230, 670), (count, 2))
    speed, size = chance.uniform(-40, 40, (count, 2)), chance.uniform(20, 60, (count, 2))
    classes = np.full(count, ObjectClass.CAR, np.int16)
    shown = []
    for number in range(frames):
        way = np.mod(place + speed * number * PERIOD_US / 1e6, np.array(SIZE_PX) * 2)
        centre = np.where(way > SIZE_PX, np.array(SIZE_PX) * 2 - way, way) + chance.normal(0, 1.5, way.shape)
        boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1).astype(np.float32)
        found = Detections(boxes, chance.uniform(0.3, 0.95, count).astype(np.float32), classes)
        shown.append(found.take(chance.random(count) > 1 / 12))
    return shown


def ms_a_frame(make: Callable[[], Follow], count: int, rounds: int = 5) -> float:
    """CPU time a frame of ``count`` things, the median of some rounds."""
    shown, times_ms = crowd(count), list[float]()
    for _ in range(rounds):
        follow, begun_s = make(), time.process_time()
        for number, found in enumerate(shown, 1):
            follow(number, found)
        times_ms.append((time.process_time() - begun_s) * 1e3 / len(shown))
    return round(statistics.median(times_ms), 3)


def our_ms_a_frame(count: int) -> float:
    """As the agent has it: everything moves, and the tracks are made."""
    everywhere = Motion(np.ones((90, 160), np.bool_), 0.4, is_global=False, is_switch=False)

    def make() -> Follow:
        tracker = Tracker((0, 0, *SIZE_PX), SCORE_LIMIT)

        def follow(number: int, found: Detections) -> Answer:
            tracker.update(found, number * PERIOD_US, everywhere)
            return found.boxes, []

        return follow

    return ms_a_frame(make, count)


def main() -> int:
    folder = DATA / SAMPLE
    truth, found = read_boxes(folder / "gt_mot.txt"), read_boxes(folder / "pred_mot.txt")
    # Its thresholds as its authors set them, by frames of 30 and of 5 a second, and by our score limit.
    rivals: dict[str, Callable[[], Follow]] = {
        "ByteTrack as it comes": bytetrack,
        "ByteTrack at 5 a second": lambda: bytetrack(frame_rate=5.0),
        "ByteTrack by our limits": lambda: bytetrack(
            frame_rate=5.0, track_activation_threshold=SCORE_LIMIT, high_conf_det_threshold=SCORE_LIMIT
        ),
    }
    qualities = {"ours": quality(ours(), truth, found)}
    qualities |= {name: quality(make(), truth, found) for name, make in rivals.items()}
    speeds = {count: (our_ms_a_frame(count), ms_a_frame(bytetrack, count, 3)) for count in (10, 30, 50)}
    print_tables(qualities, speeds)
    mine = qualities.pop("ours")
    best = Quality(*(max(column) for column in zip(*qualities.values(), strict=True)))
    is_good = mine.idf1 >= best.idf1 and mine.mota >= best.mota and speeds[30][0] <= BUDGET_MS
    answer = {
        "ours": mine._asdict(),
        **{name: rival._asdict() for name, rival in qualities.items()},
        "ms": {str(count): {"ours": pair[0], "bytetrack": pair[1]} for count, pair in speeds.items()},
        "is_good": is_good,
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0 if is_good else 1


def print_tables(qualities: dict[str, Quality], speeds: dict[int, tuple[float, float]]) -> None:
    lines = ["| tracker | IDF1 | MOTA | switches |", "|---|---|---|---|"]
    lines += [f"| {name} | {q.idf1:.3f} | {q.mota:.3f} | {q.switches} |" for name, q in qualities.items()]
    lines += ["", "| things | ours, ms a frame | ByteTrack, ms a frame |", "|---|---|---|"]
    lines += [f"| {count} | {pair[0]} | {pair[1]} |" for count, pair in speeds.items()]
    sys.stdout.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    raise SystemExit(main())
