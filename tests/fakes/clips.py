"""Clips made at run time: a scene seen by a sensor with noise, in which a thing moves when it is told to."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np


def write_clip(
    path: Path,
    *,
    seconds: float = 30,
    fps: int = 12,
    size: tuple[int, int] = (768, 432),
    gop_s: float = 2,
    moves: Callable[[float], bool] = lambda _: False,
    noise: float = 3,
) -> Path:
    """Write H.264. ``moves`` tells for a time in the clip whether the thing is in the picture and moving."""
    width, height = size
    chance = np.random.default_rng(7)
    scene = _scene(width, height)
    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast", "tune": "zerolatency", "sc_threshold": "0"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = round(gop_s * fps)
        for number in range(round(seconds * fps)):
            picture = scene + chance.normal(0, noise, scene.shape)
            if moves(number / fps):
                left = int((number * 12) % (width - 60))
                picture[height // 2 : height // 2 + 100, left : left + 50] = 235
            frame = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _scene(width: int, height: int) -> np.ndarray:
    """Ground, sky and a few houses' worth of edges, (height, width, 3)."""
    y, x = np.mgrid[0:height, 0:width]
    scene = np.stack([90 + y / height * 80, 100 + x / width * 40, 110 - y / height * 40], axis=-1)
    for left, top, shade in ((0.07, 0.2, 60), (0.4, 0.14, 200), (0.73, 0.28, 140)):
        scene[int(top * height) : int(top * height) + 150, int(left * width) : int(left * width) + 130] = (
            shade
        )
    scene[(x // 24 + y // 24) % 2 == 0] += 12
    return scene
