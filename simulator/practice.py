"""Pictures to learn from: any camera, light, weather and crowd, with every thing's box. Nothing repeats
but the town."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from shared.kinds import ObjectClass
from simulator.actors import Actor, Waypoint
from simulator.camera import Camera
from simulator.film import Filmer, Shot
from simulator.ground import ground_map
from simulator.weather import varied
from simulator.world import CAMERAS, street

PICTURES_PER_CAMERA = 40
CAMERAS_PER_WEATHER = 4

_CROWD = (
    (ObjectClass.PERSON, 0.34),
    (ObjectClass.CAR, 0.27),
    (ObjectClass.BAG, 0.17),
    (ObjectClass.TRUCK, 0.06),
    (ObjectClass.BUS, 0.05),
    (ObjectClass.BICYCLE, 0.08),
    (ObjectClass.DOG, 0.03),
)

_ROOM_M = {ObjectClass.CAR: 2.0, ObjectClass.TRUCK: 3.6, ObjectClass.BUS: 4.5, ObjectClass.BICYCLE: 0.8}


def practice_shots(rng: np.random.Generator, size_px: tuple[int, int] = (640, 360)) -> Iterator[Shot]:
    """Endless pictures; the same ``rng`` gives the same ones. Boxes carry how much of each thing is
    visible."""
    while True:
        weather, world = varied(rng), street(int(rng.integers(1 << 30)))
        below = ground_map(world, weather)
        for _ in range(CAMERAS_PER_WEATHER):
            filmer = Filmer(world, random_camera(rng, size_px), weather, below, int(rng.integers(1 << 30)))
            for _ in range(PICTURES_PER_CAMERA):
                t_s = float(rng.uniform(0, 1000))
                yield filmer.shoot(random_crowd(rng, filmer.camera, t_s), t_s)


def random_camera(rng: np.random.Generator, size_px: tuple[int, int]) -> Camera:
    """One of the designed places half of the time, moved a little; else anywhere along the street."""
    if rng.random() < 0.5:
        base = CAMERAS[rng.integers(len(CAMERAS))]
        east, north, bearing = base.east_m, base.north_m, base.bearing_deg
        pitch, fov, height = base.pitch_deg, base.fov_deg, base.height_m
    else:
        east, north = rng.uniform(-60, 60), rng.choice([-9.0, -5.5, 5.5, 9.0])
        bearing = float(rng.uniform(0, 360))
        pitch, fov, height = rng.uniform(8, 24), rng.uniform(45, 85), rng.uniform(3.2, 7.5)
    return Camera(
        "practice",
        "practice",
        float(east + rng.normal(0, 1.5)),
        float(north + rng.normal(0, 0.4)),
        float(height * rng.uniform(0.85, 1.15)),
        float(bearing + rng.normal(0, 8)),
        float(pitch + rng.normal(0, 2)),
        float(fov * rng.uniform(0.9, 1.1)),
        size_px,
    )


def random_crowd(rng: np.random.Generator, camera: Camera, t_s: float) -> list[Actor]:
    """Things of all classes on the ground that the camera sees, most of them on the move at ``t_s``."""
    w, h = camera.size_px
    count = int(rng.integers(2, 15))
    pixels = np.column_stack([rng.uniform(-20, w + 20, count), h * rng.uniform(0.12, 1.15, count)])
    places = camera.unproject_ground(pixels)
    actors: list[Actor] = []
    taken: list[tuple[np.ndarray, float]] = []
    for place in places[np.hypot(*(places - camera.position[:2]).T) < 60]:
        object_class = _CROWD[rng.choice(len(_CROWD), p=[share for _, share in _CROWD])][0]
        room = _ROOM_M.get(object_class, 0.4)
        if any(np.hypot(*(place - p)) < room + r for p, r in (*taken, (camera.position[:2], room))):
            continue
        taken.append((place, room))
        actors += _one(rng, len(actors) + 1, object_class, place, t_s)
    return actors


def _one(
    rng: np.random.Generator, number: int, object_class: ObjectClass, place: np.ndarray, t_s: float
) -> list[Actor]:
    turn = (
        float(rng.choice([0, np.pi]) + rng.normal(0, 0.15))
        if rng.random() < 0.6
        else float(rng.uniform(-np.pi, np.pi))
    )
    speed = 0.0 if object_class is ObjectClass.BAG or rng.random() < 0.25 else float(rng.uniform(0.6, 1.6))
    way = np.array([np.cos(turn), np.sin(turn)]) * speed
    up = float(rng.uniform(0.1, 0.4)) if object_class is ObjectClass.BAG and rng.random() < 0.2 else 0.0
    path = tuple(
        Waypoint(t_s + dt, place[0] + way[0] * dt, place[1] + way[1] * dt, up) for dt in (-10.0, 10.0)
    )
    still = float(np.degrees(turn)) if speed == 0 else None
    stoops = ((t_s - rng.uniform(0.2, 1.4), t_s + rng.uniform(0.2, 1.4)),) if rng.random() < 0.12 else ()
    thing = Actor(number, object_class, path, int(rng.integers(1 << 30)), still, stoops)
    if object_class is ObjectClass.BICYCLE and rng.random() < 0.75:
        rider = replace(
            thing, id=number + 1, object_class=ObjectClass.PERSON, is_riding=True, seed=thing.seed + 1
        )
        return [thing, rider]
    if object_class is ObjectClass.PERSON and rng.random() < 0.15:
        beside = np.array([-np.sin(turn), np.cos(turn)]) * 0.3
        carried = tuple(
            w._replace(east_m=w.east_m + beside[0], north_m=w.north_m + beside[1], up_m=0.12) for w in path
        )
        return [
            replace(thing, carries=(t_s - 5, t_s + 5)),
            Actor(number + 1, ObjectClass.BAG, carried, thing.seed + 2, still),
        ]
    return [thing]
