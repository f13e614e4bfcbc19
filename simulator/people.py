"""What people, bicycles, bags and animals look like: tapered capsules on a skeleton that walks."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simulator.camera import Array
from simulator.shapes import Capsules, Colour

Bar = tuple[Array, Array, float, float, Colour]
"""Both ends, both radii, colour."""

CLOTHES: tuple[Colour, ...] = (
    (40, 38, 38),
    (92, 60, 36),
    (60, 60, 66),
    (48, 40, 128),
    (120, 110, 96),
    (150, 80, 40),
    (70, 96, 60),
    (52, 120, 186),
    (180, 178, 172),
    (96, 60, 110),
    (60, 160, 190),
    (130, 130, 60),
    (70, 76, 160),
)
_TROUSERS: tuple[Colour, ...] = (
    (44, 40, 38),
    (88, 62, 42),
    (56, 58, 62),
    (92, 98, 104),
    (40, 52, 70),
    (110, 84, 60),
)
_SKINS: tuple[Colour, ...] = ((140, 172, 214), (126, 158, 204), (104, 138, 186), (150, 184, 226))
_HAIRS: tuple[Colour, ...] = ((26, 24, 24), (34, 40, 52), (50, 70, 96), (120, 124, 128), (40, 46, 120))
_BAGS: tuple[Colour, ...] = (
    (36, 34, 34),
    (40, 36, 34),
    (120, 84, 50),
    (190, 186, 180),
    (60, 110, 60),
    (150, 120, 70),
    (60, 70, 150),
)


class PersonLook(NamedTuple):
    """One person's proportions and clothes."""

    height_m: float
    girth: float
    coat: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    shoes: Colour
    has_long_coat: bool
    has_cap: bool
    has_rucksack: bool
    stride_m: float


class Posture(NamedTuple):
    """How a person stands at one instant."""

    phase_rad: float = 0.0
    """Where in the step; 2π is two steps."""
    swing: float = 0.0
    """0 standing, 1 a brisk walk."""
    bend: float = 0.0
    """0 upright, 1 hands at the ground."""
    is_riding: bool = False
    carries_left: bool = False
    is_down: bool = False
    """Lies on the back, the head ahead."""


def person_look(rng: np.random.Generator) -> PersonLook:
    """Random clothes and build; children included."""
    height = rng.normal(1.72, 0.08) if rng.random() < 0.9 else rng.uniform(1.2, 1.5)

    def pick(colours: tuple[Colour, ...]) -> Colour:
        return colours[rng.integers(len(colours))]

    return PersonLook(
        float(np.clip(height, 1.2, 1.95)),
        float(rng.uniform(0.92, 1.2)),
        pick(CLOTHES),
        pick(_TROUSERS),
        pick(_SKINS),
        pick(_HAIRS),
        pick(((30, 30, 32), (60, 62, 70), (200, 200, 200))),
        bool(rng.random() < 0.35),
        bool(rng.random() < 0.35),
        bool(rng.random() < 0.2),
        float(rng.uniform(1.25, 1.5)),
    )


def _v(x: float, y: float, z: float) -> Array:
    return np.array([x, y, z])


def person(look: PersonLook, posture: Posture) -> Capsules:
    """The body of ``look`` in a posture; own axes, feet at z = 0."""
    bars = _legs(look, posture) + _trunk(look, posture)
    standing = _capsules(bars, look.height_m / 1.75)
    return _laid(standing, look.height_m) if posture.is_down else standing


def _laid(standing: Capsules, height_m: float) -> Capsules:
    """Turned on the back: what was up is ahead, what was ahead is up."""
    ends = standing.ends[..., [2, 1, 0]] * (1.0, -1.0, 1.0) + (-height_m / 2, 0.0, 0.2)
    return standing._replace(ends=np.maximum(ends, (-np.inf, -np.inf, 0.03)))


