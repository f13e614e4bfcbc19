"""Whatever walks about, the rules keep their promises."""

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from shared.messages import Phase
from tests.street import FPS, Street, Thing, scene_of, still_motion

SCENE = """
[[zone]]
id = "yard"
polygon_px = [[200, 200], [800, 200], [800, 500], [200, 500]]

[[tripwire]]
id = "fence"
from_px = [500, 590]
to_px = [500, 100]

[[tripwire]]
id = "arrow"
from_px = [300, 400]
to_px = [700, 400]

[[rule]]
kind = "intrusion"
zone = "yard"
dwell_s = 1
cooldown_s = 3

[[rule]]
kind = "line_crossed"
tripwire = "fence"

[[rule]]
kind = "illegal_parking"
zone = "yard"
limit_s = 12

[[rule]]
kind = "dumping_act"
zone = "yard"
stay_s = 3
confirm_s = 6

[[rule]]
kind = "loitering"
zone = "yard"
limit_s = 8

[[rule]]
kind = "wrong_way"
zone = "yard"
heading = "arrow"
limit_s = 0.5
limit_m = 2

[[rule]]
kind = "pedestrian_on_carriageway"
zone = "yard"
cooldown_s = 2

[[rule]]
kind = "crowd"
zone = "yard"
high = 2
low = 1
on_s = 2

[[rule]]
kind = "agitation"
zone = "yard"
mode = "on"
least_count = 3
energy_j_kg = 0.1
cooldown_s = 0

[[rule]]
kind = "person_down"
zone = "yard"
limit_s = 3

[[rule]]
kind = "stray_animals"
zone = "yard"
limit_s = 3
cooldown_s = 5

[[rule]]
kind = "littering"
zone = "yard"
mode = "on"

[[rule]]
kind = "open_burning"
zone = "yard"
limit_s = 2
cooldown_s = 0

[[rule]]
kind = "congestion"
zone = "yard"
vehicles = 2
speed_kmh = 20
limit_s = 5

[[rule]]
kind = "stopped_on_carriageway"
zone = "yard"
limit_s = 10
passers = 1

[[rule]]
kind = "crossing_not_yielded"
zone = "yard"
speed_kmh = 2
"""
SECONDS = 40
CLASSES = (
    ObjectClass.PERSON,
    ObjectClass.PERSON,
    ObjectClass.CAR,
    ObjectClass.BAG,
    ObjectClass.DOG,
    ObjectClass.FIRE,
)


def walks(seed: int, count: int) -> list[list[Thing]]:
    """Frames in which things appear, wander, stand for a while, are hidden, and go."""
    chance = np.random.default_rng(seed)
    frames: list[list[Thing]] = [[] for _ in range(SECONDS * FPS)]
    for number in range(1, count + 1):
        at = chance.uniform((50, 150), (950, 580))
        begin = int(chance.integers(0, SECONDS * FPS // 2))
        object_class = CLASSES[int(chance.integers(len(CLASSES)))]
        velocity, size_px = np.zeros(2), None
        for frame in frames[begin : begin + int(chance.integers(5, SECONDS * FPS))]:
            if chance.random() < 0.02:
                size_px = None if size_px or object_class is not ObjectClass.PERSON else (90.0, 35.0)
            if chance.random() < 0.05:
                velocity = chance.normal(0, 12, 2) * (chance.random() < 0.6)
            at = (at + velocity).clip((0, 120), (1000, 600))
            is_seen = chance.random() > 0.1
            frame.append(Thing(number, object_class, (float(at[0]), float(at[1])), is_seen, size_px))
    return frames


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_promises(seed: int, count: int, has_lightning: bool) -> None:
    street, frames = Street(scene_of(SCENE)), walks(seed, count)
    chance = np.random.default_rng(seed + 1)
    dark: list[bool] = []
    for frame in frames:
        is_dark = has_lightning and chance.random() < 0.02
        dark.append(is_dark)
        told = street.play(1 / FPS, lambda _, frame=frame: frame, still_motion(is_global=is_dark))
        assert not (is_dark and len(dark) > 1 and told), "lightning fired a rule"
    seen = [(found.rule, found.sighting) for found in street.found]
    assert all(verdict_holds(s.kind, s.reason) for _, s in seen), "a verdict does not follow from its numbers"
    once = Counter((s.kind, s.subject.id) for _, s in seen if s.kind in (Kind.INTRUSION, Kind.LINE_CROSSED))
    assert all(times == 1 for times in once.values()), "one thing, one rule, two events"
    assert_phases_in_order(seen)


def assert_phases_in_order(seen: list[tuple[int, object]]) -> None:
    """Each event begins once, then is updated, then ends, if it does."""
    threads: dict[tuple[int, int], list[Phase]] = {}
    for rule, sighting in seen:
        threads.setdefault((rule, sighting.thread), []).append(sighting.phase)
    for phases in threads.values():
        assert phases[0] is Phase.BEGIN
        for before, after in pairwise(phases):
            assert after is not Phase.BEGIN or before is Phase.END
            assert before is not Phase.END or after is Phase.BEGIN


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_same_frames_give_the_same_sightings(seed: int) -> None:
    outcomes = []
    for _ in range(2):
        street = Street(scene_of(SCENE))
        for frame in walks(seed, 4):
            street.play(1 / FPS, lambda _, frame=frame: frame)
        outcomes.append([(f.rule, f.sighting.thread, f.sighting.reason) for f in street.found])
    assert outcomes[0] == outcomes[1]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_rules_know_nothing_of_each_other(seed: int) -> None:
    """Each rule alone says what it says among the others."""
    frames = walks(seed, 4)
    head, *rules = SCENE.split("[[rule]]")
    together = Street(scene_of(SCENE))
    alone = [Street(scene_of(head, f"[[rule]]{rule}")) for rule in rules]
    for frame in frames:
        for street in (together, *alone):
            street.play(1 / FPS, lambda _, frame=frame: frame)
    for number, street in enumerate(alone):
        expected = [(f.sighting.thread, f.sighting.reason) for f in together.found if f.rule == number]
        assert [(f.sighting.thread, f.sighting.reason) for f in street.found] == expected
