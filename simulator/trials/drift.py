"""Trials of ``calibration_stale``: a camera that is turned a little, or sinks, and what does not matter."""

import cv2
import numpy as np

from simulator.survey import PIXEL_ERROR_PX
from simulator.traffic import walkers
from simulator.trials.canvas import Canvas
from simulator.trials.setting import Setting
from simulator.trials.slow import LOOK_S, begin_of, paces
from simulator.trials.stand import stand
from simulator.trials.trial import Due, Paint, Trial, Variant

Rng = np.random.Generator

_EVERY_S, _LOOKS, _NEEDED = 600.0, 20, 4
_DEEDS = ("turned", "sinks", "zoomed")
_INNOCENT = ("nothing", "settles", "lorry", "storm", "snow_lies")
_INNOCENT_SHARE = 0.3
_SIGMAS = 2.0
"""Beyond so many times the error of a point a place is no longer where the map shows it."""
_FAR_M = 80.0
_CREEP_S = 3 * _EVERY_S


def calibration_stale(rng: Rng, variant: Variant) -> Trial:
    """A camera whose picture drifts from its calibration; or shakes, or sees another thing for a while."""
    camera = stand(rng, variant, focus=(float(rng.uniform(-12, 12)), 0.0), reach_m=8.0)
    setting = Setting(camera, rng)
    setting.rule("calibration_stale", sample_s=_EVERY_S - 60)
    begin_s = begin_of(variant, _LOOKS, _NEEDED) * _EVERY_S - 60.0
    # In rain and falling snow nothing is measured; that it stays silent is all there is to see.
    is_innocent = bool(variant.falls) or rng.random() < _INNOCENT_SHARE
    deed = str(rng.choice(_INNOCENT if is_innocent else _DEEDS))
    takes_s = _CREEP_S if deed == "sinks" else 0.0
    due_s = begin_s + 60 + takes_s + (_NEEDED - 1) * _EVERY_S + LOOK_S
    place = (camera.east_m, camera.north_m)
    due = Due("calibration_stale", begin_s, due_s, place, late_s=2.5 * _EVERY_S, far_m=_FAR_M)
    seconds = _EVERY_S * _LOOKS
    finish = _innocent(deed, rng, begin_s) if is_innocent else _moved(deed, rng, begin_s, takes_s)
    return Trial(
        camera,
        setting.text(),
        seconds,
        tuple(walkers(rng, 1, 4, 60.0)),
        due=() if is_innocent else (due,),
        finish=finish,
        pace=paces(_EVERY_S, _LOOKS),
    )


def _moved(deed: str, rng: Rng, begin_s: float, takes_s: float) -> Paint:
    """From then on, or slowly, the scene lies elsewhere in the picture: by 1.4 to 6 times the limit."""
    limit_px = _SIGMAS * PIXEL_ERROR_PX
    way = float(rng.uniform(1.4, 6.0)) * limit_px
    heading = float(rng.uniform(0, 2 * np.pi))
    turn_deg, zoom = float(rng.uniform(-0.7, 0.7)), 1.0
    if deed == "zoomed":
        # The ground in the picture lies some 150 px from the middle. A lens that slips more is a blurred one.
        zoom, way = 1 + float(rng.uniform(1.3, 1.6)) * limit_px / 150, 0.0
    shift = (way * float(np.cos(heading)), way * float(np.sin(heading)))
    seed = int(rng.integers(1 << 30))

    def finish(canvas: Canvas, t_s: float) -> None:
        if t_s >= begin_s:
            share = min(1.0, (t_s - begin_s) / takes_s) if takes_s else 1.0
            _warp(canvas, shift, turn_deg, zoom, share, np.random.default_rng([seed, round(t_s * 1000)]))

    return finish


def _warp(
    canvas: Canvas, shift: tuple[float, float], turn_deg: float, zoom: float, share: float, rng: Rng
) -> None:
    """Show the scene moved; the sensor's noise is added again, it does not move with it."""
    height, width = canvas.luma.shape
    for plane, scale in ((canvas.luma, 1.0), (canvas.u, 0.5), (canvas.v, 0.5)):
        middle = (width * scale / 2, height * scale / 2)
        matrix = cv2.getRotationMatrix2D(middle, turn_deg * share, 1 + (zoom - 1) * share)
        matrix[:, 2] += np.array(shift) * share * scale
        size = plane.shape[1], plane.shape[0]
        plane[:] = cv2.warpAffine(plane, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    noisy = canvas.luma + rng.normal(0, 1.2, canvas.luma.shape)
    canvas.luma[:] = np.clip(noisy, 0, 255).astype(np.uint8)


def _innocent(deed: str, rng: Rng, begin_s: float) -> Paint:
    """What does not make the map wrong: the mast settles by a pixel or two, a lorry parks before the lens, a
    storm shakes the mast, snow covers the ground."""
    seed, tone = int(rng.integers(1 << 30)), int(rng.integers(50, 180))
    share = float(rng.uniform(0.3, 0.6))
    settled = float(rng.uniform(-2, 2)), float(rng.uniform(-2, 2))

    def finish(canvas: Canvas, t_s: float) -> None:
        if t_s < begin_s:
            return
        height, width = canvas.luma.shape
        chance = np.random.default_rng([seed, round(t_s * 1000)])
        if deed == "settles":
            _warp(canvas, settled, 0.0, 1.0, 1.0, chance)
        elif deed == "storm":
            _warp(canvas, (chance.normal(0, 4.0), chance.normal(0, 4.0)), 0.0, 1.0, 1.0, chance)
        elif deed == "lorry":
            right = round(width * share)
            canvas.fill_px([(0, 0), (right, 0), (right, height), (0, height)], tone, texture_seed=seed)
        elif deed == "snow_lies":
            lower = canvas.luma[height // 3 :]
            lower[:] = np.clip(lower * 0.35 + 130, 0, 235).astype(np.uint8)

    return finish
