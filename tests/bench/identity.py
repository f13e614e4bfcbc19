"""How often the tracker keeps a thing's id through what makes trackers lose it, in the simulator's street.

``python -m tests.bench.identity [SEED] [TRIALS]`` prints a table: boxes are the truth's, degraded as
``simulator.trials.eye`` states (8 % missed, 5 % false, jitter). An id is kept when the thing has the same one
before and after, and nobody else had it since.
"""

import sys
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from edge_agent.domain.boxes import ious
from edge_agent.domain.detection import Detections
from edge_agent.domain.motion import CELL_PX, Motion
from edge_agent.domain.tracking import Tracker
from shared.kinds import ObjectClass
from simulator.actors import Actor
from simulator.trials.cast import driver, stander, walker
from simulator.trials.eye import Eye
from simulator.trials.sight import Sight, look
from simulator.trials.stand import NoStand, stand
from simulator.trials.trial import HEIGHTS_M, Variant
from simulator.world import Point

PERIOD_S = 0.2
CLEAR_SHARE, CLEAR_PX = 0.6, 14.0
SAME_IOU = 0.3
SPAN_S = 2.0
"""Whose id it is before and after is asked over this long."""
LEAST_KEPT = 0.95
FOCUS: Point = (10.0, 0.0)

Rng = np.random.Generator


class Play(NamedTuple):
    """Who moves for how long, and whose ids are asked for."""

    actors: list[Actor]
    seconds: float
    asked: list[int]
    """Places in ``actors``."""


def people_cross(rng: Rng) -> Play:
    """Two people pass each other on the footpath."""
    x, y, gap = FOCUS[0], float(rng.uniform(5.5, 8.0)), float(rng.uniform(0.4, 1.5))
    there = walker(rng, 0, [(x - 8, y), (x + 8, y)], 0.5)
    back = walker(rng, 1, [(x + 8, y + gap), (x - 8, y + gap)], 0.5)
    return Play([there, back], 14.0, [0, 1])


def behind_a_car(rng: Rng) -> Play:
    """Someone walks along behind a parked car."""
    x, y = FOCUS[0], float(rng.uniform(3.0, 4.5))
    car = stander(rng, 0, ObjectClass.CAR, (x, y), 0.0, -1.0, 60.0)
    return Play([car, walker(rng, 1, [(x - 8, y + 1.8), (x + 8, y + 1.8)], 0.5)], 15.0, [0, 1])


def behind_a_bus(rng: Rng) -> Play:
    """A parked car is hidden while a bus stands before it."""
    x, y = FOCUS[0], float(rng.uniform(4.0, 6.0))
    car = stander(rng, 0, ObjectClass.CAR, (x, y), 0.0, -1.0, 60.0)
    way: list[Point] = [(x - 30, y - 3.6), (x, y - 3.6), (x + 30, y - 3.6)]
    pause = {1: float(rng.uniform(0, 12))}
    bus = driver(rng, 1, way, 13.0, speed_mps=float(rng.uniform(5, 9)), kind=ObjectClass.BUS, pauses=pause)
    return Play([car, bus], 45.0, [0])


def past_a_parked_car(rng: Rng) -> Play:
    """Cars go past a parked one, in the lane before it and in the one behind."""
    x, y = FOCUS[0], float(rng.uniform(-1.5, 1.5))
    actors = [stander(rng, 0, ObjectClass.CAR, (x, y), 0.0, -1.0, 60.0)]
    for number in range(1, 4):
        lane = y + float(rng.uniform(2.2, 3.4)) * (1 if rng.random() < 0.4 else -1)
        way: list[Point] = [(x - 25, lane), (x + 25, lane)]
        begin_s, speed = 8.0 + 7 * number, float(rng.uniform(4, 11))
        if rng.random() < 0.5:
            way.reverse()
        actors.append(driver(rng, number, way, begin_s, speed_mps=speed, kind=ObjectClass.CAR))
    return Play(actors, 45.0, [0])


def stop_and_go(rng: Rng) -> Play:
    """A car stops at the crossing, another behind it, and both go on."""
    x, y = FOCUS[0], float(rng.uniform(-2, 2))
    rest, speed = float(rng.uniform(4, 25)), float(rng.uniform(3, 7))
    first = driver(rng, 0, [(x - 14, y), (x + 3, y), (x + 18, y)], 0.5, speed_mps=speed, pauses={1: rest})
    way: list[Point] = [(x - 20, y), (x - 4, y), (x + 18, y)]
    second = driver(rng, 1, way, 2.5, speed_mps=speed, pauses={1: rest + 1}, kind=ObjectClass.CAR)
    return Play([first, second], rest + 14, [0, 1])


SCENES: dict[str, Callable[[Rng], Play]] = {
    "people cross": people_cross,
    "behind a parked car": behind_a_car,
    "behind a bus": behind_a_bus,
    "past a parked car": past_a_parked_car,
    "stop and go": stop_and_go,
}


