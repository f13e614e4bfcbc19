"""What agent and decoder say to each other over one socket pair, and the pictures in shared memory.

The agent's side believes nothing: a decoder reads what strangers send and may be taken over. Messages have a
fixed size, numbers are range-checked, and the memory is made, sized and sealed by the agent.

    agent → decoder   ORDER (once, with the clip's descriptor), RING (with its descriptor), FREE, WATCH,
                      CUT (with the pipe that the clip goes into), ON (the clip that is being cut goes on)
    decoder → agent   SIZE, PICTURE, ALIVE, FAILED
"""

import fcntl
import json
import mmap
import os
import socket
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import SourceFailed, SourceFault

SLOTS = 3
"""One is being written, one is on its way, one is being copied out."""
MAX_SIDE_PX = 4096
_MAX_MESSAGE_BYTES = 4096
_SIZE = struct.Struct("<HH")
_PICTURE = struct.Struct("<BQqqIB")
_KEY, _SEAM = 1, 2
_FD = struct.Struct("=i")
_ONE_FD = socket.CMSG_LEN(_FD.size)
_MAX_MICROS = 1 << 53


class Watch:
    """How closely the decoder looks; one byte on the wire."""

    CLOSELY = b"c"
    """Every due picture."""
    HALF = b"h"
    """Every second one: the box is too busy or too hot."""
    LOOSELY = b"l"
    """Nothing moves: a look now and then is enough."""


class Size(NamedTuple):
    """The stream's picture size, both even."""

    width: int
    height: int


class Picture(NamedTuple):
    """A picture lies in ``slot``."""

    slot: int
    number: int
    captured_at_us: int
    decoded_at_ns: int
    """On the monotonic clock, which all processes of a machine share."""
    skipped: int
    """How many due pictures were left out since the start, for want of a free slot; ``show`` fills it in."""
    is_key: bool
    is_seam: bool
    """Time or scene jumps here: the first picture after a start, a loop or a jump of the camera's clock."""


class Alive(NamedTuple):
    """Nothing new to show; the decoder is well."""


Said = Size | Picture | Alive


