# Arrays are added here, not joined.
# ruff: noqa: RUF005
# arrays are added here, not joined
"""What a camera sees of the street when nothing moves: painted once per camera and weather, with its
depth."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator import ground
from simulator.camera import Array, Camera
from simulator.canvas import Canvas, paint_bar, paint_panel
from simulator.facades import facade
from simulator.greenery import paint_tree
from simulator.weather import Weather, infrared_light
from simulator.world import Fence, House, Lamp, World

Picture = NDArray[Any]

_TURN = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_DISC = 0.5 + 0.49 * np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
_FINE = 2
"""The backdrop is painted this many times larger and then shrunk: smooth edges for nothing at run time."""


class Backdrop(NamedTuple):
    """The standing street in one picture."""

    picture: NDArray[np.uint8]
    """(H, W, 3) BGR."""
    depth_m: Picture
    """(H, W): depth of what stands there; infinite for ground and sky."""
    sun_share: Picture
    """(H, W) 0–1: how much darker a shadow makes the ground here."""
    ground_map_share: Picture
    """The ground's own map of sun shares, to light what moves."""


def paint_backdrop(world: World, camera: Camera, weather: Weather, below: ground.GroundMap) -> Backdrop:
    """The street without anything that moves."""
    w, h = camera.size_px
    large = camera.resized((w * _FINE, h * _FINE))
    canvas = Canvas(
        large,
        weather,
        world.lamps,
        np.zeros((h * _FINE, w * _FINE, 3), np.float32),
        np.full((h * _FINE, w * _FINE), np.inf, np.float32),
    )
    flat_depth, share = _paint_ground(canvas, below)
    rng = np.random.default_rng([world.seed, 7])
    for house in world.houses:
        _paint_house(canvas, house, rng)
    for fence in world.fences:
        _paint_fence(canvas, fence)
    for lamp in world.lamps:
        _paint_lamp(canvas, lamp)
    for sign in world.signs:
        _paint_sign(canvas, sign)
    for tree in world.trees:
        paint_tree(canvas, tree)
    share[np.isfinite(canvas.depth)] = 0.0
    _haze(canvas, np.minimum(canvas.depth, flat_depth))
    return _shrunk(canvas, share, below, (w, h))


def _shrunk(canvas: Canvas, share: Picture, below: ground.GroundMap, size_px: tuple[int, int]) -> Backdrop:
    picture = cv2.resize(np.clip(canvas.colours, 0, 255), size_px, interpolation=cv2.INTER_AREA)
    picture *= _vignette(size_px)[..., None]
    w, h = size_px
    depth = canvas.depth.reshape(h, _FINE, w, _FINE)
    # A pixel hides what is behind it when at least half of it does; rank the four and take the second
    # nearest.
    ranked = np.sort(depth.transpose(0, 2, 1, 3).reshape(h, w, _FINE * _FINE), axis=2)
    return Backdrop(
        picture.astype(np.uint8),
        ranked[..., 1].copy(),
        cv2.resize(share, size_px, interpolation=cv2.INTER_AREA),
        below.sun_share,
    )


def _vignette(size_px: tuple[int, int]) -> Picture:
    w, h = size_px
    x, y = np.linspace(-1, 1, w, dtype=np.float32), np.linspace(-1, 1, h, dtype=np.float32)
    return (1 - 0.10 * (x[None, :] ** 2 + y[:, None] ** 2)).astype(np.float32)


def _rays(camera: Camera) -> Picture:
    """(H, W, 3): directions whose forward part is 1, so that a multiple of one is a depth."""
    w, h = camera.size_px
    x = (np.arange(w) + 0.5 - w / 2) / camera.focal_px
    y = (np.arange(h) + 0.5 - h / 2) / camera.focal_px
    right, down, forward = camera.axes
    return (x[None, :, None] * right + y[:, None, None] * down + forward).astype(np.float32)


def _paint_ground(canvas: Canvas, below: ground.GroundMap) -> tuple[Picture, Picture]:
    """Sky and ground; returns the ground's depth (infinite above the horizon) and its share of the sun."""
    camera, weather = canvas.camera, canvas.weather
    rays = _rays(camera)
    slope = rays[..., 2]
    with np.errstate(divide="ignore"):
        depth = np.where(slope < -1e-4, -camera.height_m / slope, np.inf).astype(np.float32)
    axes = np.eye(3)
    to_picture = camera.plane_homography(np.zeros(3), axes[0], axes[1]) @ np.linalg.inv(ground.to_map())
    canvas.colours[:] = _sky(slope / np.linalg.norm(rays, axis=2), weather)
    sharp, share = (
        _warp_ground(below.lit, to_picture, camera),
        _warp_ground(below.sun_share, to_picture, camera),
    )
    soft = _warp_ground(
        cv2.resize(below.lit, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA),
        to_picture @ np.diag([5.0, 5.0, 1.0]),
        camera,
    )
    far = np.clip((depth - 22.0) / 25.0, 0, 1)
    far[~np.isfinite(depth)] = 0
    mixed = sharp + (soft - sharp) * far[..., None]
    on_map = (
        _warp_ground(np.ones(below.sun_share.shape, np.float32), to_picture, camera) > 0.5
    ) & np.isfinite(depth)
    steppe = np.isfinite(depth) & ~on_map
    base = np.array((212, 208, 204) if weather.snow_cover else (84, 124, 122), np.float32)
    canvas.colours[steppe] = base * (
        np.array(weather.sky_colour) + np.array(weather.sun_colour) * max(weather.sun[2], 0.0)
    )
    canvas.colours[on_map] = mixed[on_map]
    canvas.colours[np.isfinite(depth)] *= (
        1 + infrared_light(weather, depth[np.isfinite(depth)]) / max(weather.sky_colour[0], 0.01)
    )[:, None]
    sun_up = max(weather.sun_colour) * max(weather.sun[2], 0.0)
    return depth, np.where(on_map, share * sun_up / (sun_up + max(weather.sky_colour)), 0).astype(np.float32)


