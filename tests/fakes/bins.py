"""A container on paving, empty, full or overflowing, in changing light: pictures to teach from."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE_PX = (320, 180)
ZONE_PX = ((100, 40), (220, 40), (220, 160), (100, 160))
STATES = ("ok", "full", "overflow")


def bin_picture(state: str, seed: int, *, light: float = 1.0) -> NDArray[np.uint8]:
    """The whole picture, (180, 320, 3) BGR. ``light`` is a factor on all of it; the seed varies the rest."""
    chance = np.random.default_rng([seed, 5])
    width, height = SIZE_PX
    y, x = np.mgrid[0:height, 0:width]
    paving = np.random.default_rng(9).normal(0, 7, (height, width, 1))
    picture = np.dstack([140 - 20 * y / height, 145 + 10 * x / width, 150 + 0.0 * x]) + paving
    cv2.rectangle(picture, (120, 80), (200, 150), (70, 130, 60), -1)
    cv2.rectangle(picture, (120, 80), (200, 90), (30, 40, 30), -1)
    if state in ("full", "overflow"):
        _heap(picture, chance, (125, 70, 195, 88), 9)
    if state == "overflow":
        _heap(picture, chance, (105, 125, 215, 155), 14)
        _heap(picture, chance, (122, 55, 198, 82), 8)
    if state == "strange":
        cv2.rectangle(picture, (95, 35), (225, 165), (40, 40, 200), -1)
        cv2.putText(picture, "###", (100, 120), cv2.FONT_HERSHEY_SIMPLEX, 2.5, (230, 230, 30), 9)
    tint = chance.uniform(0.95, 1.05, 3)
    picture = picture * light * tint + chance.normal(0, 4, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _heap(
    picture: NDArray[np.float64], chance: np.random.Generator, where: tuple[int, int, int, int], count: int
) -> None:
    left, top, right, bottom = where
    for _ in range(count):
        middle = (int(chance.integers(left, right)), int(chance.integers(top, bottom)))
        axes = (int(chance.integers(6, 12)), int(chance.integers(5, 9)))
        tone = chance.uniform(20, 235, 3).tolist() if chance.random() < 0.6 else [30.0, 30.0, 32.0]
        cv2.ellipse(picture, middle, axes, float(chance.uniform(0, 180)), 0, 360, tone, -1)


def write_lessons(
    folder: Path, count: int = 8, states: tuple[str, ...] = STATES, *, is_cropped: bool = True
) -> Path:
    """A folder with ``count`` pictures of each state in a sub-folder of its own."""
    (left, top), _, (right, bottom), _ = ZONE_PX
    for number, state in enumerate(states):
        (folder / state).mkdir(parents=True)
        for row in range(count):
            light = 0.6 + 0.7 * row / max(1, count - 1)
            picture = bin_picture(state, 100 * number + row, light=light)
            picture = picture[top:bottom, left:right] if is_cropped else picture
            assert cv2.imwrite(str(folder / state / f"{row}.png"), picture)
    return folder
