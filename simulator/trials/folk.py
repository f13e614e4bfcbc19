"""Trials of the kinds about people and animals."""

import math

import numpy as np

from shared.kinds import ObjectClass
from simulator.actors import Actor, Waypoint
from simulator.trials.cast import (
    due_of,
    fidget,
    is_in,
    rectangle,
    spans_in,
    stander,
    visitor,
    walker,
)
from simulator.trials.places import somewhere
from simulator.trials.roads import lane
from simulator.trials.setting import Setting
from simulator.trials.stand import stand
from simulator.trials.trial import Due, Trial, Variant
from simulator.world import Point

Rng = np.random.Generator

_LOITERING_S, _JAYWALK_S, _DOWN_S, _STRAY_S, _CROWD_S = 60.0, 2.0, 10.0, 10.0, 30.0
_HIGH, _LOW = 8, 5


def around(rng: Rng, middle: Point, reach_m: float) -> Point:
    """A place within ``reach_m`` of another, evenly over the ground."""
    turn, far = float(rng.uniform(0, 2 * math.pi)), reach_m * math.sqrt(float(rng.uniform(0, 1)))
    return middle[0] + far * math.cos(turn), middle[1] + far * math.sin(turn)


def loitering(rng: Rng, variant: Variant) -> Trial:
    """Someone hangs about for long; others pass, wait a little, or relieve one another."""
    (x, y), seconds = somewhere(rng), 140.0
    camera = stand(rng, variant, (x, y), reach_m=7.0)
    setting = Setting(camera, rng)
    ring = rectangle((x, y), 4.0, 4.0)
    setting.zone("entrance", ring)
    setting.rule("loitering", zone="entrance", limit_s=_LOITERING_S)
    actors = [
        walker(rng, 20 + n, [(x - 18, y + off), (x + 18, y + off)], float(rng.uniform(0, 110)))
        for n, off in enumerate(rng.uniform(-3.5, 3.5, 4).tolist())
    ]
    brief = float(rng.uniform(12, 25))
    actors.append(
        visitor(rng, 1, [(x - 15, y - 5), around(rng, (x, y), 2.5)], brief, brief + 36.0, [(x - 15, y + 5)])
    )
    if rng.random() < 0.25:
        later_s = brief + 42.0
        spot = around(rng, (x, y), 2.5)
        actors.append(visitor(rng, 2, [(x + 15, y - 5), spot], later_s, later_s + 38.0, [(x + 15, y)]))
        return Trial(camera, setting.text(), seconds, tuple(actors))
    arrive_s = float(rng.uniform(12, 25))
    long = visitor(
        rng, 3, [(x + 15, y + 5), around(rng, (x, y), 2.5)], arrive_s, arrive_s + float(rng.uniform(75, 95)),
        [(x + 16, y)],
    )  # fmt: skip
    begin_s, end_s = spans_in(long, ring)[0]
    due = due_of(long, "loitering", begin_s, begin_s + _LOITERING_S, end_s)
    return Trial(camera, setting.text(), seconds, (*actors, long), (due,))