class Ring:
    """Memory for ``SLOTS`` pictures of one size."""

    def __init__(self, fd: int, size: Size) -> None:
        self.size = size
        shape = (SLOTS, size.height * 3 // 2, size.width)
        self._memory = mmap.mmap(fd, ring_bytes(size))
        self.slots: NDArray[np.uint8] = np.frombuffer(self._memory, np.uint8).reshape(shape)


def ring_bytes(size: Size) -> int:
    return SLOTS * size.width * (size.height * 3 // 2)


def new_ring_fd(size: Size) -> int:
    """Make the memory; sealed, so that the other side cannot cut it off under our reads."""
    fd = os.memfd_create("saqshy-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, ring_bytes(size))
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return fd


class AgentEnd:
    """The agent's end of the socket pair."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def order(self, order: dict[str, Any], fds: list[int]) -> None:
        socket.send_fds(self._end, [json.dumps(order).encode()], fds)

    def give_ring(self, fd: int) -> None:
        socket.send_fds(self._end, [b"R"], [fd])

    def free(self, slot: int) -> None:
        self._send(b"F" + bytes([slot]))

    def watch(self, how: bytes) -> None:
        self._send(b"W" + how)

    def cut(self, fd: int) -> None:
        """Have a clip written into the pipe ``fd``, from some seconds ago to some seconds ahead."""
        try:
            socket.send_fds(self._end, [b"C"], [fd])
        except OSError as error:
            raise SourceFailed(SourceFault.CRASHED, "the decoder is gone") from error

    def cut_on(self) -> None:
        """Have the clip that is being cut end no earlier than one that would be begun now."""
        self._send(b"K")

    def _send(self, message: bytes) -> None:
        try:
            self._end.send(message)
        except OSError as error:
            raise SourceFailed(SourceFault.CRASHED, "the decoder is gone") from error

    def listen(self, timeout_s: float) -> Said:
        """The next message. Raises ``SourceFailed``: what the decoder reports, or that it hangs or died."""
        self._end.settimeout(timeout_s)
        try:
            message = self._end.recv(_MAX_MESSAGE_BYTES)
        except TimeoutError:
            raise SourceFailed(SourceFault.HUNG, f"the decoder said nothing for {timeout_s:g} s") from None
        except OSError as error:
            raise SourceFailed(SourceFault.CRASHED, "the decoder is gone") from error
        if not message:
            raise SourceFailed(SourceFault.CRASHED, "the decoder died")
        try:
            return _parse(message)
        except (ValueError, struct.error) as error:
            raise SourceFailed(SourceFault.CRASHED, f"the decoder talks nonsense: {error}") from error

    def close(self) -> None:
        self._end.close()


def _parse(message: bytes) -> Said:
    tag, body = message[:1], message[1:]
    if tag == b"A":
        return Alive()
    if tag == b"P":
        return _parse_picture(body)
    if tag == b"S":
        width, height = _SIZE.unpack(body)
        if not (2 <= width <= MAX_SIDE_PX and 2 <= height <= MAX_SIDE_PX) or width % 2 or height % 2:
            raise ValueError(f"a picture of {width} x {height}")
        return Size(width, height)
    if tag == b"X":
        fault, _, detail = body.decode("ascii", "replace").partition(" ")
        raise SourceFailed(SourceFault(fault), "".join(c for c in detail[:200] if c.isprintable()))
    raise ValueError(f"tag {tag!r}")


def _parse_picture(body: bytes) -> Picture:
    slot, number, captured_at_us, decoded_at_ns, skipped, flags = _PICTURE.unpack(body)
    if slot >= SLOTS or not 0 <= captured_at_us < _MAX_MICROS:
        raise ValueError(f"slot {slot}, time {captured_at_us}")
    return Picture(
        slot, number, captured_at_us, decoded_at_ns, skipped, bool(flags & _KEY), bool(flags & _SEAM)
    )


class DecoderEnd:
    """The decoder's end. A broken pipe means that the agent is gone: the process ends."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.watch = Watch.CLOSELY
        self.cuts: list[int | None] = []
        """Clips that were asked for: a pipe for each, None where the one being cut shall go on."""
        self._ring: Ring | None = None
        self._free: list[int] = []
        self._skipped = 0

    def order(self) -> tuple[dict[str, Any], list[int]]:
        message, fds, _, _ = socket.recv_fds(self._end, _MAX_MESSAGE_BYTES, 2)
        return json.loads(message), list(fds)

    def hear(self) -> None:
        """Take in what the agent said meanwhile; never waits."""
        while True:
            try:
                # Python's own ``recv_fds`` loses its flags.
                message, extra, _, _ = self._end.recvmsg(2, _ONE_FD, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if not message:
                raise BrokenPipeError
            self._heed(message, [fd for _, _, raw in extra for (fd,) in _FD.iter_unpack(raw)])

    def _heed(self, message: bytes, fds: list[int]) -> None:
        if message[:1] == b"F":
            self._free.append(message[1])
        elif message[:1] == b"W":
            self.watch = message[1:]
        elif message[:1] == b"C":
            self.cuts += fds
        elif message[:1] == b"K":
            self.cuts.append(None)

    def slot(self, size: Size) -> tuple[int, NDArray[np.uint8]] | None:
        """A free slot for a picture of ``size``, or None when the agent has not given one back."""
        if self._ring is None or self._ring.size != size:
            self._ring = self._ask_for_ring(size)
            self._free = list(range(SLOTS))
        self.hear()
        if not self._free:
            self._skipped += 1
            return None
        slot = self._free.pop()
        return slot, self._ring.slots[slot]

    def _ask_for_ring(self, size: Size) -> Ring:
        self._end.send(b"S" + _SIZE.pack(*size))
        while True:
            message, fds, _, _ = socket.recv_fds(self._end, 2, 1)
            if not message:
                raise BrokenPipeError
            if message == b"R":
                break
            self._heed(message, fds)
        try:
            return Ring(fds[0], size)
        finally:
            os.close(fds[0])

    def show(self, picture: Picture) -> None:
        flags = _KEY * picture.is_key + _SEAM * picture.is_seam
        self._end.send(b"P" + _PICTURE.pack(*picture[:4], self._skipped, flags))

    def alive(self) -> None:
        self._end.send(b"A")

    def failed(self, failure: SourceFailed) -> None:
        self._end.send(b"X" + f"{failure.fault} {failure.detail}".encode("ascii", "replace")[:300])
