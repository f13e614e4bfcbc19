"""A decoder process: one camera, no rights, no credentials but the camera's own. It tries once and ends;
the agent's ``CameraFeed`` tries again."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from av import Packet

from edge_agent.errors import SourceFailed, SourceFault
from edge_agent.sources.address import RtspAddress
from edge_agent.sources.clip_pipe import ClipTerms
from edge_agent.sources.confinement import confine
from edge_agent.sources.dialogue import MAX_SIDE_PX, DecoderEnd, Picture, Size, Watch
from edge_agent.sources.file import open_clip
from edge_agent.sources.lockdown import lock_down
from edge_agent.sources.picture import even_size, write_i420
from edge_agent.sources.reader import Reader, Seen, Timed
from edge_agent.sources.recorder import Recording
from edge_agent.sources.redactor import REDACT, redact
from edge_agent.sources.rtsp import open_camera
from edge_agent.sources.stream import Stream, packets
from edge_agent.sources.timeline import LiveClock, Timeline

_LATE_S = 1.5
"""Further behind than this, the decoder gives up what waits and goes on at the next key frame."""
_UNDECODABLE_S = 15.0
"""Some cameras begin in the middle and send the next key frame after ten seconds."""
_ALIVE_EVERY_S = 1.0
_REORDERED_AT_MOST_S = 1.0
_EASED_AT_MOST_S = 1.0
"""At half its rate a camera still shows a picture so often."""
_LOOSE_REST_S = 0.4
"""Loosely watched, packets that grew are looked at no more often than this anyway."""


def main(end: socket.socket, parent_pid: int) -> None:
    """Serve one camera until it fails or the agent goes away."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    confine(parent_pid)
    agent = DecoderEnd(end)
    try:
        order, fds = agent.order()
        agent.alive()
        if order["scheme"] == REDACT:
            lock_down(None)
            redact(*fds)
            return
        stream = _OPENERS[order["scheme"]](order["parts"], fds)
        terms = ClipTerms(*order["clips"])
        Player(stream, agent, order["fps"], terms, is_shown=order["is_shown"]).play()
    except SourceFailed as failure:
        agent.failed(failure)
    except MemoryError:
        agent.failed(SourceFailed(SourceFault.NO_VIDEO, "the stream needs too much memory"))
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001  # nobody else can tell of it: the process has no other output
        agent.failed(SourceFailed(SourceFault.CRASHED, _place_of(error)))


