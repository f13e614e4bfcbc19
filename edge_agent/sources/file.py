"""Clips on disk: read in order as fast as it goes, or looped as if a camera stood there."""

from collections.abc import Iterator
from pathlib import Path

import av.error

from edge_agent.domain.detection import Frame
from edge_agent.errors import SourceFailed, SourceRefused
from edge_agent.sources.cadence import Cadence
from edge_agent.sources.picture import even_size, to_i420
from edge_agent.sources.reader import decode
from edge_agent.sources.stream import Stream, open_stream

MICROS = 1_000_000


def open_clip(fd: int) -> Stream:
    """Open a clip by its descriptor: the decoder may not open files, nor know where they lie."""
    return open_stream("fd:", {"fd": str(fd), "protocol_whitelist": "fd"}, is_live=False)


def read_frames(path: Path, fps: float, start_at_us: int, camera: str | None = None) -> Iterator[Frame]:
    """Give every due frame of a clip, in order, as fast as it goes, always the same ones.

    ``start_at_us`` is the time of the clip's first picture (UTC, microseconds); ``camera`` defaults to the
    file's stem. Raises ``SourceRefused`` when the file is not a video that can be read. Damaged pictures
    are left out; a clip that is cut off ends there.
    """
    name = camera or path.stem
    first_s: float | None = None
    cadence = Cadence(fps)
    number = 0
    for picture in _pictures(path):
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


def _pictures(path: Path) -> Iterator[av.VideoFrame]:
    try:
        stream = open_stream(str(path), {"protocol_whitelist": "file"}, is_live=False)
    except SourceFailed as failure:
        raise SourceRefused(
            path, f"cannot be read as a video ({failure.detail})", "give an mp4 clip"
        ) from None
    with stream.container as container:
        demuxed = container.demux(stream.video)
        while True:
            try:
                packet = next(demuxed)
            except (StopIteration, av.error.FFmpegError):
                return
            # The last packet is empty: it asks for the pictures that the codec still holds.
            yield from decode(stream.video.codec_context, packet if packet.size else None)
