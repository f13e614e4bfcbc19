# Arrays are added here, not joined.
# ruff: noqa: RUF005
# arrays are added here, not joined
"""The camera's eye: the standing street, and over it what moves, from far to near, with shadows and lamps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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

Bgr = NDArray[Any]

_SHIFT = 4
_SMALLEST_PX = 3.0


class SeenBox(NamedTuple):
    """Where a thing is in a picture. The box holds all of the thing that falls in the picture, hidden
    parts too."""

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
    body: Body
    polygons: list[NDArray[np.int32]]
    """(K, 2) px in sixteenths."""
    colours: list[list[float]]
    depth_m: float
    extent: Array
    """(4,) unclipped x1, y1, x2, y2."""
    shadows: list[NDArray[np.int32]]
    lamps: Array | None
    """(4, 3) pixels and depth of head and tail lamps: two ahead, two behind."""


class Filmer:
    """Films one camera in one weather. The backdrop is painted once; a frame then costs a few
    milliseconds."""

    def __init__(
        self,
        world: World,
        camera: Camera,
        weather: Weather,
        below: ground.GroundMap | None = None,
        seed: int = 0,
    ) -> None:
        self.camera, self.weather, self.world = camera, weather, world
        self.backdrop: Backdrop = paint_backdrop(
            world, camera, weather, below or ground.ground_map(world, weather)
        )
        self._air = Air(camera, weather, seed)
        self._open_ground = np.isinf(self.backdrop.depth_m).astype(np.uint8)
        self._sun_share = (self.backdrop.sun_share * 255).astype(np.uint8)
        self._still: dict[int, tuple[Moment, _Drawn | None]] = {}

    def shoot(self, actors: Sequence[Actor], t_s: float) -> Shot:
        """The picture at ``t_s``."""
        drawn = [d for a in actors if a.is_there(t_s) and (d := self._drawn(a, t_s)) is not None]
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
        return illumination(
            self.weather, self.world.lamps, moment.place, float(share[row, column]), max(depth_m, 1.0)
        )

    def _drawn(self, actor: Actor, t_s: float) -> _Drawn | None:
        """The thing ready to be painted; what stands still is prepared once."""
        moment = actor.moment(t_s)
        if not self.camera.may_see(moment.place[0], moment.place[1], 6.0):
            return None
        body = actor.body(t_s, moment)
        known = self._still.get(actor.id)
        if (
            known
            and known[1] is not None
            and known[1].actor is actor
            and known[1].body is body
            and _is_same(known[0], moment)
        ):
            return known[1]
        drawn = self._prepare(actor, moment, body)
        self._still[actor.id] = (moment, drawn)
        return drawn

    def _prepare(self, actor: Actor, moment: Moment, body: Body) -> _Drawn | None:
        depth = float(self.camera.to_camera(moment.place[None] + (0, 0, 0.8))[0, 2])
        if depth < 1.0:
            return None
        shapes = _projected(body, moment, self.camera, self._light_at(moment, depth))
        if shapes is None:
            return None
        polygons, colours, glow, extent = shapes
        colours = self._air.through(self._lamps_on(colours, glow), depth)
        w, h = self.camera.size_px
        if (
            extent[2] < 0
            or extent[3] < 0
            or extent[0] > w
            or extent[1] > h
            or extent[3] - extent[1] < _SMALLEST_PX
        ):
            return None
        lit = body.has_lamps and moment.speed_mps > 0.3 and self.weather.lamp_strength > 0
        lamps = self._lamp_pixels(actor, moment) if lit else None
        return _Drawn(
            actor,
            moment,
            body,
            polygons,
            colours.tolist(),
            depth,
            extent,
            self._cast(body, actor, moment),
            lamps,
        )

    def _lamps_on(self, colours: Array, glow: Array) -> Array:
        shining = (glow * self.weather.lamp_strength)[:, None]
        bright = np.where(colours[:, :1] > colours[:, 2:] * 0.6, 255.0, np.array([60.0, 50.0, 250.0]))
        return colours * (1 - shining) + bright * shining

    def _lamp_pixels(self, actor: Actor, moment: Moment) -> Array:
        length, width = actor.footprint_m
        own = np.array([[x * length / 2, y * width * 0.36, 0.65] for x in (1, -1) for y in (1, -1)])
        pixels, depth = self.camera.project(turned(own, moment.heading_rad, moment.place))
        return np.column_stack([pixels, depth])

    def _cast(self, body: Body, actor: Actor, moment: Moment) -> list[NDArray[np.int32]]:
        """Outlines of its shadows on the ground, px: what it keeps from the sky, then from the sun."""
        length, width = actor.footprint_m
        grow = 0.12 if body.faces else 0.1
        base = np.array(
            [
                [x * (length / 2 + grow), y * (width / 2 + grow), 0.0]
                for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
            ]
        )
        outlines = [turned(base, moment.heading_rad, moment.place * (1, 1, 0))]
        if max(self.weather.sun_colour) > 0.05:
            points = (
                body.capsules.ends.reshape(-1, 3)
                if body.capsules is not None
                else body.faces[0].corners.reshape(-1, 3)
            )
            solid = turned(points, moment.heading_rad, moment.place)
            sun = self.weather.sun
            solid = solid - sun * (solid[:, 2:3] / max(sun[2], 0.12))
            hull = cv2.convexHull(solid[:, :2].astype(np.float32))[:, 0]
            outlines.append(np.column_stack([hull, np.zeros(len(hull))]))
        projected = [self.camera.project(o) for o in outlines]
        return [_fixed(p) if d.min() > NEAR_M else np.empty((0, 2), np.int32) for p, d in projected]

    def _shadows(self, frame: Bgr, drawn: list[_Drawn]) -> None:
        contact, sun = np.zeros(frame.shape[:2], np.uint8), np.zeros(frame.shape[:2], np.uint8)
        for d in drawn:
            for mask, outline in zip((contact, sun), d.shadows, strict=False):
                if len(outline):
                    cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_8, _SHIFT)
        reach = _union(cv2.bitwise_or(contact, sun))
        if reach is None:
            return
        soft = cv2.GaussianBlur(contact[reach], (0, 0), 2.0)
        darker = cv2.multiply(soft, self._open_ground[reach], scale=0.42)
        if max(self.weather.sun_colour) > 0.05:
            cast = cv2.GaussianBlur(sun[reach], (0, 0), 1.0)
            darker = cv2.max(darker, cv2.multiply(cast, self._sun_share[reach], scale=1 / 255))
        keep = cv2.bitwise_not(darker)
        frame[reach] = cv2.multiply(frame[reach], cv2.merge([keep, keep, keep]), scale=1 / 255)

    def _headlights(self, frame: Bgr, drawn: list[_Drawn]) -> None:
        if self.weather.lamp_strength <= 0:
            return
        light = np.zeros(frame.shape[:2], np.uint8)
        for d in drawn:
            if d.lamps is None:
                continue
            nose = d.actor.footprint_m[0] / 2
            own = np.array(
                [
                    [nose + 0.5, -0.6, 0.0],
                    [nose + 0.5, 0.6, 0.0],
                    [nose + 13, 2.6, 0.0],
                    [nose + 13, -2.6, 0.0],
                ]
            )
            pixels, depth = self.camera.project(turned(own, d.moment.heading_rad, d.moment.place * (1, 1, 0)))
            if depth.min() > NEAR_M:
                cv2.fillConvexPoly(light, _fixed(pixels), 90, cv2.LINE_8, _SHIFT)
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
            lamps, colour = (
                (d.lamps[:2], (150.0, 200.0, 225.0)) if towards > 0 else (d.lamps[2:], (24.0, 20.0, 150.0))
            )
            for x, y, depth in lamps:
                if not _owns(owners, x, y, number):
                    continue
                _halo(
                    frame,
                    x,
                    y,
                    np.clip(self.camera.focal_px * 0.55 / max(depth, 2.0), 2, 26),
                    np.array(colour) * self.weather.lamp_strength,
                )

    def _paint(self, frame: Bgr, owners: NDArray[np.uint8], number: int, d: _Drawn) -> int:
        """Paint one thing; returns how many pixels it would fill if nothing hid it (its part in the
        picture)."""
        w, h = self.camera.size_px
        x0, y0 = np.clip(np.floor(d.extent[:2]).astype(int) - 1, 0, (w, h))
        x1, y1 = np.clip(np.ceil(d.extent[2:]).astype(int) + 2, 0, (w, h))
        where = (slice(y0, y1), slice(x0, x1))
        hidden = self.backdrop.depth_m[where] < d.depth_m
        before = frame[where].copy() if hidden.any() else None
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        corner = np.array([x0, y0], np.int32) << _SHIFT
        for polygon, colour in zip(d.polygons, d.colours, strict=True):
            cv2.fillConvexPoly(frame, polygon, colour, cv2.LINE_AA, _SHIFT)
            cv2.fillConvexPoly(mask, polygon - corner, 1, cv2.LINE_8, _SHIFT)
        area = int(cv2.countNonZero(mask))
        if before is not None:
            cv2.copyTo(before, hidden.view(np.uint8), frame[where])
            mask[hidden] = 0
        cv2.copyTo(np.full_like(mask, number), mask, owners[where])
        return area

    def _box(self, d: _Drawn, visible_of_inside: float) -> SeenBox | None:
        w, h = self.camera.size_px
        x1, y1, x2, y2 = np.clip(d.extent, 0, (w, h, w, h))
        if x2 - x1 < 2 or y2 - y1 < _SMALLEST_PX:
            return None
        inside = (x2 - x1) * (y2 - y1) / max((d.extent[2] - d.extent[0]) * (d.extent[3] - d.extent[1]), 1e-6)
        visible = float(np.clip(visible_of_inside * inside, 0, 1))
        return SeenBox(
            d.actor.id, d.actor.object_class, (float(x1), float(y1), float(x2), float(y2)), visible
        )


def _projected(
    body: Body, moment: Moment, camera: Camera, light: Illumination
) -> tuple[list[NDArray[np.int32]], Array, Array, Array] | None:
    """All of a thing's polygons in drawing order, their colours and glow, and its extent."""
    if body.capsules is not None:
        drawn = draw_capsules(
            body.capsules, turned(body.capsules.ends, moment.heading_rad, moment.place), camera, light
        )
        if drawn is None:
            return None
        outlines, colours, depths = drawn
        order = np.argsort(-depths, kind="stable")
        return list(_fixed(outlines[order])), colours[order], np.zeros(len(order)), _extent([outlines])
    groups = [
        draw_faces(f, turned(f.corners, moment.heading_rad, moment.place), camera, light) for f in body.faces
    ]
    seen = [g for g in groups if g is not None]
    if len(seen) < len(groups):
        return None
    polygons = [polygon for g in seen for polygon in _fixed(g[0])]
    colours, glow, keys = (np.concatenate([g[i] for g in seen]) for i in (1, 2, 3))
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    return [polygons[i] for i in order], colours[order], glow[order], _extent([g[0] for g in seen])


def _fixed(pixels: Array) -> NDArray[np.int32]:
    """Pixels in the fixed point that OpenCV draws with."""
    return np.rint(pixels * (1 << _SHIFT)).astype(np.int32)


def _is_same(a: Moment, b: Moment) -> bool:
    return a.heading_rad == b.heading_rad and a.speed_mps == b.speed_mps and bool((a.place == b.place).all())


def _extent(groups: list[Array]) -> Array:
    """x1, y1, x2, y2 around polygons, groups of (N, K, 2)."""
    points = np.concatenate([g.reshape(-1, 2) for g in groups])
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _union(mask: Bgr) -> tuple[slice, slice] | None:
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


def _owns(owners: NDArray[np.uint8], x: float, y: float, number: int) -> bool:
    h, w = owners.shape
    return 0 <= x < w and 0 <= y < h and owners[int(y), int(x)] == number


def _moved(
    box: tuple[float, float, float, float], by: tuple[float, float], size_px: tuple[int, int]
) -> tuple[float, float, float, float]:
    (dx, dy), (w, h) = by, size_px
    x1, y1, x2, y2 = np.clip(np.array(box) + (dx, dy, dx, dy), 0, (w, h, w, h))
    return float(x1), float(y1), float(x2), float(y2)
