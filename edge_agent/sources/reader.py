"""From packets to the pictures that are wanted, decoding as little as that allows."""

import contextlib
from typing import NamedTuple

import av.error
from av import Packet, VideoFrame
from av.video.codeccontext import VideoCodecContext

from edge_agent.sources.cadence import Cadence
from edge_agent.sources.glance import Glance, Look


class Timed(NamedTuple):
    """A packet on the stream's continuous time line."""

    packet: Packet
    pts_s: float | None
    """None where the stream gives no time."""
    offset_s: float
    """What was added to the stream's own time."""
    is_seam: bool
    """Time jumps here: the clip starts over, or the camera's clock was set."""


class Seen(NamedTuple):
    """A picture to hand over."""

    picture: VideoFrame
    pts_s: float


def decode(codec: VideoCodecContext, packet: Packet | None) -> list[VideoFrame]:
    """Decode; None asks for what the codec still holds.

    A damaged packet costs its picture and nothing else: what is grey or smeared would be seen as things.
    """
    with contextlib.suppress(av.error.InvalidDataError, av.error.EOFError):
        return [picture for picture in codec.decode(packet) if not picture.is_corrupt]
    return []


class Reader:
    """Decodes one stream. ``is_close`` says whether every due picture is wanted or a look now and then."""

    def __init__(self, codec: VideoCodecContext, fps: float) -> None:
        self._codec = codec
        self._cadence = Cadence(fps)
        self._kept: list[Timed] = []
        self._glance: Glance | None = None
        self._skips = False

    @property
    def next_due_s(self) -> float | None:
        return self._cadence.next_due_s

    def every_s(self, period_s: float) -> None:
        """Pictures are due so often from the next one on."""
        self._cadence.period_s = period_s

    def push(self, timed: Timed, is_close: bool) -> Seen | None:
        """Take the next packet; give the newest picture that is due now, if any."""
        if is_close:
            self._glance = None
            return self._decode_kept(timed)
        self._glance = self._glance or Glance()
        return self._glance_at(timed, self._glance)

    def restart(self) -> None:
        """Time jumps: what came before the next packet has nothing to do with what follows."""
        self._kept.clear()
        self._codec.flush_buffers()
        self._cadence.restart()
        self._glance = None

    def _decode_kept(self, timed: Timed) -> Seen | None:
        newest: Seen | None = None
        for kept in [*self._kept, timed]:
            newest = self._decode(kept) or newest
        self._kept.clear()
        return newest

    def _glance_at(self, timed: Timed, glance: Glance) -> Seen | None:
        packet = timed.packet
        if timed.pts_s is None:
            self._kept.append(timed)
            return None
        look = glance.consider(timed.pts_s, packet.size, packet.is_keyframe)
        if packet.is_keyframe:
            return self._meet_key(timed, look)
        if look is Look.ALL:
            self._cadence.restart()
            return self._decode_kept(timed)
        self._kept.append(timed)
        return None

    def _meet_key(self, timed: Timed, look: Look) -> Seen | None:
        """A key frame: nothing before it is needed any more, and it is kept for what follows it."""
        self._codec.flush_buffers()
        self._kept = [timed]
        if look is Look.NOT_NOW:
            return None
        pictures = decode(self._codec, timed.packet)
        pictures += decode(self._codec, None)
        self._codec.flush_buffers()
        if not pictures or timed.pts_s is None:
            return None
        self._cadence.restart()
        self._cadence.take(timed.pts_s)
        return Seen(pictures[0], timed.pts_s)

    def _decode(self, timed: Timed) -> Seen | None:
        is_due = timed.pts_s is None or self._cadence.is_due(timed.pts_s)
        # Pictures that no other refers to need not be decoded unless they themselves are wanted.
        if self._skips is is_due:
            self._skips = not is_due
            self._codec.skip_frame = "NONREF" if self._skips else "DEFAULT"
        newest: Seen | None = None
        for picture in decode(self._codec, timed.packet):
            if picture.pts is None or picture.time_base is None:
                continue
            pts_s = float(picture.pts * picture.time_base) + timed.offset_s
            if self._cadence.is_due(pts_s):
                self._cadence.take(pts_s)
                newest = Seen(picture, pts_s)
        return newest
