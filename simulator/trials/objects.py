"""Trials of the kinds about things that were left or taken away. Half of the things have no trained class."""

import math

import numpy as np

from shared.kinds import ObjectClass
from simulator.actors import Actor, Waypoint
from simulator.trials.canvas import Canvas
from simulator.trials.cast import driver, due_of, rectangle, stander, visitor, walker
from simulator.trials.places import somewhere
from simulator.trials.roads import EAST_M, END_M, lane
from simulator.trials.setting import Setting
from simulator.trials.stand import stand
from simulator.trials.trial import Due, Paint, Trial, Variant
from simulator.world import Point

Rng = np.random.Generator

_STAY_S, _AWAY_M = 15.0, 5.0
_ABANDONED_S, _ALONE_S, _CLEAR_M = 45.0, 20.0, 3.0
_OBSTRUCTED_S = 45.0
_REMOVED_S = 30.0


def beside(place: Point, turn_rad: float, by_m: float) -> Point:
    """A place ``by_m`` from another, counter-clockwise from east."""
    return place[0] + by_m * math.cos(turn_rad), place[1] + by_m * math.sin(turn_rad)


def carried(carrier: Actor, place: Point, down_s: float, to_s: float, up_s: float = math.inf) -> Actor:
    """A bag in its carrier's hand until ``down_s``, then at ``place`` until ``to_s``; then in hand."""

    def in_hand(from_s: float, until_s: float) -> list[Waypoint]:
        times = np.arange(from_s, until_s, 0.25)
        return [Waypoint(float(t), *beside(carrier.place_at(float(t))[:2], 0.8, 0.3), 0.15) for t in times]

    before = in_hand(carrier.waypoints[0].t_s, down_s - 0.5)
    lies = [Waypoint(down_s, *place), Waypoint(min(to_s, up_s), *place)]
    after = in_hand(up_s + 0.5, carrier.waypoints[-1].t_s) if up_s < to_s else []
    way = (*before, *lies, *after)
    return Actor(carrier.id + 1, ObjectClass.BAG, way, carrier.seed + 1, heading_deg=30.0)


def leaver(
    rng: Rng, number: int, place: Point, down_s: float, to_s: float, up_s: float = math.inf
) -> list[Actor]:
    """Someone brings a bag to ``place``, lingers, and goes without it; or waits by it and takes it along."""
    turn, stay_s = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(1.5, 4))
    spot = beside(place, turn, 0.55)
    leave_s = down_s + stay_s if math.isinf(up_s) else up_s + 0.6
    off = beside(place, turn + float(rng.uniform(-0.8, 0.8)), 22.0)
    come = [beside(place, turn + float(rng.uniform(-0.6, 0.6)), 20.0), spot]
    person = visitor(rng, number, come, down_s - 0.8, leave_s, [off])
    return [person, carried(person, place, down_s, to_s, up_s)]


def away_s(person: Actor, place: Point, from_s: float, by_m: float) -> float:
    """When someone is ``by_m`` away from a place, after ``from_s``."""
    times = np.arange(from_s, person.waypoints[-1].t_s, 0.2)
    far = [t for t in times.tolist() if math.dist(person.place_at(t)[:2], place) >= by_m]
    return far[0] if far else float(person.waypoints[-1].t_s)


