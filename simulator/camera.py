"""A pinhole camera that stands in the street: where a point of the world falls in its picture, and back."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

NEAR_M = 0.3
"""What is nearer than this to the lens is not drawn."""


@dataclass(frozen=True)
class Camera:
    """A camera's pose and picture. Metres on the local plane; bearing clockwise from north, pitch down
    positive."""

    id: str
    name: str
    east_m: float
    north_m: float
    height_m: float
    bearing_deg: float
    pitch_deg: float
    fov_deg: float
    """Horizontal field of view."""
    size_px: tuple[int, int] = (640, 360)
    box: str = "box-1"
    """The box that watches this camera."""
    range_m: float = 45.0

    @cached_property
    def focal_px(self) -> float:
        """Focal length; pixels are square and the axis meets the middle of the picture."""
        return self.size_px[0] / 2 / math.tan(math.radians(self.fov_deg) / 2)

    @cached_property
    def position(self) -> Array:
        """The lens, (3,) metres."""
        return np.array([self.east_m, self.north_m, self.height_m])

    @cached_property
    def axes(self) -> Array:
        """(3, 3): rows are the picture's right, down and forward directions in the world."""
        b, p = math.radians(self.bearing_deg), math.radians(self.pitch_deg)
        forward = np.array([math.sin(b) * math.cos(p), math.cos(b) * math.cos(p), -math.sin(p)])
        right = np.array([math.cos(b), -math.sin(b), 0.0])
        return np.stack([right, np.cross(forward, right), forward])

    @cached_property
    def intrinsics(self) -> Array:
        """(3, 3) matrix from camera axes to homogeneous pixels."""
        w, h = self.size_px
        return np.array([[self.focal_px, 0, w / 2], [0, self.focal_px, h / 2], [0, 0, 1.0]])

    def to_camera(self, points: Array) -> Array:
        """World points (N, 3) in the camera's own axes (N, 3): right, down, depth; metres."""
        return (points - self.position) @ self.axes.T

    def project(self, points: Array) -> tuple[Array, Array]:
        """World points (N, 3) → pixels (N, 2) and depths (N,) in metres. Points behind the lens have depth
        < 0."""
        return self.pixels(self.to_camera(points))

    def pixels(self, seen: Array) -> tuple[Array, Array]:
        """Points in camera axes (N, 3) → pixels (N, 2) and depths (N,)."""
        depth = seen[:, 2]
        safe = np.maximum(depth, 1e-6)[:, None]
        w, h = self.size_px
        return seen[:, :2] * (self.focal_px / safe) + (w / 2, h / 2), depth

    def unproject_ground(self, pixels: Array) -> Array:
        """Pixels (N, 2) → where their rays meet the ground, (N, 2) metres; NaN at and above the horizon."""
        w, h = self.size_px
        rays = np.column_stack([(pixels - (w / 2, h / 2)) / self.focal_px, np.ones(len(pixels))]) @ self.axes
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(rays[:, 2] < -1e-9, -self.height_m / rays[:, 2], np.nan)
        return self.position[:2] + rays[:, :2] * reach[:, None]

    def plane_homography(self, corner: Array, along: Array, up: Array) -> Array:
        """(3, 3): coordinates (u, v, 1) on the plane ``corner + u·along + v·up`` → homogeneous pixels."""
        basis = np.column_stack([along, up, corner - self.position])
        return self.intrinsics @ self.axes @ basis

    def may_see(self, east_m: float, north_m: float, reach_m: float) -> bool:
        """Whether something ``reach_m`` large at a place can fall in the picture at all (rough, never
        wrongly no)."""
        (rx, ry, _), (fx, fy, fz) = self._rows[0], self._rows[2]
        east, north = east_m - self.east_m, north_m - self.north_m
        depth = east * fx + north * fy + (1.0 - self.height_m) * fz
        half_width = (depth + reach_m) * math.tan(math.radians(self.fov_deg) / 2) + reach_m * 1.5
        return depth > -reach_m and abs(east * rx + north * ry) <= half_width

    @cached_property
    def _rows(self) -> list[list[float]]:
        return self.axes.tolist()

    def resized(self, size_px: tuple[int, int]) -> "Camera":
        """The same camera with another picture size."""
        return Camera(**{**{f: getattr(self, f) for f in self.__dataclass_fields__}, "size_px": size_px})
