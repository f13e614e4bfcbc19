"""How a clip leaves its decoder: through a pipe that the agent made, in records of a bounded size.

The agent's side believes nothing that the decoder says; see ``dialogue``. A pipe that ends without the last
record is a clip that was cut short.
"""

import contextlib
import fcntl
import os
import select
import struct
from collections.abc import Iterator
from typing import NamedTuple

PIPE_BYTES = 256 * 1024
MAX_CLIP_BYTES = 64 << 20
_MAX_RECORD_BYTES = 64 * 1024
_MAX_MICROS = 1 << 53
SILENCE_LIMIT_S = 10.0
"""The decoder writes at least every few seconds while it records."""
_BEGIN, _BYTES, _END = b"B", b"V", b"E"
_HEAD = struct.Struct("<cI")
_BEGINS = struct.Struct("<q")
_ENDS = struct.Struct("<qB")


class ClipTerms(NamedTuple):
    """What a clip shows, and how much memory its making may take."""

    before_s: float
    after_s: float
    most_bytes: int
    """Of encoded pictures kept per camera; 0 keeps none, and there are no clips."""


NO_CLIPS = ClipTerms(0, 0, 0)


class Begun(NamedTuple):
    """The clip's time 0."""

    at_us: int


class Ended(NamedTuple):
    """The clip's end, or as much as there is of it."""

    at_us: int
    is_whole: bool


class ClipBroken(Exception):
    """What comes out of the pipe is no clip."""


def new_pipe() -> tuple[int, int]:
    """Make a pipe: its end for reading, and the one for writing, which never waits."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(writing, False)
    with contextlib.suppress(OSError):  # the user's pipes take too much already: a small one takes more turns
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return reading, writing


def begin_record(at_us: int) -> bytes:
    return _HEAD.pack(_BEGIN, _BEGINS.size) + _BEGINS.pack(at_us)


def bytes_records(video: bytes | bytearray) -> bytes:
    """Part of the video's file, as one or more records."""
    parts = [video[at : at + _MAX_RECORD_BYTES] for at in range(0, len(video), _MAX_RECORD_BYTES)]
    return b"".join(_HEAD.pack(_BYTES, len(part)) + part for part in parts)


def end_record(at_us: int, *, is_whole: bool) -> bytes:
    return _HEAD.pack(_END, _ENDS.size) + _ENDS.pack(at_us, is_whole)


def read_records(fd: int, silence_s: float = SILENCE_LIMIT_S) -> Iterator[Begun | bytes | Ended]:
    """What comes out of the pipe, until its end; closes ``fd``. Raises ``ClipBroken``.

    A writer that is silent for ``silence_s`` is given up, as if the pipe had ended.
    """
    total = 0
    try:
        while head := _exactly(fd, _HEAD.size, silence_s):
            tag, length = _HEAD.unpack(head)
            total += length
            if length > _MAX_RECORD_BYTES or total > MAX_CLIP_BYTES:
                raise ClipBroken("the decoder writes a clip of an impossible size")
            body = _exactly(fd, length, silence_s)
            if len(body) != length:
                return
            yield _record(tag, body)
    finally:
        os.close(fd)


def _record(tag: bytes, body: bytes) -> Begun | bytes | Ended:
    try:
        if tag == _BYTES:
            return body
        if tag == _BEGIN:
            return Begun(_instant(_BEGINS.unpack(body)[0]))
        if tag == _END:
            at_us, is_whole = _ENDS.unpack(body)
            return Ended(_instant(at_us), bool(is_whole))
    except struct.error:
        pass
    raise ClipBroken("the decoder writes nonsense")


def _instant(at_us: int) -> int:
    if not 0 <= at_us < _MAX_MICROS:
        raise ClipBroken(f"the decoder gives a time of {at_us}")
    return at_us


def _exactly(fd: int, count: int, silence_s: float) -> bytes:
    """So many bytes; fewer at the pipe's end, or when the decoder falls silent."""
    pieces = bytearray()
    while len(pieces) < count and select.select([fd], [], [], silence_s)[0]:
        piece = os.read(fd, count - len(pieces))
        if not piece:
            break
        pieces += piece
    return bytes(pieces) if len(pieces) == count or count > _HEAD.size else b""