def dumping_act(rng: Rng, variant: Variant) -> Trial:
    """A verge with a container. Some leave a bag and go; one fills the container, one waits by his bag, and a
    cleaner takes up what lay there from the beginning."""
    x, y = focus = somewhere(rng)
    seconds = 85.0
    camera = stand(rng, variant, focus, reach_m=6.5)
    setting = Setting(camera, rng)
    setting.zone("verge", rectangle(focus, 5.0, 3.5))
    bin_at = (x + 3.4, y + 1.8)
    setting.zone("bin", rectangle(bin_at, 1.5, 1.3))
    classes = ["bag", "object"]
    setting.rule(
        "dumping_act", zone="verge", container="bin", classes=classes, stay_s=_STAY_S, away_m=_AWAY_M
    )
    actors = leaver(rng, 1, bin_at, float(rng.uniform(40, 50)), seconds)
    wait_s = float(rng.uniform(10, 20))
    actors += leaver(rng, 3, (x + 0.5, y - 2.4), wait_s, seconds, wait_s + float(rng.uniform(20, 30)))
    old = (x - 0.8, y + 2.4)
    cleaner = visitor(rng, 5, [(x - 20, y + 3), beside(old, 1.0, 0.5)], 24.0, 27.0, [(x + 20, y + 4)])
    actors += [cleaner, stander(rng, 6, ObjectClass.BAG, old, 0.0, -5.0, 26.0)]
    due: list[Due] = []
    if rng.random() < 0.75:
        place = (x - float(rng.uniform(2.2, 3.8)), y + float(rng.uniform(-2, 0.5)))
        down_s = float(rng.uniform(8, 25))
        person, bag = leaver(rng, 7, place, down_s, seconds)
        due_s = away_s(person, place, down_s, _AWAY_M) + _STAY_S
        actors += [person, bag]
        due.append(due_of(bag, "dumping_act", down_s, due_s))
    return Trial(
        camera, setting.text(), seconds, tuple(actors), tuple(due), unseen=_without_class(rng, actors)
    )


def abandoned_object(rng: Rng, variant: Variant) -> Trial:
    """A square. A bag is left for good, or its owner comes back in time; another waits by his own; people
    pass between."""
    x, y = focus = somewhere(rng)
    seconds = 110.0
    camera = stand(rng, variant, focus, reach_m=7.0)
    setting = Setting(camera, rng)
    setting.zone("square", rectangle(focus, 6.0, 4.5))
    setting.rule("abandoned_object", zone="square", limit_s=_ABANDONED_S, alone_s=_ALONE_S, near_m=_CLEAR_M)
    wait_s = float(rng.uniform(5, 12))
    actors = leaver(rng, 1, (x + 4.6, y - 3.2), wait_s, seconds, wait_s + 75.0)
    for number in range(3, 6):
        ends = [(x - 20.0, y + 3.9), (x + 20.0, y + 3.9)][:: int(rng.choice([-1, 1]))]
        actors.append(walker(rng, number, ends, float(rng.uniform(0, 90))))
    place = (x + float(rng.uniform(-4.5, -1.0)), y + float(rng.uniform(-3.2, -1.2)))
    down_s = float(rng.uniform(8, 20))
    due: list[Due] = []
    if rng.random() < 0.75:
        person, bag = leaver(rng, 7, place, down_s, seconds)
        due_s = max(down_s + _ABANDONED_S, away_s(person, place, down_s, _CLEAR_M) + _ALONE_S)
        due.append(due_of(bag, "abandoned_object", down_s, due_s))
        actors += [person, bag]
    else:
        actors += _comes_back(rng, 7, place, down_s)
    return Trial(
        camera, setting.text(), seconds, tuple(actors), tuple(due), unseen=_without_class(rng, actors)
    )


def _comes_back(rng: Rng, number: int, place: Point, down_s: float) -> list[Actor]:
    """Someone puts a bag down, goes a little way off, and takes it up again in time."""
    spot, off = beside(place, 0.7, 0.5), beside(place, 0.7, 6.0)
    back_s = down_s + float(rng.uniform(18, 26))
    gone = visitor(rng, number, [beside(place, 0.7, 20.0), spot], down_s - 0.8, down_s + 2.0, [off])
    turn_s = gone.waypoints[-1].t_s
    way = (
        *gone.waypoints,
        Waypoint(max(turn_s + 0.1, back_s - 5.0), *off),
        Waypoint(max(turn_s + 5.0, back_s), *spot),
        Waypoint(max(turn_s + 5.0, back_s) + 2.0, *spot),
        Waypoint(max(turn_s + 5.0, back_s) + 20.0, *beside(place, 0.7, 22.0)),
    )
    person = Actor(number, ObjectClass.PERSON, way, gone.seed)
    return [person, carried(person, place, down_s, 1e4, max(turn_s + 5.0, back_s) + 1.0)]


