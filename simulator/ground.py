# Arrays are added here, not joined.
# ruff: noqa: RUF005
# arrays are added here, not joined
"""The street seen from straight above, as a picture: what the ground is made of and how much sun reaches
it."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.camera import Array
from simulator.weather import Weather, lamp_light
from simulator.world import CROSSING, HALF_ROAD_M, NO_STOPPING, SIDE_STREET, World

WEST_M, EAST_M, SOUTH_M, NORTH_M = -110.0, 110.0, -44.0, 64.0
PX_PER_M = 14.0

Picture = NDArray[Any]


class GroundMap(NamedTuple):
    """The ground from above; row 0 is the north edge."""

    lit: Picture
    """(H, W, 3) BGR 0–255 as it looks in this light."""
    sun_share: Picture
    """(H, W) 0–1: how much of the sun reaches it."""


def size() -> tuple[int, int]:
    """Width and height of the map in pixels."""
    return int((EAST_M - WEST_M) * PX_PER_M), int((NORTH_M - SOUTH_M) * PX_PER_M)


def to_map() -> Array:
    """(3, 3): (east, north, 1) metres → pixels of the map."""
    return np.array([[PX_PER_M, 0, -WEST_M * PX_PER_M], [0, -PX_PER_M, NORTH_M * PX_PER_M], [0, 0, 1.0]])


def _px(east_m: float, north_m: float) -> tuple[int, int]:
    return round((east_m - WEST_M) * PX_PER_M), round((NORTH_M - north_m) * PX_PER_M)


def _fill(
    mask: NDArray[np.uint8], west: float, south: float, east: float, north: float, value: int = 255
) -> None:
    cv2.rectangle(mask, _px(west, north), _px(east, south), value, -1)


def noise(rng: np.random.Generator, shape: tuple[int, int], grain_px: float) -> Picture:
    """Smooth noise of mean 0 and deviation near 1 whose lumps are ``grain_px`` wide."""
    h, w = max(3, int(shape[0] / grain_px) + 2), max(3, int(shape[1] / grain_px) + 2)
    coarse = rng.standard_normal((h, w), dtype=np.float32)
    return (
        coarse if grain_px == 1 else cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    )


def _texture(
    rng: np.random.Generator,
    shape: tuple[int, int],
    colour: tuple[float, float, float],
    fine: float,
    coarse: float,
) -> Picture:
    tile = rng.standard_normal((512, 512), dtype=np.float32)
    grain = np.tile(tile, (shape[0] // 512 + 1, shape[1] // 512 + 1))[: shape[0], : shape[1]]
    tone = 1.0 + grain * fine + noise(rng, shape, 40) * coarse + noise(rng, shape, 9) * coarse * 0.5
    return cv2.merge([tone * c for c in colour])


def albedo(world: World, weather: Weather) -> Picture:
    """The ground's own colours, (H, W, 3)."""
    rng = np.random.default_rng([world.seed, 5])
    w, h = size()
    shape = (h, w)
    picture = _texture(rng, shape, (70, 112, 108), 0.10, 0.10)
    masks = _masks(world, shape)
    for kind, colour, fine, coarse in (
        ("paving", (150, 156, 160), 0.04, 0.05),
        ("footpath", (140, 152, 164), 0.04, 0.06),
        ("yard", (128, 136, 140), 0.05, 0.09),
        ("carriageway", (92, 90, 88), 0.06, 0.06),
    ):
        np.copyto(picture, _texture(rng, shape, colour, fine, coarse), where=(masks[kind] > 0)[..., None])
    _joints(picture, masks["footpath"] | masks["paving"])
    _wear(picture, masks["carriageway"], rng)
    _kerbs(picture, masks["carriageway"])
    if weather.snow_cover:
        _snow(picture, masks, rng, weather.snow_cover)
    _markings(picture, rng, 1.0 - 0.6 * weather.snow_cover)
    if weather.wet:
        picture[masks["carriageway"] > 0] *= 1 - 0.35 * weather.wet
    return picture


def _masks(world: World, shape: tuple[int, int]) -> dict[str, NDArray[np.uint8]]:
    masks = {kind: np.zeros(shape, np.uint8) for kind in ("paving", "footpath", "yard", "carriageway")}
    for area in world.grounds:
        _fill(masks[area.kind], *area[1:])
    radius = round(4.0 * PX_PER_M)
    for east, sign in ((SIDE_STREET.west_m, -1), (SIDE_STREET.east_m, 1)):
        corner = masks["carriageway"]
        x0, x1 = sorted((east, east + sign * 4.0))
        _fill(corner, x0, HALF_ROAD_M, x1, HALF_ROAD_M + 4.0)
        cv2.circle(corner, _px(east + sign * 4.0, HALF_ROAD_M + 4.0), radius, 0, -1)
    return masks