def _warp_ground(picture: Picture, homography: Array, camera: Camera) -> Picture:
    return cv2.warpPerspective(
        picture, homography, camera.size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )


def _sky(height: Picture, weather: Weather) -> Picture:
    share = np.clip(height * 3.0, 0, 1)[..., None]
    sky = np.array(weather.horizon, np.float32) * (1 - share) + np.array(weather.zenith, np.float32) * share
    rng = np.random.default_rng(3)
    clouds = np.clip(
        ground.noise(rng, height.shape, 130) * 0.6 + ground.noise(rng, height.shape, 40) * 0.3, 0, 1
    )[..., None]
    return sky + (np.array(weather.horizon, np.float32) * 1.06 - sky) * clouds * 0.5


def _haze(canvas: Canvas, depth: Picture) -> None:
    thickness = 1 - np.exp(-np.minimum(depth, 400.0) * canvas.weather.fog_per_m)
    thickness[~np.isfinite(depth)] *= 0.55
    canvas.colours[:] += (np.array(canvas.weather.horizon, np.float32) - canvas.colours) * thickness[
        ..., None
    ]


def _paint_house(canvas: Canvas, house: House, rng: np.random.Generator) -> None:
    ring = house.area.ring
    for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
        corner, along = np.array([*a, 0.0]), np.array([b[0] - a[0], b[1] - a[1], 0.0])
        wall = facade(house, float(np.linalg.norm(along)), rng)
        normal = np.array([along[1], -along[0], 0.0]) / np.linalg.norm(along)
        paint_panel(canvas, corner, along, np.array([0, 0, house.height_m]), normal, wall.colours, wall.shine)
    top = np.empty((8, 8, 3), np.float32)
    top[:] = (228, 224, 220) if canvas.weather.snow_cover else (96, 98, 102)
    w, s, e, n = house.area[1:]
    up = np.array([0, 0, 1.0])
    paint_panel(
        canvas,
        np.array([w, s, house.height_m]),
        np.array([e - w, 0, 0]),
        np.array([0, n - s, 0]),
        up,
        top,
        np.zeros((8, 8), np.float32),
    )


def _paint_fence(canvas: Canvas, fence: Fence) -> None:
    """Green steel panels: posts, two rails, bars that one sees through."""
    start, end = np.array([*fence.start, 0.0]), np.array([*fence.end, 0.0])
    length = float(np.linalg.norm(end - start))
    green = (74, 104, 62)
    for share in np.linspace(0, 1, max(2, round(length / 2.5) + 1)):
        post = start + (end - start) * share
        paint_bar(canvas, post, post + (0, 0, fence.height_m + 0.1), 0.045, green)
    for height in (0.15, fence.height_m * 0.5, fence.height_m - 0.08):
        pieces = max(1, round(length / 2.5))
        for i in range(pieces):
            a, b = (start + (end - start) * (j / pieces) + (0, 0, height) for j in (i, i + 1))
            paint_bar(canvas, a, b, 0.022, green)
    for share in np.linspace(0, 1, max(2, round(length / 0.22))):
        foot = start + (end - start) * share
        paint_bar(canvas, foot + (0, 0, 0.1), foot + (0, 0, fence.height_m - 0.05), 0.011, (90, 122, 76))


def _paint_lamp(canvas: Canvas, lamp: Lamp) -> None:
    foot = np.array([*lamp.place, 0.0])
    top = foot + (0, 0, lamp.height_m)
    head = top + (*lamp.arm, 0.15)
    paint_bar(canvas, foot, foot + (0, 0, 1.0), 0.11, (116, 118, 118))
    paint_bar(canvas, foot, top, 0.07, (134, 136, 136))
    paint_bar(canvas, top, head, 0.045, (134, 136, 136))
    way = np.array([*lamp.arm, 0.0]) / (np.hypot(*lamp.arm) + 1e-9)
    lit = min(1.0, canvas.weather.lamp_strength * 1.4)
    paint_bar(
        canvas, head - way * 0.1, head + way * 0.55, 0.13, (90, 92, 92) if not lit else (190, 232, 250), lit
    )


def _paint_sign(canvas: Canvas, place: tuple[float, float]) -> None:
    """A no-stopping sign on its pole, facing both ways along the street."""
    foot = np.array([*place, 0.0])
    paint_bar(canvas, foot, foot + (0, 0, 2.9), 0.035, (150, 152, 152))
    picture = np.zeros((64, 64, 3), np.float32)
    cv2.circle(picture, (32, 32), 31, (44, 40, 200), -1, cv2.LINE_AA)
    cv2.circle(picture, (32, 32), 25, (170, 90, 30), -1, cv2.LINE_AA)
    cv2.line(picture, (14, 14), (50, 50), (44, 40, 200), 7, cv2.LINE_AA)
    cv2.line(picture, (50, 14), (14, 50), (44, 40, 200), 7, cv2.LINE_AA)
    for side in (-1.0, 1.0):
        corner = foot + (0.04 * side, 0.32 * side * -1, 2.3)
        paint_panel(
            canvas,
            corner,
            np.array([0, 0.64 * side, 0]),
            np.array([0, 0, 0.64]),
            np.array([side, 0, 0]),
            picture,
            np.zeros((64, 64), np.float32),
            _DISC,
        )