def road_obstruction(rng: Rng, variant: Variant) -> Trial:
    """A lane. Something falls from a lorry, or nothing does; a car stands in the lane for long, a parked one
    leaves a ghost behind, a barrier stands in the works zone, a shadow wanders."""
    x, seconds = float(rng.uniform(-45, 12)), 105.0
    camera = stand(rng, variant, (x, 0.0), reach_m=8.0)
    setting = Setting(camera, rng)
    setting.zone("lane", rectangle((x, 0.0), 7.0, 4.0))
    setting.zone("works", rectangle((x + 4.8, 2.6), 1.8, 1.2))
    setting.rule("road_obstruction", zone="lane", works="works", limit_s=_OBSTRUCTED_S)
    fall_s, place = float(rng.uniform(10, 25)), (x + float(rng.uniform(-4.5, -1)), EAST_M)
    speed = float(rng.uniform(7, 10))
    start_s = fall_s - (END_M + place[0]) / speed
    lorry = driver(rng, 1, [(-END_M, EAST_M), (END_M, EAST_M)], start_s, speed, ObjectClass.TRUCK)
    barrier = stander(rng, 2, ObjectClass.OBJECT, (x + 4.8, 2.6), 90.0, float(rng.uniform(6, 12)), seconds)
    parked = _leaves(rng, 3, (x - 3.0, 3.3), float(rng.uniform(12, 40)))
    actors, due = [lorry, barrier, parked], list[Due]()
    around: list[float] = []
    if rng.random() < 0.75:
        thing = stander(rng, 4, ObjectClass.OBJECT, place, float(rng.uniform(0, 180)), fall_s, seconds)
        actors.append(thing)
        around.append(place[0])
        due.append(due_of(thing, "road_obstruction", fall_s, fall_s + _OBSTRUCTED_S))
    else:
        stop = (x + float(rng.uniform(-3, 0)), EAST_M)
        points: list[Point] = [(-END_M, EAST_M), stop, (END_M, EAST_M)]
        actors.append(driver(rng, 5, points, 14.0 - (END_M + stop[0]) / 9.0, 9.0, ObjectClass.CAR, {1: 70.0}))
    if around:
        actors += lane(rng, 10, fall_s + 6.0, seconds, 12.0, around=around)
    unseen = frozenset({2, 4})
    paint = _wandering_shadow(rng, (x, 0.0), seconds) if not variant.is_dark else None
    return Trial(camera, setting.text(), seconds, tuple(actors), tuple(due), unseen=unseen, paint=paint)


def _leaves(rng: Rng, number: int, at: Point, go_s: float) -> Actor:
    """A car that stands from the beginning and drives off."""
    way = (
        Waypoint(-5.0, *at),
        Waypoint(go_s, *at),
        Waypoint(go_s + 3.0, at[0] - 5.0, 2.25),
        Waypoint(go_s + 12.0, at[0] - 80.0, 2.25),
    )
    return Actor(number, ObjectClass.CAR, way, int(rng.integers(1 << 30)), heading_deg=180.0)


