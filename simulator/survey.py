"""What a technician would set up for a camera: zones and tripwires drawn in its picture, and a survey of
its ground."""

import math
from typing import Any

import numpy as np

from simulator.camera import NEAR_M, Array, Camera
from simulator.scenes import TRIPWIRES, ZONES, Scene, Watch
from simulator.world import Area, to_latlon

PIXEL_ERROR_PX = 4.0
"""How well a foot point is known, as the scene files say it."""
_CLICK_PX = 0.4
"""How well the survey's points were clicked."""
_REACH_M = 36.0
_LEAST_SHARE = 0.5


def sees(camera: Camera, area: Area) -> bool:
    """Whether enough of an area lies in the picture, near enough to watch it."""
    east, north = np.meshgrid(
        np.linspace(area.west_m, area.east_m, 9), np.linspace(area.south_m, area.north_m, 9)
    )
    points = np.column_stack([east.ravel(), north.ravel(), np.zeros(81)])
    return _share(camera, points) >= _LEAST_SHARE


def _share(camera: Camera, points: Array) -> float:
    pixels, depth = camera.project(points)
    inside = ((pixels >= 0) & (pixels <= camera.size_px)).all(axis=1) & (depth > NEAR_M) & (depth < _REACH_M)
    return float(inside.mean())


def polygon_px(camera: Camera, ring: list[tuple[float, float]]) -> list[list[int]]:
    """A ground polygon in the picture, cut at its edges; whole pixels."""
    points = np.array([(*p, 0.0) for p in ring])
    seen = camera.to_camera(points)
    w, h = camera.size_px
    f = camera.focal_px
    # Each plane keeps the points whose product with it is positive: before the lens, then the picture's
    # four edges.
    planes = np.array([(0, 0, 1.0), (f, 0, w / 2), (-f, 0, w / 2), (0, f, h / 2), (0, -f, h / 2)])
    for i, plane in enumerate(planes):
        seen = _cut(seen, plane, NEAR_M if i == 0 else 0.0)
    pixels = np.clip(np.round(camera.pixels(seen)[0]), 0, (w, h)).astype(int).tolist()
    return [p for p, q in zip(pixels, pixels[-1:] + pixels[:-1], strict=True) if p != q]


def _cut(points: Array, plane: Array, least: float) -> Array:
    kept: list[Array] = []
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        inside_a, inside_b = float(a @ plane) - least, float(b @ plane) - least
        if inside_a >= 0:
            kept.append(a)
        if (inside_a >= 0) != (inside_b >= 0):
            kept.append(a + (b - a) * (inside_a / (inside_a - inside_b)))
    return np.array(kept).reshape(-1, 3)


def watches_of(scene: Scene, camera: Camera) -> list[Watch]:
    """The rules that this camera can serve."""
    wires = {k: np.array([(*a, 0.0), (*b, 0.0)]) for k, (a, b) in TRIPWIRES.items()}
    return [
        w
        for w in scene.watches
        if (w.place in ZONES and sees(camera, ZONES[w.place]))
        or (w.place in wires and _share(camera, wires[w.place]) == 1)
    ]


def calibration(camera: Camera, seed: int) -> list[dict[str, Any]]:
    """Eight ground points spread over the picture, clicked with a small error."""
    rng = np.random.default_rng([seed, 23])
    w, h = camera.size_px
    points: list[dict[str, Any]] = []
    for x, y in (
        (0.12, 0.9),
        (0.5, 0.95),
        (0.88, 0.9),
        (0.2, 0.62),
        (0.55, 0.66),
        (0.85, 0.6),
        (0.3, 0.42),
        (0.72, 0.42),
    ):
        top = camera.pixels(np.array([[0.0, -math.tan(math.radians(camera.pitch_deg)), 1.0]]))[0][0, 1]
        row = max(y * h, top + 0.12 * h)
        ground = camera.unproject_ground(np.array([[x * w, row]]))[0]
        lat, lon = to_latlon((float(ground[0]), float(ground[1])))
        click = np.clip(np.array([x * w, row]) + rng.normal(0, _CLICK_PX, 2), 0, (w, h))
        points.append({"px": [round(float(c), 1) for c in click], "lat": round(lat, 8), "lon": round(lon, 8)})
    return points


def scene_toml(scene: Scene, camera: Camera) -> str:
    """The camera's scene file, as the box reads it."""
    w, h = camera.size_px
    watches = watches_of(scene, camera)
    lines = [
        f"# {camera.name}; written by the simulator: scene {scene.name}, seed {scene.seed}",
        "[camera]",
        f'id = "{camera.id}"',
        f'name = "{camera.name}"',
        f"size_px = [{w}, {h}]",
        'timezone = "Asia/Almaty"',
        "",
        "[calibration]",
        f"pixel_error_px = {PIXEL_ERROR_PX}",
        "points = [",
    ]
    lines += [
        f"  {{ px = {p['px']}, lat = {p['lat']:.8f}, lon = {p['lon']:.8f} }},"
        for p in calibration(camera, scene.seed)
    ]
    lines.append("]")
    for name in dict.fromkeys(z for w in watches for z in (w.place, w.container) if z in ZONES):
        lines += ["", "[[zone]]", f'id = "{name}"', f"polygon_px = {polygon_px(camera, ZONES[name].ring)}"]
    for watch in watches:
        if watch.place in TRIPWIRES:
            lines += _tripwire(camera, watch.place)
    for watch in watches:
        lines += _rule(watch)
    return "\n".join(lines) + "\n"


def _tripwire(camera: Camera, name: str) -> list[str]:
    a, b = TRIPWIRES[name]
    pixels = np.round(camera.project(np.array([(*a, 0.0), (*b, 0.0)]))[0]).astype(int).tolist()
    # Someone at the west end who looks east has the north, where nobody may drive, on the left.
    return [
        "",
        "[[tripwire]]",
        f'id = "{name}"',
        f"from_px = {pixels[0]}",
        f"to_px = {pixels[1]}",
        'direction = "right_to_left"',
    ]


def _rule(watch: Watch) -> list[str]:
    key = "tripwire" if watch.place in TRIPWIRES else "zone"
    lines = ["", "[[rule]]", f'kind = "{watch.kind.slug}"', f'{key} = "{watch.place}"']
    if watch.classes:
        lines.append(f"classes = {list(watch.classes)}".replace("'", '"'))
    if watch.container:
        lines.append(f'container = "{watch.container}"')
    return [*lines, *(f"{name} = {value}" for name, value in watch.limits)]
