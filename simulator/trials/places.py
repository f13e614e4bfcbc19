"""Trials of the kinds about a place that one should not be in: closed areas, lines, loitering."""

import math

import numpy as np

from shared.kinds import ObjectClass
from simulator.actors import Actor
from simulator.trials.cast import driver, due_of, rectangle, spans_in, stander, visitor, walker
from simulator.trials.setting import Setting
from simulator.trials.stand import stand
from simulator.trials.trial import Due, Trial, Variant
from simulator.world import Point

Rng = np.random.Generator

_DWELL_S, _BURNING_S = 1.5, 10.0


def somewhere(rng: Rng) -> Point:
    """A place on the main street's open ground."""
    return float(rng.uniform(-55, 20)), float(rng.uniform(-8, 8))


def intrusion(rng: Rng, variant: Variant) -> Trial:
    """A closed area; people go in and come out, others pass its edge, a dog and a car do not count."""
    focus, half = somewhere(rng), float(rng.uniform(2.2, 3.5))
    x, y = focus
    camera = stand(rng, variant, focus, reach_m=half + 3.5)
    ring = rectangle(focus, half, half)
    setting = Setting(camera, rng)
    setting.zone("closed", ring)
    setting.rule("intrusion", zone="closed", dwell_s=_DWELL_S)
    side = half + float(rng.uniform(0.8, 1.6))
    passer = walker(rng, 1, [(x - 18, y - side), (x + 18, y - side)], float(rng.uniform(0, 15)))
    dog = walker(
        rng, 2, [(x - 14, y + 6), (x, y), (x + 14, y - 6)], float(rng.uniform(5, 30)), kind=ObjectClass.DOG
    )
    actors, due = [passer, dog], list[Due]()
    for number in range(int(rng.choice([0, 1, 2], p=[0.25, 0.5, 0.25]))):
        arrive_s = 14.0 + 26 * number + float(rng.uniform(0, 6))
        goal = (x + float(rng.uniform(-0.6, 0.6)) * half, y + float(rng.uniform(-0.6, 0.6)) * half)
        turn = float(rng.uniform(0, 2 * math.pi))
        far = (x + 14 * math.cos(turn), y + 14 * math.sin(turn))
        intruder = visitor(rng, 3 + number, [far, goal], arrive_s, arrive_s + float(rng.uniform(3, 9)), [far])
        (begin_s, end_s), *_ = spans_in(intruder, ring)
        actors.append(intruder)
        due.append(due_of(intruder, "intrusion", begin_s, begin_s + _DWELL_S, end_s))
    return Trial(camera, setting.text(), 70.0, tuple(actors), tuple(due))


def line_crossed(rng: Rng, variant: Variant) -> Trial:
    """A line that counts one way. Some cross it, some the other way, some turn round upon it."""
    focus = somewhere(rng)
    x, y = focus
    turn = float(rng.uniform(0, 2 * math.pi))
    along, ahead = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))

    def at(on_m: float, over_m: float) -> Point:
        return x + along[0] * on_m + ahead[0] * over_m, y + along[1] * on_m + ahead[1] * over_m

    camera = stand(rng, variant, focus, reach_m=6.5)
    setting = Setting(camera, rng)
    # Someone at the start who looks along the line has what is ahead of it on the left.
    setting.tripwire("line", at(-4, 0), at(4, 0), "right_to_left")
    setting.rule("line_crossed", tripwire="line", travel_m=1.0)
    times = rng.permutation(np.array([8.0, 22.0, 36.0, 50.0])) + rng.uniform(-3, 3, 4)
    over = [float(v) for v in rng.uniform(-2.5, 2.5, 4)]
    first = walker(rng, 1, [at(over[0], -13), at(over[0], 13)], float(times[0]))
    second = driver(rng, 2, [at(over[1], -30), at(over[1], 30)], float(times[1]), 7.0, ObjectClass.CAR)
    back = walker(rng, 3, [at(over[2], 13), at(over[2], -13)], float(times[2]))
    doubt = walker(
        rng, 4, [at(over[3], -13), at(over[3], -1.2), at(over[3] + 1, -13)], float(times[3]), {1: 4.0}
    )
    crossing = [a for a in (first, second) if rng.random() < 0.8]
    due: list[Due] = []
    for actor in crossing:
        start, end = actor.waypoints[0], actor.waypoints[-1]
        cross_s = (start.t_s + end.t_s) / 2
        speed = math.dist(start[1:3], end[1:3]) / (end.t_s - start.t_s)
        due.append(due_of(actor, "line_crossed", cross_s, cross_s + 1.0 / speed))
    return Trial(camera, setting.text(), 75.0, (*crossing, back, doubt), tuple(due))


def open_burning(rng: Rng, variant: Variant) -> Trial:
    """A fire on open ground, as a model with a class for it sees one; a hearth where fires may burn, and a
    car whose lamp the model takes for a fire."""
    (x, y), seconds = somewhere(rng), 60.0
    camera = stand(rng, variant, (x, y), reach_m=6.5)
    setting = Setting(camera, rng)
    setting.zone("square", rectangle((x, y), 5.5, 5.5))
    setting.zone("hearth", rectangle((x - 4.2, y + 4.2), 1.2, 1.2))
    setting.rule("open_burning", zone="square", hearth="hearth")
    allowed = stander(rng, 1, ObjectClass.FIRE, (x - 4.2, y + 4.2), 0.0, 4.0, seconds + 1)
    car = driver(rng, 2, [(x + 30, y - 4), (x + 3, y - 4), (x - 40, y - 4)], 5.0, 7.0, pauses={1: 14.0})
    lamp = tuple(w._replace(east_m=w.east_m - 1.2, up_m=0.1) for w in car.waypoints)
    glare = Actor(3, ObjectClass.FIRE, lamp, car.seed + 1)
    fire_s = float(rng.uniform(14, 28))
    fire = stander(
        rng, 4, ObjectClass.FIRE, (x + float(rng.uniform(-2, 3)), y + float(rng.uniform(-1, 3))), 0.0,
        fire_s, seconds + 1,
    )  # fmt: skip
    if rng.random() < 0.25:
        return Trial(camera, setting.text(), seconds, (allowed, car, glare))
    due = due_of(fire, "open_burning", fire_s, fire_s + _BURNING_S)
    return Trial(camera, setting.text(), seconds, (allowed, car, glare, fire), (due,))
