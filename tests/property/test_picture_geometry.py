"""Polygons and segments, against slower ways to say the same."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge_agent.domain.geometry import (
    area_px2,
    crossing_edges,
    depth_in_polygon,
    depth_of_point,
    segments_cross,
    side_of_line,
)

grid = st.integers(0, 40).map(float)
points = st.tuples(grid, grid)


def star(centre: tuple[float, float], radii: list[float]) -> np.ndarray:
    """A polygon around a centre, which never crosses itself."""
    angles = np.linspace(0, 2 * math.pi, len(radii), endpoint=False)
    return np.array(centre) + np.array(radii)[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])


stars = st.builds(
    star,
    st.tuples(st.floats(50, 150), st.floats(50, 150)),
    st.lists(st.floats(5, 40), min_size=3, max_size=12),
)


def winding_inside(point: np.ndarray, polygon: np.ndarray) -> bool:
    """By the sum of angles: another way than rays."""
    rays = polygon - point
    angles = np.arctan2(rays[:, 1], rays[:, 0])
    turns = (np.roll(angles, -1) - angles + math.pi) % (2 * math.pi) - math.pi
    return abs(turns.sum()) > math.pi


@settings(deadline=None)
@given(stars, st.lists(st.tuples(st.floats(0, 200), st.floats(0, 200)), min_size=1, max_size=20))
def test_depth_has_the_sign_of_being_inside_and_the_size_of_the_way_to_the_edge(
    polygon: np.ndarray, places: list[tuple[float, float]]
) -> None:
    at = np.array(places)
    depths = depth_in_polygon(at, polygon)
    assert np.allclose([depth_of_point(place, polygon) for place in places], depths)
    steps = np.linspace(0, 1, 400)[:, None]
    edges = np.concatenate(
        [a + steps * (b - a) for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True)]
    )
    for point, depth in zip(at, depths, strict=True):
        assert abs(depth) == pytest.approx(np.linalg.norm(edges - point, axis=1).min(), abs=0.3)
        assert abs(depth) < 1e-6 or (depth > 0) == winding_inside(point, polygon)


@settings(deadline=None)
@given(stars)
def test_a_star_does_not_cross_itself(polygon: np.ndarray) -> None:
    assert crossing_edges([(float(x), float(y)) for x, y in polygon]) is None


@settings(deadline=None)
@given(stars)
def test_area_is_that_of_its_triangles(polygon: np.ndarray) -> None:
    centre = polygon.mean(0)
    fan = sum(
        np.cross(np.append(a - centre, 0), np.append(b - centre, 0))[2] / 2
        for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True)
    )
    assert area_px2([(float(x), float(y)) for x, y in polygon]) == pytest.approx(abs(fan))


def test_a_bow_tie_crosses_itself() -> None:
    assert crossing_edges([(0, 0), (10, 10), (10, 0), (0, 10)]) == (0, 2)


@settings(deadline=None)
@given(points, points, points, points)
def test_crossing_is_the_same_however_it_is_asked(a: tuple, b: tuple, c: tuple, d: tuple) -> None:
    expected = segments_cross(a, b, c, d)
    assert segments_cross(c, d, a, b) is expected
    assert segments_cross(b, a, c, d) is expected
    assert segments_cross(a, b, d, c) is expected


@settings(deadline=None)
@given(points, points, points, points, st.floats(0, 1), st.floats(0, 1))
def test_segments_that_share_a_point_cross(
    a: tuple, b: tuple, c: tuple, d: tuple, along: float, other: float
) -> None:
    """Two segments made to meet at one point; the rest is on either side of it."""
    assume(a != b)
    meet = (a[0] + along * (b[0] - a[0]), a[1] + along * (b[1] - a[1]))
    reach = 1 + other
    end = (meet[0] + reach * (meet[0] - c[0]), meet[1] + reach * (meet[1] - c[1]))
    assume(abs(side_of_line(a, b, c)) > 1e-6 or c == meet)
    assert segments_cross(a, b, c, end) or 0 in (along, 1) or min(along, 1 - along) < 1e-9


@settings(deadline=None)
@given(points, points, points)
def test_sides_are_mirrored_when_the_line_is_turned(start: tuple, end: tuple, point: tuple) -> None:
    assume(start != end)
    assert side_of_line(start, end, point) == pytest.approx(-side_of_line(end, start, point), abs=1e-9)


def test_right_is_right_in_the_picture() -> None:
    """Walking up the picture, a point with a larger x is on the right."""
    assert side_of_line((50, 100), (50, 0), (60, 50)) == pytest.approx(10)