def pedestrian_on_carriageway(rng: Rng, variant: Variant) -> Trial:
    """Some walk on the road or cut across it; others keep to the kerb, ride, or use the crossing."""
    x, seconds = float(rng.uniform(-45, 8)), 70.0
    camera = stand(rng, variant, (x, 0.0), reach_m=8.5)
    setting = Setting(camera, rng)
    setting.zone("road", rectangle((x, 0.0), 8.0, 4.5))
    setting.zone("crossing", rectangle((x - 5.5, 0.0), 2.0, 4.6))
    setting.rule("pedestrian_on_carriageway", zone="road", crossing="crossing")
    start_s = float(rng.uniform(0, 10))
    beside = walker(rng, 1, [(x - 20, -5.6), (x + 20, -5.6)], start_s)
    crosser = walker(rng, 2, [(x - 5.5, 12.0), (x - 5.5, -12.0)], float(rng.uniform(0, 40)))
    ride = [(x - 30, -3.6), (x + 30, -3.6)]
    bicycle = walker(rng, 3, ride, 25.0, speed_mps=3.6, kind=ObjectClass.BICYCLE)
    rider = Actor(4, ObjectClass.PERSON, bicycle.waypoints, bicycle.seed + 1, is_riding=True)
    traffic = lane(rng, 20, 0, seconds, 12.0, speed_mps=10.0)
    actors, due = [beside, crosser, bicycle, rider, *traffic], list[Due]()
    for number in range(int(rng.choice([0, 1, 2], p=[0.25, 0.5, 0.25]))):
        at_s = 14.0 + 26.0 * number
        if rng.random() < 0.5:
            cut = float(rng.uniform(0, 5))
            points = [(x + cut - 1, 9.0), (x + cut, 4.5), (x + cut + 1.5, -4.5), (x + cut + 2, -9.0)]
        else:
            points = [(x + 14, 9.0), (x + 6, 3.6), (x - 2, 3.2), (x - 2.5, 9.0)]
        wrong = walker(rng, 10 + number, points, at_s - 4.0)
        # The rule leaves the kerb's 0.7 m alone.
        begin_s, end_s = spans_in(wrong, rectangle((x, 0.0), 8.0, 3.8))[0]
        actors.append(wrong)
        due.append(due_of(wrong, "pedestrian_on_carriageway", begin_s, begin_s + _JAYWALK_S, end_s))
    return Trial(camera, setting.text(), seconds, tuple(actors), tuple(due))


def crowd(rng: Rng, variant: Variant) -> Trial:
    """Many come together and go again; or half as many, who are no crowd."""
    (x, y), seconds = somewhere(rng), 120.0
    camera = stand(rng, variant, (x, y), reach_m=7.0)
    setting = Setting(camera, rng)
    ring = rectangle((x, y), 5.0, 5.0)
    setting.zone("square", ring)
    setting.rule("crowd", zone="square", high=_HIGH, low=_LOW, on_s=_CROWD_S)
    is_crowd = rng.random() < 0.75
    count = int(rng.integers(12, 17)) if is_crowd else int(rng.integers(3, 7))
    actors: list[Actor] = []
    come_s = np.sort(rng.uniform(12, 24, count))
    for n in range(count):
        spot = _apart(rng, (x, y), [a.place_at(40)[:2] for a in actors])
        turn = float(rng.uniform(0, 2 * math.pi))
        far = (x + 16 * math.cos(turn), y + 16 * math.sin(turn))
        leave_s = float(rng.uniform(88, 98))
        actors.append(visitor(rng, 1 + n, [far, spot], float(come_s[n]), leave_s, [far]))
    passers = [
        walker(rng, 40 + n, [(x - 18, y + off), (x + 18, y + off)], float(rng.uniform(0, 90)))
        for n, off in enumerate(rng.uniform(-4, 4, 3).tolist())
    ]
    if not is_crowd:
        return Trial(camera, setting.text(), seconds, (*actors, *passers))
    begin_s = float(come_s[_HIGH - 1])
    due = Due("crowd", begin_s - 3, begin_s + _CROWD_S, (x, y), None, 88.0, late_s=20.0, far_m=10.0)
    return Trial(camera, setting.text(), seconds, (*actors, *passers), (due,))


def _apart(rng: Rng, middle: Point, others: list[tuple[float, float]]) -> Point:
    """A place in the square at arm's length from the others."""
    for _ in range(60):
        spot = middle[0] + float(rng.uniform(-4.2, 4.2)), middle[1] + float(rng.uniform(-4.2, 4.2))
        if all(math.dist(spot, other) > 1.1 for other in others):
            return spot
    return middle


def agitation(rng: Rng, variant: Variant) -> Trial:
    """A group starts to scuffle; others stand together, walk together or run for a bus."""
    (x, y), seconds = somewhere(rng), 70.0
    camera = stand(rng, variant, (x, y), reach_m=6.0)
    setting = Setting(camera, rng)
    setting.zone("square", rectangle((x, y), 5.5, 5.5))
    setting.rule("agitation", zone="square", mode="on")
    start_s, end_s = float(rng.uniform(26, 36)), 0.0
    is_fight = rng.random() < 0.7
    end_s = start_s + float(rng.uniform(9, 14)) if is_fight else start_s
    actors = [
        _scuffler(rng, 1 + n, (x, y), n / 5, start_s, end_s, seconds) for n in range(int(rng.integers(4, 6)))
    ]
    runner = walker(rng, 20, [(x - 20, y - 4.5), (x + 20, y - 4.5)], float(rng.uniform(0, 10)), speed_mps=3.4)
    pair_s = float(rng.uniform(0, 20))
    pair = [
        walker(rng, 21 + n, [(x - 18, y + 4 + n), (x + 18, y + 4 + n)], pair_s, None, 1.3) for n in (0, 1)
    ]
    due = [Due("agitation", start_s, start_s + 2.0, (x, y), None, None, 12.0, 9.0)] if is_fight else []
    return Trial(camera, setting.text(), seconds, (*actors, runner, *pair), tuple(due))


