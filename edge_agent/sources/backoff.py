"""Pauses between attempts. Pure but for the chance that it is given."""

from collections.abc import Callable

from edge_agent.errors import SourceFault

FIRST_S = 0.5
NETWORK_AT_MOST_S = 4.0
"""A camera that restarts is back on screen within 5 s; one connect in four seconds costs nothing."""
AT_MOST_S = 30.0
"""For faults that somebody has to repair."""
_SLOW = {SourceFault.REFUSED, SourceFault.REDIRECTED, SourceFault.NO_VIDEO}


class Backoff:
    """Doubles from ``FIRST_S``, with jitter, so that the cameras of one switch do not come back in step."""

    def __init__(self, chance: Callable[[], float]) -> None:
        """``chance`` gives numbers from 0 to 1."""
        self._chance = chance
        self._next_s = FIRST_S

    def pause_s(self, fault: SourceFault) -> float:
        """How long to wait now: between half and the whole of the grown pause."""
        at_most_s = AT_MOST_S if fault in _SLOW else NETWORK_AT_MOST_S
        grown_s = min(self._next_s, at_most_s)
        self._next_s = min(self._next_s * 2, AT_MOST_S)
        return grown_s * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        """The camera works again."""
        self._next_s = FIRST_S
