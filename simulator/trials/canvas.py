"""The picture of a trial, painted instead of rendered: a textured backdrop, patches, things, weather."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.camera import Array, Camera
from simulator.survey import polygon_px
from simulator.world import Point

Plane = NDArray[np.uint8]
_TEXTURE_PX = 96
_KEPT = 256
"""So many polygons are remembered as they lie in the picture."""


class GroundPatch(NamedTuple):
    """A piece of ground that looks different for a while."""

    ring: tuple[Point, ...]
    luma: int
    from_s: float = float("-inf")
    to_s: float = float("inf")
    texture_seed: int | None = None
    u: int = 128
    v: int = 128
    opacity: float = 1.0


class Canvas:
    """One I420 picture that is painted again and again. ``luma`` (H, W), ``u`` and ``v`` (H/2, W/2) are
    views into ``i420``; whoever paints writes into them."""

    def __init__(self, camera: Camera) -> None:
        width, height = camera.size_px
        self.camera = camera
        self.i420: Plane = np.full((height * 3 // 2, width), 128, np.uint8)
        self.luma: Plane = self.i420[:height]
        quarter = height // 4
        self.u: Plane = self.i420[height : height + quarter].reshape(height // 2, width // 2)
        self.v: Plane = self.i420[height + quarter :].reshape(height // 2, width // 2)
        self._masks: dict[tuple[tuple[float, float], ...], tuple[tuple[slice, slice], Array]] = {}
        self._rings: dict[tuple[Point, ...], list[Point]] = {}
        self._textures: dict[int, Plane] = {}

    def fill_ground(
        self,
        ring: tuple[Point, ...] | list[Point],
        luma: int,
        texture_seed: int | None = None,
        u: int = 128,
        v: int = 128,
        opacity: float = 1.0,
    ) -> None:
        """Paint a ground polygon, metres; what lies outside the picture is cut off."""
        corners = self._corners(tuple(ring))
        if len(corners) >= 3:
            self.fill_px(corners, luma, texture_seed, u, v, opacity)

    def _corners(self, ring: tuple[Point, ...]) -> list[Point]:
        if ring not in self._rings:
            if len(self._rings) > _KEPT:
                self._rings.clear()
                self._masks.clear()
            self._rings[ring] = [(float(x), float(y)) for x, y in polygon_px(self.camera, list(ring))]
        return self._rings[ring]

    def fill_px(
        self,
        corners: list[tuple[float, float]],
        luma: int,
        texture_seed: int | None = None,
        u: int = 128,
        v: int = 128,
        opacity: float = 1.0,
    ) -> None:
        """Paint a polygon of the picture. ``opacity`` 0 to 1; the texture varies the luma by 20 levels."""
        where, mask = self._mask(tuple(corners))
        share = mask * np.float32(opacity)
        colour = np.full(share.shape, luma, np.float32)
        if texture_seed is not None:
            colour += self.texture(texture_seed, share.shape[1], share.shape[0]).astype(np.float32) - 128
        part = self.luma[where]
        part[:] = np.clip(part + (colour - part) * share, 0, 255)
        half = tuple(slice(s.start // 2, (s.stop + 1) // 2) for s in where)
        rows, columns = half
        for plane, tone in ((self.u, u), (self.v, v)):
            chroma = plane[rows, columns]
            small = cv2.resize(share, (chroma.shape[1], chroma.shape[0]), interpolation=cv2.INTER_AREA)
            chroma[:] = chroma + (tone - chroma.astype(np.float32)) * small

    def _mask(self, corners: tuple[tuple[float, float], ...]) -> tuple[tuple[slice, slice], Array]:
        """The polygon's bounds and, within them, which pixels are its own, 0 to 1."""
        if corners not in self._masks:
            height, width = self.luma.shape
            points = np.array(corners)
            x0, y0 = (int(c) for c in np.clip(np.floor(points.min(0)), 0, (width - 2, height - 2)) // 2 * 2)
            x1, y1 = (int(c) for c in np.clip(np.ceil(points.max(0)) + 1, (x0 + 2, y0 + 2), (width, height)))
            mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
            cv2.fillPoly(mask, [np.rint((points - (x0, y0)) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
            self._masks[corners] = (slice(y0, y1), slice(x0, x1)), mask.astype(np.float32) / 255
        return self._masks[corners]

    def texture(self, seed: int, width: int, height: int) -> Plane:
        """A thing's own pattern around 128, stretched to a size; the same seed gives the same one."""
        if seed not in self._textures:
            rng = np.random.default_rng([seed, 77])
            coarse = cv2.resize(
                rng.normal(0, 14, (8, 8)).astype(np.float32), (_TEXTURE_PX, _TEXTURE_PX)
            ) + rng.normal(0, 5, (_TEXTURE_PX, _TEXTURE_PX))
            self._textures[seed] = np.clip(128 + coarse, 0, 255).astype(np.uint8)
        return np.asarray(cv2.resize(self._textures[seed], (max(1, width), max(1, height))), np.uint8)
