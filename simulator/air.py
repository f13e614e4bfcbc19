"""What lies between the street and the picture: haze, snow, rain, a soft lens, the sensor's noise, a
shaking pole."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.camera import Array, Camera
from simulator.weather import Weather

Bgr = NDArray[Any]

_NOISE_BANK = 6


class Air:
    """One camera's air and lens; the same seed and instant give the same picture."""

    def __init__(self, camera: Camera, weather: Weather, seed: int) -> None:
        self._weather = weather
        self._size = camera.size_px
        rng = np.random.default_rng([seed, 17])
        self._phase = rng.uniform(0, 2 * np.pi, 4)
        self._flakes = self._scatter(rng, camera)
        w, h = camera.size_px
        grain = rng.normal(0, weather.noise, (_NOISE_BANK, h + 32, w + 32)).astype(np.float32)
        grain = np.stack([cv2.GaussianBlur(g, (0, 0), 0.6) * 1.6 for g in grain])
        self._brighter = [cv2.merge([np.clip(g, 0, 255).round().astype(np.uint8)] * 3) for g in grain]
        self._darker = [cv2.merge([np.clip(-g, 0, 255).round().astype(np.uint8)] * 3) for g in grain]

    def _scatter(self, rng: np.random.Generator, camera: Camera) -> Array:
        """(N, 5): start x and y px, fall px/s, drift px/s, nearness 0–1."""
        count = {"snow": 260, "rain": 170}.get(self._weather.falling, 0)
        scale = camera.size_px[1] / 360
        near = rng.uniform(0, 1, count) ** 2
        fall = (70 + 190 * near if self._weather.falling == "snow" else 700 + 500 * near) * scale
        return np.column_stack(
            [
                rng.uniform(0, camera.size_px[0], count),
                rng.uniform(0, camera.size_px[1], count),
                fall,
                rng.normal(-25, 14, count) * scale,
                near,
            ]
        )

    def through(self, colours: Array, depth_m: float) -> Array:
        """Colours (N, 3) as they look from ``depth_m`` away."""
        haze = 1 - float(np.exp(-depth_m * self._weather.fog_per_m))
        return colours + (np.array(self._weather.horizon) - colours) * haze

    def finish(self, frame: Bgr, t_s: float) -> tuple[Bgr, tuple[float, float]]:
        """The finished picture, and how far the shaking pole moved it (px right, px down)."""
        if self._weather.falling:
            self._fall(frame, t_s)
        moved = self._shake(t_s)
        if self._weather.shake_px:
            matrix = np.array([[1, 0, moved[0]], [0, 1, moved[1]]])
            frame = cv2.warpAffine(frame, matrix, self._size, borderMode=cv2.BORDER_REPLICATE)
        frame = cv2.GaussianBlur(frame, (3, 3), 0.55)
        if self._weather.is_infrared:
            frame = cv2.merge([cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)] * 3)
        return self._grain(frame, t_s), moved

    def _shake(self, t_s: float) -> tuple[float, float]:
        a, b, c, d = self._phase
        strength = self._weather.shake_px
        right = 0.7 * np.sin(7.3 * t_s + a) + 0.3 * np.sin(17.1 * t_s + b)
        down = 0.6 * np.sin(6.1 * t_s + c) + 0.4 * np.sin(13.7 * t_s + d)
        return float(strength * right), float(strength * down)

    def _fall(self, frame: Bgr, t_s: float) -> None:
        w, h = self._size
        sway = 6 * np.sin(1.7 * t_s + self._flakes[:, 4] * 40) if self._weather.falling == "snow" else 0
        x = (self._flakes[:, 0] + self._flakes[:, 3] * t_s + sway) % w
        y = (self._flakes[:, 1] + self._flakes[:, 2] * t_s) % (h + 40) - 20
        tone = float(np.clip(np.array(self._weather.horizon).mean() * 1.15, 90, 250))
        if self._weather.falling == "rain":
            layer = frame.copy()
            for px, py, near in zip(x, y, self._flakes[:, 4], strict=True):
                cv2.line(
                    layer,
                    (int(px), int(py)),
                    (int(px) - 1, int(py + (7 + 14 * near) * h / 360)),
                    (tone, tone, tone),
                    1,
                    cv2.LINE_AA,
                )
            cv2.addWeighted(layer, 0.35, frame, 0.65, 0, dst=frame)
            return
        for px, py, near in zip(x, y, self._flakes[:, 4], strict=True):
            radius = int((0.6 + 1.7 * near) * 16 * h / 360)
            cv2.circle(frame, (int(px * 16), int(py * 16)), radius, (tone, tone, tone), -1, cv2.LINE_AA, 4)

    def _grain(self, frame: Bgr, t_s: float) -> Bgr:
        tick = round(t_s * 1000)
        bank, dx, dy = tick // 37 % _NOISE_BANK, tick * 7 % 32, tick * 13 % 32
        w, h = self._size
        patch = (slice(dy, dy + h), slice(dx, dx + w))
        return cv2.subtract(cv2.add(frame, self._brighter[bank][patch]), self._darker[bank][patch])
