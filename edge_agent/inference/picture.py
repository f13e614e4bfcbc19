"""From a frame to a model's picture: only the part that is asked for is scaled and turned into colours."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.inference.model import InputSpec

Bytes = NDArray[np.uint8]
Region = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the frame."""

_GREY = 114
"""What fills a letterbox, the value that YOLOX was trained with; as luma it is the same grey."""
_NO_COLOUR = 128


class Placement(NamedTuple):
    """Where the model's picture lies in the frame: pixel = fraction * (width, height) + (left, top)."""

    left: int
    top: int
    width: float
    """Pixels of the frame under the model's whole picture, the letterbox's grey included."""
    height: float
    region: tuple[int, int, int, int]
    """The part of the frame that was looked at: left, top, right, bottom in whole pixels."""


class PictureMaker:
    """Makes the model-sized pictures of one detector in buffers used again for each frame. Not thread-safe.

    What it returns is overwritten by the next call.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec
        self._colours = np.full((spec.height, spec.width, 3), _GREY, np.uint8)
        self._canvas = np.full_like(self._colours, _GREY)
        self._i420 = np.empty((spec.height * 3 // 2, spec.width), np.uint8)
        self._i420_filled = self._canvas_filled = (0, 0)
        is_rgb = spec.colour == "rgb"
        self._from_i420 = cv2.COLOR_YUV2RGB_I420 if is_rgb else cv2.COLOR_YUV2BGR_I420
        self._from_bgr = cv2.COLOR_BGR2RGB if is_rgb else None

    def from_bgr(self, image: Bytes) -> tuple[Bytes, Placement]:
        """Scale a picture (H, W, 3), BGR. Returns (h, w, 3) in the model's colours, and where it lies."""
        high, wide = image.shape[:2]
        w, h = self._fit(wide, high)
        if (w, h) != self._canvas_filled:
            self._canvas[:] = _GREY
            self._canvas_filled = (w, h)
        _scale(image, self._canvas[:h, :w])
        placement = self._place((0, 0, wide, high), w, h)
        if self._from_bgr is None:
            return self._canvas, placement
        cv2.cvtColor(self._canvas, self._from_bgr, dst=self._colours)
        return self._colours, placement

    def from_i420(self, frame: Bytes, region: Region | None) -> tuple[Bytes, Placement]:
        """Scale a region of an I420 frame (H * 3 // 2, W): the planes first, colours only of the small one.

        The region is widened to even pixels and cut at the frame's edge; none, or an empty one, is all of it.
        Returns (h, w, 3) in the model's colours, and where it lies.
        """
        wide, high = frame.shape[1], frame.shape[0] * 2 // 3
        cut = _even_region(region, wide, high)
        left, top, right, bottom = cut
        w, h = self._fit(right - left, bottom - top)
        if (w, h) != self._i420_filled:
            self._i420[: self._spec.height] = _GREY
            self._i420[self._spec.height :] = _NO_COLOUR
            self._i420_filled = (w, h)
        planes = zip(_planes(frame), _planes(self._i420), (1, 2, 2), strict=True)
        for plane, small, step in planes:
            part = plane[top // step : bottom // step, left // step : right // step]
            _scale(part, small[: h // step, : w // step])
        cv2.cvtColor(self._i420, self._from_i420, dst=self._colours)
        return self._colours, self._place(cut, w, h)

    def _fit(self, wide: int, high: int) -> tuple[int, int]:
        """Width and height, both even, of the part of the model's picture that shows something."""
        width, height = self._spec.width, self._spec.height
        if self._spec.fit == "stretch":
            return width, height
        scale = min(width / wide, height / high)
        return max(2, round(wide * scale / 2) * 2), max(2, round(high * scale / 2) * 2)

    def _place(self, cut: tuple[int, int, int, int], w: int, h: int) -> Placement:
        left, top, right, bottom = cut
        return Placement(
            left, top, (right - left) * self._spec.width / w, (bottom - top) * self._spec.height / h, cut
        )


def _even_region(region: Region | None, wide: int, high: int) -> tuple[int, int, int, int]:
    if region is None:
        return 0, 0, wide, high
    left, top = (max(0, math.floor(edge / 2) * 2) for edge in region[:2])
    right, bottom = (
        min(limit, math.ceil(edge / 2) * 2) for edge, limit in zip(region[2:], (wide, high), strict=True)
    )
    return (left, top, right, bottom) if right - left >= 2 and bottom - top >= 2 else (0, 0, wide, high)


def _planes(frame: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """The luma plane (H, W) and the two chroma planes (H / 2, W / 2) of an I420 frame, without a copy."""
    wide, high = frame.shape[1], frame.shape[0] * 2 // 3
    chroma = frame.reshape(-1)[high * wide :].reshape(2, high // 2, wide // 2)
    return frame[:high], chroma[0], chroma[1]


def _scale(picture: Bytes, out: Bytes) -> None:
    """Scale into ``out``: halves by area while that fits, then linear.

    Plain linear scaling would skip pixels from a factor of 2 on; by area at any factor costs 5 times as much.
    """
    high, wide = out.shape[:2]
    while picture.shape[0] >= 2 * high and picture.shape[1] >= 2 * wide:
        half = (picture.shape[1] // 2, picture.shape[0] // 2)
        if half == (wide, high):
            cv2.resize(picture[: 2 * high, : 2 * wide], half, dst=out, interpolation=cv2.INTER_AREA)
            return
        halved = np.empty((half[1], half[0], *picture.shape[2:]), np.uint8)
        cv2.resize(picture[: half[1] * 2, : half[0] * 2], half, dst=halved, interpolation=cv2.INTER_AREA)
        picture = halved
    cv2.resize(picture, (wide, high), dst=out, interpolation=cv2.INTER_LINEAR)
