# Arrays are added here, not joined.
# ruff: noqa: RUF005
# arrays are added here, not joined
"""What vehicles look like: a hull of stations from tail to nose, a cabin of glass, wheels and lamps."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from shared.kinds import ObjectClass
from simulator.camera import Array
from simulator.shapes import Colour, Faces

GLASS: Colour = (62, 52, 44)
_TYRE: Colour = (34, 34, 36)
_HUB: Colour = (150, 150, 150)
_DARK: Colour = (44, 44, 46)
_HEADLAMP: Colour = (235, 245, 250)
_TAILLAMP: Colour = (36, 30, 190)
_PLATE: Colour = (228, 230, 230)

PAINTS: tuple[Colour, ...] = (
    (238, 238, 236),
    (205, 206, 204),
    (150, 152, 152),
    (92, 92, 94),
    (42, 42, 44),
    (48, 46, 158),
    (128, 72, 34),
    (70, 92, 52),
    (62, 108, 152),
    (158, 188, 202),
    (52, 60, 96),
    (190, 160, 60),
)

Station = tuple[float, float, float, float]
"""x from the middle, half width, bottom, top; metres."""


class Vehicle(NamedTuple):
    """The faces of a vehicle and its outline on the ground."""

    quads: Faces
    discs: Faces
    length_m: float
    width_m: float
    height_m: float


class _Parts:
    def __init__(self) -> None:
        self.corners: list[Array] = []
        self.colours: list[Colour] = []
        self.layers: list[int] = []
        self.gloss: list[float] = []
        self.glow: list[float] = []

    def add(
        self,
        corners: Array,
        centre: Array,
        colour: Colour,
        layer: int = 0,
        gloss: float = 0.3,
        glow: float = 0.0,
    ) -> None:
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[1])
        outward = normal @ (corners.mean(axis=0) - centre) >= 0
        self.corners.append(corners if outward else corners[::-1])
        self.colours.append(colour)
        self.layers.append(layer)
        self.gloss.append(gloss)
        self.glow.append(glow)

    def faces(self) -> Faces:
        return Faces(
            np.stack(self.corners),
            np.array(self.colours, float),
            np.array(self.layers),
            np.array(self.gloss),
            np.array(self.glow),
        )


def _ring(station: Station) -> Array:
    x, half, low, high = station
    return np.array([[x, half, low], [x, half, high], [x, -half, high], [x, -half, low]])


def _hull(parts: _Parts, stations: list[Station], colour: Colour, layer: int, gloss: float = 0.35) -> None:
    """Sides, top and both ends of a body that widens and narrows along its stations."""
    rings = [_ring(s) for s in stations]
    centre = np.concatenate(rings).mean(axis=0)
    for tail, nose in pairwise(rings):
        for a, b in ((0, 1), (1, 2), (2, 3)):
            parts.add(np.array([tail[a], tail[b], nose[b], nose[a]]), centre, colour, layer, gloss)
    parts.add(rings[0], centre, colour, layer, gloss)
    parts.add(rings[-1], centre, colour, layer, gloss)


def _cabin(parts: _Parts, base: Station, roof: Station, colour: Colour, layer: int) -> None:
    """A greenhouse: ``(tail, nose, half width, height)`` of its base and of its roof, glass all round."""
    (bt, bn, bw, bz), (rt, rn, rw, rz) = base, roof
    low = np.array([[bt, bw, bz], [bn, bw, bz], [bn, -bw, bz], [bt, -bw, bz]])
    high = np.array([[rt, rw, rz], [rn, rw, rz], [rn, -rw, rz], [rt, -rw, rz]])
    centre = np.concatenate([low, high]).mean(axis=0)
    parts.add(high, centre, colour, layer + 1, 0.6)
    for i in range(4):
        wall = np.array([low[i], low[(i + 1) % 4], high[(i + 1) % 4], high[i]])
        parts.add(wall, centre, colour, layer, 0.3)
        panes = 2 if i in (0, 2) else 1
        for pane in range(panes):
            parts.add(_inset(wall, pane / panes, (pane + 1) / panes), centre, GLASS, layer + 1, 0.75)


def _inset(wall: Array, start: float, stop: float) -> Array:
    a, b = start + 0.05, stop - 0.05
    low = wall[0] + (wall[1] - wall[0]) * np.array([[a], [b]])
    high = wall[3] + (wall[2] - wall[3]) * np.array([[a], [b]])
    return np.array(
        [
            low[0] * 0.9 + high[0] * 0.1,
            low[1] * 0.9 + high[1] * 0.1,
            low[1] * 0.12 + high[1] * 0.88,
            low[0] * 0.12 + high[0] * 0.88,
        ]
    )


def _end_lamps(parts: _Parts, nose: Station, tail: Station, lamp_m: float = 0.28) -> None:
    """Head and tail lamps and the plates' white field (without any text)."""
    for x, half, low, high, colour, out in ((*nose, _HEADLAMP, 1.0), (*tail, _TAILLAMP, -1.0)):
        centre = np.array([x - out * 2, 0, 0.5])
        top, bottom = high - 0.05, max(low, high - 0.24)
        for side in (-1.0, 1.0):
            y0, y1 = side * (half - 0.04), side * (half - 0.04 - lamp_m)
            face = np.array([[x, y0, bottom], [x, y1, bottom], [x, y1, top], [x, y0, top]]) + (
                0.012 * out,
                0,
                0,
            )
            parts.add(face, centre, colour, 3, 0.2, 1.0)
        plate = np.array(
            [[x, -0.25, low + 0.06], [x, 0.25, low + 0.06], [x, 0.25, low + 0.17], [x, -0.25, low + 0.17]]
        )
        parts.add(plate + (0.014 * out, 0, 0), centre, _PLATE, 3, 0.0)


