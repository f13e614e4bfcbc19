"""Pictures of walls: flats with balconies and windows, a shop's front, a plain utility cell, a waste
container."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.shapes import Colour
from simulator.world import House

Picture = NDArray[Any]


class Facade(NamedTuple):
    """One wall, seen straight on."""

    colours: Picture
    """(H, W, 3) BGR 0–255."""
    shine: Picture
    """(H, W) 0–1: what shines by itself after dark."""


_PX_PER_M = 16
_PANE: Colour = (96, 82, 70)
_FRAME: Colour = (226, 228, 228)


def facade(house: House, width_m: float, rng: np.random.Generator) -> Facade:
    """The wall of a house, ``width_m`` wide."""
    w, h = max(8, int(width_m * _PX_PER_M)), max(8, int(house.height_m * _PX_PER_M))
    picture = np.empty((h, w, 3), np.float32)
    picture[:] = house.colour
    picture *= (1 + 0.02 * rng.standard_normal((h, w, 1))).astype(np.float32)
    picture *= np.linspace(1.03, 0.93, h, dtype=np.float32)[:, None, None]
    shine = np.zeros((h, w), np.float32)
    _PAINTERS[house.style](picture, shine, house, rng)
    return Facade(picture, shine)


def _rect(picture: Picture, x: float, y: float, w: float, h: float, colour: Colour | float) -> None:
    """A filled rectangle, metres from the wall's top left."""
    a, b = (
        (round(x * _PX_PER_M), round(y * _PX_PER_M)),
        (round((x + w) * _PX_PER_M) - 1, round((y + h) * _PX_PER_M) - 1),
    )
    cv2.rectangle(picture, a, b, colour, -1)


def _window(
    picture: Picture, shine: Picture, x: float, y: float, w: float, h: float, rng: np.random.Generator
) -> None:
    _rect(picture, x - 0.08, y - 0.08, w + 0.16, h + 0.18, _FRAME)
    tone = float(rng.uniform(0.75, 1.25))
    _rect(picture, x, y, w, h, (_PANE[0] * tone, _PANE[1] * tone, _PANE[2] * tone))
    if rng.random() < 0.5:
        _rect(picture, x, y, w * rng.uniform(0.2, 0.45), h, (150, 156, 160))
    _rect(picture, x + w / 2 - 0.03, y, 0.06, h, _FRAME)
    if rng.random() < 0.32:
        _rect(shine, x, y, w, h, float(rng.uniform(0.45, 0.95)))


def _flats(picture: Picture, shine: Picture, house: House, rng: np.random.Generator) -> None:
    width = picture.shape[1] / _PX_PER_M
    storeys = int(house.height_m // 3)
    _rect(picture, 0, 0, width, 0.5, tuple(c * 0.75 for c in house.accent))
    _rect(picture, 0, house.height_m - 0.8, width, 0.8, (112, 116, 120))
    for storey in range(storeys):
        y = 0.8 + 3.0 * storey
        for bay, x in enumerate(np.arange(1.0, width - 1.8, 3.1)):
            if bay % 4 == 2 and storey < storeys:
                _rect(picture, x - 0.7, y + 0.2, 2.6, 2.5, tuple(c * 0.94 for c in house.colour))
                _window(picture, shine, x - 0.5, y + 0.35, 2.2, 1.2, rng)
                _rect(picture, x - 0.7, y + 1.65, 2.6, 1.0, house.accent)
            else:
                _window(picture, shine, x, y + 0.5, 1.3, 1.5, rng)
    for x in np.arange(6.5, width - 3, 18.6):
        _rect(picture, x - 0.6, house.height_m - 3.1, 2.6, 0.35, tuple(c * 0.7 for c in house.accent))
        _rect(picture, x, house.height_m - 2.7, 1.4, 2.7, (70, 74, 88))
        _rect(shine, x + 0.3, house.height_m - 2.6, 0.8, 0.3, 0.9)


def _shop(picture: Picture, shine: Picture, house: House, rng: np.random.Generator) -> None:
    width = picture.shape[1] / _PX_PER_M
    _rect(picture, 0, 0.4, width, 1.1, house.accent)
    _rect(shine, width * 0.3, 0.6, width * 0.4, 0.7, 0.75)
    for x in np.arange(width * 0.32, width * 0.68, 0.7):
        _rect(picture, x, 0.65, 0.42, rng.uniform(0.35, 0.6), (236, 240, 240))
    for x in np.arange(0.6, width - 2.4, 3.0):
        _rect(picture, x - 0.1, 1.9, 2.6, 3.1, (64, 62, 60))
        _rect(picture, x, 2.0, 2.4, 2.7, (132, 118, 102))
        _rect(picture, x + 1.15, 2.0, 0.08, 2.7, (64, 62, 60))
        _rect(shine, x, 2.0, 2.4, 2.5, 0.7)


def _kiosk(picture: Picture, _shine: Picture, house: House, _rng: np.random.Generator) -> None:
    width = picture.shape[1] / _PX_PER_M
    _rect(picture, 0, 0, width, 0.25, (90, 92, 92))
    middle = width / 2
    _rect(picture, middle - 0.9, house.height_m - 2.1, 1.8, 2.1, house.accent)
    _rect(picture, middle - 0.02, house.height_m - 2.1, 0.05, 2.1, (60, 60, 60))
    _rect(picture, middle + 0.25, house.height_m - 1.5, 0.4, 0.4, (40, 200, 235))
    for y in np.arange(0.5, 1.0, 0.12):
        _rect(picture, 0.4, y, 0.9, 0.06, (80, 84, 84))


def _container(picture: Picture, _shine: Picture, house: House, _rng: np.random.Generator) -> None:
    width = picture.shape[1] / _PX_PER_M
    _rect(picture, 0, 0, width, 0.16, (52, 54, 54))
    for x in np.arange(0.1, width, 0.3):
        _rect(picture, x, 0.2, 0.08, 0.9, tuple(c * 0.82 for c in house.colour))
    _rect(picture, width / 2 - 0.18, 0.5, 0.36, 0.36, (214, 220, 220))


_PAINTERS = {"flats": _flats, "shop": _shop, "kiosk": _kiosk, "container": _container}
