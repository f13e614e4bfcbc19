"""A piece of ground as a camera sees it, on a grid, and how it looked before in the same light."""

import base64
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from edge_agent.domain.detection import Frame, Reals
from edge_agent.domain.geometry import depth_in_polygon
from edge_agent.domain.ground import Ground
from edge_agent.domain.patches import Mask
from edge_agent.domain.zone_picture import chroma_planes

LEAST_CELL_PX = 4
MOST_CELLS = 72
"""Along the zone's longer side."""
MATCHED_OCTAVES = 0.6
"""Two pictures are of the same light when the one is at most 1.5 times as bright as the other."""
MATCHED_MIN = 150
"""And by day when the sun has not moved for more than 2.5 hours: shadows then lie nearly the same."""
MOST_REFERENCES = 24
_FOLLOW = 0.2
_NEW_FROM = 0.5
"""A clean look this far from its reference, 1 being as far as they may be, becomes one of its own."""
_DAY_MIN = 1440


class Look(NamedTuple):
    """One look at the ground. All planes (R, C) float32."""

    luma: Reals
    """Mean brightness of each cell, 0 to 255."""
    spread: Reals
    """Standard deviation of the brightness within the cell: its texture and the noise."""
    u: Reals
    v: Reals
    seen: Mask
    """Cells that nothing stands before."""
    brightness: float
    """Of the whole picture, 1 to 255."""
    is_day: bool
    is_infrared: bool
    minute: int
    """After midnight, UTC."""

    def distance(self, other: "Look") -> float:
        """How unlike the light of two looks is: above 1 they are not to be compared."""
        if (self.is_infrared, self.is_day) != (other.is_infrared, other.is_day):
            return math.inf
        octaves = abs(math.log2(self.brightness / other.brightness)) / MATCHED_OCTAVES
        apart = abs(self.minute - other.minute)
        sun = min(apart, _DAY_MIN - apart) / MATCHED_MIN if self.is_day else 0.0
        return max(octaves, sun)


