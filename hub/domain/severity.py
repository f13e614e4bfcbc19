"""How urgent an incident is, before a person has looked at it."""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from shared.kinds import Kind


class Severity(StrEnum):
    """Most urgent first."""

    CRITICAL = "critical"
    """Life or limb; seconds count."""
    HIGH = "high"
    """Send somebody now."""
    MEDIUM = "medium"
    """Within the shift."""
    LOW = "low"
    """Plan it."""

    @property
    def rank(self) -> int:
        """0 for the most urgent, rising."""
        return _ORDER.index(self)


_ORDER = list(Severity)

_CRITICAL = frozenset({Kind.SOS, Kind.PERSON_DOWN, Kind.OPEN_BURNING})
_HIGH = frozenset({
    Kind.INTRUSION, Kind.WRONG_WAY, Kind.STOPPED_ON_CARRIAGEWAY, Kind.PEDESTRIAN_ON_CARRIAGEWAY,
    Kind.ABANDONED_OBJECT, Kind.AGITATION, Kind.ROAD_OBSTRUCTION, Kind.SIGNAL_FAULT, Kind.BOX_OPENED,
    Kind.SOS_LINE_FAULT,
})  # fmt: skip
_LOW = frozenset({
    Kind.SPEEDING_HOTSPOT, Kind.LITTERING, Kind.MISSED_COLLECTION, Kind.SNOW_NOT_CLEARED,
    Kind.CALIBRATION_STALE, Kind.CLOCK_FAULT,
    Kind.RED_LIGHT, Kind.CROSSING_NOT_YIELDED,  # for review only: nobody is sent
})  # fmt: skip

DOUBTFUL_PERMILLE = 400
"""A sole camera's score below this makes an incident one step less urgent; tuned by the city's verdicts."""


class Rating(NamedTuple):
    """A severity and what it rests on."""

    severity: Severity
    why: str


@lru_cache(maxsize=8192)
def rate(kind: Kind, camera_count: int, best_score_permille: int) -> Rating:
    """Rate an incident. A second camera's word takes all doubt away; nothing lowers a critical kind."""
    usual = usual_severity(kind)
    doubtful = camera_count < 2 and best_score_permille < DOUBTFUL_PERMILLE
    if usual in (Severity.CRITICAL, Severity.LOW) or not doubtful:
        return Rating(usual, f"{kind.slug} is {usual}")
    lowered = _ORDER[usual.rank + 1]
    doubt = f"one camera, score {best_score_permille} < {DOUBTFUL_PERMILLE}"
    return Rating(lowered, f"{kind.slug} is {usual}, one step down: {doubt}")


def usual_severity(kind: Kind) -> Severity:
    """A kind's severity when nothing speaks against it."""
    if kind in _CRITICAL:
        return Severity.CRITICAL
    if kind in _HIGH:
        return Severity.HIGH
    return Severity.LOW if kind in _LOW else Severity.MEDIUM
