"""Scenes full of what looks alike and must stay silent, watched by all rules that a technician might set."""

import math
from dataclasses import dataclass, field

import numpy as np

from shared.kinds import ObjectClass
from simulator.actors import Actor, Waypoint
from simulator.camera import Camera
from simulator.traffic import walk
from simulator.trials.canvas import Canvas
from simulator.trials.cast import driver, rectangle, stander, visitor, walker
from simulator.trials.player import ruled_kinds
from simulator.trials.roads import EAST_M, END_M, convoy, lane
from simulator.trials.setting import Setting
from simulator.trials.stand import stand
from simulator.trials.trial import Paint, Trial, Variant
from simulator.world import Point

Rng = np.random.Generator

SECONDS = 945.0
"""A quarter of an hour and a little: eight conditions and ten scenes are 21 camera-hours."""
_HALF_M = 8.0
_WATCHED: tuple[tuple[str, dict[str, str | float]], ...] = (
    ("intrusion", {"zone": "closed"}),
    ("loitering", {"zone": "path", "bus_stop": "stop"}),
    ("line_crossed", {"tripwire": "line"}),
    ("wrong_way", {"zone": "lane", "heading": "arrow"}),
    ("illegal_parking", {"zone": "kerb", "limit_s": 60}),
    ("stopped_on_carriageway", {"zone": "road"}),
    ("congestion", {"zone": "road"}),
    ("pedestrian_on_carriageway", {"zone": "road"}),
    ("crowd", {"zone": "path"}),
    ("person_down", {"zone": "path"}),
    ("stray_animals", {"zone": "road"}),
    ("dumping_act", {"zone": "path", "container": "containers"}),
    ("abandoned_object", {"zone": "path", "container": "containers"}),
    ("road_obstruction", {"zone": "road"}),
    ("camera_tampered", {}),
)


@dataclass
class Stage:
    """A piece of street with its camera, all rules, and ordinary life."""

    rng: Rng
    camera: Camera
    setting: Setting
    x: float
    actors: list[Actor] = field(default_factory=list[Actor])

    @property
    def next_id(self) -> int:
        """A number that no actor has yet."""
        return 1 + max((a.id for a in self.actors), default=0)

    def trial(self, paint: Paint | None = None, finish: Paint | None = None) -> Trial:
        """The trial of what was put on it: nothing is to be told."""
        return Trial(
            self.camera, self.setting.text(), SECONDS, tuple(self.actors), paint=paint, finish=finish
        )


def stage(rng: Rng, variant: Variant, walkers: int = 14, gap_s: float = 24.0) -> Stage:
    """An ordinary quarter of an hour: ``walkers`` on the footpath, a vehicle every ``gap_s`` a lane."""
    x = float(rng.uniform(-45, 8))
    camera = stand(rng, variant, (x, 2.0), reach_m=9.5)
    setting = Setting(camera, rng)
    setting.zone("road", rectangle((x, 0.0), _HALF_M, 4.4))
    setting.zone("lane", rectangle((x, EAST_M), _HALF_M, 1.95))
    setting.zone("kerb", [(x - 5, 0.9), (x + 3, 0.9), (x + 3, 4.6), (x - 5, 4.6)])
    setting.zone("path", [(x - 8, 5.0), (x + 8, 5.0), (x + 8, 10.0), (x - 8, 10.0)])
    setting.zone("stop", [(x + 2, 5.0), (x + 8, 5.0), (x + 8, 7.4), (x + 2, 7.4)])
    setting.zone("closed", [(x - 8, 11.0), (x - 2, 11.0), (x - 2, 13.5), (x - 8, 13.5)])
    setting.zone("containers", [(x - 8, 8.2), (x - 4, 8.2), (x - 4, 10.2), (x - 8, 10.2)])
    setting.tripwire("arrow", (x - 4, EAST_M), (x + 4, EAST_M))
    setting.tripwire("line", (x - 8, 10.8), (x - 2, 10.8))
    ruled = ruled_kinds()
    for kind, values in _WATCHED:
        if kind in ruled:
            setting.rule(kind, **values)
    made = Stage(rng, camera, setting, x)
    for _ in range(walkers):
        y, way = float(rng.uniform(5.4, 7.8)), 1 if rng.random() < 0.5 else -1
        points = [(x - 25 * way, y), (x + 25 * way, y + float(rng.uniform(-0.5, 0.5)))]
        made.actors.append(walker(rng, made.next_id, points, float(rng.uniform(0, SECONDS))))
    if gap_s:
        made.actors += lane(rng, made.next_id, 0, SECONDS, gap_s)
        made.actors += lane(rng, made.next_id, 0, SECONDS, gap_s, is_east=False)
    return made