def _side_strip(
    parts: _Parts,
    x0: float,
    x1: float,
    half: float,
    low: float,
    high: float,
    colour: Colour,
    layer: int = 1,
    gloss: float = 0.3,
) -> None:
    """A band along both sides, a little outside of them."""
    for side in (-1.0, 1.0):
        y = side * (half + 0.01)
        parts.add(
            np.array([[x0, y, low], [x1, y, low], [x1, y, high], [x0, y, high]]),
            np.array([0, 0, low]),
            colour,
            layer,
            gloss,
        )


def _wheels(at: tuple[float, ...], half: float, radius: float) -> Faces:
    parts = _Parts()
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = np.stack([np.cos(turn), np.zeros(12), np.sin(turn)], axis=1)
    for x in at:
        for side in (-1.0, 1.0):
            middle = np.array([x, side * (half + 0.012), radius])
            parts.add(circle * radius + middle, np.array([x, 0, radius]), _TYRE, 2, 0.0)
            parts.add(
                circle * radius * 0.58 + middle + (0, side * 0.01, 0), np.array([x, 0, radius]), _HUB, 3, 0.3
            )
    return parts.faces()


def car(rng: np.random.Generator) -> Vehicle:
    """A saloon, hatchback, estate or jeep of random proportions and paint."""
    paint = PAINTS[rng.integers(len(PAINTS))]
    style = ("saloon", "hatchback", "estate", "jeep")[rng.integers(4)]
    half = rng.uniform(0.86, 0.94) + (0.04 if style == "jeep" else 0)
    tail, nose = -rng.uniform(1.95, 2.3), rng.uniform(1.95, 2.25)
    lift = 0.16 if style == "jeep" else 0.0
    belt = rng.uniform(0.86, 0.96) + lift
    parts = _Parts()
    body: list[Station] = [
        (tail, half - 0.1, 0.34 + lift, belt - 0.12),
        (tail + 0.2, half - 0.02, 0.22 + lift, belt),
        (nose - 1.1, half, 0.2 + lift, belt),
        (nose - 0.25, half - 0.03, 0.2 + lift, belt - 0.14),
        (nose, half - 0.14, 0.32 + lift, belt - 0.26),
    ]
    _hull(parts, body, paint, 0)
    _side_strip(parts, tail + 0.25, nose - 0.4, half - 0.02, 0.2 + lift, 0.32 + lift, _DARK)
    rear = {"saloon": (tail + 0.55, tail + 1.15), "hatchback": (tail + 0.08, tail + 0.6)}.get(
        style, (tail + 0.06, tail + 0.22)
    )
    height = belt + rng.uniform(0.5, 0.58) + lift * 0.6
    front = nose - rng.uniform(0.95, 1.15)
    roof_paint = paint if rng.random() < 0.85 else _DARK
    _cabin(
        parts,
        (rear[0], front, half - 0.07, belt - 0.01),
        (rear[1], front - 0.75, half - 0.24, height),
        roof_paint,
        4,
    )
    _end_lamps(parts, body[-1], body[0])
    discs = _wheels((tail + 0.85, nose - 0.85), half, 0.31 + lift * 0.3)
    return Vehicle(parts.faces(), discs, nose - tail, half * 2, height)


