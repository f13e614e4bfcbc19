"""Trials of ``camera_tampered``: what people do to cameras, and what passes close before them."""

import cv2
import numpy as np

from simulator.traffic import walkers
from simulator.trials.canvas import Canvas
from simulator.trials.setting import Setting
from simulator.trials.stand import stand
from simulator.trials.trial import Due, Paint, Stretch, Trial, Variant

SECONDS, FPS = 170.0, 3.4
LIMIT_S, FROZEN_S = 30.0, 60.0
_DEEDS = ("dark", "bright", "blurred", "covered", "sprayed", "moved", "frozen")
_INNOCENT_SHARE = 0.25
_FAR_M = 80.0
"""A camera's own event is told somewhere in its picture."""


def camera_tampered(rng: np.random.Generator, variant: Variant) -> Trial:
    """One deed, from its begin to the end of the trial; or a lorry that stands before the camera."""
    camera = stand(rng, variant, focus=(float(rng.uniform(-12, 12)), 0.0), reach_m=8.0)
    setting = Setting(camera, rng)
    switch_s = SECONDS * variant.switch_share if variant.switch_share is not None else None
    # Where the camera changes to infrared shortly before, it first has to know its scene again.
    begin_s = switch_s + 40 if switch_s is not None and switch_s <= 50 else 45 + float(rng.uniform(0, 10))
    deed = str(rng.choice(_DEEDS))
    is_innocent = bool(rng.random() < _INNOCENT_SHARE)
    limit_s = FROZEN_S if deed == "frozen" else LIMIT_S
    place = (camera.east_m, camera.north_m)
    due = Due("camera_tampered", begin_s, begin_s + limit_s, place, late_s=20, far_m=_FAR_M)
    return Trial(
        camera,
        setting.text(),
        seconds=SECONDS,
        actors=tuple(walkers(rng, 1, 4, SECONDS)),
        due=() if is_innocent else (due,),
        finish=_lorry(rng, begin_s) if is_innocent else _done(deed, rng, begin_s),
        pace=(Stretch(0.0, SECONDS, FPS),),
    )


def _done(deed: str, rng: np.random.Generator, begin_s: float) -> Paint:
    """What the picture becomes; the sensor's noise is added again where the deed is before the sensor."""
    seed = int(rng.integers(1 << 30))
    shift = int(rng.integers(30, 200)) * (1 if rng.random() < 0.5 else -1)
    kept: list[np.ndarray] = []

    def finish(canvas: Canvas, t_s: float) -> None:
        if t_s < begin_s:
            return
        if deed == "frozen":
            kept.append(canvas.i420.copy()) if not kept else None
            canvas.i420[:] = kept[0]
            return
        luma = canvas.luma.astype(np.float32)
        changed = {
            "dark": lambda: 16 + (luma - 16) * 0.03,
            "bright": lambda: luma + 200,
            "blurred": lambda: cv2.GaussianBlur(luma, (0, 0), 4),
            "covered": lambda: _cloth(seed, luma.shape),
            "sprayed": lambda: 130 + (luma - luma.mean()) * 0.05,
            "moved": lambda: np.roll(luma, shift, axis=1),
        }[deed]()
        noise = np.random.default_rng([seed, round(t_s * 1000)]).normal(0, 1.2, luma.shape)
        canvas.luma[:] = np.clip(changed + noise, 0, 255).astype(np.uint8)

    return finish


def _cloth(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    coarse = np.random.default_rng(seed).normal(90, 20, (4, 5)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))


def _lorry(rng: np.random.Generator, begin_s: float) -> Paint:
    """It hides up to three quarters of the picture for most of a minute."""
    share, until_s = float(rng.uniform(0.4, 0.75)), begin_s + float(rng.uniform(20, 50))
    seed, tone = int(rng.integers(1 << 30)), int(rng.integers(50, 180))

    def finish(canvas: Canvas, t_s: float) -> None:
        if begin_s <= t_s <= until_s:
            width, height = canvas.camera.size_px
            right = round(width * share)
            canvas.fill_px([(0, 0), (right, 0), (right, height), (0, height)], tone, texture_seed=seed)

    return finish
