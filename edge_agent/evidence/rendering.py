"""A clip with what the box saw drawn onto it, for the technician who draws a scene."""

from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Frame, Track
from edge_agent.domain.scene import Scene
from edge_agent.evidence.snapshot import draw_outline

EVENT_SHOWN_S = 3.0
_PLACE_BGR, _TEXT_BGR, _LOST_BGR, _EVENT_BGR = (90, 200, 255), (255, 255, 255), (160, 160, 160), (40, 40, 230)
_TRACK_BGR = ((80, 220, 80), (230, 160, 60), (70, 170, 255), (220, 110, 220), (200, 220, 60), (130, 130, 255))
_GRID_BGR = (200, 200, 200)
_GRID_LINES = 16
"""At most so many across."""
_MILLIS = Fraction(1, 1000)


class RenderedClip:
    """An H.264 mp4, written frame by frame."""

    def __init__(self, path: Path, scene: Scene, fps: float) -> None:
        """Raises ``OSError`` when ``path`` cannot be written."""
        self._scene = scene
        self._container = av.open(str(path), "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        self._stream.width, self._stream.height = scene.width, scene.height
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = _MILLIS
        self._stream.options = {"preset": "veryfast", "crf": "23", "threads": "1"}
        self._shown: deque[tuple[float, str]] = deque(maxlen=4)

    def add(self, frame: Frame, t_s: float, tracks: Sequence[Track], events: Sequence[str]) -> None:
        """Draw one frame at ``t_s`` from the start; ``events`` are shown for a while."""
        picture = draw_scene(frame, self._scene)
        for track in tracks:
            _draw_track(picture, track, track.last_seen_us >= frame.captured_at_us)
        self._shown.extend((t_s, event) for event in events)
        lines = [f"{t_s:6.1f} s", *(text for at_s, text in self._shown if t_s - at_s <= EVENT_SHOWN_S)]
        for number, line in enumerate(lines):
            _write(picture, line, (6, 18 + 20 * number), _EVENT_BGR if number else (0, 0, 0))
        shown = av.VideoFrame.from_ndarray(picture, format="bgr24")
        shown.pts, shown.time_base = round(t_s * 1000), _MILLIS
        self._container.mux(self._stream.encode(shown))

    def close(self) -> None:
        """Write what is left."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def draw_scene(frame: Frame, scene: Scene) -> NDArray[np.uint8]:
    """The frame with the scene's zones and tripwires on it, (H, W, 3) BGR. A tripwire's dot is its start."""
    picture = as_bgr(frame)
    for zone in scene.zones.values():
        _draw_place(picture, zone.polygon_px, zone.id)
    for wire in scene.tripwires.values():
        _draw_place(picture, np.array([wire.from_px, wire.to_px]), wire.id)
        cv2.circle(picture, (round(wire.from_px[0]), round(wire.from_px[1])), 5, _PLACE_BGR, -1)
    return picture


def draw_grid(picture: NDArray[np.uint8]) -> None:
    """Lines with their pixel numbers, so that corners can be read off."""
    high, wide = picture.shape[:2]
    step = next(step for step in (50, 100, 200, 400, 800) if wide / step <= _GRID_LINES or step == 800)
    for x in range(step, wide, step):
        cv2.line(picture, (x, 0), (x, high), _GRID_BGR, 1)
        _write(picture, str(x), (x + 3, 14), (0, 0, 0))
    for y in range(step, high, step):
        cv2.line(picture, (0, y), (wide, y), _GRID_BGR, 1)
        _write(picture, str(y), (3, y - 4), (0, 0, 0))


def as_bgr(frame: Frame) -> NDArray[np.uint8]:
    """The frame's pixels, (H, W, 3)."""
    return np.asarray(cv2.cvtColor(frame.i420, cv2.COLOR_YUV2BGR_I420), np.uint8)


def _draw_place(picture: NDArray[np.uint8], outline_px: NDArray[np.float64], name: str) -> None:
    draw_outline(picture, outline_px, _PLACE_BGR)
    left, top = outline_px.mean(0)
    _write(picture, name, (round(left), round(top)), (0, 0, 0))


def _draw_track(picture: NDArray[np.uint8], track: Track, is_seen: bool) -> None:
    left, top, right, bottom = (round(float(side)) for side in track.box)
    colour = _TRACK_BGR[track.id % len(_TRACK_BGR)] if is_seen else _LOST_BGR
    cv2.rectangle(picture, (left, top), (right, bottom), colour, 2 if is_seen else 1)
    x, y = track.foot_px
    cv2.circle(picture, (round(x), round(y)), 3, colour, -1)
    label = f"{track.id} {track.object_class.slug} {track.score:.2f}" if is_seen else f"{track.id} lost"
    _write(picture, label, (left + 2, max(12, top - 4)), (0, 0, 0), colour)


def _write(
    picture: NDArray[np.uint8],
    text: str,
    at_px: tuple[int, int],
    ground: tuple[int, int, int],
    colour: tuple[int, int, int] = _TEXT_BGR,
) -> None:
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    x, y = at_px
    cv2.rectangle(picture, (x - 2, y - height - 2), (x + width + 2, y + 4), ground, -1)
    cv2.putText(picture, text, at_px, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