def truck(rng: np.random.Generator) -> Vehicle:
    """A lorry with a box or open bed, or a delivery van."""
    paint = PAINTS[rng.integers(len(PAINTS))]
    length, half = rng.uniform(5.8, 8.0), rng.uniform(1.08, 1.22)
    tail, nose, top = -length / 2, length / 2, rng.uniform(2.5, 3.1)
    cab_tail = nose - 1.75
    parts = _Parts()
    _hull(parts, [(tail, half - 0.25, 0.5, 0.85), (cab_tail, half - 0.25, 0.5, 0.85)], _DARK, 0, 0.0)
    cargo = ((226, 226, 222), (196, 170, 110), (90, 120, 160), (120, 150, 110))[rng.integers(4)]
    _hull(parts, [(tail, half, 0.85, top), (cab_tail - 0.15, half, 0.85, top)], cargo, 1, 0.1)
    _side_strip(
        parts, tail + 0.2, cab_tail - 0.4, half, 1.45, 1.75, PAINTS[rng.integers(len(PAINTS))], 2, 0.1
    )
    cab: list[Station] = [
        (cab_tail, half - 0.08, 0.45, 2.2),
        (nose - 0.3, half - 0.08, 0.4, 2.2),
        (nose, half - 0.14, 0.42, 1.35),
    ]
    _hull(parts, cab, paint, 2)
    _side_strip(parts, cab_tail + 0.35, nose - 0.45, half - 0.08, 1.35, 1.95, GLASS, 3, 0.7)
    screen = np.array(
        [
            [nose - 0.02, -half + 0.26, 1.38],
            [nose - 0.02, half - 0.26, 1.38],
            [nose - 0.27, half - 0.24, 2.1],
            [nose - 0.27, -half + 0.24, 2.1],
        ]
    )
    parts.add(screen + (0.02, 0, 0.0), np.array([cab_tail, 0, 1.0]), GLASS, 3, 0.75)
    _end_lamps(parts, (nose, half - 0.16, 0.5, 0.85), (tail, half - 0.1, 0.5, 0.85))
    return Vehicle(parts.faces(), _wheels((tail + 1.2, nose - 1.0), half - 0.12, 0.46), length, half * 2, top)


def bus(rng: np.random.Generator) -> Vehicle:
    """A town bus: two colours, a long band of windows."""
    length, half, top = rng.uniform(8.5, 11.5), 1.25, rng.uniform(2.9, 3.1)
    tail, nose = -length / 2, length / 2
    paint = ((150, 150, 40), (60, 130, 60), (40, 110, 200), (200, 200, 196), (46, 46, 170))[rng.integers(5)]
    parts = _Parts()
    _hull(
        parts,
        [
            (tail, half - 0.04, 0.35, top),
            (tail + 0.15, half, 0.3, top),
            (nose - 0.25, half, 0.3, top),
            (nose, half - 0.1, 0.35, top - 0.15),
        ],
        paint,
        0,
    )
    _side_strip(parts, tail + 0.15, nose - 0.25, half, 0.3, 0.75, (225, 226, 224), 1)
    panes = np.linspace(tail + 0.3, nose - 0.35, 7)
    for x0, x1 in pairwise(panes):
        _side_strip(parts, x0 + 0.05, x1 - 0.05, half, 1.3, 2.35, GLASS, 2, 0.7)
    for x, out in ((nose, 1.0), (tail, -1.0)):
        pane = np.array(
            [[x, -half + 0.2, 1.2], [x, half - 0.2, 1.2], [x, half - 0.2, 2.5], [x, -half + 0.2, 2.5]]
        )
        parts.add(pane + (0.015 * out, 0, 0), np.array([x - out, 0, 1.5]), GLASS, 2, 0.75)
    _end_lamps(parts, (nose, half - 0.1, 0.4, 0.8), (tail, half - 0.04, 0.4, 0.9))
    return Vehicle(parts.faces(), _wheels((tail + 2.0, nose - 2.2), half, 0.47), length, half * 2, top)


BUILDERS = {ObjectClass.CAR: car, ObjectClass.TRUCK: truck, ObjectClass.BUS: bus}
