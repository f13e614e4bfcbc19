"""An opened stream of either kind: its packets in order."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import av
from av import Packet
from av.container import InputContainer
from av.video.stream import VideoStream

from edge_agent.errors import SourceFailed, SourceFault
from edge_agent.sources.failure import FFMPEG_ERRORS, failure_of

OPEN_LIMIT_S = 3.0
READ_LIMIT_S = 2.5
"""Below the agent's own limit of 3 s, so that the decoder can say itself that the camera is silent."""


class Stream(NamedTuple):
    """A container with a picture in it."""

    container: InputContainer
    video: VideoStream
    is_live: bool
    """A camera sets the pace itself; a clip is paced by its reader and starts over at its end."""


def open_stream(url: str, options: dict[str, str], is_live: bool, *, begun_s: float | None = None) -> Stream:
    """Open ``url`` or raise ``SourceFailed``, within ``OPEN_LIMIT_S`` of ``begun_s`` (monotonic)."""
    begun_s = time.monotonic() if begun_s is None else begun_s
    left_s = max(0.1, OPEN_LIMIT_S - (time.monotonic() - begun_s))
    try:
        container = av.open(url, options=options, timeout=(left_s, READ_LIMIT_S))
    except FFMPEG_ERRORS as error:
        raise failure_of(error, time.monotonic() - begun_s, OPEN_LIMIT_S) from None
    if not container.streams.video:
        raise SourceFailed(SourceFault.NO_VIDEO, "the stream has no picture")
    video = container.streams.video[0]
    if video.codec_context is None:  # PyAV's stubs say that it always is
        raise SourceFailed(SourceFault.NO_VIDEO, "the picture's codec is not known")
    video.codec_context.thread_count = 1
    return Stream(container, video, is_live)


def packets(stream: Stream) -> Iterator[Packet]:
    """All packets of the picture, for ever; ends only by ``SourceFailed``."""
    while True:
        count = 0
        for packet in _once(stream):
            count += 1
            yield packet
        if stream.is_live or not count:
            raise SourceFailed(SourceFault.ENDED, "the stream ended")
        stream.container.seek(0)


def _once(stream: Stream) -> Iterator[Packet]:
    demuxed = stream.container.demux(stream.video)
    while True:
        begun_s = time.monotonic()
        try:
            packet = next(demuxed)
        except StopIteration:
            return
        except FFMPEG_ERRORS as error:
            raise failure_of(error, time.monotonic() - begun_s, READ_LIMIT_S) from None
        if packet.size:
            yield packet