def trial(name: str, seed: int) -> tuple[int, int]:
    """How many ids were kept, of how many that were asked for."""
    rng = np.random.default_rng([seed, *name.encode()])
    play = SCENES[name](rng)
    variant = Variant("day", float(rng.uniform(8, 20)), float(rng.choice(HEIGHTS_M)))
    try:
        camera = stand(rng, variant, FOCUS, 9.0, from_deg=(150, 210))
    except NoStand:
        return 0, 0
    times_s = np.arange(0, play.seconds, PERIOD_S)
    sight = look(camera, play.actors, times_s)
    eye = Eye(rng, camera, [actor.object_class for actor in play.actors], variant.miss)
    tracker = Tracker((0, 0, *camera.size_px), 0.5)
    held: list[dict[int, int]] = []
    for n in range(len(times_s)):
        boxes, scores, classes = eye.see(sight.boxes[n], sight.visible[n])
        found = Detections(boxes.astype(np.float32), scores.astype(np.float32), classes)
        tracks = tracker.update(found, round((n + 1) * PERIOD_S * 1e6), motion_of(sight, n, camera.size_px))
        at_us = round((n + 1) * PERIOD_S * 1e6)
        ids = [track.id for track in tracks if track.last_seen_us == at_us]
        places = np.array([track.box for track in tracks if track.last_seen_us == at_us], np.float32)
        held.append(owners(sight, n, ids, places.reshape(-1, 4)))
    asked = [actor for actor in play.asked if is_asked(sight, actor)]
    return sum(is_kept(held, actor) for actor in asked), len(asked)


def motion_of(sight: Sight, n: int, size_px: tuple[int, int]) -> Motion:
    """What a motion gate would tell: cells in which a thing moved since the last frame."""
    cells = np.zeros((size_px[1] // CELL_PX, size_px[0] // CELL_PX), np.bool_)
    before = sight.boxes[max(0, n - 1)]
    for was, box in zip(before, sight.boxes[n], strict=True):
        if np.abs(was - box).max() > 0.5:
            for left, top, right, bottom in (was, box):
                rows = slice(int(top) // CELL_PX, int(bottom) // CELL_PX + 1)
                cells[rows, int(left) // CELL_PX : int(right) // CELL_PX + 1] = True
    return Motion(cells, float(cells.mean()), is_global=False, is_switch=False)


def owners(sight: Sight, n: int, ids: list[int], places: np.ndarray) -> dict[int, int]:
    """Actor → id of the track that lies on it, of those that are clearly seen."""
    if not ids:
        return {}
    boxes = sight.boxes[n].astype(np.float32)
    overlap = ious(boxes, places)
    tall = boxes[:, 3] - boxes[:, 1]
    clear = (sight.visible[n] >= CLEAR_SHARE) & (tall >= CLEAR_PX)
    found = {}
    for actor in np.flatnonzero(clear):
        best = int(overlap[actor].argmax())
        if overlap[actor, best] >= SAME_IOU and int(overlap[:, best].argmax()) == actor:
            found[int(actor)] = ids[best]
    return found


def is_asked(sight: Sight, actor: int) -> bool:
    """Whether it is clearly seen long enough for there to be a before and an after."""
    tall = sight.boxes[:, actor, 3] - sight.boxes[:, actor, 1]
    return int(((sight.visible[:, actor] >= CLEAR_SHARE) & (tall >= CLEAR_PX)).sum()) >= 4 * SPAN_S / PERIOD_S


def is_kept(held: list[dict[int, int]], actor: int) -> bool:
    ids = [frame[actor] for frame in held if actor in frame]
    span = round(SPAN_S / PERIOD_S)
    if len(ids) < 2 * span:
        return False
    before, after = (Counter(part).most_common(1)[0][0] for part in (ids[:span], ids[-span:]))
    others = sum(frame.get(other) == before for frame in held for other in frame if other != actor)
    return before == after and others <= 1


def kept_of(name: str, seeds: range) -> tuple[int, int]:
    """Ids kept and asked for in a scene's trials."""
    results = [trial(name, seed) for seed in seeds]
    return sum(kept for kept, _ in results), sum(asked for _, asked in results)


def main() -> int:
    seed, count = (int(word) for word in (*sys.argv[1:], *("1", "40")[len(sys.argv) - 1 :]))
    sys.stdout.write("| scene | ids asked for | kept | share |\n|---|---|---|---|\n")
    sums = {name: kept_of(name, range(seed * 1000, seed * 1000 + count)) for name in SCENES}
    kept, asked = (sum(column) for column in zip(*sums.values(), strict=True))
    for name, (some, of) in {**sums, "all": (kept, asked)}.items():
        sys.stdout.write(f"| {name} | {of} | {some} | {some / max(1, of):.3f} |\n")
    return 0 if kept >= LEAST_KEPT * asked else 1


if __name__ == "__main__":
    raise SystemExit(main())