def bus_stop_queue(rng: Rng, variant: Variant) -> Trial:
    """People wait for a bus, longer than one may loiter; it stands, takes them and goes."""
    made = stage(rng, variant)
    x, bus_s = made.x, float(rng.uniform(240, 320))
    made.actors = [a for a in made.actors if not _is_vehicle_west(a)]
    while bus_s < SECONDS - 60:
        stop = (x + 5.0, 3.3)
        points: list[Point] = [(x + END_M, 2.25), (x + 28, 2.25), stop, (x - 20, 2.25), (x - END_M, 2.25)]
        start_s = bus_s - (END_M - 5) / 8.0
        made.actors.append(driver(rng, made.next_id, points, start_s, 8.0, ObjectClass.BUS, {2: 22.0}))
        for n in range(int(rng.integers(3, 7))):
            spot = (x + 3.0 + 0.8 * n, float(rng.uniform(5.6, 6.4)))
            arrive_s = bus_s - float(rng.uniform(30, 230))
            come = (x + 24.0, 6.5 + 0.2 * n)
            door = (spot[0], 4.8)
            made.actors.append(visitor(rng, made.next_id, [come, spot], arrive_s, bus_s + 3 + n, [door]))
        bus_s += float(rng.uniform(260, 330))
    return made.trial()


def _is_vehicle_west(actor: Actor) -> bool:
    first, last = actor.waypoints[0], actor.waypoints[-1]
    return first.east_m - last.east_m > 100


def jam_at_the_light(rng: Rng, variant: Variant) -> Trial:
    """Every minute and a half the light is red: cars stand, close up, and go on."""
    made = stage(rng, variant, gap_s=0.0)
    red_s = float(rng.uniform(20, 40))
    while red_s < SECONDS - 80:
        go_s = red_s + float(rng.uniform(24, 40))
        east, west = int(rng.integers(3, 7)), int(rng.integers(3, 7))
        made.actors += convoy(rng, made.next_id, made.x + 7, east, red_s, go_s, 0.0)
        made.actors += convoy(rng, made.next_id, made.x - 7, west, red_s, go_s, 0.0, is_east=False)
        red_s += 90.0
    return made.trial()


def cleaner_with_a_bag(rng: Rng, variant: Variant) -> Trial:
    """A cleaner goes up and down the path, stoops, sets the bag down beside them, and takes it along."""
    made = stage(rng, variant)
    t_s = float(rng.uniform(5, 20))
    while t_s < SECONDS - 120:
        points: list[Point] = [(made.x - 25, 6.2)]
        points += [(made.x - 6 + 3.0 * n, float(rng.uniform(5.4, 7.6))) for n in range(5)]
        points.append((made.x + 25, 6.2))
        pauses = {n: float(rng.uniform(6, 18)) for n in range(1, 6)}
        one = walker(rng, made.next_id, points, t_s, pauses, 1.0)
        stoops = tuple((w.t_s + 1, w.t_s + 3) for w in one.waypoints[1:-1:2])
        made.actors.append(Actor(one.id, one.object_class, one.waypoints, one.seed, bends=stoops))
        bag = tuple(
            w._replace(east_m=w.east_m + 0.5, up_m=0.1 * (n % 2)) for n, w in enumerate(one.waypoints)
        )
        made.actors.append(Actor(made.next_id, ObjectClass.BAG, bag, one.seed + 1, heading_deg=0.0))
        t_s = one.waypoints[-1].t_s + float(rng.uniform(10, 60))
    return made.trial()


def bag_into_the_container(rng: Rng, variant: Variant) -> Trial:
    """People bring their bags to where bags belong, and go."""
    made = stage(rng, variant)
    for down_s in np.arange(60, SECONDS - 60, 170) + rng.uniform(-25, 25):
        spot = (made.x - 6.0 + float(rng.uniform(-1.2, 1.2)), 9.2 + float(rng.uniform(-0.4, 0.4)))
        come = (made.x + 22.0, 6.8)
        one = visitor(
            rng, made.next_id, [come, (spot[0] + 0.4, spot[1] - 0.5)], down_s - 1, down_s + 2, [come]
        )
        made.actors.append(one)
        brought = [w for w in one.waypoints if w.t_s < down_s - 0.6]
        way = tuple(w._replace(east_m=w.east_m + 0.3, up_m=0.1) for w in brought)
        way = (*way, Waypoint(down_s, *spot), Waypoint(SECONDS + 1, *spot))
        made.actors.append(Actor(made.next_id, ObjectClass.BAG, way, one.seed + 1, heading_deg=0.0))
    return made.trial()


def snow_falling(rng: Rng, variant: Variant) -> Trial:
    """Large flakes close to the lens, and the ground turns white."""
    made, draw = stage(rng, variant), np.random.default_rng(int(rng.integers(1 << 30)))

    def whiten(canvas: Canvas, t_s: float) -> None:
        share = min(0.5, t_s / SECONDS * 0.5)
        canvas.luma[:] = canvas.luma + (200 - np.minimum(canvas.luma, 200)) * np.float32(share * 0.4)

    def flakes(canvas: Canvas, t_s: float) -> None:
        del t_s
        height, width = canvas.luma.shape
        for x, y in draw.integers(0, (width - 12, height - 12), (14, 2)).tolist():
            size = int(draw.integers(4, 11))
            canvas.luma[y : y + size, x : x + size] = np.maximum(canvas.luma[y : y + size, x : x + size], 205)

    return made.trial(whiten, flakes)


