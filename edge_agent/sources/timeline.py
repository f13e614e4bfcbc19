"""A stream's own time, made continuous, and tied to the machine's clocks. Pure."""

_JUMP_BACK_S = 1.0
"""Pictures come in another order than they are shown, within less than this."""
_JUMP_AHEAD_S = 10.0


class Timeline:
    """Adds to the stream's own time what is needed so that it goes on where it jumps."""

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._last_s: float | None = None
        self.offset_s = 0.0

    def place(self, stream_s: float) -> tuple[float, bool]:
        """The continuous time of a packet, and whether the stream's own time jumped here.

        The first packet is at 0 and is no jump.
        """
        last_s = self._last_s
        if last_s is None:
            self.offset_s = -stream_s
            self._last_s = 0.0
            return 0.0, False
        at_s = stream_s + self.offset_s
        is_jump = not -_JUMP_BACK_S <= at_s - last_s <= _JUMP_AHEAD_S
        if is_jump:
            at_s = last_s + self._frame_s
            self.offset_s = at_s - stream_s
        self._last_s = at_s if is_jump else max(last_s, at_s)
        return at_s, is_jump


class LiveClock:
    """When a live stream's pictures were taken, on the monotonic clock, in seconds.

    Packets are never early but often late: the earliest ever fixes the clock. It is let go by ``_CREEP``
    so that a camera whose clock runs slow (100 ppm are usual) stays followed.
    """

    _CREEP = 0.0005

    def __init__(self) -> None:
        self._anchor_s: float | None = None
        self._last_s = 0.0

    def arrive(self, pts_s: float, now_s: float) -> None:
        """A packet of ``pts_s`` has come."""
        earliest_s = now_s - pts_s
        if self._anchor_s is not None:
            crept_s = self._anchor_s + max(0.0, pts_s - self._last_s) * self._CREEP
            earliest_s = min(earliest_s, crept_s)
        self._anchor_s, self._last_s = earliest_s, pts_s

    def at(self, pts_s: float) -> float:
        """When the picture of ``pts_s`` was taken; only after the first ``arrive``."""
        assert self._anchor_s is not None
        return self._anchor_s + pts_s

    def restart(self) -> None:
        """The stream's time jumped: the next packet fixes the clock anew."""
        self._anchor_s = None