def _joints(picture: Picture, mask: NDArray[np.uint8]) -> None:
    slab = round(0.5 * PX_PER_M)
    lines = np.zeros(mask.shape, bool)
    lines[::slab], lines[:, ::slab] = True, True
    picture[lines & (mask > 0)] *= 0.86


def _wear(picture: Picture, road: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Wheel tracks, repaired patches and cracks."""
    tone = np.ones(road.shape, np.float32)
    for lane in (-2.25, 2.25):
        for wheel in (-0.8, 0.8):
            cv2.line(tone, _px(WEST_M, lane + wheel), _px(EAST_M, lane + wheel), 0.93, round(0.55 * PX_PER_M))
        cv2.line(tone, _px(WEST_M, lane), _px(EAST_M, lane), 0.95, round(0.3 * PX_PER_M))
    for _ in range(26):
        x, y = rng.uniform(WEST_M, EAST_M), rng.uniform(-4, 3)
        cv2.rectangle(
            tone,
            _px(x, y + rng.uniform(0.5, 1.6)),
            _px(x + rng.uniform(0.8, 4), y),
            float(rng.uniform(0.8, 1.12)),
            -1,
        )
    for _ in range(40):
        way = np.cumsum(rng.normal(0, 0.35, (14, 2)), axis=0) + (
            rng.uniform(WEST_M, EAST_M),
            rng.uniform(-4, 4),
        )
        cv2.polylines(tone, [np.array([_px(*p) for p in way])], False, 0.72, 1, cv2.LINE_AA)
    tone = cv2.GaussianBlur(tone, (0, 0), 1.6)
    picture *= np.where(road > 0, tone, 1.0)[..., None]


def _kerbs(picture: Picture, road: NDArray[np.uint8]) -> None:
    edge = cv2.morphologyEx(road, cv2.MORPH_GRADIENT, np.ones((4, 4), np.uint8)) > 0
    picture[edge] = (176, 182, 184)
    drain = cv2.dilate(edge.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool) & (road > 0) & ~edge
    picture[drain] *= 0.88


def _markings(picture: Picture, rng: np.random.Generator, strength: float) -> None:
    """White paint, worn; the yellow kerb line of the no-stopping zone."""
    paint = np.zeros(picture.shape[:2], np.uint8)
    for x in np.arange(WEST_M, EAST_M, 6.0):
        if not CROSSING.west_m - 8 < x < SIDE_STREET.east_m + 3:
            _fill(paint, x, -0.07, x + 3.0, 0.07)
    for y in np.arange(-HALF_ROAD_M + 0.5, HALF_ROAD_M - 0.4, 1.0):
        _fill(paint, CROSSING.west_m, y, CROSSING.east_m, y + 0.5)
    _fill(paint, CROSSING.west_m - 6, -0.07, CROSSING.west_m - 1.4, 0.07)
    _fill(paint, CROSSING.east_m + 1.3, 0.1, CROSSING.east_m + 1.65, HALF_ROAD_M - 0.3)
    _fill(paint, CROSSING.west_m - 1.65, -HALF_ROAD_M + 0.3, CROSSING.west_m - 1.3, -0.1)
    worn = (
        np.clip(0.82 + 0.16 * noise(rng, (picture.shape[0], picture.shape[1]), 4), 0, 0.95)
        * strength
        * (paint > 0)
    )
    picture += (np.array([228, 230, 230], np.float32) - picture) * worn[..., None].astype(np.float32)
    yellow = np.zeros_like(paint)
    _fill(yellow, NO_STOPPING.west_m, HALF_ROAD_M - 0.42, NO_STOPPING.east_m, HALF_ROAD_M - 0.24)
    cover = (yellow > 0) * 0.85 * strength
    picture += (np.array([60, 190, 226], np.float32) - picture) * cover[..., None].astype(np.float32)


def _snow(
    picture: Picture, masks: dict[str, NDArray[np.uint8]], rng: np.random.Generator, cover: float
) -> None:
    """Deep on the greens, trodden on the paths, slush between the wheel tracks."""
    shape = (picture.shape[0], picture.shape[1])
    lumps = noise(rng, shape, 26) * 0.5 + noise(rng, shape, 7) * 0.35
    depth = np.full(shape, 0.97, np.float32)
    paths = (masks["footpath"] | masks["paving"] | masks["yard"]) > 0
    depth[paths] = np.clip(0.62 + 0.22 * lumps, 0.1, 0.95)[paths]
    _, w = shape
    rows = NORTH_M - (np.arange(shape[0]) + 0.5) / PX_PER_M
    tracks = np.minimum.reduce([np.abs(rows - t) for t in (-3.05, -1.45, 1.45, 3.05)])
    slush = np.clip((tracks - 0.28) * 1.5, 0.06, 0.75)[:, None].repeat(w, axis=1)
    road = masks["carriageway"] > 0
    depth[road] = np.clip(slush + 0.18 * lumps, 0.04, 0.9)[road]
    white = np.array([238, 232, 226], np.float32) * (1 + 0.025 * lumps[..., None])
    picture += (white - picture) * (depth * cover)[..., None]


def sun_share(world: World, weather: Weather) -> Picture:
    """Where the sun reaches the ground: 0 in the shadow of houses and trees, 1 elsewhere."""
    w, h = size()
    shadow = np.zeros((h, w), np.uint8)
    sun = weather.sun
    if max(weather.sun_colour) < 0.05:
        return np.ones((h, w), np.float32)
    reach = -sun[:2] / max(sun[2], 0.1)
    for house in world.houses:
        _shadow_prism(shadow, house.area.ring, reach * house.height_m)
    for tree in world.trees:
        for share, radius in ((0.35, 0.22), (0.6, 0.24), (0.85, 0.14)):
            middle = np.array(tree.place) + reach * tree.height_m * share
            cv2.circle(shadow, _px(*middle), round(radius * tree.height_m * PX_PER_M), 205, -1)
        cv2.line(shadow, _px(*tree.place), _px(*(np.array(tree.place) + reach * tree.height_m * 0.5)), 220, 3)
    for lamp in world.lamps:
        cv2.line(shadow, _px(*lamp.place), _px(*(np.array(lamp.place) + reach * lamp.height_m)), 200, 2)
    for fence in world.fences:
        _shadow_fence(shadow, fence.start, fence.end, reach * fence.height_m)
    return 1.0 - cv2.GaussianBlur(shadow, (0, 0), 2.2).astype(np.float32) / 255


def _shadow_prism(shadow: NDArray[np.uint8], ring: list[tuple[float, float]], shift: Array) -> None:
    corners = [_px(*p) for p in ring] + [_px(p[0] + shift[0], p[1] + shift[1]) for p in ring]
    cv2.fillConvexPoly(shadow, cv2.convexHull(np.array(corners)), 255)


def _shadow_fence(
    shadow: NDArray[np.uint8], start: tuple[float, float], end: tuple[float, float], shift: Array
) -> None:
    corners = [
        _px(*start),
        _px(*end),
        _px(end[0] + shift[0], end[1] + shift[1]),
        _px(start[0] + shift[0], start[1] + shift[1]),
    ]
    weak = np.zeros_like(shadow)
    cv2.fillConvexPoly(weak, np.array(corners), 90)
    np.maximum(shadow, weak, out=shadow)


def ground_map(world: World, weather: Weather) -> GroundMap:
    """The ground in this light and weather."""
    share = sun_share(world, weather)
    sun = np.array(weather.sun_colour) * max(weather.sun[2], 0.0)
    light = np.array(weather.sky_colour, np.float32) + share[..., None] * sun.astype(np.float32)
    light = light + _lamp_map(world, weather, share.shape)
    return GroundMap(np.clip(albedo(world, weather) * light, 0, 255).astype(np.float32), share)


def _lamp_map(world: World, weather: Weather, shape: tuple[int, ...]) -> Picture:
    if weather.lamp_strength <= 0:
        return np.zeros((1, 1, 3), np.float32)
    coarse_w, coarse_h = 440, 216
    east = np.linspace(WEST_M, EAST_M, coarse_w)
    north = np.linspace(NORTH_M, SOUTH_M, coarse_h)
    grid = np.stack([*np.meshgrid(east, north), np.zeros((coarse_h, coarse_w))], axis=-1).reshape(-1, 3)
    light = lamp_light(weather, world.lamps, grid).reshape(coarse_h, coarse_w, 3).astype(np.float32)
    return cv2.resize(light, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
