"""Films of a camera to which something is done: real clips and painted ones, a few pictures a second."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from edge_agent.domain.detection import Frame
from edge_agent.domain.motion import MotionGate
from edge_agent.domain.rules.duty import Duty
from edge_agent.domain.scene_file import parse_scene
from shared.kinds import Kind

FPS = 5
START_US = 1_767_225_600_000_000

Deed = Callable[[np.ndarray, int], np.ndarray]
"""What is done to a picture's luma, given its number; chroma stays."""


class Told(NamedTuple):
    """A sighting with its time, in seconds."""

    t_s: float
    phase: str
    cause: int
    reason: dict[str, float]


def noisy(luma: np.ndarray, number: int, sigma: float = 1.5) -> np.ndarray:
    """A sensor's noise."""
    return np.clip(luma + np.random.default_rng(number).normal(0, sigma, luma.shape), 0, 255).astype(np.uint8)


def darkened(luma: np.ndarray, number: int) -> np.ndarray:
    return noisy(16 + (luma.astype(float) - 16) * 0.02, number, 0.7)


def blinded(luma: np.ndarray, number: int) -> np.ndarray:
    return noisy(luma.astype(float) + 190, number)


def blurred(luma: np.ndarray, number: int) -> np.ndarray:
    return noisy(cv2.GaussianBlur(luma, (0, 0), 4).astype(float), number)


def covered(luma: np.ndarray, number: int) -> np.ndarray:
    """A cloth: far too near to be sharp, moved a little by the wind."""
    cloth = cv2.resize(np.random.default_rng(7).normal(95, 25, (4, 5)), luma.shape[::-1], interpolation=2)
    return noisy(np.clip(cloth + 2 * np.sin(number / 9), 20, 200), number)


def sprayed(luma: np.ndarray, number: int) -> np.ndarray:
    return noisy(140 + (luma.astype(float) - 110) * 0.05, number)


def moved(luma: np.ndarray, number: int) -> np.ndarray:
    """Turned by a tenth of its picture."""
    return noisy(np.roll(luma, luma.shape[1] // 10, axis=1).astype(float), number)


def untouched(luma: np.ndarray, _number: int) -> np.ndarray:
    return luma


def clip_frames(path: Path) -> list[Frame]:
    """A clip's pictures, five a second."""
    frames: list[Frame] = []
    with av.open(str(path)) as container:
        due_s = 0.0
        for picture in container.decode(video=0):
            if (picture.time or 0.0) + 0.002 >= due_s:
                due_s += 1 / FPS
                i420 = picture.reformat(format="yuv420p").to_ndarray()
                height, width = picture.height, picture.width
                frames.append(Frame("lens", len(frames), 0, i420, width, height, picture.key_frame))
    return frames


def and_back(frames: list[Frame]) -> Iterator[Frame]:
    """A short clip for ever: to its end and back, so that nothing jumps."""
    while True:
        yield from frames
        yield from frames[-2:0:-1]


class LensCamera:
    """Shows pictures to the rules of a scene that lists none; nobody detects anything."""

    def __init__(self, width: int, height: int, scene: str = "", fps: float = FPS) -> None:
        camera = f'[camera]\nid = "lens"\nsize_px = [{width}, {height}]\n'
        self.duty = Duty(parse_scene(camera + scene, "lens.toml"))
        self.gate = MotionGate()
        self.now_s = 0.0
        self.number = 0
        self.period_s = 1 / fps

    def show(self, frame: Frame, deed: Deed = untouched) -> list[Told]:
        """Show one picture; gives what is told of the camera."""
        self.number += 1
        at_us = START_US + round(self.now_s * 1e6)
        if deed is not untouched:
            i420 = frame.i420.copy()
            i420[: frame.height] = deed(frame.luma, self.number)
            frame = frame._replace(i420=i420)
        frame = frame._replace(captured_at_us=at_us)
        motion = self.gate.observe(frame.i420, frame.height, at_us)
        found = self.duty.step([], motion, at_us, frame)
        told = [
            Told(self.now_s, f.sighting.phase.name, int(f.sighting.reason["cause"]), f.sighting.reason)
            for f in found
            if f.sighting.kind is Kind.CAMERA_TAMPERED
        ]
        self.now_s = round(self.now_s + self.period_s, 6)
        return told

    def play(self, frames: Iterator[Frame], seconds: float, deed: Deed = untouched) -> list[Told]:
        """Go on for so long."""
        end_s = self.now_s + seconds
        told: list[Told] = []
        while self.now_s < end_s - 1e-6:
            told += self.show(next(frames), deed)
        return told