def _scuffler(
    rng: Rng, number: int, middle: Point, share: float, start_s: float, end_s: float, seconds: float
) -> Actor:
    """One of a group: stands about, then lunges back and forth between two instants, then stands."""
    turn = 2 * math.pi * share
    spot = (middle[0] + 1.4 * math.cos(turn), middle[1] + 1.4 * math.sin(turn))
    way = fidget(rng, spot, -1.0, start_s)
    t_s = start_s
    while t_s < end_s:
        goal = around(rng, middle, 2.2)
        last = way[-1]
        t_s += max(0.3, math.dist((last.east_m, last.north_m), goal) / float(rng.uniform(2.2, 3.6)))
        way.append(Waypoint(t_s, *goal))
    rest = fidget(rng, (way[-1].east_m, way[-1].north_m), way[-1].t_s + 0.3, seconds + 1)
    return Actor(number, ObjectClass.PERSON, (*way, *rest), int(rng.integers(1 << 30)))


def person_down(rng: Rng, variant: Variant) -> Trial:
    """Someone falls and stays down; others stoop, lie for a moment, or put a bag down."""
    (x, y), seconds = somewhere(rng), 70.0
    camera = stand(rng, variant, (x, y), reach_m=6.0)
    setting = Setting(camera, rng)
    setting.zone("square", rectangle((x, y), 5.5, 5.5))
    setting.rule("person_down", zone="square", limit_s=_DOWN_S)
    stoop = float(rng.uniform(20, 30))
    spot = around(rng, (x, y), 3.0)
    stooper = visitor(rng, 1, [(x - 14, y - 3), spot], stoop - 3, stoop + 8, [(x + 14, y - 3)])
    stooper = _with(stooper, bends=((stoop, stoop + 3.5),))
    bag = stander(
        rng, 2, ObjectClass.BAG, around(rng, (x, y), 4.0), float(rng.uniform(0, 360)), 10.0, seconds + 1
    )
    passer = walker(rng, 3, [(x - 16, y + 4), (x + 16, y + 4)], float(rng.uniform(0, 40)))
    fall_s = float(rng.uniform(18, 26))
    stays = rng.random() < 0.75
    down_s = float(rng.uniform(18, 28)) if stays else float(rng.uniform(2.5, 5))
    place = around(rng, (x, y), 3.5)
    turn = float(rng.uniform(0, 2 * math.pi))
    come = (x + 14 * math.cos(turn), y + 14 * math.sin(turn))
    faller = visitor(rng, 4, [come, place], fall_s - 0.5, fall_s + down_s + 1.5, [come])
    still = tuple(
        w if not fall_s <= w.t_s <= fall_s + down_s else Waypoint(w.t_s, *place) for w in faller.waypoints
    )
    faller = Actor(4, ObjectClass.PERSON, still, faller.seed, lies=((fall_s, fall_s + down_s),))
    due = [due_of(faller, "person_down", fall_s, fall_s + _DOWN_S, fall_s + down_s)] if stays else []
    return Trial(camera, setting.text(), seconds, (stooper, bag, passer, faller), tuple(due))


def _with(actor: Actor, bends: tuple[tuple[float, float], ...]) -> Actor:
    return Actor(actor.id, actor.object_class, actor.waypoints, actor.seed, bends=bends)


