"""What a trial's camera shows: a textured street under its light, the things in it, and the weather."""

import math

import cv2
import numpy as np

from simulator.actors import Actor
from simulator.camera import Array, Camera
from simulator.trials.canvas import Canvas
from simulator.trials.trial import Trial, Variant

_LUMA = {"dusk": 92, "night": 44, "snow": 168, "rain": 96, "headlights": 44, "ir_switch": 74}
_DAY_LUMA = 122
_FLAKES, _STREAKS = 160, 90
_NOISE_FRAMES = 8
_EDGES, _LIT = 220, 50
_GLARE_S = 1.4


class Painter:
    """Paints one trial's pictures. Deterministic for its ``rng``, in order of time."""

    def __init__(self, rng: np.random.Generator, trial: Trial, variant: Variant) -> None:
        self._rng, self._trial, self._variant = rng, trial, variant
        self.canvas = Canvas(trial.camera)
        self._backdrop, self._grey = self._backdrops(trial.camera)
        noise = 2.6 if variant.is_dark else 1.6
        shape = self.canvas.luma.shape
        self._noise = [
            np.clip(rng.normal(6, noise, shape), 0, 14).astype(np.uint8) for _ in range(_NOISE_FRAMES)
        ]
        share = variant.switch_share
        self._switch_s = math.inf if share is None else share * trial.seconds
        self._to_infrared = bool(rng.random() < 0.5)
        self._glares_s = sorted(rng.uniform(5, max(6.0, trial.seconds), 2 + int(trial.seconds / 120)))
        x, y = np.meshgrid(*(np.linspace(-1, 1, n) for n in (shape[1], shape[0])))
        self._glare = (np.exp(-((x - rng.uniform(-0.5, 0.5)) ** 2 + y**2) * 2.0) * 150 + 22).astype(np.uint8)

    @property
    def switch_s(self) -> float:
        """When the camera goes between colour and infrared; infinite when it does not."""
        return self._switch_s

    def paint(self, t_s: float, boxes: Array, visible: Array, depth_m: Array) -> tuple[float, float]:
        """Paint the picture of an instant into ``canvas``; gives how far the wind moved it, pixels."""
        canvas, is_infrared = self.canvas, self._is_infrared(t_s)
        np.copyto(canvas.i420, self._grey if is_infrared else self._backdrop)
        for patch in self._trial.patches:
            if patch.from_s <= t_s < patch.to_s:
                canvas.fill_ground(
                    patch.ring, patch.luma, patch.texture_seed, patch.u, patch.v, patch.opacity
                )
        if self._trial.paint:
            self._trial.paint(canvas, t_s)
        for n in np.argsort(-depth_m):
            if visible[n] > 0:
                self._thing(self._trial.actors[n], boxes[n])
        if is_infrared:
            canvas.i420[canvas.luma.shape[0] :] = 128
        moved = self._weather(t_s)
        if self._trial.finish:
            self._trial.finish(canvas, t_s)
        return moved

    def _is_infrared(self, t_s: float) -> bool:
        return math.isfinite(self._switch_s) and (t_s >= self._switch_s) == self._to_infrared

    def _backdrops(self, camera: Camera) -> tuple[Array, Array]:
        """The empty street in colour and in infrared, I420."""
        width, height = camera.size_px
        level = _LUMA.get(self._variant.condition, _DAY_LUMA)
        texture = np.zeros((height, width), np.float32)
        for cells, strength in ((6, 0.16), (24, 0.09), (90, 0.05)):
            coarse = self._rng.normal(0, strength, (cells * 9 // 16 + 1, cells)).astype(np.float32)
            texture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        # What has edges: kerbs, joints, windows, signs. Without them every lens would look out of focus.
        for _ in range(_EDGES):
            x, y = self._rng.integers(0, width), self._rng.integers(0, height)
            wide, tall = self._rng.integers(3, 60), self._rng.integers(2, 24)
            texture[y : y + tall, x : x + wide] += np.float32(self._rng.normal(0, 0.12))
        for _ in range(_LIT if self._variant.is_dark else 0):
            # Windows, lamps and signs: the dark street's own contrast.
            x, y, size = *self._rng.integers(0, (width, height // 2)), self._rng.integers(3, 14)
            texture[y : y + size, x : x + size] += np.float32(self._rng.uniform(0.8, 3.0))
        colour = np.empty((height * 3 // 2, width), np.uint8)
        colour[:height] = np.clip(level * (1 + texture) - 6, 6, 235)
        hues = self._rng.normal(0, 9, (6, 8)).astype(np.float32)
        small = cv2.resize(hues, (width, height // 2), interpolation=cv2.INTER_CUBIC)
        colour[height:] = np.clip(128 + small + np.where(small >= 0, 4, -4), 16, 240)
        grey = colour.copy()
        grey[height:] = 128
        grey[:height] = np.clip(colour[:height].astype(np.int16) + 14, 0, 255)
        return colour, grey

    def _thing(self, actor: Actor, box: Array) -> None:
        """A patch with the thing's own pattern and tone, narrower for what stands upright."""
        left, top, right, bottom = (int(v) for v in np.rint(box))
        if right - left < 2 or bottom - top < 2:
            return
        canvas = self.canvas
        pattern = canvas.texture(actor.seed, right - left, bottom - top)
        bright = -46 if actor.seed % 3 else 52
        scale = 0.5 if self._variant.is_dark else 1.0
        ground = float(canvas.luma[min(bottom, canvas.luma.shape[0]) - 1, (left + right) // 2])
        tone = ground + bright * scale - 128
        canvas.luma[top:bottom, left:right] = np.clip(pattern * np.float32(1) + np.float32(tone), 4, 240)
        hue = actor.seed // 3 % 41 - 20
        rows, columns = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
        canvas.u[rows, columns], canvas.v[rows, columns] = 128 + hue, 128 - hue // 2

    def _weather(self, t_s: float) -> tuple[float, float]:
        canvas, rng, moved = self.canvas, self._rng, (0.0, 0.0)
        if self._variant.shake_px:
            moved = (float(rng.normal(0, self._variant.shake_px)), float(rng.normal(0, 0.6)))
            shift = np.array([[1, 0, moved[0]], [0, 1, moved[1]]], np.float32)
            size = canvas.luma.shape[1], canvas.luma.shape[0]
            canvas.luma[:] = cv2.warpAffine(canvas.luma, shift, size, borderMode=cv2.BORDER_REPLICATE)
        if self._variant.falls:
            self._fall(self._variant.falls)
        if self._variant.condition == "headlights":
            for glare_s in self._glares_s:
                share = 1 - abs(t_s - glare_s) / _GLARE_S
                if share > 0:
                    cv2.scaleAdd(self._glare, 1.0, canvas.luma, canvas.luma)
        cv2.add(canvas.luma, self._noise[int(rng.integers(_NOISE_FRAMES))], canvas.luma)
        return moved

    def _fall(self, what: str) -> None:
        """Flakes or streaks near the lens."""
        canvas, rng = self.canvas, self._rng
        height, width = canvas.luma.shape
        count, tall, wide = (_FLAKES, 2, 2) if what == "snow" else (_STREAKS, 9, 1)
        xs, ys = rng.integers(0, width - wide, count), rng.integers(0, height - tall, count)
        for dy in range(tall):
            for dx in range(wide):
                lit = canvas.luma[ys + dy, xs + dx].astype(np.int16) + 45
                canvas.luma[ys + dy, xs + dx] = np.minimum(lit, 250)
