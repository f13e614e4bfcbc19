"""Points, lines and polygons in the picture. Pixels; x to the right, y down."""

import math
from collections.abc import Sequence

import numpy as np

from edge_agent.domain.detection import Reals

Point = tuple[float, float]


def side_of_line(start: Point, end: Point, point: Point) -> float:
    """Signed distance in pixels from the endless line: above 0 to the right of someone who walks from
    ``start`` to ``end``."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5
    return (dx * (point[1] - start[1]) - dy * (point[0] - start[0])) / length


def segments_cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether segment ``ab`` meets segment ``cd``; touching counts."""
    abc, abd = _turn(a, b, c), _turn(a, b, d)
    cda, cdb = _turn(c, d, a), _turn(c, d, b)
    if abc == abd == cda == cdb == 0:
        return _overlap(a[0], b[0], c[0], d[0]) and _overlap(a[1], b[1], c[1], d[1])
    return abc * abd <= 0 and cda * cdb <= 0


def _turn(a: Point, b: Point, c: Point) -> int:
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (cross > 0) - (cross < 0)


def _overlap(a: float, b: float, c: float, d: float) -> bool:
    return max(min(a, b), min(c, d)) <= min(max(a, b), max(c, d))


def crossing_edges(polygon: Sequence[Point]) -> tuple[int, int] | None:
    """The first two edges of a polygon that cross each other, by number from 0, or None when none do."""
    count = len(polygon)
    for first in range(count):
        for second in range(first + 2, count):
            if first == 0 and second == count - 1:
                continue
            if segments_cross(
                polygon[first], polygon[first + 1], polygon[second], polygon[(second + 1) % count]
            ):
                return first, second
    return None


def area_px2(polygon: Sequence[Point]) -> float:
    """The area of a polygon that does not cross itself."""
    xs = np.array([p[0] for p in polygon])
    ys = np.array([p[1] for p in polygon])
    return abs(float(xs @ np.roll(ys, -1) - ys @ np.roll(xs, -1))) / 2


def depth_in_polygon(points: Reals, polygon: Reals) -> Reals:
    """How deep each of (N, 2) points lies in an (M, 2) polygon: pixels to its edge, below 0 outside. (N,)"""
    start, end = polygon, np.concatenate((polygon[1:], polygon[:1]))
    edge = end - start
    offset = points[:, None, :] - start
    along = (offset * edge).sum(2) / np.maximum((edge * edge).sum(1), 1e-12)
    nearest = offset - np.clip(along, 0, 1)[..., None] * edge
    distance = np.sqrt((nearest * nearest).sum(2).min(1))
    spans = (start[:, 1] > points[:, None, 1]) != (end[:, 1] > points[:, None, 1])
    slope = np.divide(edge[:, 0], edge[:, 1], out=np.zeros(len(edge)), where=edge[:, 1] != 0)
    crossings = spans & (points[:, None, 0] < start[:, 0] + (points[:, None, 1] - start[:, 1]) * slope)
    sign = np.where(crossings.sum(1) % 2 == 1, 1.0, -1.0)
    return sign * distance


def depth_of_point(point: Point, polygon: Reals) -> float:
    """``depth_in_polygon`` of one point, in plain numbers: for few points and corners a tenth of the time."""
    x, y = point
    corners: list[list[float]] = polygon.tolist()
    nearest, is_inside = math.inf, False
    ax, ay = corners[-1]
    for bx, by in corners:
        dx, dy, px, py = bx - ax, by - ay, x - ax, y - ay
        along = min(1.0, max(0.0, (px * dx + py * dy) / max(dx * dx + dy * dy, 1e-12)))
        ox, oy = px - along * dx, py - along * dy
        nearest = min(nearest, ox * ox + oy * oy)
        if (ay > y) != (by > y) and x < ax + (y - ay) * dx / dy:
            is_inside = not is_inside
        ax, ay = bx, by
    return math.sqrt(nearest) if is_inside else -math.sqrt(nearest)
