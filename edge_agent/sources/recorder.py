"""The encoded past of a stream, and clips cut from it without decoding or encoding anything."""

import contextlib
import os
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import av
import av.error
from av import Packet
from av.container import OutputContainer
from av.video.stream import VideoStream

from edge_agent.sources.clip_pipe import ClipTerms, begin_record, bytes_records, end_record

LONGEST_S = 60.0
"""A clip that is asked to go on ends here all the same."""
_FRAGMENT_US = 1_000_000
"""So much video is held back by the file format, and lost when the decoder dies."""


class Kept(NamedTuple):
    """An encoded picture and its place on the stream's continuous time line."""

    packet: Packet
    pts_s: float


class PacketRing:
    """The newest packets, from a key frame on: at least ``seconds`` of them as far as ``most_bytes`` allows.

    Whole groups (a key frame and what refers to it) are forgotten at once, for a rest of one cannot be shown.
    """

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._groups: deque[list[Kept]] = deque()
        self.size_bytes = 0

    def push(self, packet: Packet, pts_s: float) -> None:
        """Keep the next packet."""
        if packet.is_keyframe:
            self._groups.append([])
        if not self._groups:
            return
        self._groups[-1].append(Kept(packet, pts_s))
        self.size_bytes += packet.size
        while self._groups and (self._has_enough_without_oldest(pts_s) or self.size_bytes > self._most_bytes):
            self.size_bytes -= sum(kept.packet.size for kept in self._groups.popleft())

    def kept(self) -> list[Kept]:
        """All of it, in order."""
        return [kept for group in self._groups for kept in group]

    def clear(self) -> None:
        """What comes next has nothing to do with what came before."""
        self._groups.clear()
        self.size_bytes = 0

    def _has_enough_without_oldest(self, newest_s: float) -> bool:
        return len(self._groups) > 1 and self._groups[1][0].pts_s <= newest_s - self._seconds


class Recorder:
    """One clip on its way into a pipe; never waits for the reader.

    What the pipe does not take yet waits as packets, at most ``most_bytes`` of them; a reader that is slower
    than that gets its clip cut short.
    """

    def __init__(
        self, video: VideoStream, fd: int, past: list[Kept], most_bytes: int, utc_us: Callable[[float], int]
    ) -> None:
        """``past`` is not empty; ``utc_us`` gives the time of a place on the stream's time line."""
        self._fd = fd
        self._utc_us = utc_us
        self._most_bytes = most_bytes
        self._waiting = deque(past)
        self._waiting_bytes = sum(kept.packet.size for kept in past)
        self._first_s, self._last_s = past[0].pts_s, past[-1].pts_s
        self._end_s = self._first_s + LONGEST_S
        self._has_end = False
        self._is_whole = True
        first = past[0].packet
        self._base = min(stamp for stamp in (first.dts, first.pts) if stamp is not None)
        self._last_dts = -1
        shown_after = 0 if first.pts is None else first.pts - self._base
        self._unsent = bytearray(begin_record(utc_us(self._first_s - float(shown_after * _base_of(first)))))
        self._file = _File()
        options = {"movflags": "empty_moov+default_base_moof", "frag_duration": str(_FRAGMENT_US)}
        self._container: OutputContainer | None = av.open(self._file, "w", format="mp4", options=options)
        self._stream = self._container.add_stream_from_template(video, opaque=True)

    def keep_until(self, pts_s: float) -> None:
        """Record at least up to here, within ``LONGEST_S``."""
        self._end_s = min(pts_s, self._first_s + LONGEST_S)

    def push(self, packet: Packet, pts_s: float) -> bool:
        """Take the next packet; whether the clip still goes on."""
        if not self._has_end:
            self._waiting.append(Kept(packet, pts_s))
            self._waiting_bytes += packet.size
            self._last_s = max(self._last_s, pts_s)
            self._has_end = pts_s >= self._end_s
            if self._waiting_bytes > self._most_bytes:
                self._cut_short()
        return self._move()

    def stop(self) -> None:
        """The stream ends here; what the pipe does not take at once is lost."""
        self._cut_short()
        if self._move():
            os.close(self._fd)

    def _cut_short(self) -> None:
        self._waiting.clear()
        self._has_end, self._is_whole = True, False

    def _move(self) -> bool:
        """Write as much as the pipe takes; False, and it is closed, when all is written or nobody reads."""
        try:
            while self._waiting and not self._unsent:
                self._mux(self._waiting.popleft())
                self._write()
            if self._has_end and not self._waiting:
                self._finish()
            self._write()
        except BrokenPipeError:
            os.close(self._fd)
            return False
        if self._container is not None or self._unsent:
            return True
        os.close(self._fd)
        return False

    def _mux(self, kept: Kept) -> None:
        self._waiting_bytes -= kept.packet.size
        was = kept.packet
        # A copy: muxing changes a packet's times, and the decoder may still need it.
        packet = Packet(bytes(was))
        dts = was.dts if was.dts is not None else was.pts
        assert dts is not None
        packet.dts = self._last_dts = max(self._last_dts + 1, dts - self._base)
        packet.pts = max(packet.dts, (was.pts if was.pts is not None else dts) - self._base)
        packet.time_base = _base_of(was)
        packet.is_keyframe = was.is_keyframe
        packet.stream = self._stream
        try:
            assert self._container
            self._container.mux(packet)
        except av.error.FFmpegError:
            self._cut_short()
        self._unsent += bytes_records(self._file.taken())

    def _finish(self) -> None:
        if self._container is None:
            return
        with contextlib.suppress(av.error.FFmpegError):
            self._container.close()
        self._container = None
        self._unsent += bytes_records(self._file.taken())
        self._unsent += end_record(self._utc_us(self._last_s), is_whole=self._is_whole)

    def _write(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                del self._unsent[: os.write(self._fd, self._unsent)]


class Recording:
    """What a decoder keeps of its stream, and the one clip at a time that it cuts from it."""

    def __init__(self, video: VideoStream, terms: ClipTerms, utc_us: Callable[[float], int]) -> None:
        self._video = video
        self._terms = terms
        self._utc_us = utc_us
        self._ring = PacketRing(terms.before_s, terms.most_bytes)
        self._recorder: Recorder | None = None

    def push(self, packet: Packet, pts_s: float, cuts: list[int | None]) -> None:
        """Take the next packet and the clips that were asked for since the last one."""
        if not self._terms.most_bytes:
            return
        self._ring.push(packet, pts_s)
        if self._recorder is not None and not self._recorder.push(packet, pts_s):
            self._recorder = None
        while cuts:
            self._ask(cuts.pop(0), pts_s)

    def stop(self) -> None:
        """The stream ends or jumps here."""
        if self._recorder is not None:
            self._recorder.stop()
            self._recorder = None
        self._ring.clear()

    def _ask(self, fd: int | None, pts_s: float) -> None:
        past = self._ring.kept()
        if fd is not None and (self._recorder is not None or not past):
            os.close(fd)  # the agent sees a clip without a beginning
            return
        if fd is not None:
            self._recorder = Recorder(self._video, fd, past, self._terms.most_bytes, self._utc_us)
        if self._recorder is not None:
            self._recorder.keep_until(pts_s + self._terms.after_s)


class _File:
    """What the muxer writes to."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, piece: bytes) -> int:
        self._bytes += piece
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


def _base_of(packet: Packet) -> Fraction:
    base = packet.time_base
    assert base is not None
    return base