def shadows_moving(rng: Rng, variant: Variant) -> Trial:
    """Shadows of clouds and branches wander over road and path."""
    made, count = stage(rng, variant), 5
    starts, speeds = rng.uniform(-20, 20, (count, 2)), rng.uniform(-0.25, 0.25, (count, 2))
    sizes = rng.uniform(0.8, 4.0, (count, 2))

    def shade(canvas: Canvas, t_s: float) -> None:
        step = math.floor(t_s)
        for start, speed, size in zip(starts, speeds, sizes, strict=True):
            east, north = (start + speed * step + 20) % 40 - 20
            ring = rectangle((made.x + float(east), float(north)), float(size[0]), float(size[1]))
            level = int(canvas.luma.mean() * 0.6)
            canvas.fill_ground(ring, level, opacity=0.7)

    return made.trial(shade)


def cats(rng: Rng, variant: Variant) -> Trial:
    """Cats cross the closed area, the road and the path, and sit about."""
    made = stage(rng, variant)
    for start_s in np.arange(20, SECONDS - 80, 75) + rng.uniform(-10, 10):
        middle = (made.x + float(rng.uniform(-7, 7)), float(rng.uniform(5, 12.5)))
        side = float(rng.choice([-1, 1]))
        points = [(middle[0] - 12 * side, 15.0), middle, (middle[0] + 12 * side, -14.0)]
        pause = {1: float(rng.uniform(5, 40))}
        made.actors.append(walker(rng, made.next_id, points, float(start_s), pause, 2.2, ObjectClass.CAT))
    return made.trial()


def car_door(rng: Rng, variant: Variant) -> Trial:
    """A car stands where it may; its door opens, someone gets out, walks off and comes back."""
    made = stage(rng, variant)
    place = (made.x + 2.0, 11.5)
    car = stander(rng, made.next_id, ObjectClass.CAR, place, 0.0, -1, SECONDS + 1)
    made.actors.append(car)
    opens: list[float] = []
    for at_s in np.arange(50, SECONDS - 150, 180) + rng.uniform(-20, 20):
        door = (place[0] - 0.3, place[1] - 1.3)
        points = [door, (door[0], 8.6), (made.x + 24, 7.2), (made.x + 24, 7.6), (door[0], 8.8), door]
        way = walk(points, float(at_s) + 2, 1.25, {2: 30.0})
        made.actors.append(Actor(made.next_id, ObjectClass.PERSON, way, int(rng.integers(1 << 30))))
        opens += [float(at_s), way[-1].t_s - 2]

    def door_leaf(canvas: Canvas, t_s: float) -> None:
        if any(a <= t_s <= a + 5 for a in opens):
            ring = rectangle((place[0] + 0.3, place[1] - 1.4), 0.55, 0.45)
            canvas.fill_ground(ring, 60 if canvas.luma.mean() > 90 else 90, texture_seed=car.seed)

    return made.trial(door_leaf)


def leaves(rng: Rng, variant: Variant) -> Trial:
    """Leaves blow over the ground and a bush sways."""
    made, count = stage(rng, variant), 24
    starts, speeds = rng.uniform(-12, 12, (count, 2)), rng.normal(0, 1.2, (count, 2))
    bush = (made.x + float(rng.uniform(-7, 7)), 10.4)

    def blow(canvas: Canvas, t_s: float) -> None:
        width, height = canvas.luma.shape[1], canvas.luma.shape[0]
        places = (starts + speeds * t_s + 12) % 24 - 12
        world = np.column_stack([places + np.array([made.x, 3.0]), np.zeros(count)])
        pixels, depth = canvas.camera.project(world)
        for (px, py), away_m in zip(pixels, depth, strict=True):
            size = max(2, int(canvas.camera.focal_px * 0.12 / max(1.0, away_m)))
            if 0 <= px < width - size and 0 <= py < height - size and away_m > 1:
                canvas.luma[int(py) : int(py) + size, int(px) : int(px) + size] = 70
        sway = 0.25 * math.sin(t_s * 1.7) + 0.1 * math.sin(t_s * 5.1)
        ring = rectangle((bush[0] + round(sway, 1), bush[1]), 0.9, 0.5)
        canvas.fill_ground(ring, 58, texture_seed=5)

    return made.trial(blow)


def wet_glare(rng: Rng, variant: Variant) -> Trial:
    """Puddles mirror the sky and lights: bright patches that come, flicker and go."""
    made, count = stage(rng, variant, gap_s=15.0), 5
    places = np.column_stack([rng.uniform(-7, 7, count) + made.x, rng.uniform(-4, 9, count)])
    sizes, phases = rng.uniform(0.3, 1.6, (count, 2)), rng.uniform(0, 60, count)

    def shine(canvas: Canvas, t_s: float) -> None:
        for (east, north), (wide, deep), phase in zip(places, sizes, phases, strict=True):
            swell = math.sin((t_s + phase) / 9.0) + 0.3 * math.sin((t_s + phase) * 2.1)
            if swell > 0:
                ring = rectangle((float(east), float(north)), float(wide), float(deep))
                canvas.fill_ground(ring, 225, opacity=round(min(0.85, swell), 2))

    return made.trial(shine)
