"""The camera's eye: the standing street, and over it what moves, from far to near, with shadows and lamps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.kinds import ObjectClass
from simulator import ground
from simulator.actors import Actor, Body, Moment
from simulator.air import Air
from simulator.backdrop import Backdrop, paint_backdrop
from simulator.camera import NEAR_M, Array, Camera
from simulator.shapes import Illumination, draw_capsules, draw_faces, turned
from simulator.weather import Weather, illumination
from simulator.world import World

Bgr = NDArray[np.uint8]

_SHIFT = 4
_SMALLEST_PX = 3.0


class SeenBox(NamedTuple):
    """Where a thing is in a picture. The box holds all of the thing that falls in the picture, hidden parts too."""

    actor_id: int
    object_class: ObjectClass
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 px."""
    visible_fraction: float
    """How much of the thing neither another thing nor the picture's edge hides, 0–1."""


class Shot(NamedTuple):
    """One picture and what is in it."""

    bgr: Bgr
    boxes: list[SeenBox]


@dataclass
class _Drawn:
    """One thing ready to be painted."""

    actor: Actor
    moment: Moment
    polygons: list[NDArray[np.int32]]
    colours: Array
    depth_m: float
    extent: Array
    """(4,) unclipped x1, y1, x2, y2."""
    shadows: list[Array]
    lamps: Array | None
    """(4, 3) pixels and depth of head and tail lamps: two ahead, two behind."""


