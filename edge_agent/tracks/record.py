"""How a frame's tracks lie on the disk: blocks of a few seconds, each whole or not there at all.

A file begins with a header block: version, camera and the scene's text. Each further block holds frames. A
block is its length and CRC-32 (both 4 bytes, big-endian), then zlib over MessagePack. Boxes are kept to an
eighth of a pixel, scores to thousandths, times exactly.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import numpy as np

from edge_agent.domain.detection import Track
from shared.kinds import ObjectClass

VERSION = 1
MAX_BLOCK_BYTES = 16 << 20
_HEAD = struct.Struct(">II")
_STEPS_PER_PX = 8
_SEAM, _GLOBAL, _SWITCH = 1, 2, 4


class Moment(NamedTuple):
    """What the rules were shown of one frame, without its pixels."""

    at_us: int
    tracks: Sequence[Track]
    is_seam: bool
    """The camera was away before this frame, or its clip starts over."""
    is_global: bool
    """The picture changed as a whole; see ``Motion``."""
    is_switch: bool


class Header(NamedTuple):
    """What a file begins with."""

    camera: str
    scene_text: str


class Recording(NamedTuple):
    """One file, read to its last whole block."""

    header: Header
    moments: Sequence[Moment]
    lost_bytes: int
    """At the end, cut off or damaged."""


class RecordDamaged(ValueError):
    """A file of tracks that cannot be read at all."""


def header_block(header: Header) -> bytes:
    return _block([VERSION, header.camera, header.scene_text])


def frames_block(moments: Sequence[Moment]) -> bytes:
    """At least one moment, in order of time."""
    before_us, rows = 0, []
    for moment in moments:
        flags = _SEAM * moment.is_seam | _GLOBAL * moment.is_global | _SWITCH * moment.is_switch
        rows.append([moment.at_us - before_us, flags, [_row(t, moment.at_us) for t in moment.tracks]])
        before_us = moment.at_us
    return _block(rows)


def read_recording(path: Path) -> Recording:
    """Raises ``RecordDamaged`` when not even the header is whole, ``OSError`` when there is no file."""
    content = path.read_bytes()
    blocks, end = _whole_blocks(content)
    try:
        version, camera, scene_text = blocks[0]
        if version != VERSION:
            raise RecordDamaged(f"version {version!r} is not known here")
        moments = [moment for rows in blocks[1:] for moment in _moments(rows)]
    except (TypeError, ValueError, IndexError) as error:
        raise RecordDamaged(str(error) or "its header is not whole") from None
    return Recording(Header(camera, scene_text), moments, len(content) - end)


def _block(value: list[Any]) -> bytes:
    body = zlib.compress(msgpack.packb(value) or b"", 6)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _whole_blocks(content: bytes) -> tuple[list[Any], int]:
    """What the blocks hold up to the first that is not whole, and where that one begins."""
    values: list[Any] = []
    end = 0
    while end + _HEAD.size <= len(content):
        length, crc = _HEAD.unpack_from(content, end)
        body = content[end + _HEAD.size : end + _HEAD.size + length]
        if length > MAX_BLOCK_BYTES or len(body) < length or zlib.crc32(body) != crc:
            break
        values.append(msgpack.unpackb(zlib.decompressobj().decompress(body, MAX_BLOCK_BYTES)))
        end += _HEAD.size + length
    return values, end


def _row(track: Track, at_us: int) -> list[Any]:
    left, top, right, bottom = (round(float(side) * _STEPS_PER_PX) for side in track.box)
    return [
        track.id,
        int(track.object_class),
        left,
        top,
        right - left,
        bottom - top,
        round(1000 * track.score),
        at_us - track.first_seen_us,
        at_us - track.last_seen_us,
        track.hits,
        *(round(v) for v in track.velocity_px_s),
        at_us - track.still_since_us,
    ]


def _moments(rows: list[Any]) -> Iterator[Moment]:
    at_us = 0
    for elapsed_us, flags, tracks in rows:
        at_us += elapsed_us
        yield Moment(
            at_us,
            [_track(row, at_us) for row in tracks],
            bool(flags & _SEAM),
            bool(flags & _GLOBAL),
            bool(flags & _SWITCH),
        )


def _track(row: list[Any], at_us: int) -> Track:
    number, kind, left, top, width, height, score, first_us, last_us, hits, vx, vy, still_us = row
    box = np.array([left, top, left + width, top + height], np.float32) / _STEPS_PER_PX
    return Track(
        id=number,
        object_class=ObjectClass(kind),
        box=box,
        score=score / 1000,
        first_seen_us=at_us - first_us,
        last_seen_us=at_us - last_us,
        hits=hits,
        velocity_px_s=(float(vx), float(vy)),
        still_since_us=at_us - still_us,
    )