def _wandering_shadow(rng: Rng, focus: Point, seconds: float) -> Paint:
    """A cloud's shadow that comes, stays a while, and goes again."""
    come_s, stay_s = float(rng.uniform(10, 30)), float(rng.uniform(20, 50))
    place, half = (focus[0] + float(rng.uniform(-2, 4)), focus[1] + 1.0), float(rng.uniform(1.0, 2.5))
    shadow = np.float32(rng.uniform(0.6, 0.8))

    def paint(canvas: Canvas, t_s: float) -> None:
        share = min(1.0, (t_s - come_s) / 4.0, (come_s + stay_s - t_s) / 4.0)
        if share <= 0 or t_s > seconds:
            return
        ring = np.array([(*p, 0.0) for p in rectangle(place, half, half)])
        pixels, depth = canvas.camera.project(ring)
        if depth.min() <= 0.5:
            return
        height, width = canvas.luma.shape
        left, top = (int(v) for v in np.clip(pixels.min(0), 0, (width - 8, height - 8)))
        right, bottom = (int(v) for v in np.clip(pixels.max(0), (left + 8, top + 8), (width, height)))
        part = canvas.luma[top:bottom, left:right]
        part[:] = (part * (1 - (1 - shadow) * np.float32(share))).astype(np.uint8)

    return paint


def asset_removed(rng: Rng, variant: Variant) -> Trial:
    """A bench is carried off, or only hidden: someone stands before it, a car stops before it."""
    focus = somewhere(rng)
    seconds = 105.0
    camera = stand(rng, variant, focus, reach_m=5.5)
    base = np.array([(*focus, 0.0), (*focus, 0.9)])
    (foot, top), _ = camera.project(base)
    tall = max(16.0, float(foot[1] - top[1]))
    left, right = float(foot[0]) - 0.75 * tall, float(foot[0]) + 0.75 * tall
    corners = [(left, float(foot[1]) - tall), (right, float(foot[1]) - tall), (right, float(foot[1]))]
    corners.append((left, float(foot[1])))
    setting = Setting(camera, rng)
    setting.zone_px("bench", corners)
    setting.rule("asset_removed", zone="bench", limit_s=_REMOVED_S)
    taken_s = float(rng.uniform(20, 40)) if rng.random() < 0.75 else math.inf
    near = beside(focus, float(rng.uniform(0, 6.28)), 0.8)
    visit_s = min(taken_s, 40.0)
    taker = visitor(
        rng, 1, [beside(focus, 2.0, 20.0), near], visit_s - 4.0, visit_s + 2.0, [beside(focus, 1.0, 20.0)]
    )
    ahead = beside(focus, math.atan2(camera.north_m - focus[1], camera.east_m - focus[0]), 1.5)
    idler = visitor(rng, 2, [beside(ahead, 4.0, 20.0), ahead], 6.0, 15.0, [beside(ahead, 5.0, 20.0)])
    passer = walker(rng, 3, [beside(ahead, 0.0, 20.0), beside(ahead, 3.1, 20.0)], float(rng.uniform(40, 70)))
    due: tuple[Due, ...] = ()
    if math.isfinite(taken_s):
        due = (Due("asset_removed", taken_s, taken_s + _REMOVED_S, focus, late_s=20.0),)
    paint = _bench(corners, taken_s, int(rng.integers(1 << 20)), 0.5 if variant.is_dark else 1.0)
    return Trial(camera, setting.text(), seconds, (taker, idler, passer), due, paint=paint)


def _bench(corners: list[tuple[float, float]], taken_s: float, seed: int, light: float) -> Paint:
    """Slats, light and dark, with a grain of their own, until the bench is taken."""
    (left, top), (right, _), (_, bottom) = corners[0], corners[1], corners[2]

    def paint(canvas: Canvas, t_s: float) -> None:
        if t_s >= taken_s:
            return
        for number in range(5):
            a, b = (top + (bottom - top) * (number + part) / 5 for part in (0.1, 0.7))
            tone = round((150 if number % 2 else 60) * light)
            canvas.fill_px([(left, a), (right, a), (right, b), (left, b)], tone, seed + number)

    return paint


def _without_class(rng: Rng, actors: list[Actor]) -> frozenset[int]:
    """Half of the trials are watched by a model that knows no bags."""
    is_known = rng.random() < 0.5
    return frozenset(() if is_known else (a.id for a in actors if a.object_class is ObjectClass.BAG))
