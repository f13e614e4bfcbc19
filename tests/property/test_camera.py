# Arrays are added here, not joined.
# ruff: noqa: RUF005
"""The pinhole camera: what it projects it finds again."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.camera import Camera

cameras = st.builds(
    Camera,
    id=st.just("c"),
    name=st.just("c"),
    east_m=st.floats(-80, 80),
    north_m=st.floats(-20, 20),
    height_m=st.floats(2.5, 12),
    bearing_deg=st.floats(0, 360),
    pitch_deg=st.floats(2, 60),
    fov_deg=st.floats(30, 100),
    size_px=st.sampled_from([(640, 360), (768, 432), (320, 192)]),
)


@given(cameras, st.floats(0, 1), st.floats(0, 1))
def test_a_pixel_on_the_ground_projects_back_to_itself(camera: Camera, across: float, down: float) -> None:
    pixel = np.array([[across, down]]) * camera.size_px
    ground = camera.unproject_ground(pixel)
    assume(np.isfinite(ground).all() and np.abs(ground).max() < 500)
    back, depth = camera.project(np.column_stack([ground, np.zeros(1)]))
    assert depth[0] > 0
    assert np.abs(back - pixel).max() < 1e-4


@given(cameras, st.floats(-40, 40), st.floats(-40, 40), st.floats(0, 3))
def test_what_falls_in_the_picture_may_be_seen(camera: Camera, east: float, north: float, up: float) -> None:
    (pixel,), (depth,) = camera.project(np.array([[east, north, up]]))
    if depth > 0.3 and 0 <= pixel[0] <= camera.size_px[0] and 0 <= pixel[1] <= camera.size_px[1]:
        assert camera.may_see(east, north, 3.0)


@given(cameras, st.floats(20, 60))
def test_farther_is_smaller_and_higher_in_the_picture(camera: Camera, near_m: float) -> None:
    ahead = camera.axes[2][:2] / np.linalg.norm(camera.axes[2][:2])
    feet = [np.array([*(camera.position[:2] + ahead * d), 0.0]) for d in (near_m, near_m * 1.5)]
    pixels, depth = camera.project(np.array([p for f in feet for p in (f, f + (0, 0, 1.0))]))
    assume(depth.min() > 0.3)
    assert pixels[2][1] < pixels[0][1]
    assert np.linalg.norm(pixels[3] - pixels[2]) < np.linalg.norm(pixels[1] - pixels[0])


@given(cameras)
def test_the_homography_of_the_ground_agrees_with_projection(camera: Camera) -> None:
    axes = np.eye(3)
    homography = camera.plane_homography(np.zeros(3), axes[0], axes[1])
    place = camera.position[:2] + camera.axes[2][:2] * 20
    weighed = homography @ np.array([*place, 1.0])
    pixel, depth = camera.project(np.array([[*place, 0.0]]))
    assume(depth[0] > 0.5)
    assert np.abs(weighed[:2] / weighed[2] - pixel[0]).max() < 1e-6 * max(1.0, np.abs(pixel).max())
