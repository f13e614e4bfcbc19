"""A trial's scene file, written as a technician would set the camera up."""

import json

import cv2
import numpy as np

from simulator.camera import NEAR_M, Camera
from simulator.survey import PIXEL_ERROR_PX, calibration, polygon_px
from simulator.world import Point

_LEAST_PX2 = 400.0
"""Nobody sets a rule on a smaller sliver at the picture's edge."""
Value = str | float | int | bool | list[str]


class OutOfView(ValueError):
    """A zone or line does not lie in the camera's picture."""


class Setting:
    """Collects zones, lines and rules of one camera; places are metres on the street's plane."""

    def __init__(self, camera: Camera, rng: np.random.Generator) -> None:
        self.camera = camera
        self.extra = ""
        """Raw TOML after all else."""
        self._survey_seed = int(rng.integers(1 << 30))
        self._parts: list[str] = []
        self._rules: list[str] = []

    def zone(self, name: str, ring: list[Point]) -> None:
        """A zone on the ground; raises ``OutOfView`` when next to nothing of it is in the picture."""
        corners = polygon_px(self.camera, ring)
        if len(corners) < 3 or cv2.contourArea(np.array(corners, np.float32)) < _LEAST_PX2:
            raise OutOfView(f"zone {name!r} is not in the picture")
        self.zone_px(name, [(float(x), float(y)) for x, y in corners])

    def zone_px(self, name: str, corners: list[tuple[float, float]]) -> None:
        """A zone drawn in the picture."""
        listed = [[round(x, 1), round(y, 1)] for x, y in corners]
        self._parts += ["", "[[zone]]", f'id = "{name}"', f"polygon_px = {listed}"]

    def tripwire(self, name: str, start: Point, end: Point, direction: str = "") -> None:
        """A line on the ground, shortened to what is in the picture; raises ``OutOfView``."""
        way = np.linspace((*start, 0.0), (*end, 0.0), 201)
        pixels, depth = self.camera.project(way)
        inside = ((pixels >= 0) & (pixels <= self.camera.size_px)).all(1) & (depth > NEAR_M)
        seen = pixels[inside]
        if len(seen) < 2:
            raise OutOfView(f"tripwire {name!r} is not in the picture")
        ends = [[round(float(c), 1) for c in seen[n]] for n in (0, -1)]
        self._parts += ["", "[[tripwire]]", f'id = "{name}"', f"from_px = {ends[0]}", f"to_px = {ends[1]}"]
        if direction:
            self._parts.append(f'direction = "{direction}"')

    def rule(self, kind: str, **values: Value) -> None:
        """A rule with its keys as the scene file has them."""
        self._rules += ["", "[[rule]]", f'kind = "{kind}"']
        self._rules += [f"{key} = {json.dumps(value)}" for key, value in values.items()]

    def text(self) -> str:
        """The whole file."""
        width, height = self.camera.size_px
        head = ["[camera]", f'id = "{self.camera.id}"', f"size_px = [{width}, {height}]"]
        head += ["", "[calibration]", f"pixel_error_px = {PIXEL_ERROR_PX}", "points = ["]
        head += [
            f"  {{ px = {p['px']}, lat = {p['lat']:.8f}, lon = {p['lon']:.8f} }},"
            for p in calibration(self.camera, self._survey_seed)
        ]
        return "\n".join([*head, "]", *self._parts, *self._rules, self.extra]) + "\n"
