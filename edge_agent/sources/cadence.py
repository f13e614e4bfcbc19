"""Which pictures of a stream are due when only so many a second are wanted."""


class Cadence:
    """Picks pictures by their presentation time, so that the same clip always gives the same ones.

    ``fps`` is the wanted rate in pictures a second. A stream that is slower gives all it has.
    """

    _EARLY_S = 0.002
    """Presentation times are rounded to the stream's time base, 1 ms in the coarsest containers."""

    def __init__(self, fps: float) -> None:
        self.period_s = 1 / fps
        self.next_due_s: float | None = None

    def is_due(self, pts_s: float) -> bool:
        """Say whether a picture of this time is wanted, without taking it."""
        return self.next_due_s is None or pts_s + self._EARLY_S >= self.next_due_s

    def take(self, pts_s: float) -> None:
        """Note that the picture of ``pts_s`` was taken; the next is due one period on, on the same grid."""
        due_s = pts_s if self.next_due_s is None else self.next_due_s
        missed = max(0, int((pts_s + self._EARLY_S - due_s) / self.period_s))
        self.next_due_s = due_s + (missed + 1) * self.period_s

    def restart(self) -> None:
        """Forget the grid; the next picture is due whatever its time."""
        self.next_due_s = None
