"""From FFmpeg's picture to ours: planar YUV 4:2:0 without padding."""

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

_PLANAR = ("yuv420p", "yuvj420p")


def even_size(width: int, height: int) -> tuple[int, int]:
    """The size that a picture of ours has: an odd last column or row is cut off."""
    return width & ~1, height & ~1


def write_i420(picture: VideoFrame, out: NDArray[np.uint8]) -> None:
    """Copy ``picture`` into ``out``, (H * 3 // 2, W) uint8 with H and W of ``even_size``."""
    if picture.format.name not in _PLANAR:
        picture = picture.reformat(format="yuv420p")
    width, height = even_size(picture.width, picture.height)
    out[:height] = _plane(picture, 0)[:height, :width]
    chroma = out[height:].reshape(2, height // 2, width // 2)
    for number in (1, 2):
        chroma[number - 1] = _plane(picture, number)[: height // 2, : width // 2]


def to_i420(picture: VideoFrame) -> NDArray[np.uint8]:
    """A copy of ``picture``, (H * 3 // 2, W) uint8."""
    width, height = even_size(picture.width, picture.height)
    out = np.empty((height * 3 // 2, width), np.uint8)
    write_i420(picture, out)
    return out


def _plane(picture: VideoFrame, number: int) -> NDArray[np.uint8]:
    plane = picture.planes[number]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
