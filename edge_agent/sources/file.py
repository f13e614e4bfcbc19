"""Clips on disk: opened under an allowed folder, read in order or looped as if a camera stood there."""

from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer

from edge_agent.domain.detection import Frame
from edge_agent.errors import SourceRefused
from edge_agent.sources.cadence import Cadence
from edge_agent.sources.picture import even_size, to_i420

MICROS = 1_000_000


def read_frames(path: Path, fps: float, start_at_us: int, camera: str | None = None) -> Iterator[Frame]:
    """Give every due frame of a clip, in order, as fast as it goes, always the same ones.

    ``start_at_us`` is the time of the clip's first picture (UTC, microseconds); ``camera`` defaults to the
    file's stem. Raises ``SourceRefused`` when the file is not a video that can be read; a clip damaged
    further on ends where it cannot be read any more.
    """
    name = camera or path.stem
    with _open(path) as container:
        first_s: float | None = None
        cadence = Cadence(fps)
        number = 0
        for picture in _pictures(container):
            if picture.pts is None or picture.time_base is None:
                continue
            pts_s = float(picture.pts * picture.time_base)
            first_s = pts_s if first_s is None else first_s
            if not cadence.is_due(pts_s):
                continue
            cadence.take(pts_s)
            at_us = start_at_us + round((pts_s - first_s) * MICROS)
            width, height = even_size(picture.width, picture.height)
            yield Frame(name, number, at_us, to_i420(picture), width, height, bool(picture.key_frame))
            number += 1


def _open(path: Path) -> InputContainer:
    try:
        container = av.open(str(path), options={"protocol_whitelist": "file"})
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SourceRefused(path, f"cannot be read as a video ({reason})", "give a clip such as an mp4") from None
    if not container.streams.video:
        container.close()
        raise SourceRefused(path, "has no picture", "give a clip with a video stream")
    container.streams.video[0].codec_context.thread_count = 1
    return container


def _pictures(container: InputContainer) -> Iterator[av.VideoFrame]:
    pictures = container.decode(container.streams.video[0])
    while True:
        try:
            picture = next(pictures)
        except (StopIteration, av.FFmpegError):
            return
        yield picture
