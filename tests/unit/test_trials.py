"""The trials themselves: the eye errs as much as it says, what is hidden is hidden, silence is missed."""

import math
from dataclasses import replace

import numpy as np

from edge_agent.domain.scene_file import parse_scene
from shared.geo import to_plane
from shared.kinds import Kind, ObjectClass
from simulator.trials.cast import stander
from simulator.trials.eye import FALSE_SHARE, Eye
from simulator.trials.places import intrusion
from simulator.trials.player import play
from simulator.trials.run import Order, make, orders, report
from simulator.trials.setting import Setting
from simulator.trials.sight import look
from simulator.trials.stand import stand
from simulator.trials.trial import Variant, draw_variant
from simulator.world import ORIGIN

VARIANT = Variant("day", 12.0, 6.0)
FOCUS = (-20.0, 0.0)


def test_the_eye_misses_eight_in_a_hundred_and_one_box_in_twenty_is_false() -> None:
    rng = np.random.default_rng(1)
    camera = stand(rng, VARIANT, FOCUS)
    boxes = np.array([[100.0 * n + 10, 100, 100.0 * n + 60, 220] for n in range(5)])
    eye = Eye(rng, camera, [ObjectClass.PERSON] * 5, 0.08)
    found = false = 0
    for _ in range(3000):
        seen, _, _ = eye.see(boxes, np.ones(5))
        near = np.abs(seen[:, None] - boxes).max(2).min(1) < 30
        found, false = found + int(near.sum()), false + int((~near).sum())
    assert 0.90 < found / 15000 < 0.94
    assert 0.6 * FALSE_SHARE < false / 15000 < 1.4 * FALSE_SHARE


def test_what_stands_behind_a_bus_is_not_seen() -> None:
    rng = np.random.default_rng(2)
    camera = stand(rng, Variant("day", 13.0, 4.0), FOCUS, 5.0, from_deg=(178.0, 182.0))
    bus = stander(rng, 1, ObjectClass.BUS, (-20.0, -1.0), 0.0, 0, 9)
    hidden = stander(rng, 2, ObjectClass.DOG, (-20.0, 0.6), 0.0, 0, 9)
    clear = stander(rng, 3, ObjectClass.PERSON, (-20.0, -4.0), 0.0, 0, 9)
    visible = look(camera, [bus, hidden, clear], np.array([1.0])).visible[0]
    assert visible[1] < 0.2 < 0.9 < visible[2]


def test_the_same_order_gives_the_same_trial_and_another_seed_another() -> None:
    one, again, other = (make(Order("intrusion", False, 3, seed))[0] for seed in (5, 5, 6))
    assert one.scene_toml == again.scene_toml != other.scene_toml


def test_a_blind_box_misses_what_a_seeing_one_finds() -> None:
    for number in range(0, 24, 8):
        trial, variant, rng = make(Order("intrusion", False, number, 11))
        if trial.due:
            blind = replace(trial, unseen=frozenset(a.id for a in trial.actors))
            state = rng.bit_generator.state
            assert play(trial, variant, rng).score.matches
            rng.bit_generator.state = state
            score = play(blind, variant, rng).score
            assert score.missed
            assert not score.matches
            return
    raise AssertionError("no trial with someone to be found")


def test_a_kind_without_trials_stands_in_the_report_with_nothing() -> None:
    figures = report([], [Kind.INTRUSION.slug])
    assert figures["kinds"]["intrusion"]["scenes"] == 0
    assert figures["kinds"]["intrusion"]["recall"] is None


def test_nineteen_of_twenty_places_lie_within_two_sigma() -> None:
    rng = np.random.default_rng(3)
    inside = total = 0
    for number in range(48):
        camera = stand(rng, draw_variant(rng, number), FOCUS, 7.0)
        ground = parse_scene(Setting(camera, rng).text(), "trial.toml").ground
        assert ground is not None
        place = (FOCUS[0] + float(rng.uniform(-6, 6)), float(rng.uniform(-6, 6)))
        person = stander(rng, 1, ObjectClass.PERSON, place, 0.0, 0, 9)
        sight = look(camera, [person], np.array([1.0]))
        eye = Eye(rng, camera, [ObjectClass.PERSON], 0.0)
        truth = to_plane(ORIGIN, ground.origin)
        for _ in range(20):
            boxes, _, _ = eye.see(sight.boxes[0], sight.visible[0])
            if not len(boxes) or np.abs(boxes[0] - sight.boxes[0, 0]).max() > 40:
                continue
            seen = ground.locate((boxes[0, 0] + boxes[0, 2]) / 2, boxes[0, 3])
            assert seen is not None
            off_m = math.hypot(seen.east_m + truth.east_m - place[0], seen.north_m + truth.north_m - place[1])
            total += 1
            inside += off_m <= 2 * math.hypot(seen.sigma_m, 0.3)
    assert total > 600
    assert inside / total >= 0.95


def test_intrusion_trials_hold_both_offenders_and_none() -> None:
    rng = np.random.default_rng(4)
    counts = {len(intrusion(rng, draw_variant(rng, n)).due) for n in range(16)}
    assert 0 in counts
    assert counts - {0}


def test_every_trial_of_a_seed_can_be_made_its_zones_in_the_picture() -> None:
    for order in orders(None, 4001):
        trial = make(order)[0]
        if not trial.lessons:
            parse_scene(trial.scene_toml, "trial.toml")
