"""The agent's side of making a redacted clip: a confined process for each, fed and read through pipes."""

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator
from itertools import chain

from edge_agent.sources.clip_pipe import ClipBroken, Ended, new_pipe, read_records
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.redactor import LENGTH, REDACT

_SILENCE_LIMIT_S = 60.0
"""On a busy box the process gets what the cameras leave."""


def redacted(server: DecoderServer, spans: bytes, original: Iterable[bytes]) -> Iterator[bytes]:
    """The redacted mp4 of an ``original`` mp4, piece by piece; ``spans`` as ``redactor`` reads them.

    Raises ``ClipBroken`` when the clip cannot be read to its end, and ``SourceFailed``.
    """
    theirs, feeding = os.pipe2(os.O_CLOEXEC)
    reading, writing = new_pipe()
    os.set_blocking(writing, True)
    process = server.decoder()
    try:
        process.talk.order({"scheme": REDACT, "parts": []}, [theirs, writing])
    finally:
        os.close(theirs)
        os.close(writing)
    feeder = threading.Thread(target=_feed, args=[feeding, spans, original], daemon=True)
    feeder.start()
    is_whole = False
    try:
        for record in read_records(reading, _SILENCE_LIMIT_S):
            if isinstance(record, bytes):
                yield record
            elif isinstance(record, Ended):
                is_whole = record.is_whole
    finally:
        process.end()
        feeder.join()
    if not is_whole:
        raise ClipBroken("the clip cannot be redacted: its pictures cannot be decoded")


def _feed(fd: int, spans: bytes, original: Iterable[bytes]) -> None:
    """A source that fails ends the pipe early, and with it the redacted clip."""
    with contextlib.suppress(OSError, ValueError), os.fdopen(fd, "wb", buffering=0) as sink:
        for piece in chain((LENGTH.pack(len(spans)) + spans,), original):
            view = memoryview(piece)
            while view:
                view = view[sink.write(view) :]