def stray_animals(rng: Rng, variant: Variant) -> Trial:
    """Dogs, sheep or a horse on the road; a dog on the lead and one on the footpath do not count."""
    x, seconds = float(rng.uniform(-45, 8)), 80.0
    camera = stand(rng, variant, (x, 0.0), reach_m=8.5)
    setting = Setting(camera, rng)
    ring = rectangle((x, 0.0), 8.0, 4.5)
    setting.zone("road", ring)
    setting.rule("stray_animals", zone="road", limit_s=_STRAY_S)
    led_s = float(rng.uniform(0, 30))
    owner = walker(rng, 1, [(x - 7, 12), (x - 7, 2), (x - 6, -12)], led_s, None, 0.9)
    led = tuple(w._replace(east_m=w.east_m + 0.8) for w in owner.waypoints)
    dog = Actor(2, ObjectClass.DOG, led, int(rng.integers(1 << 30)))
    loose = walker(rng, 3, [(x - 16, 6.5), (x + 16, 6.5)], 5.0, kind=ObjectClass.DOG)
    actors, due = [owner, dog, loose], list[Due]()
    if rng.random() < 0.75:
        classes = (ObjectClass.DOG, ObjectClass.DOG, ObjectClass.HORSE, ObjectClass.COW, ObjectClass.SHEEP)
        kind = classes[rng.integers(len(classes))]
        count = 3 if kind is ObjectClass.SHEEP else 1
        arrive_s, middle = float(rng.uniform(18, 26)), around(rng, (x + 2, 0.0), 2.0)
        herd = [_rover(rng, 10 + n, kind, middle, arrive_s, arrive_s + 32.0) for n in range(count)]
        begin_s = spans_in(herd[0], ring)[0][0]
        actors += herd
        due.append(due_of(herd[0], "stray_animals", begin_s, begin_s + _STRAY_S, arrive_s + 30, far_m=9.0))
    return Trial(camera, setting.text(), seconds, tuple(actors), tuple(due))


def _rover(rng: Rng, number: int, kind: ObjectClass, middle: Point, from_s: float, to_s: float) -> Actor:
    """An animal that comes onto the road, roams there, and goes."""
    way = [Waypoint(from_s - 9, middle[0] + float(rng.uniform(-4, 4)), 11.0)]
    t_s = from_s
    while t_s < to_s:
        goal = around(rng, middle, 1.9)
        way.append(Waypoint(t_s, *goal))
        t_s += float(rng.uniform(1.5, 4))
        way.append(Waypoint(t_s - 0.2, goal[0] + 0.1, goal[1]))
    return Actor(number, kind, (*way, Waypoint(t_s + 9, middle[0], -12.0)), int(rng.integers(1 << 30)))


def littering(rng: Rng, variant: Variant) -> Trial:
    """Someone drops a small thing in walking; others carry theirs past, or set it down and take it up."""
    (x, y), seconds = somewhere(rng), 60.0
    camera = stand(rng, variant, (x, y), reach_m=5.5)
    setting = Setting(camera, rng)
    ring = rectangle((x, y), 5.0, 5.0)
    setting.zone("square", ring)
    setting.rule("littering", zone="square", mode="on")
    passer = walker(rng, 1, [(x - 16, y - 3), (x + 16, y - 3)], float(rng.uniform(0, 30)))
    at_s, speed = float(rng.uniform(20, 28)), float(rng.uniform(1.1, 1.5))
    drop = around(rng, (x, y), 3.0)
    turn = float(rng.uniform(0, 2 * math.pi))
    ends = [(drop[0] + s * 14 * math.cos(turn), drop[1] + s * 14 * math.sin(turn)) for s in (-1, 1)]
    one = walker(rng, 2, ends, at_s - 14 / speed, None, speed)
    held = tuple(w._replace(east_m=w.east_m + 0.3, up_m=0.7) for w in one.waypoints)
    is_litter = rng.random() < 0.7
    if is_litter:
        held = (held[0], Waypoint(at_s - 0.4, drop[0] + 0.3, drop[1], 0.7), Waypoint(at_s, *drop))
        held = (*held, Waypoint(seconds + 1, *drop))
    thing = Actor(3, ObjectClass.BAG, held, int(rng.integers(1 << 30)), heading_deg=0.0)
    is_seen = is_in(drop, ring)
    due = [due_of(thing, "littering", at_s, at_s + 8.0)] if is_litter and is_seen else []
    return Trial(camera, setting.text(), seconds, (passer, one, thing), tuple(due))