@dataclass(frozen=True)
class GroundGrid:
    """A zone cut into square cells."""

    left: int
    top: int
    cell_px: int
    inside: Mask
    """(R, C): the cells whose middle lies in the zone."""

    def look(self, frame: Frame, covers: Iterable[Reals], *, is_day: bool, is_infrared: bool) -> Look:
        """Look at the ground now. ``covers``: boxes (4,) of what stands before it."""
        step, (rows, columns) = self.cell_px, self.inside.shape
        y, x = slice(self.top, self.top + rows * step), slice(self.left, self.left + columns * step)
        cells = frame.luma[y, x].reshape(rows, step, columns, step).astype(np.float32)
        half = step // 2
        halves = slice(y.start // 2, y.stop // 2), slice(x.start // 2, x.stop // 2)
        u, v = (
            plane[halves].reshape(rows, half, columns, half).mean((1, 3), dtype=np.float32)
            for plane in chroma_planes(frame)
        )
        return Look(
            cells.mean((1, 3)),
            cells.std((1, 3)),
            u,
            v,
            self.inside & ~self._covered(covers),
            max(1.0, float(frame.luma[::8, ::8].mean())),
            is_day,
            is_infrared,
            int(frame.captured_at_us // 60_000_000 % _DAY_MIN),
        )

    def areas_m2(self, ground: Ground | None, zone_m2: float) -> Reals:
        """What ground each cell shows, (R, C) square metres; ``zone_m2``, if not 0, is that of all."""
        if zone_m2 > 0 or ground is None:
            return np.full(self.inside.shape, zone_m2 / max(1, int(self.inside.sum())))
        rows, columns = self.inside.shape
        corners = np.full((rows + 1, columns + 1, 2), np.nan)
        for row in range(rows + 1):
            for column in range(columns + 1):
                place = ground.locate(self.left + column * self.cell_px, self.top + row * self.cell_px)
                if place is not None:
                    corners[row, column] = place.east_m, place.north_m
        across, down = corners[1:, 1:] - corners[:-1, :-1], corners[1:, :-1] - corners[:-1, 1:]
        areas = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]) / 2
        return np.nan_to_num(areas, nan=0.0)

    def box(self, cells: Mask) -> Reals:
        """The rectangle around some cells, (4,) pixels."""
        rows, columns = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
        edges = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) * self.cell_px
        return (edges + np.array([self.left, self.top] * 2)).astype(np.float32)

    def _covered(self, covers: Iterable[Reals]) -> Mask:
        covered = np.zeros(self.inside.shape, np.bool_)
        for box in covers:
            left, right = ((int(side) - self.left) // self.cell_px for side in (box[0], box[2]))
            top, bottom = ((int(side) - self.top) // self.cell_px for side in (box[1], box[3]))
            covered[max(0, top - 1) : max(0, bottom + 2), max(0, left - 1) : max(0, right + 2)] = True
        return covered


def grid_over(polygon_px: Reals, width: int, height: int) -> GroundGrid:
    """The grid over a zone of a ``width`` x ``height`` picture; the outermost partial cells are left out."""
    low, high = polygon_px.min(0), polygon_px.max(0)
    cell = max(LEAST_CELL_PX, math.ceil(float((high - low).max()) / MOST_CELLS / 2) * 2)
    left, top = (max(0, int(side) // 2 * 2) for side in low)
    columns = max(1, (min(int(high[0]), width) - left) // cell)
    rows = max(1, (min(int(high[1]), height) - top) // cell)
    x, y = left + (np.arange(columns) + 0.5) * cell, top + (np.arange(rows) + 0.5) * cell
    middles = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    inside = depth_in_polygon(middles, polygon_px).reshape(rows, columns) >= 0
    return GroundGrid(left, top, cell, inside)


class References:
    """How the ground looked while all was well, in each light that there was."""

    def __init__(self) -> None:
        self._looks: list[Look] = []
        """The one that was of use most recently comes last."""

    def __len__(self) -> int:
        return len(self._looks)

    def nearest(self, look: Look) -> list[Look]:
        """Those by the same kind of light, day, night or infrared, the likest first."""
        far = [(one.distance(look), number) for number, one in enumerate(self._looks)]
        return [self._looks[number] for distance, number in sorted(far) if math.isfinite(distance)]

    def learn(self, look: Look, changed: Mask) -> None:
        """Take a clean look in: into its reference, or as a new one when the light has moved on.

        ``changed`` cells are not taken over.
        """
        near = self.nearest(look)
        if not near or near[0].distance(look) > _NEW_FROM:
            kept = look._replace(seen=look.seen & ~changed)
            self._looks = [*self._looks, kept][-MOST_REFERENCES:]
            return
        number = next(n for n, one in enumerate(self._looks) if one is near[0])
        self._looks.append(_followed(self._looks.pop(number), look, changed))

    def forget(self) -> None:
        """The scene is another one now."""
        self._looks.clear()

    def remember(self) -> list[dict[str, Any]]:
        """All of it in JSON's own types; brightness in whole levels, texture in eighths."""
        return [_stored(look) for look in self._looks]

    def recall(self, memory: list[dict[str, Any]]) -> None:
        """The same again. Raises ``ValueError`` when it is damaged."""
        self._looks = [_restored(stored) for stored in memory][-MOST_REFERENCES:]

    def keep_only(self, shape: tuple[int, ...]) -> None:
        """Forget what was of another grid: the zone was drawn anew."""
        self._looks = [look for look in self._looks if look.luma.shape == shape]


def _followed(old: Look, new: Look, changed: Mask) -> Look:
    both = old.seen & new.seen & ~changed
    fresh = new.seen & ~old.seen & ~changed

    def mixed(was: Reals, now: Reals) -> Reals:
        followed = np.where(both, was + np.float32(_FOLLOW) * (now - was), was)
        return np.where(fresh, now, followed).astype(np.float32)

    return old._replace(
        luma=mixed(old.luma, new.luma),
        spread=mixed(old.spread, new.spread),
        u=mixed(old.u, new.u),
        v=mixed(old.v, new.v),
        seen=old.seen | fresh,
    )


_SPREAD_STEPS = np.float32(8)
_PLANES = 5


def _stored(look: Look) -> dict[str, Any]:
    planes = np.stack([look.luma, look.spread * _SPREAD_STEPS, look.u, look.v, look.seen])
    packed = zlib.compress(np.clip(np.round(planes), 0, 255).astype(np.uint8).tobytes(), 6)
    rest = {"brightness": look.brightness, "is_day": look.is_day, "is_infrared": look.is_infrared}
    rest |= {"shape": list(look.luma.shape)}
    return rest | {"minute": look.minute, "planes": base64.b64encode(packed).decode()}


def _restored(stored: dict[str, Any]) -> Look:
    shape = tuple(min(MOST_CELLS * 2, max(1, int(side))) for side in stored["shape"])
    size = _PLANES * math.prod(shape)
    try:
        content = zlib.decompressobj().decompress(base64.b64decode(stored["planes"]), size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(content) != size:
        raise ValueError("planes of another size")
    planes = np.frombuffer(content, np.uint8).reshape(_PLANES, *shape).astype(np.float32)
    return Look(
        luma=planes[0],
        spread=planes[1] / _SPREAD_STEPS,
        u=planes[2],
        v=planes[3],
        seen=planes[4] > 0,
        brightness=max(1.0, float(stored["brightness"])),
        is_day=bool(stored["is_day"]),
        is_infrared=bool(stored["is_infrared"]),
        minute=int(stored["minute"]),
    )
