"""One redacted picture of an event: pixelated in the pixels, outlined, and small enough for the wire."""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Detections, Frame
from edge_agent.domain.privacy import private_regions

MAX_SNAPSHOT_BYTES = 56_000
"""Below a whole evidence message's 60,000."""
MAX_SIDE_PX = 960
VIEW_SIDE_PX = 640
BLOCK_SHARE = 0.2
"""A block's side as a share of its region's shorter side: five blocks across a head show no face."""
LEAST_BLOCK_PX = 8
_FIRST_QUALITY, _LAST_QUALITY, _QUALITY_STEP = 85, 25, 12
_ZONE_BGR, _SUBJECT_BGR = (90, 200, 255), (60, 60, 255)

Picture = NDArray[np.uint8]


def make_snapshot(
    frame: Frame, things: Detections, subject_box: NDArray[np.float32], outline_px: NDArray[np.float64]
) -> bytes:
    """A JPEG of the frame, at most ``MAX_SNAPSHOT_BYTES``.

    ``things`` is all that may be a person or vehicle in it; ``subject_box`` (4,) and ``outline_px`` (M, 2),
    the corners of the zone or the ends of the line, are drawn thinly after the redaction.
    """
    picture = np.asarray(cv2.cvtColor(frame.i420, cv2.COLOR_YUV2BGR_I420), np.uint8)
    redact(picture, private_regions(things, frame.width, frame.height))
    draw_outline(picture, outline_px, _ZONE_BGR)
    left, top, right, bottom = (round(float(side)) for side in subject_box)
    cv2.rectangle(picture, (left, top), (right, bottom), _SUBJECT_BGR, 1, cv2.LINE_AA)
    return _encode(picture)


def make_view(frame: Frame, things: Detections) -> bytes:
    """A small redacted JPEG of the whole frame, for a live view; ``things`` as for ``make_snapshot``."""
    picture = np.asarray(cv2.cvtColor(frame.i420, cv2.COLOR_YUV2BGR_I420), np.uint8)
    redact(picture, private_regions(things, frame.width, frame.height))
    small = _fit(picture, VIEW_SIDE_PX)
    return _encode(small)


def redact(picture: Picture, regions: NDArray[np.int32]) -> None:
    """Replace each region, (M, 4), of ``picture``, (H, W, 3), by blocks of one colour each, in place."""
    for left, top, right, bottom in regions:
        part = picture[top:bottom, left:right]
        height, width = part.shape[:2]
        block = max(LEAST_BLOCK_PX, round(BLOCK_SHARE * min(width, height)))
        columns, rows = max(1, width // block), max(1, height // block)
        means = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
        part[:] = cv2.resize(means, (width, height), interpolation=cv2.INTER_NEAREST)


def draw_outline(picture: Picture, outline_px: NDArray[np.float64], colour: tuple[int, int, int]) -> None:
    """Draw a polygon, or a line when there are two points, one pixel wide."""
    corners = np.round(outline_px).astype(np.int32)
    cv2.polylines(picture, [corners], len(corners) > 2, colour, 1, cv2.LINE_AA)


def _encode(picture: Picture) -> bytes:
    """JPEG; when it is too large first with less quality, then with fewer pixels."""
    side = MAX_SIDE_PX
    while True:
        small = _fit(picture, side)
        for quality in range(_FIRST_QUALITY, _LAST_QUALITY - 1, -_QUALITY_STEP):
            jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(jpeg) <= MAX_SNAPSHOT_BYTES:
                return jpeg
        side = side * 3 // 4


def _fit(picture: Picture, side_px: int) -> Picture:
    height, width = picture.shape[:2]
    if max(height, width) <= side_px:
        return picture
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