def _legs(look: PersonLook, posture: Posture) -> list[Bar]:
    bars: list[Bar] = []
    hip_z = 0.92 - 0.22 * posture.bend
    for side, offset in ((1, 0.0), (-1, np.pi)):
        if posture.is_riding:
            pedal = posture.phase_rad + offset
            hip, foot = (
                _v(-0.18, side * 0.09, 0.95),
                _v(0.1 + 0.17 * np.cos(pedal), side * 0.1, 0.32 + 0.17 * np.sin(pedal)),
            )
            knee = (hip + foot) / 2 + _v(0.22, 0, 0.08)
        else:
            angle = 0.52 * posture.swing * np.sin(posture.phase_rad + offset)
            lift = 0.5 * posture.swing * max(0.0, np.cos(posture.phase_rad + offset))
            hip = _v(-0.1 * posture.bend, side * 0.09, hip_z)
            knee = hip + 0.44 * _v(
                np.sin(angle + lift * 0.5 + posture.bend * 0.5),
                0,
                -np.cos(angle + lift * 0.5 + posture.bend * 0.5),
            )
            foot = knee + 0.42 * _v(
                np.sin(angle - lift - posture.bend * 0.5), 0, -np.cos(angle - lift - posture.bend * 0.5)
            )
            foot[2] = max(foot[2], 0.07)
        bars.append((hip, knee, 0.095 * look.girth, 0.07, look.trousers))
        bars.append((knee, foot, 0.068, 0.05, look.trousers))
        bars.append((foot + _v(-0.03, 0, -0.03), foot + _v(0.15, 0, -0.035), 0.05, 0.04, look.shoes))
    return bars


def _trunk(look: PersonLook, posture: Posture) -> list[Bar]:
    lean = (0.45 if posture.is_riding else 0.06 * posture.swing) + 1.15 * posture.bend
    pelvis = (
        _v(-0.18, 0, 0.98) if posture.is_riding else _v(-0.1 * posture.bend, 0, 0.95 - 0.22 * posture.bend)
    )
    up = _v(np.sin(lean), 0, np.cos(lean))
    chest, neck = pelvis + 0.42 * up, pelvis + 0.56 * up
    head = neck + 0.16 * (up * 0.6 + _v(0.1, 0, 0.4))
    g, bars = look.girth, []
    for side in (-1, 1):
        aside = _v(0, side * 0.075 * g, 0)
        bars.append((pelvis + aside, chest + aside * 1.3, 0.125 * g, 0.13 * g, look.coat))
    bars.append((chest, neck, 0.13 * g, 0.06, look.coat))
    if look.has_long_coat and not posture.is_riding:
        bars.append((pelvis, pelvis - 0.3 * up, 0.19 * g, 0.21 * g, look.coat))
    if look.has_rucksack:
        back = _v(-0.19 * g, 0, 0)
        bars.append((pelvis + 0.1 * up + back, chest + back, 0.13, 0.13, (60, 60, 90)))
    bars += _arms(look, posture, chest + 0.06 * up)
    top = look.coat if look.has_cap else look.hair
    bars.append((head + _v(-0.025, 0, 0.02), head + _v(-0.01, 0, 0.06), 0.112, 0.1, top))
    bars.append((head + _v(0.03, 0, -0.03), head + _v(0.045, 0, 0.02), 0.085, 0.08, look.skin))
    return bars


def _arms(look: PersonLook, posture: Posture, shoulders: Array) -> list[Bar]:
    bars: list[Bar] = []
    for side, offset in ((1, np.pi), (-1, 0.0)):
        shoulder = shoulders + _v(0, side * 0.2 * look.girth, 0)
        if posture.is_riding:
            hand = _v(0.32, side * 0.22, 1.02)
        elif posture.bend > 0.05:
            hand = shoulder + (0.55 * _v(0.25, 0, -1)) * (0.9 + 0.1 * posture.bend)
        else:
            still = side == 1 and posture.carries_left
            angle = 0.0 if still else 0.55 * posture.swing * np.sin(posture.phase_rad + offset)
            hand = shoulder + 0.56 * _v(np.sin(angle), side * 0.08, -np.cos(angle))
        elbow = (shoulder + hand) / 2 + _v(-0.05, side * 0.03, 0)
        bars.append((shoulder, elbow, 0.062, 0.055, look.coat))
        bars.append((elbow, hand, 0.052, 0.042, look.coat))
        bars.append((hand, hand + _v(0.02, 0, -0.05), 0.045, 0.035, look.skin))
    return bars


