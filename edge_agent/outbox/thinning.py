"""What a box that has gone wild may send: a rule that fires in each frame must not drown the other boxes."""

from collections import OrderedDict

from shared.kinds import Lane
from shared.messages import EventReport, Phase

MOST_PER_S = 200.0
"""Far above what the rules of sixteen busy cameras tell; a hub takes thousands a second from all boxes."""
BURST = 2_000.0
"""So many may come at once, of a whole box that starts or a street where everything happens."""
_NEVER_THINNED = (Lane.SOS, Lane.CRITICAL)
_REMEMBERED = 8_192
"""Events of which nothing was sent; of an older one the end may come without its beginning."""


class Thinning:
    """A bucket of tokens: ``may_pass`` takes one for each beginning and each update.

    An end goes the way of its beginning. Never thinned are SOS and critical kinds. Not thread-safe.
    """

    def __init__(self, most_per_s: float = MOST_PER_S, burst: float = BURST) -> None:
        self._most_per_s, self._burst = most_per_s, burst
        self._tokens = burst
        self._at_us: int | None = None
        self._held_back: OrderedDict[bytes, None] = OrderedDict()

    def may_pass(self, lane: Lane, report: EventReport, at_us: int) -> bool:
        """Whether this report may be stored. ``at_us``: UTC; a clock that is set back gives no tokens."""
        if lane in _NEVER_THINNED:
            return True
        self._fill(at_us)
        if report.event_id in self._held_back:
            return False
        if report.phase is Phase.END:
            return True
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        if report.phase is Phase.BEGIN:
            self._held_back[report.event_id] = None
            if len(self._held_back) > _REMEMBERED:
                self._held_back.popitem(last=False)
        return False

    def _fill(self, at_us: int) -> None:
        since_us = 0 if self._at_us is None else max(0, at_us - self._at_us)
        self._at_us = at_us
        self._tokens = min(self._burst, self._tokens + since_us / 1e6 * self._most_per_s)