def _place_of(error: Exception) -> str:
    """Kind and line of a fault in this program, without its text, which may hold the address."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    place = f" at {Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}" if step else ""
    return f"{type(error).__name__}{place}"


def _open_clip(fd: int) -> Stream:
    lock_down(None)
    return open_clip(fd)


_OPENERS: dict[str, Callable[[list, list[int]], Stream]] = {
    "file": lambda _parts, fds: _open_clip(fds[0]),
    "rtsp": lambda parts, _fds: open_camera(RtspAddress(*parts)),
    "rtsps": lambda parts, _fds: open_camera(RtspAddress(*parts)),
}


class Player:
    """Reads, decodes what is wanted, hands over, and rests as long as nothing is due.

    Waking for every packet costs more than decoding it: after each picture the player sleeps until the next
    is due, then works off what came meanwhile in one go.
    """

    def __init__(
        self, stream: Stream, agent: DecoderEnd, fps: float, clips: ClipTerms, *, is_shown: bool
    ) -> None:
        """One that is not ``is_shown`` is recorded only: nothing of it is decoded."""
        self._is_shown = is_shown
        rate, base = stream.video.average_rate, stream.video.time_base
        assert base is not None
        self._base_s = float(base)
        self._stream = stream
        self._agent = agent
        self._period_s = 1 / fps
        self._half_s = min(2 * self._period_s, max(self._period_s, _EASED_AT_MOST_S))
        self._reader = Reader(stream.video.codec_context, fps)
        self._timeline = Timeline(float(1 / rate) if rate else 0.04)
        self._clock = LiveClock()
        self._recording = Recording(stream.video, clips, self._utc_us)
        self._number = 0
        self._is_seam = True
        self._is_late = False
        self._last_at_us = 0
        self._said_s = 0.0
        self._shown_s = time.monotonic()

    def play(self) -> None:
        """Until ``SourceFailed``."""
        try:
            self._play()
        finally:
            self._recording.stop()

    def _play(self) -> None:
        for packet in packets(self._stream):
            self._agent.hear()
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is None:
                self._step(Timed(packet, None, self._timeline.offset_s, False))
                continue
            pts_s, is_seam = self._timeline.place(stamp * self._base_s)
            self._step(Timed(packet, pts_s, self._timeline.offset_s, is_seam))

    def _step(self, timed: Timed) -> None:
        if timed.is_seam:
            self._meet_seam()
        if timed.pts_s is not None:
            self._keep_time(timed.pts_s, timed.packet)
            self._recording.push(timed.packet, timed.pts_s, self._agent.cuts)
        if not self._is_shown:
            self._shown_s = time.monotonic()  # as far as can be said without decoding
        self._say_alive()
        if not self._is_shown and timed.pts_s is not None:
            self._rest(timed.pts_s, False, False)
        if self._is_late or not self._is_shown:
            return
        is_close = self._agent.watch != Watch.LOOSELY
        self._reader.every_s(self._half_s if self._agent.watch == Watch.HALF else self._period_s)
        seen = self._reader.push(timed, is_close)
        if seen is not None:
            self._show(seen)
        if timed.pts_s is not None:
            self._rest(timed.pts_s, is_close, seen is not None)

    def _meet_seam(self) -> None:
        self._reader.restart()
        self._recording.stop()
        self._is_seam = True
        if self._stream.is_live:
            self._clock.restart()

    def _keep_time(self, pts_s: float, packet: Packet) -> None:
        """Wait until a clip's packet would have come from a camera; give up what waits when too late."""
        now_s = time.monotonic()
        if self._stream.is_live or not self._number:
            self._clock.arrive(pts_s, now_s)
        early_s = self._clock.at(pts_s) - now_s
        if not self._stream.is_live:
            early_s -= self._reordered_s(packet)
            if early_s > 0:
                time.sleep(early_s)
        if early_s < -_LATE_S and not packet.is_keyframe:
            self._is_late = True
            self._reader.restart()
        elif packet.is_keyframe:
            self._is_late = False

    def _reordered_s(self, packet: Packet) -> float:
        """How much earlier a packet comes than its picture is shown."""
        if packet.pts is None or packet.dts is None:
            return 0.0
        return min(max(0.0, (packet.pts - packet.dts) * self._base_s), _REORDERED_AT_MOST_S)

    def _rest(self, pts_s: float, is_close: bool, has_shown: bool) -> None:
        """Sleep until the next picture is due; loosely watched, one period whenever nothing waits."""
        now_s = time.monotonic()
        if is_close:
            due_s = self._reader.next_due_s
            until_s = self._clock.at(due_s) if has_shown and due_s is not None else now_s
            until_s = min(until_s, now_s + self._period_s)
        else:
            is_caught_up = self._clock.at(pts_s) > now_s - self._period_s / 2
            until_s = now_s + max(self._period_s, _LOOSE_REST_S) if is_caught_up else now_s
        if until_s > now_s:
            time.sleep(until_s - now_s)

    def _show(self, seen: Seen) -> None:
        size = Size(*even_size(seen.picture.width, seen.picture.height))
        if not all(2 <= side <= MAX_SIDE_PX for side in size):
            raise SourceFailed(SourceFault.NO_VIDEO, f"pictures of {size[0]} x {size[1]} are not taken")
        decoded_at_ns = time.monotonic_ns()
        place = self._agent.slot(size)
        if place is None:
            self._shown_s = time.monotonic()
            return
        slot, memory = place
        write_i420(seen.picture, memory)
        at_us, is_key = self._captured_at_us(seen.pts_s), bool(seen.picture.key_frame)
        self._agent.show(Picture(slot, self._number, at_us, decoded_at_ns, 0, is_key, self._is_seam))
        self._number += 1
        self._is_seam = False
        self._said_s = self._shown_s = time.monotonic()

    def _captured_at_us(self, pts_s: float) -> int:
        """UTC; later than the last, whatever the camera's clock does."""
        self._last_at_us = max(self._utc_us(pts_s), self._last_at_us + 1)
        return self._last_at_us

    def _utc_us(self, pts_s: float) -> int:
        ago_s = max(0.0, time.monotonic() - self._clock.at(pts_s))
        return time.time_ns() // 1000 - round(ago_s * 1e6)

    def _say_alive(self) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s >= _ALIVE_EVERY_S:
            self._agent.alive()
            self._said_s = now_s
        if now_s - self._shown_s > _UNDECODABLE_S:
            raise SourceFailed(SourceFault.NO_VIDEO, "no picture of the stream can be decoded")
