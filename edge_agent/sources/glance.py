"""When to look at a scene in which nothing moves. Pure: packets' sizes and times in, a decision out.

Decoding costs as much for a still scene as for a busy one, so while nothing moves most packets are kept
unread. A key frame can be decoded alone and is looked at. Between key frames an encoder gives away that
something moves: it needs more bytes than just before.
"""

import math
from collections import deque
from enum import Enum

_NEWEST, _BEFORE = 3, 12
"""How many packets are compared with how many before them; key frames count in neither."""


class Look(Enum):
    """What to do with the packets kept since the last key frame."""

    NOT_NOW = 0
    KEY_ALONE = 1
    """This packet is a key frame and due: decode it alone."""
    ALL = 2
    """Decode all that were kept: they grew, or the last look is long ago, or they are too many."""


class Glance:
    """Decides for each packet of a still scene."""

    KEY_EVERY_S = 0.9
    """Streams with a key frame each second are looked at once a second."""
    BLIND_AT_MOST_S = 2.0
    """Streams with rare key frames are still looked at this often."""
    GROWN_AFTER_S = 0.4
    """At most this often on growth alone, so that noise costs no more than the decoding it asked for."""
    GROWTH = 1.3
    """Packets this much larger than those before them mean motion."""
    KEPT_AT_MOST_BYTES = 8 << 20

    def __init__(self) -> None:
        self._sizes: deque[int] = deque(maxlen=_BEFORE + _NEWEST)
        self._looked_s = -math.inf
        self._looked_at_key_s = -math.inf
        self._kept_bytes = 0

    def consider(self, pts_s: float, size_bytes: int, is_key: bool) -> Look:
        """Judge the next packet; what it returns is taken to be done."""
        self._kept_bytes = size_bytes if is_key else self._kept_bytes + size_bytes
        look = self._key(pts_s) if is_key else self._between(size_bytes, pts_s - self._looked_s)
        if look is not Look.NOT_NOW:
            self._looked_s = pts_s
        if look is Look.ALL:
            self._kept_bytes = 0
        return look

    def _key(self, pts_s: float) -> Look:
        # Measured from key frame to key frame: a look between them, which costs as much as all the packets
        # since the last key frame, must not put off the cheap one and with it its own successor for ever.
        if pts_s - self._looked_at_key_s < self.KEY_EVERY_S:
            return Look.NOT_NOW
        self._looked_at_key_s = pts_s
        return Look.KEY_ALONE

    def _between(self, size_bytes: int, since_s: float) -> Look:
        self._sizes.append(size_bytes)
        has_grown = since_s >= self.GROWN_AFTER_S and self._has_grown()
        is_overdue = since_s >= self.BLIND_AT_MOST_S or self._kept_bytes > self.KEPT_AT_MOST_BYTES
        return Look.ALL if has_grown or is_overdue else Look.NOT_NOW

    def _has_grown(self) -> bool:
        if len(self._sizes) < _BEFORE + _NEWEST:
            return False
        before, newest = list(self._sizes)[:_BEFORE], list(self._sizes)[_BEFORE:]
        return sum(newest) / _NEWEST > self.GROWTH * sum(before) / _BEFORE
