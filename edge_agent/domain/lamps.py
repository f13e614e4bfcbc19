"""What a lamp or a traffic light shows, read from its part of the picture."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Frame, Reals

COLOURED = 26.0
"""Distance of the chroma from grey, levels, from which a pixel has a colour."""
LEAST_LUMA = 45.0
"""A lens that is off keeps its colour, and is darker."""
LEAST_SHARE = 0.012
"""So much of the light's picture at least is the lit lens; a round lens fills a tenth of a tight zone."""
LEAST_LIT_PX = 3
"""And no fewer pixels: one alone is noise."""
MOST_SHARE = 0.55
"""A light never fills its housing: so much of one colour is a bus before it."""
CLIPPED_LUMA, CLIPPED_SHARE = 245, 0.35
"""So much of it burnt out is the sun, or headlights, in the lens: nothing can be read."""
PALE_LUMA = 190.0
"""Without any colour and on average so bright, the lens is washed out."""
STRONGER = 1.6
"""The lit colour outweighs the next so far, or nothing is said."""
RIM_SHARES = 0.1, 0.17
"""So much of a zone at each end and each side need not be the light itself, however tightly it is drawn."""
LIT_LUMA, LIT_FACTOR = 150.0, 1.8
"""Without colours, a lens is lit when it is so bright, and so much brighter than the other two."""
SECTOR = {0: (0.0, 0.5), 1: (0.2, 0.8), 2: (0.5, 1.0)}
"""Where along its housing red, amber and green are: from its top, or from its left when it lies."""


class Shown(IntEnum):
    """What a traffic light shows."""

    UNKNOWN = 0
    """Hidden, or blinded by the sun."""
    DARK = 1
    RED = 2
    AMBER = 3
    GREEN = 4


class Patch(NamedTuple):
    """One part of a picture, at the resolution of its chroma: (h, w) each, luma 0 to 255, chroma about 0."""

    luma: Reals
    u: Reals
    v: Reals