class Filmer:
    """Films one camera in one weather. The backdrop is painted once; a frame then costs a few milliseconds."""

    def __init__(self, world: World, camera: Camera, weather: Weather, below: ground.GroundMap | None = None, seed: int = 0) -> None:
        self.camera, self.weather, self.world = camera, weather, world
        self.backdrop: Backdrop = paint_backdrop(world, camera, weather, below or ground.ground_map(world, weather))
        self._air = Air(camera, weather, seed)

    def shoot(self, actors: Sequence[Actor], t_s: float) -> Shot:
        """The picture at ``t_s``."""
        drawn = [d for a in actors if a.is_there(t_s) and (d := self._prepare(a, t_s)) is not None]
        drawn.sort(key=lambda d: -d.depth_m)
        frame = self.backdrop.picture.copy()
        self._shadows(frame, drawn)
        self._headlights(frame, drawn)
        owners = np.zeros(frame.shape[:2], np.uint8)
        boxes: list[SeenBox] = []
        areas = [self._paint(frame, owners, i + 1, d) for i, d in enumerate(drawn)]
        self._glare(frame, drawn, owners)
        counts = np.bincount(owners.ravel(), minlength=len(drawn) + 1)
        for i, d in enumerate(drawn):
            box = self._box(d, counts[i + 1] / areas[i] if areas[i] else 0.0)
            if box:
                boxes.append(box)
        finished, moved = self._air.finish(frame, t_s)
        return Shot(finished, [b._replace(box=_moved(b.box, moved, self.camera.size_px)) for b in boxes])

    def _light_at(self, moment: Moment, depth_m: float) -> Illumination:
        share = self.backdrop.ground_map_share
        column = int(np.clip((moment.place[0] - ground.WEST_M) * ground.PX_PER_M, 0, share.shape[1] - 1))
        row = int(np.clip((ground.NORTH_M - moment.place[1]) * ground.PX_PER_M, 0, share.shape[0] - 1))
        return illumination(self.weather, self.world.lamps, moment.place, float(share[row, column]), max(depth_m, 1.0))

    def _prepare(self, actor: Actor, t_s: float) -> _Drawn | None:
        moment = actor.moment(t_s)
        if not self.camera.may_see(moment.place[0], moment.place[1], 6.0):
            return None
        depth = float(self.camera.to_camera(moment.place[None] + (0, 0, 0.8))[0, 2])
        if depth < 1.0:
            return None
        body = actor.body(t_s, moment)
        shapes = _projected(body, moment, self.camera, self._light_at(moment, depth))
        if shapes is None:
            return None
        polygons, colours, glow = shapes
        colours = self._air.through(self._lamps_on(colours, glow), depth)
        extent = _extent(polygons)
        w, h = self.camera.size_px
        if extent[2] < 0 or extent[3] < 0 or extent[0] > w or extent[1] > h or extent[3] - extent[1] < _SMALLEST_PX:
            return None
        whole = [np.round(p * (1 << _SHIFT)).astype(np.int32) for p in polygons]
        lamps = self._lamp_pixels(actor, moment) if body.has_lamps and moment.speed_mps > 0.3 and self.weather.lamp_strength > 0 else None
        return _Drawn(actor, moment, whole, colours, depth, extent, self._cast(body, actor, moment), lamps)

    def _lamps_on(self, colours: Array, glow: Array) -> Array:
        shining = (glow * self.weather.lamp_strength)[:, None]
        bright = np.where(colours[:, :1] > colours[:, 2:] * 0.6, 255.0, np.array([60.0, 50.0, 250.0]))
        return colours * (1 - shining) + bright * shining

    def _lamp_pixels(self, actor: Actor, moment: Moment) -> Array:
        length, width = actor.footprint_m
        own = np.array([[x * length / 2, y * width * 0.36, 0.65] for x in (1, -1) for y in (1, -1)])
        pixels, depth = self.camera.project(turned(own, moment.heading_rad, moment.place))
        return np.column_stack([pixels, depth])

    def _cast(self, body: Body, actor: Actor, moment: Moment) -> list[Array]:
        """Outlines of its shadows on the ground, px: what it keeps from the sky, then from the sun."""
        length, width = actor.footprint_m
        grow = 0.12 if body.faces else 0.1
        base = np.array([[x * (length / 2 + grow), y * (width / 2 + grow), 0.0] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
        outlines = [turned(base, moment.heading_rad, moment.place * (1, 1, 0))]
        if max(self.weather.sun_colour) > 0.05:
            points = body.capsules.ends.reshape(-1, 3) if body.capsules is not None else body.faces[0].corners.reshape(-1, 3)
            solid = turned(points, moment.heading_rad, moment.place)
            sun = self.weather.sun
            solid = solid - sun * (solid[:, 2:3] / max(sun[2], 0.12))
            hull = cv2.convexHull(solid[:, :2].astype(np.float32))[:, 0]
            outlines.append(np.column_stack([hull, np.zeros(len(hull))]))
        projected = [self.camera.project(o) for o in outlines]
        return [p if d.min() > NEAR_M else np.empty((0, 2)) for p, d in projected]

    def _shadows(self, frame: Bgr, drawn: list[_Drawn]) -> None:
        contact, sun = np.zeros(frame.shape[:2], np.uint8), np.zeros(frame.shape[:2], np.uint8)
        for d in drawn:
            for mask, outline in zip((contact, sun), d.shadows, strict=False):
                if len(outline):
                    cv2.fillConvexPoly(mask, np.round(outline * 16).astype(np.int32), 255, cv2.LINE_8, _SHIFT)
        darker = np.zeros(frame.shape[:2], np.float32)
        reach = _union(contact | sun)
        if reach is None:
            return
        open_ground = ~np.isfinite(self.backdrop.depth_m[reach])
        darker = cv2.GaussianBlur(contact[reach], (0, 0), 2.0) * (0.42 / 255) * open_ground
        if max(self.weather.sun_colour) > 0.05:
            darker = np.maximum(darker, cv2.GaussianBlur(sun[reach], (0, 0), 1.0) * (1 / 255) * self.backdrop.sun_share[reach])
        keep = ((1 - darker) * 255).astype(np.uint8)
        frame[reach] = cv2.multiply(frame[reach], cv2.merge([keep, keep, keep]), scale=1 / 255)

    def _headlights(self, frame: Bgr, drawn: list[_Drawn]) -> None:
        if self.weather.lamp_strength <= 0:
            return
        light = np.zeros(frame.shape[:2], np.uint8)
        for d in drawn:
            if d.lamps is None:
                continue
            nose = d.actor.footprint_m[0] / 2
            own = np.array([[nose + 0.5, -0.6, 0.0], [nose + 0.5, 0.6, 0.0], [nose + 13, 2.6, 0.0], [nose + 13, -2.6, 0.0]])
            pixels, depth = self.camera.project(turned(own, d.moment.heading_rad, d.moment.place * (1, 1, 0)))
            if depth.min() > NEAR_M:
                cv2.fillConvexPoly(light, np.round(pixels * 16).astype(np.int32), 90, cv2.LINE_8, _SHIFT)
        reach = _union(light)
        if reach is not None:
            soft = cv2.GaussianBlur(light[reach], (0, 0), 5.0) * (self.weather.lamp_strength / 255)
            soft[np.isfinite(self.backdrop.depth_m[reach])] *= 0.3
            lit = frame[reach] * (1 + 2.2 * soft[..., None]) + soft[..., None] * np.array([26.0, 36.0, 40.0])
            frame[reach] = np.minimum(lit, 255).astype(np.uint8)

    def _glare(self, frame: Bgr, drawn: list[_Drawn], owners: NDArray[np.uint8]) -> None:
        for number, d in enumerate(drawn, start=1):
            if d.lamps is None:
                continue
            way = np.array([np.cos(d.moment.heading_rad), np.sin(d.moment.heading_rad), 0])
            towards = float((self.camera.position - d.moment.place) @ way)
            lamps, colour = (d.lamps[:2], (150.0, 200.0, 225.0)) if towards > 0 else (d.lamps[2:], (24.0, 20.0, 150.0))
            for x, y, depth in lamps:
                if not _owns(owners, x, y, number):
                    continue
                _halo(frame, x, y, np.clip(self.camera.focal_px * 0.55 / max(depth, 2.0), 2, 26), np.array(colour) * self.weather.lamp_strength)

    def _paint(self, frame: Bgr, owners: NDArray[np.uint8], number: int, d: _Drawn) -> int:
        """Paint one thing; returns how many pixels it would fill if nothing hid it (its part in the picture)."""
        w, h = self.camera.size_px
        x0, y0 = np.clip(np.floor(d.extent[:2]).astype(int) - 1, 0, (w, h))
        x1, y1 = np.clip(np.ceil(d.extent[2:]).astype(int) + 2, 0, (w, h))
        where = (slice(y0, y1), slice(x0, x1))
        before, mask = frame[where], np.zeros((y1 - y0, x1 - x0), np.uint8)
        hidden = self.backdrop.depth_m[where] < d.depth_m
        is_hidden = bool(hidden.any())
        target = before.copy() if is_hidden else np.ascontiguousarray(before)
        corner = np.array([x0, y0]) * (1 << _SHIFT)
        for polygon, colour in zip(d.polygons, d.colours, strict=True):
            moved = polygon - corner
            cv2.fillConvexPoly(target, moved, (float(colour[0]), float(colour[1]), float(colour[2])), cv2.LINE_AA, _SHIFT)
            cv2.fillConvexPoly(mask, moved, 1, cv2.LINE_8, _SHIFT)
        area = int(cv2.countNonZero(mask))
        if is_hidden:
            target[hidden] = before[hidden]
            mask[hidden] = 0
        frame[where] = target
        owners[where][mask > 0] = number
        return area

    def _box(self, d: _Drawn, visible_of_inside: float) -> SeenBox | None:
        w, h = self.camera.size_px
        x1, y1, x2, y2 = np.clip(d.extent, 0, (w, h, w, h))
        if x2 - x1 < 2 or y2 - y1 < _SMALLEST_PX:
            return None
        inside = (x2 - x1) * (y2 - y1) / max((d.extent[2] - d.extent[0]) * (d.extent[3] - d.extent[1]), 1e-6)
        visible = float(np.clip(visible_of_inside * inside, 0, 1))
        return SeenBox(d.actor.id, d.actor.object_class, (float(x1), float(y1), float(x2), float(y2)), visible)


def _projected(body: Body, moment: Moment, camera: Camera, light: Illumination) -> tuple[list[Array], Array, Array] | None:
    """All of a thing's polygons in drawing order, their colours and glow."""
    if body.capsules is not None:
        drawn = draw_capsules(body.capsules, turned(body.capsules.ends, moment.heading_rad, moment.place), camera, light)
        if drawn is None:
            return None
        outlines, colours, depths = drawn
        order = np.argsort(-depths, kind="stable")
        return list(outlines[order]), colours[order], np.zeros(len(order))
    polygons: list[Array] = []
    parts: list[tuple[Array, Array, Array]] = []
    for faces in body.faces:
        seen = draw_faces(faces, turned(faces.corners, moment.heading_rad, moment.place), camera, light)
        if seen is None:
            return None
        polygons += list(seen[0])
        parts.append(seen[1:])
    colours, glow, keys = (np.concatenate([p[i] for p in parts]) for i in range(3))
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    return [polygons[i] for i in order], colours[order], glow[order]


def _union(mask: NDArray[np.uint8]) -> tuple[slice, slice] | None:
    """The rectangle around what is set, with a margin for blurring; None when nothing is."""
    x, y, w, h = cv2.boundingRect(mask)
    if w == 0 or h == 0:
        return None
    return slice(max(0, y - 8), y + h + 8), slice(max(0, x - 8), x + w + 8)


def _halo(frame: Bgr, x: float, y: float, radius_px: float, colour: Array) -> None:
    size = int(radius_px * 2.2)
    x0, y0 = max(0, int(x) - size), max(0, int(y) - size)
    x1, y1 = min(frame.shape[1], int(x) + size + 1), min(frame.shape[0], int(y) + size + 1)
    if x1 <= x0 or y1 <= y0:
        return
    far = (np.arange(x0, x1)[None, :] - x) ** 2 + (np.arange(y0, y1)[:, None] - y) ** 2
    glow = np.exp(-far / (2 * (radius_px * 0.45) ** 2)) + 0.35 * np.exp(-far / (2 * radius_px**2))
    patch = frame[y0:y1, x0:x1]
    patch[:] = np.minimum(patch + glow[..., None] * colour, 255).astype(np.uint8)


def _extent(polygons: list[Array]) -> Array:
    points = np.concatenate(polygons)
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _owns(owners: NDArray[np.uint8], x: float, y: float, number: int) -> bool:
    h, w = owners.shape
    return 0 <= x < w and 0 <= y < h and owners[int(y), int(x)] == number


def _moved(box: tuple[float, float, float, float], by: tuple[float, float], size_px: tuple[int, int]) -> tuple[float, float, float, float]:
    (dx, dy), (w, h) = by, size_px
    x1, y1, x2, y2 = np.clip(np.array(box) + (dx, dy, dx, dy), 0, (w, h, w, h))
    return float(x1), float(y1), float(x2), float(y2)
