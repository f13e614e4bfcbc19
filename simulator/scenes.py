"""Scenes by name: who does what and when, amid ordinary life, and what the boxes' rules are told to watch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shared.kinds import Kind, ObjectClass
from simulator import deeds
from simulator.actors import Actor
from simulator.deeds import Deed, Happening
from simulator.traffic import cars, standing_cars, walkers, wrapped
from simulator.world import CAMERAS, NO_STOPPING, YARD, Area, Camera, Point, World, street

Limits = dict[str, float]


@dataclass(frozen=True)
class Watch:
    """One rule over one zone or tripwire, with its parameters as a scene file has them."""

    kind: Kind
    place: str
    classes: tuple[str, ...]
    limits: tuple[tuple[str, float], ...]
    container: str = ""


@dataclass(frozen=True)
class Scene:
    """Everything that a film shows."""

    name: str
    seed: int
    seconds: float
    world: World
    actors: tuple[Actor, ...]
    happenings: tuple[Happening, ...]
    watches: tuple[Watch, ...]
    cameras: tuple[Camera, ...]
    """The cameras that serve this scene, best first."""


ZONES: dict[str, Area] = {
    "no-stopping": NO_STOPPING._replace(west_m=6.0, east_m=21.0, south_m=0.9, north_m=4.7),
    "yard": Area("yard", YARD.west_m + 0.3, YARD.south_m + 0.3, YARD.east_m - 0.3, YARD.north_m - 0.2),
    "roadside": Area("roadside", -46.0, 4.6, -27.5, 14.6),
    "corner-verge": Area("roadside", 3.0, 4.8, 20.3, 9.8),
    "container-pad": Area("container", -45.0, 10.6, -36.0, 14.8),
}
TRIPWIRES: dict[str, tuple[Point, Point]] = {"side-street": deeds.WIRE}

_VEHICLES = ("car", "bus", "truck")
_PARKING = Watch(Kind.ILLEGAL_PARKING, "no-stopping", _VEHICLES, (("limit_s", deeds.PARKING_LIMIT_S),))
_INTRUSION = Watch(Kind.INTRUSION, "yard", ("person",), (("dwell_s", deeds.INTRUSION_DWELL_S),))
_DUMPING_LIMITS = (("stay_s", deeds.DUMPING_STAY_S), ("away_m", deeds.DUMPING_AWAY_M))
_DUMPING = (
    Watch(Kind.DUMPING_ACT, "roadside", (), _DUMPING_LIMITS, container="container-pad"),
    Watch(Kind.DUMPING_ACT, "corner-verge", (), _DUMPING_LIMITS),
)
_LINE = Watch(Kind.LINE_CROSSED, "side-street", _VEHICLES, (("travel_m", 1.0),))
EVERY_ZONE = (_PARKING, _INTRUSION, *_DUMPING)

_PLAY = Callable[[np.random.Generator, float], list[Deed]]


def _street(rng: np.random.Generator, seconds: float) -> list[Deed]:
    return [
        deeds.park(rng, 1, 13.4, 7.0, min(58.0, seconds - 19.0)),
        deeds.intrude(rng, 2, 15.0, 30.0),
        deeds.dump(rng, 3, (-32.0, 5.9), 13.0, collected_s=seconds - 12.0 if seconds >= 56 else None),
        deeds.pass_the_fence(rng, 6, 38.0),
    ]


def _quiet(rng: np.random.Generator, seconds: float) -> list[Deed]:
    half = seconds / 2
    return [
        deeds.park(
            rng, 1, float(rng.uniform(9, 17)), float(rng.uniform(8, half - 10)), float(rng.uniform(5, 10))
        ),
        deeds.park(
            rng, 2, float(rng.uniform(-14, -6)), float(rng.uniform(half, half + 8)), 25.0, is_zone=False
        ),
        deeds.pass_the_fence(rng, 3, float(rng.uniform(-10, 20))),
        deeds.carry_past(rng, 4, float(rng.uniform(5, 15))),
        deeds.dump(rng, 6, (-39.0, 11.0), float(rng.uniform(20, 30)), is_wrong=False),
    ]


def _illegal_parking(rng: np.random.Generator, seconds: float) -> list[Deed]:
    kind = ObjectClass.TRUCK if rng.random() < 0.2 else ObjectClass.CAR
    stop_s = float(rng.uniform(8, 14))
    stay_s = float(rng.uniform(32, 42))
    later_s = stop_s + stay_s + 16.0
    play = [deeds.park(rng, 1, float(rng.uniform(10, 17)), stop_s, stay_s, kind=kind)]
    if later_s + 8 < seconds:
        play.append(deeds.park(rng, 2, float(rng.uniform(10, 17)), later_s, float(rng.uniform(5, 10))))
    play.append(deeds.park(rng, 3, float(rng.uniform(-14, -6)), stop_s + 9.0, 30.0, is_zone=False))
    return play


def _intrusion(rng: np.random.Generator, _seconds: float) -> list[Deed]:
    play = [deeds.intrude(rng, 1, float(rng.uniform(12, 20)), float(rng.uniform(12, 20)))]
    if rng.random() < 0.5:
        play.append(deeds.intrude(rng, 2, float(rng.uniform(52, 58)), float(rng.uniform(12, 18))))
    return [
        *play,
        deeds.pass_the_fence(rng, 3, float(rng.uniform(-8, 2))),
        deeds.pass_the_fence(rng, 4, float(rng.uniform(20, 40))),
    ]


def _line_crossed(rng: np.random.Generator, _seconds: float) -> list[Deed]:
    times = np.array([14.0, 30.0, 46.0, 62.0]) + rng.uniform(-3, 3, 4)
    rng.shuffle(times)
    kind = ObjectClass.TRUCK if rng.random() < 0.4 else ObjectClass.CAR
    return [
        deeds.drive_in(rng, 1, float(times[0])),
        deeds.drive_in(rng, 2, float(times[1]), kind),
        deeds.drive_out(rng, 3, float(times[2])),
        deeds.drive_out(rng, 4, float(times[3])),
    ]


def _dumping_act(rng: np.random.Generator, _seconds: float) -> list[Deed]:
    at = (float(rng.uniform(-37, -30.5)), float(rng.uniform(5.3, 6.3)))
    rest_s = float(rng.uniform(34, 42))
    return [
        deeds.dump(rng, 1, at, float(rng.uniform(10, 18))),
        deeds.carry_past(rng, 4, float(rng.uniform(-10, 5))),
        deeds.rest_a_bag(rng, 6, (at[0] - 3.0, 6.2), rest_s, rest_s + 6.0),
        deeds.dump(rng, 8, (-39.0, 11.0), float(rng.uniform(48, 56)), is_wrong=False),
        deeds.dump(
            rng,
            11,
            (float(rng.uniform(9, 13)), float(rng.uniform(5.4, 6.4))),
            float(rng.uniform(12, 24)),
            zone="corner-verge",
        ),
    ]


_MAIN_FOUR = tuple(c.id for c in CAMERAS[:4])
# What is played, what is watched, which cameras come first, mean seconds between cars on a lane, walkers.
_SCRIPTS: dict[str, tuple[_PLAY, tuple[Watch, ...], tuple[str, ...], float, int]] = {
    "street": (_street, EVERY_ZONE, _MAIN_FOUR, 6.5, 13),
    "quiet": (_quiet, (*EVERY_ZONE, _LINE), _MAIN_FOUR, 5.0, 16),
    "illegal_parking": (_illegal_parking, EVERY_ZONE, ("corner-west", "corner-east", "crossing"), 5.5, 12),
    "intrusion": (_intrusion, EVERY_ZONE, ("yard", "corner-west"), 6.0, 12),
    "line_crossed": (_line_crossed, (_LINE,), ("side-street", "corner-west"), 7.0, 8),
    "dumping_act": (_dumping_act, EVERY_ZONE, ("containers", "corner-west", "corner-east"), 6.0, 10),
}
SCENE_NAMES = tuple(_SCRIPTS)

_LIFE_ID = 20
"""Ordinary things are numbered from here."""


def make_scene(name: str, seed: int, seconds: float, size_px: tuple[int, int] = (640, 360)) -> Scene:
    """The scene ``name``; the seed varies places, times, looks and the crowd. Raises ``KeyError`` on
    another name."""
    play, watches, first, gap_s, crowd = _SCRIPTS[name]
    rng = np.random.default_rng([seed, SCENE_NAMES.index(name)])
    played = play(rng, seconds)
    actors = [a for deed in played for a in deed.actors]
    life = standing_cars(rng, _LIFE_ID, seconds)
    life += walkers(rng, _LIFE_ID + 20, crowd, seconds)
    life += cars(rng, _LIFE_ID + 60, seconds, [*actors, *wrapped(life, seconds)], gap_s)
    happenings = tuple(h for deed in played for h in deed.happenings if h.due_s < seconds)
    others = sorted(CAMERAS, key=lambda c: first.index(c.id) if c.id in first else len(first))
    cameras = tuple(c.resized(size_px) for c in others)
    return Scene(
        name,
        seed,
        seconds,
        street(seed),
        (*actors, *wrapped(life, seconds)),
        happenings,
        watches,
        cameras,
    )
