"""Clips made at run time."""

from pathlib import Path

import av
import numpy as np


def write_still_clip(
    path: Path, *, seconds: float = 30, fps: int = 12, size: tuple[int, int] = (768, 432), gop_s: float = 2
) -> Path:
    """A scene in which nothing moves, seen by a sensor with noise, as H.264."""
    width, height = size
    chance = np.random.default_rng(7)
    scene = _scene(width, height)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"preset": "veryfast", "tune": "zerolatency"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = round(gop_s * fps)
        for _ in range(round(seconds * fps)):
            noise = chance.normal(0, 3, scene.shape)
            picture = np.clip(scene + noise, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return path


def _scene(width: int, height: int) -> np.ndarray:
    """Ground, sky and a few houses' worth of edges, (height, width, 3)."""
    y, x = np.mgrid[0:height, 0:width]
    scene = np.stack([90 + y / height * 80, 100 + x / width * 40, 110 - y / height * 40], axis=-1)
    for left, top, shade in ((50, 90, 60), (300, 60, 200), (560, 120, 140)):
        scene[top : top + 150, left : left + 130] = shade
    scene[(x // 24 + y // 24) % 2 == 0] += 12
    return scene
