"""A picture being painted with its depth: flat panels, round bars and blobs, each hidden by what is
nearer."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.camera import NEAR_M, Array, Camera
from simulator.weather import Weather, infrared_light, lamp_light
from simulator.world import Lamp

Picture = NDArray[Any]


class Canvas(NamedTuple):
    """The picture while it is painted."""

    camera: Camera
    weather: Weather
    lamps: tuple[Lamp, ...]
    colours: Picture
    depth: Picture
    """(H, W) metres; infinite for ground and sky."""


def _light_on(canvas: Canvas, points: Array, normal: Array, sun_share: float) -> Array:
    """BGR factors (N, 3) on a surface."""
    weather = canvas.weather
    direct = max(0.0, float(normal @ weather.sun)) * sun_share
    sky = np.array(weather.sky_colour) * (0.78 + 0.22 * normal[2])
    depth = canvas.camera.to_camera(points)[:, 2]
    lamps = (
        lamp_light(weather, canvas.lamps, points) * 0.8
        + infrared_light(weather, np.maximum(depth, 1.0))[:, None]
    )
    return sky + np.array(weather.sun_colour) * direct + lamps


def light_at(canvas: Canvas, place: Array) -> Array:
    """BGR factors (3,) on something round at a place in the open."""
    return _light_on(canvas, place[None], canvas.weather.sun, 1.0)[0]


SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def paint_panel(
    canvas: Canvas,
    corner: Array,
    along: Array,
    up: Array,
    normal: Array,
    colours: Picture,
    shine: Picture,
    cut: Array = SQUARE,
) -> None:
    """A flat picture hung in the world at ``corner + u·along + v·up``, cut to the convex shape ``cut`` (K,
    2) of (u, v); hidden where something nearer stands."""
    camera = canvas.camera
    if normal @ (camera.position - corner) <= 0:
        return
    outline = _clipped(camera, corner + cut[:, :1] * along + cut[:, 1:] * up)
    if outline is None:
        return
    w, h = camera.size_px
    x0, y0 = np.clip(np.floor(outline.min(axis=0)).astype(int) - 1, 0, (w, h))
    x1, y1 = np.clip(np.ceil(outline.max(axis=0)).astype(int) + 2, 0, (w, h))
    if x1 <= x0 or y1 <= y0:
        return
    th, tw = colours.shape[:2]
    to_unit = np.array([[1 / tw, 0, 0], [0, -1 / th, 1], [0, 0, 1.0]])
    shift = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1.0]])
    to_roi = shift @ camera.plane_homography(corner, along, up) @ to_unit
    lit = _lit_panel(canvas, corner, along, up, normal, colours, shine)
    smaller = max(
        1.0,
        float(
            np.hypot(*along[:2])
            * 16
            * 0.6
            * np.min(camera.project(corner[None] + along / 2 + up / 2)[1])
            / camera.focal_px
        ),
    )
    if smaller > 1.5:
        lit = cv2.GaussianBlur(lit, (0, 0), min(smaller / 24, 3.0) + 0.3)
    warped = cv2.warpPerspective(
        lit, to_roi, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillConvexPoly(mask, np.round((outline - (x0, y0)) * 16).astype(np.int32), 1, shift=4)
    _put(
        canvas,
        (slice(y0, y1), slice(x0, x1)),
        mask > 0,
        warped,
        _plane_depth(camera, corner, normal, x0, y0, x1, y1),
    )


def _put(
    canvas: Canvas, where: tuple[slice, slice], mask: NDArray[np.bool_], colours: Picture, depth: Picture
) -> None:
    nearer = mask & (depth < canvas.depth[where]) & (depth > 0)
    canvas.colours[where][nearer] = colours[nearer]
    canvas.depth[where][nearer] = depth[nearer]


def _plane_depth(camera: Camera, corner: Array, normal: Array, x0: int, y0: int, x1: int, y1: int) -> Picture:
    w, h = camera.size_px
    right, down, forward = camera.axes @ normal
    x = (np.arange(x0, x1) + 0.5 - w / 2) / camera.focal_px
    y = (np.arange(y0, y1) + 0.5 - h / 2) / camera.focal_px
    slope = x[None, :] * right + y[:, None] * down + forward
    with np.errstate(divide="ignore"):
        return (normal @ (corner - camera.position) / slope).astype(np.float32)


def _clipped(camera: Camera, corners: Array) -> Array | None:
    """A polygon's pixels after cutting off what lies behind the lens; None when nothing is left."""
    seen = camera.to_camera(corners)
    kept: list[Array] = []
    for a, b in zip(seen, np.roll(seen, -1, axis=0), strict=True):
        if a[2] >= NEAR_M:
            kept.append(a)
        if (a[2] >= NEAR_M) != (b[2] >= NEAR_M):
            kept.append(a + (b - a) * ((NEAR_M - a[2]) / (b[2] - a[2])))
    return camera.pixels(np.array(kept))[0] if len(kept) > 2 else None


def _lit_panel(
    canvas: Canvas, corner: Array, along: Array, up: Array, normal: Array, colours: Picture, shine: Picture
) -> Picture:
    u, v = np.meshgrid(np.linspace(0, 1, 13), np.linspace(1, 0, 7))
    points = corner + u.reshape(-1, 1) * along + v.reshape(-1, 1) * up + normal * 0.05
    light = _light_on(canvas, points, normal, 1.0).reshape(7, 13, 3).astype(np.float32)
    size = (colours.shape[1], colours.shape[0])
    lit = colours * cv2.resize(light, size, interpolation=cv2.INTER_LINEAR)
    if canvas.weather.lamp_strength > 0:
        glow = (shine * min(1.0, canvas.weather.lamp_strength * 1.1))[..., None]
        lit = lit * (1 - glow) + np.array([120, 190, 235], np.float32) * glow
    return lit


def paint_bar(
    canvas: Canvas,
    start: Array,
    end: Array,
    radius_m: float,
    colour: tuple[float, ...],
    shine: float = 0.0,
) -> None:
    """A round bar; hidden where something nearer stands."""
    camera = canvas.camera
    pixels, depth = camera.project(np.stack([start, end]))
    if depth.min() < NEAR_M:
        return
    thick = np.maximum(radius_m * camera.focal_px / depth, 0.6)
    way = pixels[1] - pixels[0]
    side = np.array([-way[1], way[0]]) / (np.hypot(*way) + 1e-9)
    corners = np.array(
        [
            pixels[0] + side * thick[0],
            pixels[1] + side * thick[1],
            pixels[1] - side * thick[1],
            pixels[0] - side * thick[0],
        ]
    )
    light = _light_on(
        canvas, (start + end)[None] / 2, np.array([0.0, 0.0, 0.3]) + canvas.weather.sun * 0.5, 1.0
    )[0]
    lit = np.array(colour) * (light * (1 - shine) + shine)
    paint_blob(canvas, corners, float(depth.mean()), lit)


def paint_blob(canvas: Canvas, corners: Array, depth_m: float, lit: Array) -> None:
    """A convex polygon (K, 2) px of one depth and colour; hidden where something nearer stands."""
    w, h = canvas.camera.size_px
    x0, y0 = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (w, h))
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 0, (w, h))
    if x1 <= x0 or y1 <= y0:
        return
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillConvexPoly(mask, np.round((corners - (x0, y0)) * 16).astype(np.int32), 1, shift=4)
    where = (slice(y0, y1), slice(x0, x1))
    nearer = (mask > 0) & (depth_m < canvas.depth[where])
    canvas.colours[where][nearer] = lit
    canvas.depth[where][nearer] = depth_m
