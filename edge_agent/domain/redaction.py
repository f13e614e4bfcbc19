"""What must be unreadable in a clip, moment by moment, and making it so in a picture's planes.

A camera's pictures are looked at a few times a second, a clip has many more. Between two looks a thing is
somewhere between its two places: the region that covers both is taken. Where that cannot be said, because
something new appeared after a longer pause, the whole picture is.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Detections, Track
from edge_agent.domain.privacy import everything, private_regions

LONG_PAUSE_US = 600_000
"""After a pause between looks as long as this, something new may have been in sight for most of it."""
BLIND_US = 3_000_000
"""A pause as long as this says nothing about what was between."""
_BLOCK_SHARE = 0.2
_LEAST_BLOCK_PX = 8
_BLIND_BLOCK_SHARE = 1 / 16

Planes = NDArray[np.uint8]
Region = tuple[int, int, int, int]


class Look(NamedTuple):
    """What was known at one frame."""

    at_us: int
    tracks: Sequence[Track]
    seen: Detections
    """All that the model last saw, faint things included."""


class Span(NamedTuple):
    """From one instant to another, inclusive, UTC microseconds."""

    begins_at_us: int
    ends_at_us: int
    is_blind: bool
    """The whole picture is to be made unreadable."""
    regions: list[Region]


def spans(looks: Sequence[Look], begins_at_us: int, ends_at_us: int, size: tuple[int, int]) -> list[Span]:
    """Cover the time of a clip of pictures of ``size`` (width, height) without a gap."""
    inside = _around(looks, begins_at_us, ends_at_us)
    if not inside:
        return [Span(begins_at_us, ends_at_us, True, [])]
    first, last = inside[0], inside[-1]
    found = [Span(first.at_us, first.at_us, False, _regions(first, first, size))]
    if begins_at_us < first.at_us:
        found.insert(0, _open_end(begins_at_us, first.at_us, first, size))
    for before, after in pairwise(inside):
        is_blind = _is_blind(before, after)
        found.append(Span(before.at_us, after.at_us, is_blind, _regions(before, after, size)))
    if ends_at_us > last.at_us:
        found.append(_open_end(last.at_us, ends_at_us, last, size))
    return found


def _open_end(begins_at_us: int, ends_at_us: int, look: Look, size: tuple[int, int]) -> Span:
    """With a look on one side only nobody can say where things went: clear is what was empty a moment ago."""
    regions = _regions(look, look, size)
    return Span(begins_at_us, ends_at_us, bool(regions) or ends_at_us - begins_at_us > LONG_PAUSE_US, regions)


def _around(looks: Sequence[Look], begins_at_us: int, ends_at_us: int) -> list[Look]:
    """The looks within, with the last one before and the first one after."""
    inside: list[Look] = []
    for look in looks:
        if look.at_us <= begins_at_us:
            inside = [look]
            continue
        inside.append(look)
        if look.at_us >= ends_at_us:
            break
    return inside


def _is_blind(before: Look, after: Look) -> bool:
    pause_us = after.at_us - before.at_us
    if pause_us <= LONG_PAUSE_US:
        return False
    known = {track.id for track in before.tracks}
    has_new = any(track.id not in known for track in after.tracks)
    return pause_us > BLIND_US or has_new or len(after.seen.scores) > len(before.seen.scores)


def _regions(before: Look, after: Look, size: tuple[int, int]) -> list[Region]:
    width, height = size
    now = {track.id: track for track in after.tracks}
    found = [private_regions(look.seen, width, height) for look in (before, after)]
    found += [_way(track, now.pop(track.id, track), size) for track in before.tracks]
    found += [_way(track, track, size) for track in now.values()]
    found.append(_ways(_loose(before, after, size), _loose(after, before, size)))
    rows = np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 4), np.int32)
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in rows]


def _way(before: Track, after: Track, size: tuple[int, int]) -> NDArray[np.int32]:
    """Where a thing's private parts were on its way from one place to the other."""
    ends = [
        private_regions(
            Detections(
                np.asarray(track.box, np.float32)[None],
                np.ones(1, np.float32),
                np.array([track.object_class], np.int16),
            ),
            *size,
        )
        for track in (before, after)
    ]
    if len(ends[0]) != len(ends[1]):
        return np.concatenate(ends)
    low = np.minimum(ends[0][:, :2], ends[1][:, :2])
    return np.concatenate([low, np.maximum(ends[0][:, 2:], ends[1][:, 2:])], axis=1)


