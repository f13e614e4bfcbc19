"""The town's street as truth: what stands where. A fictional street at a real place, Kosshy in Kazakhstan.

Metres east and north of ``ORIGIN``. The main street runs east–west with its carriageway around north = 0 and
traffic on the right; a side street leaves it to the north; a utility's fenced yard lies to the south.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from shared.geo import LatLon, from_plane
from simulator.camera import Camera
from simulator.shapes import Colour

ORIGIN = LatLon(50.937, 71.365)

Point = tuple[float, float]


class Area(NamedTuple):
    """A rectangle of ground of one kind: carriageway, footpath, paving, yard or green."""

    kind: str
    west_m: float
    south_m: float
    east_m: float
    north_m: float

    @property
    def ring(self) -> list[Point]:
        """Its corners, counter-clockwise."""
        return [
            (self.west_m, self.south_m),
            (self.east_m, self.south_m),
            (self.east_m, self.north_m),
            (self.west_m, self.north_m),
        ]


class House(NamedTuple):
    """A building on a rectangle of ground."""

    area: Area
    height_m: float
    style: str
    """flats, shop, kiosk, container."""
    colour: Colour
    accent: Colour


class Fence(NamedTuple):
    """A straight piece of fence."""

    start: Point
    end: Point
    height_m: float


class Tree(NamedTuple):
    """A tree; ``kind`` is birch, poplar or spruce."""

    place: Point
    height_m: float
    kind: str
    seed: int


class Lamp(NamedTuple):
    """A street lamp; its arm reaches to where the light hangs."""

    place: Point
    height_m: float
    arm: Point


@dataclass(frozen=True)
class World:
    """Everything that does not move."""

    seed: int
    grounds: tuple[Area, ...]
    houses: tuple[House, ...]
    fences: tuple[Fence, ...]
    trees: tuple[Tree, ...]
    lamps: tuple[Lamp, ...]
    signs: tuple[Point, ...]


HALF_ROAD_M = 4.5
SIDE_STREET = Area("carriageway", 34.0, HALF_ROAD_M, 42.0, 60.0)
MAIN_STREET = Area("carriageway", -110.0, -HALF_ROAD_M, 110.0, HALF_ROAD_M)
CROSSING = Area("crossing", 22.0, -HALF_ROAD_M, 26.0, HALF_ROAD_M)
YARD = Area("yard", 6.0, -27.0, 26.0, -13.0)
GATE = (14.0, 18.0)
"""East–west span of the yard's gate in its northern fence; it stands open."""
NO_STOPPING = Area("no_stopping", 7.0, 0.4, 20.0, HALF_ROAD_M)
"""The westbound lane before the crossing, where nobody may stop."""
NORTH_PATH = Area("footpath", -110.0, 7.2, 110.0, 10.2)
SOUTH_PATH = Area("footpath", -110.0, -10.0, 110.0, -7.2)
PAD = Area("paving", -44.0, 11.2, -37.0, 14.2)
"""Where the waste containers stand."""

_GROUNDS = (
    Area("paving", -62.0, 12.0, -2.0, 17.0),
    Area("paving", 1.0, 10.0, 30.0, 16.0),
    Area("paving", 46.0, 10.0, 84.0, 15.0),
    Area("paving", -60.0, -16.0, -8.0, -11.5),
    Area("paving", 34.0, -17.0, 84.0, -11.5),
    NORTH_PATH,
    SOUTH_PATH,
    Area("footpath", 30.0, 10.0, 32.4, 60.0),
    Area("footpath", 43.6, 10.0, 46.0, 60.0),
    Area("footpath", 20.5, -7.6, 27.5, -4.4),
    Area("footpath", 20.5, 4.4, 27.5, 7.4),
    YARD,
    Area("yard", GATE[0], -13.2, GATE[1], -9.9),
    PAD,
    MAIN_STREET,
    SIDE_STREET,
)

_FLAT_TONES: tuple[tuple[Colour, Colour], ...] = (
    ((150, 190, 214), (120, 140, 80)),
    ((196, 206, 212), (60, 96, 170)),
    ((146, 172, 196), (170, 130, 60)),
    ((178, 196, 200), (80, 110, 150)),
    ((168, 176, 196), (70, 84, 140)),
    ((206, 214, 214), (150, 120, 40)),
)


def street(seed: int = 0) -> World:
    """The street; the seed varies paint and trees, never the layout."""
    rng = np.random.default_rng([seed, 11])
    return World(seed, _GROUNDS, _houses(rng), _fences(), _trees(rng), _lamps(), ((21.3, 5.4), (6.2, 5.4)))


