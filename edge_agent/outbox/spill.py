"""What waits in memory while the disk takes nothing: bounded, the most important kept, losses counted."""

from collections.abc import Callable, Sequence
from typing import Protocol

MAX_ROWS = 1_000


class Spilled(Protocol):
    """A row as the outbox has it."""

    @property
    def lane(self) -> int: ...

    @property
    def at_us(self) -> int: ...


class Spill:
    """Rows in the order of their arrival; beyond ``MAX_ROWS`` the least important, oldest goes."""

    def __init__(self) -> None:
        self.rows: list = []
        self.lost: dict[int, int] = {}
        self._instants: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, rows: Sequence[Spilled]) -> None:
        """Take rows in."""
        self.rows.extend(rows)

    def shed(self) -> None:
        """The disk did not take them: keep what there is room for."""
        while len(self.rows) > MAX_ROWS:
            gone = max(range(len(self.rows)), key=lambda i: (self.rows[i].lane, -i))
            row = self.rows.pop(gone)
            self.lose(row.lane, row.at_us)

    def lose(self, lane: int, at_us: int) -> None:
        """Count one that is not kept."""
        self.lost[lane] = self.lost.get(lane, 0) + 1
        first, last = self._instants.get(lane, (at_us, at_us))
        self._instants[lane] = (min(first, at_us), max(last, at_us))

    def write_ledger(self, write: Callable[[int, int, int, int], None]) -> None:
        """Hand the losses on: lane, count, first and last instant."""
        for lane, count in self.lost.items():
            write(lane, count, *self._instants[lane])

    def clear(self) -> None:
        """All of it is on the disk now."""
        self.rows = []
        self.lost = {}
        self._instants = {}
