"""What is wrong with a box and its cameras, as states that begin, and end by themselves."""

from collections.abc import Callable
from typing import NamedTuple

from shared.identity import time_ordered_id
from shared.kinds import Kind, ObjectClass
from shared.messages import VERSION, Clock, EventReport, Phase

_RANDOM_BYTES = 10
JUMP, ANCIENT, UNSET = 1.0, 2.0, 3.0
"""The number ``cause`` of a ``clock_fault``: set at once, older than this program, never set."""

HOLDS: dict[Kind, Callable[[dict[str, float]], bool]] = {
    Kind.CAMERA_LOST: lambda r: r["away_s"] >= r["limit_s"],
    Kind.BOX_OVERHEATED: lambda r: r["value"] >= r["bound"],
    Kind.DISK_FULL: lambda r: r["value"] <= r["bound"],
    Kind.MODEL_REFUSED: lambda r: r["value"] < r["bound"],
    Kind.CLOCK_FAULT: lambda r: r["value"] >= r["bound"] and r["cause"] in (JUMP, ANCIENT, UNSET),
}
"""Whether the numbers of a report carry its verdict."""


class Finding(NamedTuple):
    """One look at one thing that may be wrong."""

    kind: Kind
    camera: str | None
    """None when it is about the box itself."""
    is_bad: bool | None
    """None between the two thresholds: as it was."""
    reason: dict[str, float]
    """The number and its limit."""
    hold_s: float = 0.0
    """It must be bad for so long."""


class _Ailment:
    """One thing that may be wrong."""

    def __init__(self) -> None:
        self.bad_since_us: int | None = None
        self.event_id: bytes | None = None
        """While it is told of."""
        self.reason: dict[str, float] = {}


class Ailments:
    """Tells when something begins to be wrong and when it is well again, once each.

    ``randomness`` gives as many random bytes as it is asked for."""

    def __init__(self, randomness: Callable[[int], bytes]) -> None:
        self._randomness = randomness
        self._known: dict[tuple[Kind, str | None], _Ailment] = {}

    @property
    def told(self) -> list[tuple[Kind, str | None]]:
        """What is wrong now, with its camera."""
        return [place for place, ailment in self._known.items() if ailment.event_id is not None]

    def judge(self, finding: Finding, at_us: int, clock: Clock) -> EventReport | None:
        """Take one finding of ``at_us`` (UTC); gives what is to be reported."""
        ailment = self._known.setdefault((finding.kind, finding.camera), _Ailment())
        if finding.is_bad is None:
            return None
        if not finding.is_bad:
            ailment.bad_since_us = None
            if ailment.event_id is None:
                return None
            report = _report(finding, Phase.END, ailment.event_id, 1, ailment.reason, at_us, clock)
            ailment.event_id = None
            return report
        ailment.bad_since_us = at_us if ailment.bad_since_us is None else min(ailment.bad_since_us, at_us)
        if ailment.event_id is not None or at_us - ailment.bad_since_us < finding.hold_s * 1e6:
            return None
        ailment.event_id = time_ordered_id(at_us // 1000, self._randomness(_RANDOM_BYTES))
        ailment.reason = {name: round(value, 2) for name, value in finding.reason.items()}
        return _report(finding, Phase.BEGIN, ailment.event_id, 0, ailment.reason, at_us, clock)


def _report(
    finding: Finding,
    phase: Phase,
    event_id: bytes,
    revision: int,
    reason: dict[str, float],
    at_us: int,
    clock: Clock,
) -> EventReport:
    return EventReport(
        version=VERSION,
        event_id=event_id,
        revision=revision,
        phase=phase,
        kind=finding.kind,
        camera=finding.camera,
        observed_at_us=at_us,
        clock=clock,
        position=None,
        image_point=None,
        score=1000,
        track_count=0,
        zone=None,
        subject=ObjectClass.UNKNOWN,
        rule_version=1,
        reason=reason,
    )