def bag(rng: np.random.Generator) -> Capsules:
    """A full rubbish sack, or a few bound together."""
    colour, size = _BAGS[rng.integers(len(_BAGS))], rng.uniform(0.85, 1.25)
    bars: list[Bar] = []
    lumps = int(rng.integers(1, 3))
    for i in range(lumps):
        at = _v(0.22 * i, 0.25 * i * rng.choice([-1, 1]), 0)
        tone = tuple(float(np.clip(c * rng.uniform(0.85, 1.2), 0, 255)) for c in colour)
        bars.append((at + _v(0, -0.08, 0.24), at + _v(0, 0.1, 0.24), 0.26, 0.25, tone))
        bars.append((at + _v(0, 0, 0.3), at + _v(0.03, 0.02, 0.56), 0.24, 0.07, tone))
        bars.append((at + _v(0.03, 0.02, 0.56), at + _v(0.05, 0.03, 0.66), 0.04, 0.09, tone))
    return _capsules(bars, size)


def bicycle(rng: np.random.Generator, turn_rad: float) -> Capsules:
    """A bicycle whose spokes have turned by ``turn_rad``."""
    colour = CLOTHES[rng.integers(len(CLOTHES))]
    tyre: Colour = (36, 36, 38)
    bars: list[Bar] = []
    around = np.linspace(0, 2 * np.pi, 13)
    for hub_x in (-0.52, 0.52):
        rim = [_v(hub_x + 0.33 * np.cos(a), 0, 0.34 + 0.33 * np.sin(a)) for a in around]
        bars += [(a, b, 0.024, 0.024, tyre) for a, b in pairwise(rim)]
        spoke = 0.3 * _v(np.cos(turn_rad), 0, np.sin(turn_rad))
        bars.append((_v(hub_x, 0, 0.34) - spoke, _v(hub_x, 0, 0.34) + spoke, 0.008, 0.008, (150, 150, 150)))
    seat, crank, head = _v(-0.18, 0, 0.86), _v(0, 0, 0.3), _v(0.38, 0, 0.86)
    for a, b in (
        (seat, crank),
        (crank, head),
        (seat, head),
        (crank, _v(-0.52, 0, 0.34)),
        (seat, _v(-0.52, 0, 0.34)),
        (head, _v(0.52, 0, 0.34)),
    ):
        bars.append((a, b, 0.026, 0.026, colour))
    bars.append((_v(-0.3, 0, 0.9), _v(-0.06, 0, 0.92), 0.06, 0.035, tyre))
    bars.append((_v(0.36, -0.26, 1.0), _v(0.36, 0.26, 1.0), 0.024, 0.024, tyre))
    return _capsules(bars, 1.0)


def dog(rng: np.random.Generator, phase_rad: float, swing: float) -> Capsules:
    """A stray dog."""
    coat = ((60, 84, 120), (46, 46, 48), (150, 170, 186), (40, 60, 90))[rng.integers(4)]
    bars: list[Bar] = [
        (_v(-0.28, 0, 0.44), _v(0.24, 0, 0.47), 0.13, 0.15, coat),
        (_v(0.26, 0, 0.52), _v(0.42, 0, 0.66), 0.08, 0.09, coat),
    ]
    bars += [
        (_v(0.42, 0, 0.66), _v(0.58, 0, 0.62), 0.085, 0.05, coat),
        (_v(-0.36, 0, 0.5), _v(-0.56, 0, 0.66), 0.035, 0.025, coat),
    ]
    for x, y, offset in ((0.22, 0.09, 0.0), (0.22, -0.09, np.pi), (-0.26, 0.09, np.pi), (-0.26, -0.09, 0.0)):
        step = 0.14 * swing * np.sin(phase_rad * 1.6 + offset)
        bars.append((_v(x, y, 0.42), _v(x + step, y, 0.04), 0.055, 0.04, coat))
    return _capsules(bars, float(rng.uniform(0.85, 1.15)))


def _capsules(bars: list[Bar], scale: float) -> Capsules:
    ends = np.array([[a, b] for a, b, *_ in bars]) * scale
    return Capsules(
        ends, np.array([[r0, r1] for _, _, r0, r1, _ in bars]) * scale, np.array([c for *_, c in bars], float)
    )
