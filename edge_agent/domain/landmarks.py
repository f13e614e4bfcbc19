"""By how much a camera's picture has moved since its calibration, measured on what stands in the scene.

A picture is cut into blocks. Each block's structure is looked for in the present picture by phase correlation
[Kuglin and Hines 1975]: light and contrast drop out. Blocks that are found are landmarks; a shift, turn and
zoom is fitted to as many of them as agree. A comparison takes 25 ms, and one in ten minutes is made.
"""

import base64
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Reals

Waves = NDArray[np.complexfloating[Any, Any]]

WIDEST_PX = 320
"""Larger pictures are averaged down to this: a landmark is found to a tenth of a pixel."""
BLOCKS = (4, 6)
"""Rows and columns of blocks."""
LEAST_LANDMARKS = 6
AGREE_PX = 1.0
"""Landmarks that lie within this of the common motion, in the small picture, agree with it."""
AGREE_SHARE = 0.5
"""So many of the landmarks found must: else parts of the scene moved, or its shadows, and not the camera."""
LEAST_PEAK = 2.0
"""A block is found when its peak is so many times as high as the highest elsewhere."""
FARTHEST_SHARE = 0.2
"""Of the picture's width; what has moved farther shows too little of what it showed."""
_LEAST_STEP = 0.6
"""Mean step from pixel to pixel, levels, below which a block has nothing to be found by."""
_LEVELS = 4
"""Kept pictures are rounded to so many levels."""


class Drift(NamedTuple):
    """How points of a picture have moved: x' = x + shift_x + zoom * (x - cx) - turn * (y - cy), and so on,
    from the picture's middle (cx, cy); pixels and radians."""

    shift_x_px: float = 0.0
    shift_y_px: float = 0.0
    turn: float = 0.0
    zoom: float = 0.0

    def moved(self, points: Reals, middle: Reals) -> Reals:
        """By how much points (N, 2) have moved, (N, 2)."""
        x, y = (points - middle).T
        right = self.shift_x_px + self.zoom * x - self.turn * y
        down = self.shift_y_px + self.turn * x + self.zoom * y
        return np.stack([right, down], axis=1)

    def after(self, before: "Drift") -> "Drift":
        """Both, one after the other; small enough that they add up."""
        return Drift(*(one + other for one, other in zip(self, before, strict=True)))


class Measured(NamedTuple):
    """One comparison of two pictures."""

    drift: Drift
    """In pixels of the small picture."""
    landmarks: int
    """How many agree with it."""


@dataclass(frozen=True)
class Landmarks:
    """How the scene looked, (h, w) float32, and how far it had already moved then since the calibration."""

    picture: Reals
    drift: Drift

    def remember(self) -> dict[str, Any]:
        """All of it in JSON's own types."""
        levels = np.clip(np.round(self.picture / _LEVELS), 0, 255).astype(np.uint8)
        packed = base64.b64encode(zlib.compress(levels.tobytes(), 6)).decode()
        return {"shape": list(levels.shape), "picture": packed, "drift": [round(v, 6) for v in self.drift]}