def _loose(look: Look, other: Look, size: tuple[int, int]) -> NDArray[np.int32]:
    """Regions of what no track leads from this look to the other one, (M, 4)."""
    led = {track.id for track in look.tracks} & {track.id for track in other.tracks}
    tracks = [np.asarray(track.box) for track in look.tracks if track.id in led]
    middles = (look.seen.boxes[:, :2] + look.seen.boxes[:, 2:]) / 2
    is_led = np.zeros(len(middles), bool)
    for box in tracks:
        is_led |= ((middles > box[:2]) & (middles < box[2:])).all(axis=1)
    loose = [track for track in look.tracks if track.id not in led]
    seen = Detections(look.seen.boxes[~is_led], look.seen.scores[~is_led], look.seen.classes[~is_led])
    return private_regions(everything(loose, seen), *size)


def _ways(before: NDArray[np.int32], after: NDArray[np.int32]) -> NDArray[np.int32]:
    """What covers both of each two regions that may be one thing: no further apart than they are large."""
    a, b = np.repeat(before, len(after), axis=0), np.tile(after, (len(before), 1))
    gap = np.maximum(a[:, :2], b[:, :2]) - np.minimum(a[:, 2:], b[:, 2:])
    reach = np.maximum(a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2])
    is_near = (gap <= reach).all(axis=1)
    low, high = np.minimum(a[:, :2], b[:, :2]), np.maximum(a[:, 2:], b[:, 2:])
    return np.concatenate([low, high], axis=1)[is_near]


def at_moment(found: Sequence[Span], at_us: int, slack_us: int = 0) -> Iterator[Span]:
    """The spans that a moment, known to ``slack_us``, may lie in; none where the clip has no time."""
    return (span for span in found if span.begins_at_us - slack_us <= at_us <= span.ends_at_us + slack_us)


def scaled(region: Region, was: tuple[int, int], now: tuple[int, int]) -> Region:
    """A region of a picture of one size in a picture of another, both (width, height); never smaller."""
    left, top, right, bottom = region
    return (
        left * now[0] // was[0], top * now[1] // was[1],
        -(-right * now[0] // was[0]), -(-bottom * now[1] // was[1]),
    )  # fmt: skip


def pixelate(luma: Planes, chroma: Sequence[Planes], region: Region) -> None:
    """Replace a region of ``luma``, (H, W), by blocks of one colour, in place.

    ``region`` is in pixels of ``luma``; ``chroma`` are planes of half the size. Nothing of a block is left
    but its mean.
    """
    left, top, right, bottom = region
    left, top = left & ~1, top & ~1
    right, bottom = min(luma.shape[1], right + 1 & ~1), min(luma.shape[0], bottom + 1 & ~1)
    if right <= left or bottom <= top:
        return
    block = max(_LEAST_BLOCK_PX, round(_BLOCK_SHARE * min(right - left, bottom - top)))
    _flatten(luma[top:bottom, left:right], block)
    for plane in chroma:
        _flatten(plane[top // 2 : bottom // 2, left // 2 : right // 2], max(1, block // 2))


def blind(luma: Planes, chroma: Sequence[Planes]) -> None:
    """Make a whole picture unreadable: sixteen blocks over its longer side."""
    block = max(_LEAST_BLOCK_PX, round(_BLIND_BLOCK_SHARE * max(luma.shape)))
    _flatten(luma, block)
    for plane in chroma:
        _flatten(plane, max(1, block // 2))


def _flatten(part: NDArray[Any], block: int) -> None:
    height, width = part.shape
    rows = np.arange(max(1, height // block)) * block
    columns = np.arange(max(1, width // block)) * block
    tall, wide = np.diff(rows, append=height), np.diff(columns, append=width)
    sums = np.add.reduceat(np.add.reduceat(part.astype(np.uint32), rows, axis=0), columns, axis=1)
    means = (sums // np.outer(tall, wide)).astype(np.uint8)
    part[:] = np.repeat(np.repeat(means, tall, axis=0), wide, axis=1)
