"""Makes a redacted clip of an original, picture by picture, in a confined process of its own.

It reads ``u32 length | spans (JSON) | mp4`` from one pipe and writes the new mp4 into another. Times of spans
are microseconds from the clip's beginning.
"""

import json
import os
import struct
from fractions import Fraction
from typing import IO, NamedTuple

import av
import av.error
import numpy as np
from av import VideoFrame

from edge_agent.domain.redaction import Span, at_moment, blind, pixelate, scaled
from edge_agent.errors import SourceFailed, SourceFault
from edge_agent.sources.clip_pipe import MAX_CLIP_BYTES, bytes_records, end_record
from edge_agent.sources.picture import even_size, to_i420

REDACT = "redact"
"""The order's scheme."""
LENGTH = struct.Struct(">I")
MAX_PICTURES = 2_400
"""A minute at 40 a second."""
MAX_SIDE_PX = 1280
_NICE = 19
_OPTIONS = {"preset": "superfast", "crf": "26", "threads": "1"}
_TIME_BASE = Fraction(1, 90_000)


def redact(reading: int, writing: int) -> None:
    """Work one clip through. Raises ``SourceFailed`` when it cannot be read."""
    os.nice(_NICE)
    source, sink = os.fdopen(reading, "rb"), os.fdopen(writing, "wb", buffering=0)
    (length,) = LENGTH.unpack(source.read(LENGTH.size))
    if length > MAX_CLIP_BYTES:
        raise SourceFailed(SourceFault.NO_VIDEO, "the list of regions is too long")
    regions = Regions.read(source.read(length))
    try:
        count = _transcode(source, _Out(sink), regions)
    except av.error.FFmpegError as error:
        raise SourceFailed(SourceFault.NO_VIDEO, error.strerror or "the clip cannot be decoded") from None
    sink.write(end_record(0, is_whole=count > 0))


class Regions(NamedTuple):
    """What is to be made unreadable."""

    spans: list[Span]
    size: tuple[int, int] | None
    """Width and height of the pictures that they were measured in; None: the clip's own."""
    slack_us: int
    """How far the clip's times may be off from theirs: it is another stream of the camera."""

    @classmethod
    def read(cls, text: bytes) -> "Regions":
        """From JSON: an object, or, as clips of before have it, the plain list of spans."""
        said = json.loads(text)
        if isinstance(said, list):
            return cls([Span(*entry) for entry in said], None, 0)
        return cls([Span(*entry) for entry in said["spans"]], tuple(said["size"]), said["slack_us"])


class _Out:
    """What the muxer writes to: records of the pipe. It must not be able to seek."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink

    def write(self, piece: bytes) -> int:
        records = memoryview(bytes_records(piece))
        while records:
            records = records[self._sink.write(records) :]
        return len(piece)


class _In:
    """What the demuxer reads from; it must not be able to seek."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source

    def read(self, count: int) -> bytes:
        return self._source.read(count)


def _transcode(source: IO[bytes], out: _Out, regions: Regions) -> int:
    count = 0
    options = {"movflags": "empty_moov+default_base_moof+frag_keyframe"}
    with (
        av.open(_In(source), "r", format="mp4") as clip,
        av.open(out, "w", format="mp4", options=options) as made,
    ):
        video = clip.streams.video[0]
        video.codec_context.thread_count = 1
        stream = made.add_stream("libx264", rate=25, options=_OPTIONS)
        stream.pix_fmt, stream.time_base, stream.gop_size = "yuv420p", _TIME_BASE, 50
        for picture in clip.decode(video):
            if picture.time is None:
                continue
            shown = _redacted(picture, regions, round(picture.time * 1e6))
            if not count:
                stream.width, stream.height = shown.width, shown.height
            shown.pts, shown.time_base = round(picture.time / _TIME_BASE), _TIME_BASE
            made.mux(stream.encode(shown))
            count += 1
            if count >= MAX_PICTURES:
                break
        if count:
            made.mux(stream.encode(None))
    return count


def _redacted(picture: VideoFrame, regions: Regions, at_us: int) -> VideoFrame:
    i420 = to_i420(picture)
    width, height = even_size(picture.width, picture.height)
    luma, chroma = i420[:height], _chroma(i420, width, height)
    inside = list(at_moment(regions.spans, at_us, regions.slack_us))
    measured = regions.size or (width, height)
    if not inside or any(span.is_blind for span in inside):
        blind(luma, chroma)
    for left, top, right, bottom in {tuple(region) for span in inside for region in span.regions}:
        pixelate(luma, chroma, scaled((left, top, right, bottom), measured, (width, height)))
    i420[height:] = np.stack(chroma).reshape(height // 2, width)
    shown = VideoFrame.from_ndarray(i420, format="yuv420p")
    if max(width, height) > MAX_SIDE_PX:
        scale = MAX_SIDE_PX / max(width, height)
        shown = shown.reformat(round(width * scale) & ~1, round(height * scale) & ~1)
    return shown


def _chroma(i420: np.ndarray, width: int, height: int) -> list[np.ndarray]:
    return list(i420[height:].reshape(2, height // 2, width // 2).copy())