def restored(stored: dict[str, Any]) -> Landmarks:
    """What ``Landmarks.remember`` gave. Raises ``LookupError``, ``TypeError`` or ``ValueError`` when it is
    damaged."""
    rows, columns = (int(side) for side in stored["shape"])
    if not (0 < rows <= 4 * WIDEST_PX and 0 < columns <= WIDEST_PX):
        raise ValueError("a picture of another size")
    size = rows * columns
    try:
        content = zlib.decompressobj().decompress(base64.b64decode(stored["picture"]), size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(content) != size:
        raise ValueError("a picture of another size")
    picture = np.frombuffer(content, np.uint8).reshape(rows, columns).astype(np.float32) * _LEVELS
    return Landmarks(picture, Drift(*(float(value) for value in stored["drift"])))


def shrink(luma: NDArray[np.uint8]) -> Reals:
    """A picture averaged down to at most ``WIDEST_PX`` columns, (h, w) float32."""
    step = factor(luma.shape[1])
    rows, columns = luma.shape[0] // step, luma.shape[1] // step
    cut = luma[: rows * step, : columns * step].reshape(rows, step, columns, step)
    return cut.mean((1, 3), dtype=np.float32)


def factor(width: int) -> int:
    """How many pixels of a picture of this width become one."""
    return -(-width // WIDEST_PX)


def compare(before: Reals, now: Reals) -> Measured | None:
    """How the picture ``now`` has moved against ``before``, both (h, w); None when too little is found."""
    if before.shape != now.shape:
        return None
    whole = _found(_structure(before), _structure(now), round(FARTHEST_SHARE * before.shape[1]))
    first = (0, 0) if whole is None else (round(whole[0]), round(whole[1]))
    middles, ways = _block_ways(before, now, first)
    if len(middles) < LEAST_LANDMARKS:
        return None
    middle = np.array([before.shape[1], before.shape[0]]) / 2
    kept, drift = _agreeing(middles - middle, ways), Drift()
    for _ in range(2):
        if int(kept.sum()) < max(LEAST_LANDMARKS, AGREE_SHARE * len(middles)):
            return None
        drift = _fitted(middles[kept], ways[kept], middle)
        kept = np.hypot(*(ways - drift.moved(middles, middle)).T) <= AGREE_PX
    count = int(kept.sum())
    return Measured(drift, count) if count >= LEAST_LANDMARKS else None


def _agreeing(places: Reals, ways: Reals) -> NDArray[np.bool_]:
    """Which landmarks agree with the shift, turn and zoom of some two of them that most agree with, (N,)."""
    place, way = places @ (1, 1j), ways @ (1, 1j)
    one, other = np.triu_indices(len(place), 1)
    turn_and_zoom = (way[one] - way[other]) / (place[one] - place[other])
    shift = way[one] - turn_and_zoom * place[one]
    off = np.abs(way - shift[:, None] - turn_and_zoom[:, None] * place)
    agree = off <= 1.5 * AGREE_PX
    best = int((agree.sum(1) - off.clip(0, 1).sum(1) / (1 + len(place))).argmax())
    return agree[best]


def _block_ways(before: Reals, now: Reals, first: tuple[int, int]) -> tuple[Reals, Reals]:
    """The middles (N, 2) of the blocks that were found, and how far each has moved, (N, 2). ``first``: where
    to look for them, to the right and down."""
    high, wide = before.shape[0] // BLOCKS[0], before.shape[1] // BLOCKS[1]
    middles: list[tuple[float, float]] = []
    ways: list[tuple[float, float]] = []
    for top in range(0, high * BLOCKS[0], high):
        for left in range(0, wide * BLOCKS[1], wide):
            # At the rim the block looked at is the nearest within the picture.
            x = min(max(0, left + first[0]), before.shape[1] - wide)
            y = min(max(0, top + first[1]), before.shape[0] - high)
            was = _structure(before[top : top + high, left : left + wide])
            found = _found(was, _structure(now[y : y + high, x : x + wide]), min(high, wide) // 4)
            if found is not None:
                middles.append((left + wide / 2, top + high / 2))
                ways.append((x - left + found[0], y - top + found[1]))
    return np.array(middles).reshape(-1, 2), np.array(ways).reshape(-1, 2)


def _structure(part: Reals) -> Waves:
    """The steps to the right and down as one complex plane, faded out to the rim so that the rim is none."""
    right, down = np.zeros_like(part), np.zeros_like(part)
    right[:, 1:-1] = (part[:, 2:] - part[:, :-2]) / 2
    down[1:-1] = (part[2:] - part[:-2]) / 2
    window = np.outer(np.hanning(part.shape[0]), np.hanning(part.shape[1]))
    return (right + 1j * down) * window


def _found(before: Waves, now: Waves, farthest: int) -> tuple[float, float] | None:
    """How far one structure has moved to be the other, to the right and down; None when that is not clear."""
    if min(float(np.abs(before).mean()), float(np.abs(now).mean())) < _LEAST_STEP / 4:
        return None
    product = np.fft.fft2(now) * np.conj(np.fft.fft2(before))
    size = np.abs(product)
    # Frequencies that carry next to nothing are noise: they are not raised to the others' height.
    surface = np.fft.fftshift(np.fft.ifft2(product / (size + 0.5 * size.mean())).real)
    rows, columns = surface.shape
    y, x = divmod(int(surface.argmax()), columns)
    way_x, way_y = x - columns // 2, y - rows // 2
    peak = float(surface[y, x])
    elsewhere = surface.copy()
    elsewhere[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = 0
    if max(abs(way_x), abs(way_y)) > farthest or peak < LEAST_PEAK * float(elsewhere.max()):
        return None
    return way_x + _summit(surface[y, :], x), way_y + _summit(surface[:, x], y)


def _summit(line: Reals, at: int) -> float:
    """How far from its highest sample a line's summit lies, by a parabola, -0.5 to 0.5."""
    before, top, after = (float(line[(at + step) % len(line)]) for step in (-1, 0, 1))
    bend = before - 2 * top + after
    return 0.0 if bend >= 0 else float(np.clip((before - after) / (2 * bend), -0.5, 0.5))


def _fitted(middles: Reals, ways: Reals, middle: Reals) -> Drift:
    """The shift, turn and zoom of least squares."""
    x, y = (middles - middle).T
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate([np.stack([one, zero, -y, x], 1), np.stack([zero, one, x, y], 1)])
    values = np.concatenate([ways[:, 0], ways[:, 1]])
    shift_x, shift_y, turn, zoom = (float(v) for v in np.linalg.lstsq(rows, values, rcond=None)[0])
    return Drift(shift_x, shift_y, turn, zoom)


def where_now(drift: Drift, points: Reals, size_px: tuple[int, int]) -> Reals:
    """Where points (N, 2) of a whole picture are now, given the drift of its small one; pixels."""
    step = factor(size_px[0])
    middle = np.array([size_px[0] // step, size_px[1] // step]) / 2
    return points + step * drift.moved(points / step, middle)