def patch_of(frame: Frame, polygon_px: Reals) -> Patch:
    """The rectangle around a zone, at least 2 x 2 chroma pixels."""
    left, top, right, bottom = _rectangle(frame, polygon_px)
    luma = frame.luma[2 * top : 2 * bottom, 2 * left : 2 * right].astype(np.float32)
    luma = luma.reshape(bottom - top, 2, right - left, 2).mean((1, 3))
    planes = frame.i420[frame.height :].reshape(2, frame.height // 2, frame.width // 2)
    chroma = planes[:, top:bottom, left:right]
    u, v = chroma.astype(np.float32) - 128
    return Patch(luma, u, v)


def luma_of(frame: Frame, polygon_px: Reals) -> NDArray[np.uint8]:
    """The same rectangle's brightness at full resolution, (h, w)."""
    left, top, right, bottom = _rectangle(frame, polygon_px)
    return frame.luma[2 * top : 2 * bottom, 2 * left : 2 * right]


def _rectangle(frame: Frame, polygon_px: Reals) -> tuple[int, int, int, int]:
    """Left, top, right and bottom in pixels of the chroma."""
    rows, columns = frame.height // 2, frame.width // 2
    left, top = (int(side) // 2 for side in polygon_px.min(0))
    right, bottom = (-(-int(np.ceil(side)) // 2) for side in polygon_px.max(0))
    left, top = min(max(0, left), columns - 2), min(max(0, top), rows - 2)
    right, bottom = min(max(right, left + 2), columns), min(max(bottom, top + 2), rows)
    return left, top, right, bottom


def read_signal(patch: Patch) -> Shown:
    """Read a traffic light by its colour and by where it is in its housing, red at the top or left.

    Hues in the plane of U and V, degrees: red lamps lie about 110, amber about 150, green about 260
    (ITU-R BT.601); the bounds between are halfway.
    """
    if float((patch.luma >= CLIPPED_LUMA).mean()) > CLIPPED_SHARE:
        return Shown.UNKNOWN
    strength = np.hypot(patch.u, patch.v)
    is_lit = (strength >= COLOURED) & (patch.luma >= LEAST_LUMA)
    hue = np.degrees(np.arctan2(patch.v, patch.u)) % 360
    along = _along(patch.luma.shape)
    weights: list[float] = []
    for number, (least, most) in enumerate(((60.0, 132.0), (132.0, 190.0), (200.0, 310.0))):
        lit = is_lit & (hue >= least) & (hue < most)
        if float(lit.mean()) > MOST_SHARE:
            return Shown.UNKNOWN
        start, end = SECTOR[number]
        lit &= (along >= start) & (along <= end)
        weights.append(float((strength * lit).sum()) if lit.mean() >= LEAST_SHARE else 0.0)
    best = int(np.argmax(weights))
    if weights[best] == 0:
        return Shown.UNKNOWN if float(patch.luma.mean()) > PALE_LUMA else Shown.DARK
    others = sum(weights) - weights[best]
    return Shown(Shown.RED + best) if weights[best] >= STRONGER * others else Shown.UNKNOWN


def read_colourless(luma: NDArray[np.uint8]) -> Shown:
    """Read a traffic light in infrared by which of its three lenses shines.

    ``luma`` (h, w) is at full resolution, since a lens may be a point of light three pixels wide.
    """
    if float((luma >= CLIPPED_LUMA).mean()) > CLIPPED_SHARE:
        return Shown.UNKNOWN
    # Round the housing there may be a lit window.
    ends, sides = (
        round(share * side) for share, side in zip(RIM_SHARES, sorted(luma.shape)[::-1], strict=True)
    )
    down, across = (ends, sides) if luma.shape[0] >= luma.shape[1] else (sides, ends)
    inside = slice(down, len(luma) - down), slice(across, luma.shape[1] - across)
    luma, along = luma[inside], _along(luma.shape)[inside]
    thirds = [luma[(along >= n / 3) & (along <= (n + 1) / 3)] for n in range(3)]
    peaks = [_peak(third) for third in thirds]
    best = int(np.argmax(peaks))
    others = max(peak for n, peak in enumerate(peaks) if n != best)
    if peaks[best] < LIT_LUMA:
        return Shown.DARK
    return Shown(Shown.RED + best) if peaks[best] >= LIT_FACTOR * others else Shown.UNKNOWN


def _peak(third: NDArray[np.uint8]) -> float:
    """The mean of its brightest pixels, ``LEAST_SHARE`` of it and three at least."""
    bright: NDArray[np.uint8] = np.sort(third, axis=None)
    return (
        float(bright[-max(LEAST_LIT_PX, round(LEAST_SHARE * bright.size)) :].mean()) if bright.size else 0.0
    )


def glow(frame: Frame, polygon_px: Reals) -> float:
    """How far the brightest tenth of a lamp's zone stands out from the picture around it, levels of luma."""
    left, top = (int(side) for side in polygon_px.min(0))
    right, bottom = (int(np.ceil(side)) for side in polygon_px.max(0))
    wide, high = max(2, right - left), max(2, bottom - top)
    lamp = frame.luma[max(0, top) : top + high, max(0, left) : left + wide]
    around = frame.luma[max(0, top - high) : bottom + high, max(0, left - wide) : right + wide]
    bright: NDArray[np.uint8] = np.sort(lamp, axis=None)
    return float(bright[-max(1, bright.size // 10) :].mean()) - float(np.median(around))


def _along(shape: tuple[int, ...]) -> Reals:
    """How far down a standing housing each pixel is, or how far right in one that lies; 0 to 1. (h, w)"""
    rows, columns = shape
    if columns > rows:
        return np.broadcast_to((np.arange(columns) + 0.5)[None] / columns, (rows, columns))
    return np.broadcast_to((np.arange(rows) + 0.5)[:, None] / rows, (rows, columns))
