"""Distances against values of an ellipsoidal solution (Vincenty), and the local plane against itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.geo import LatLon, distance_m, from_plane, metres_per_degree, to_plane

KOSSHY = LatLon(50.9370, 71.3650)
near = st.floats(-5_000, 5_000)


def test_a_degree_at_kosshy() -> None:
    lat_m, lon_m = metres_per_degree(KOSSHY.lat_deg)
    assert lat_m == pytest.approx(111_250, abs=30)
    assert lon_m == pytest.approx(70_290, abs=60)


@given(near, near)
def test_the_plane_comes_back(east_m: float, north_m: float) -> None:
    there = to_plane(KOSSHY, from_plane(KOSSHY, east_m, north_m))
    assert there == pytest.approx((east_m, north_m), abs=1e-6)


@given(near, near)
def test_distance_agrees_with_the_plane(east_m: float, north_m: float) -> None:
    expected = (east_m**2 + north_m**2) ** 0.5
    assert distance_m(KOSSHY, from_plane(KOSSHY, east_m, north_m)) == pytest.approx(
        expected, rel=1e-3, abs=1e-6
    )
