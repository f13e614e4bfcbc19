"""The motion gate: still rooms, walkers, clouds, lightning, infrared."""

import numpy as np
import pytest

from edge_agent.domain.motion import Motion, MotionGate, cell_means

HEIGHT, WIDTH = 240, 320
PERIOD_US = 200_000


def picture(brightness: int = 90, chroma: int = 140, noise: float = 2.0, seed: int = 0) -> np.ndarray:
    """A textured I420 picture with sensor noise of ``noise`` levels."""
    columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    luma = brightness + 20 * np.sin(columns / 17) + 20 * np.cos(rows / 11)
    luma += np.random.default_rng(seed).normal(0, noise, luma.shape)
    i420 = np.full((HEIGHT * 3 // 2, WIDTH), chroma, np.uint8)
    i420[:HEIGHT] = luma.clip(0, 255).astype(np.uint8)
    return i420


class Camera:
    """Shows pictures to a gate, five a second."""

    def __init__(self) -> None:
        self._gate = MotionGate()
        self._number = 0

    def show(self, i420: np.ndarray) -> Motion:
        self._number += 1
        return self._gate.observe(i420, HEIGHT, self._number * PERIOD_US)

    def settle(self, frames: int = 10) -> None:
        for seed in range(frames):
            self.show(picture(seed=seed))


def test_cells_are_means_of_every_other_row() -> None:
    luma = np.random.default_rng(1).integers(0, 256, (54, 83), dtype=np.uint8)
    expected = luma[:48, :80].reshape(6, 8, 10, 8)[:, ::2].mean(axis=(1, 3))
    assert cell_means(luma) == pytest.approx(expected, abs=1e-4)


def test_the_first_picture_counts_as_new_and_the_noisy_still_room_after_it_does_not() -> None:
    camera = Camera()
    assert camera.show(picture()).is_global
    assert all(camera.show(picture(seed=seed)).is_still for seed in range(1, 30))


def test_somebody_walks_through() -> None:
    camera = Camera()
    camera.settle()
    for step in range(8):
        i420 = picture(seed=100 + step)
        left = 40 + 25 * step
        i420[80:180, left : left + 30] = 200
        motion = camera.show(i420)
        assert not motion.is_still
        assert not motion.is_global
        assert motion.in_box(np.array([left, 80, left + 30, 180], np.float32))
        assert not motion.in_box(np.array([290, 10, 310, 40], np.float32))


def test_who_stands_still_is_background_after_a_while_and_motion_when_he_leaves() -> None:
    camera = Camera()
    camera.settle()
    for frame in range(100):
        i420 = picture(seed=frame)
        i420[80:180, 100:130] = 200
        motion = camera.show(i420)
    assert motion.is_still
    assert not camera.show(picture(seed=200)).is_still


@pytest.mark.parametrize("shift", [-6, -2, 2, 6])
def test_a_cloud_is_no_motion(shift: int) -> None:
    camera = Camera()
    camera.settle()
    assert camera.show(picture(brightness=90 + shift, seed=50)).is_still


def test_lightning_is_global_and_the_room_after_it_again() -> None:
    camera = Camera()
    camera.settle()
    flash = camera.show(picture(brightness=160, seed=50))
    assert flash.is_global
    assert not flash.is_switch
    assert camera.show(picture(seed=51)).is_global
    assert camera.show(picture(seed=52)).is_still


def test_infrared_is_a_switch_each_way() -> None:
    camera = Camera()
    camera.settle()
    assert camera.show(picture(chroma=128, seed=50)).is_switch
    assert not camera.show(picture(chroma=128, seed=51)).is_switch
    assert camera.show(picture(seed=52)).is_switch


def test_leaves_that_never_rest_become_quiet_and_a_car_among_them_does_not() -> None:
    camera = Camera()
    chance = np.random.default_rng(3)
    restless = []
    for seed in range(300):
        i420 = picture(seed=seed)
        i420[20:60, 200:280] = np.clip(i420[20:60, 200:280] + chance.normal(0, 6), 0, 255)
        restless.append(camera.show(i420).is_still)
    assert sum(restless[-100:]) > sum(restless[1:101])
    i420 = picture(seed=400)
    i420[20:60, 200:280] = 220
    assert not camera.show(i420).is_still


def test_another_size_starts_anew() -> None:
    camera = Camera()
    camera.settle()
    gate = camera._gate
    small = np.full((120 * 3 // 2, 160), 90, np.uint8)
    assert gate.observe(small, 120, 99 * PERIOD_US).is_global