def _houses(rng: np.random.Generator) -> tuple[House, ...]:
    def flats(w: float, s: float, e: float, n: float, storeys: int) -> House:
        colour, accent = _FLAT_TONES[rng.integers(len(_FLAT_TONES))]
        return House(Area("house", w, s, e, n), storeys * 3.0 + 0.8, "flats", colour, accent)

    shop = House(
        Area("house", 4.0, 16.0, 28.0, 27.0),
        5.2,
        "shop",
        (190, 200, 206),
        ((150, 110, 30), (60, 60, 180), (60, 130, 50))[rng.integers(3)],
    )
    kiosk = House(Area("house", 9.0, -24.0, 14.0, -20.0), 3.4, "kiosk", (176, 190, 196), (140, 120, 60))
    cell = House(Area("house", 19.5, -23.5, 22.5, -20.5), 2.2, "kiosk", (120, 128, 120), (60, 140, 190))
    bins = tuple(
        House(Area("house", x, 12.2, x + 1.5, 13.3), 1.25, "container", c, (40, 40, 40))
        for x, c in ((-43.4, (64, 120, 60)), (-41.6, (64, 120, 60)), (-39.6, (150, 110, 50)))
    )
    return (
        flats(-60, 17, -6, 29, 5),
        shop,
        flats(47, 15, 82, 27, 4),
        flats(-58, -30, -10, -17, 5),
        flats(36, -30, 84, -18, 5),
        flats(-104, 20, -68, 34, 9),
        flats(44, 34, 58, 62, 9),
        flats(-100, -34, -66, -20, 3),
        flats(8, 36, 28, 60, 6),
        flats(90, 18, 108, 44, 9),
        flats(90, -40, 108, -20, 5),
        kiosk,
        cell,
        *bins,
    )


def _fences() -> tuple[Fence, ...]:
    w, s, e, n = YARD[1:]
    corners: list[tuple[Point, Point]] = [
        ((w, n), (GATE[0], n)),
        ((GATE[1], n), (e, n)),
        ((e, n), (e, s)),
        ((e, s), (w, s)),
        ((w, s), (w, n)),
    ]
    return tuple(Fence(a, b, 2.0) for a, b in corners)


def _trees(rng: np.random.Generator) -> tuple[Tree, ...]:
    places: list[tuple[float, float, str]] = [(x, 11.6, "birch") for x in (-58, -51, -32, -26, -14)]
    places += [(x, -12.6, "poplar") for x in (-50, -38, -26, -16, 34, 48, 62)]
    places += [
        (-66, 12, "spruce"),
        (-3, -20, "spruce"),
        (2, -14.5, "birch"),
        (29.5, -19, "spruce"),
        (-5, -24, "birch"),
        (62, 12, "birch"),
        (76, 12, "birch"),
        (-76, -13, "poplar"),
        (-88, 13, "birch"),
        (1.2, 21, "birch"),
        (30.5, 30, "spruce"),
    ]
    heights = {"birch": (5.5, 8.0), "poplar": (8.0, 12.0), "spruce": (5.0, 8.0)}
    return tuple(
        Tree(
            (x + rng.uniform(-0.6, 0.6), y + rng.uniform(-0.3, 0.3)),
            float(rng.uniform(*heights[kind])),
            kind,
            int(rng.integers(1 << 30)),
        )
        for x, y, kind in places
    )


def _lamps() -> tuple[Lamp, ...]:
    north = [Lamp((x, 6.4), 7.2, (0.0, -1.7)) for x in (-74.0, -46.0, -18.0, 10.5, 52.0, 80.0)]
    south = [Lamp((x, -6.3), 7.2, (0.0, 1.7)) for x in (-60.0, -32.0, -4.0, 30.0, 66.0)]
    return (*north, *south, Lamp((24.8, -14.2), 5.6, (-1.2, -1.0)))


CAMERAS: tuple[Camera, ...] = (
    Camera(
        "corner-west", "Abai street, corner from the west", -7.5, -5.2, 5.6, 63.0, 13.5, 62.0, box="box-1"
    ),
    Camera("yard", "Substation yard", 23.0, -6.1, 6.2, 213.0, 19.0, 62.0, box="box-1"),
    Camera(
        "corner-east", "Abai street, corner from the east", 33.0, -6.0, 5.6, 298.0, 13.5, 62.0, box="box-2"
    ),
    Camera("containers", "Abai street, waste containers", -26.0, -6.0, 5.4, 318.0, 15.0, 62.0, box="box-2"),
    Camera("avenue", "Abai street, looking west", 4.0, 6.6, 6.0, 262.0, 10.0, 58.0, box="box-3"),
    Camera("side-street", "Side street", 31.0, -6.4, 6.0, 14.0, 11.0, 58.0, box="box-3"),
    Camera("shop", "Shop forecourt", 29.0, 12.6, 4.6, 280.0, 14.0, 66.0, box="box-4"),
    Camera("crossing", "Crossing", 38.0, -7.4, 5.6, 283.0, 12.0, 60.0, box="box-4"),
)
"""Designed places; the first four serve two boxes, and the first and third see the same corner."""


def to_latlon(place: Point) -> LatLon:
    """A place of the street in WGS-84."""
    return from_plane(ORIGIN, *place)
