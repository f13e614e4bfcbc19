"""What the reports say of an incident: where it is, since when, and who saw it.

What people do with it is ``hub.domain.incident``. A situation is the same whatever order its reports came in.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from hub.domain.incident import State
from hub.domain.severity import Severity, rate
from shared.geo import metres_per_degree
from shared.kinds import TRAITS, Kind
from shared.messages import EventReport, Phase

OLDEST_S = 7 * 86_400
"""Nothing on the bus is older; a report that says so has a wrong clock."""
LEAST_SIGMA_M = 0.5
"""No camera knows a place better than this, whatever it says: a foot point is a few pixels."""

Place = tuple[int, int, int]
"""``lat_e7, lon_e7, sigma_dm``."""


class Arrival(NamedTuple):
    """A report as the hub received it. Site and box come from the subject, which the bus has checked."""

    report: EventReport
    site: str
    box: str
    seq: int
    received_at_us: int
    at_us: int
    """When it happened, as far as can be believed: see ``believed_at_us``."""


def arrival(report: EventReport, site: str, box: str, seq: int, received_at_us: int) -> Arrival:
    """Give a report the time that can be believed."""
    at_us = believed_at_us(report.observed_at_us, received_at_us)
    return Arrival(report, site, box, seq, received_at_us, at_us)


def believed_at_us(observed_at_us: int, received_at_us: int) -> int:
    """Nothing is reported before it happened, or after the bus has forgotten it."""
    return max(received_at_us - OLDEST_S * 1_000_000, min(observed_at_us, received_at_us))


class Known(NamedTuple):
    """What is already stored of an event."""

    incident_id: str
    box: str
    kind: Kind
    revisions: tuple[int, ...]

    @property
    def newest(self) -> int:
        return max(self.revisions)


@dataclass(slots=True)
class Situation:
    """What the reports of one incident add up to, and when people settled it."""

    incident_id: str
    number: int
    """0 until the incident is stored."""
    site: str
    kind: Kind
    severity: Severity
    state: State
    lat_e7: int | None
    lon_e7: int | None
    sigma_dm: int | None
    cameras: list[str]
    boxes: list[str]
    places: dict[str, Place]
    open_events: set[str]
    zone: str | None
    subject: int
    opened_at_us: int
    first_observed_at_us: int
    last_observed_at_us: int
    ended_at_us: int | None
    event_count: int
    best_score: int
    reason: dict[str, float]
    settled_at_us: int | None
    """When an operator resolved or closed it; None while it is worked on."""
    span_us: tuple[int, int] = (0, 0)
    """From when until when new events belong to it: ``correlation.span_us``, kept by ``Nearby``."""


class Change(NamedTuple):
    """Something about an incident that operators should read in its timeline."""

    what: str
    """seen_by, ended, resumed or severity."""
    detail: dict[str, object]


def begin(arrival: Arrival) -> Situation:
    """The situation that a first report opens."""
    report = arrival.report
    fresh = Situation(
        incident_id=report.event_id.hex(),
        number=0,
        site=arrival.site,
        kind=report.kind,
        severity=rate(report.kind, 1, report.score).severity,
        state=State.NEW,
        lat_e7=None,
        lon_e7=None,
        sigma_dm=None,
        cameras=[],
        boxes=[],
        places={},
        open_events=set(),
        zone=report.zone,
        subject=report.subject,
        opened_at_us=arrival.received_at_us,
        first_observed_at_us=arrival.at_us,
        last_observed_at_us=arrival.at_us,
        ended_at_us=None,
        event_count=0,
        best_score=report.score,
        reason=report.reason,
        settled_at_us=None,
    )
    absorb(fresh, arrival, None)
    return fresh


def absorb(situation: Situation, arrival: Arrival, known: Known | None) -> list[Change]:
    """Add a report to a situation. ``known`` is what was stored of its event before, if anything.

    A revision below one that is known adds its time and place but moves no state back.
    """
    report = arrival.report
    changes = _note_source(situation, arrival)
    situation.event_count += known is None
    situation.best_score = max(situation.best_score, report.score)
    if report.reason and arrival.at_us >= situation.last_observed_at_us:
        situation.reason = report.reason
    situation.first_observed_at_us = min(situation.first_observed_at_us, arrival.at_us)
    situation.last_observed_at_us = max(situation.last_observed_at_us, arrival.at_us)
    if TRAITS[report.kind].is_state:
        changes += _follow_state(situation, report, known)
    return changes + _rate_again(situation)


def _note_source(situation: Situation, arrival: Arrival) -> list[Change]:
    report = arrival.report
    if arrival.box not in situation.boxes:
        situation.boxes.append(arrival.box)
    source = report.camera or arrival.box
    if report.position is not None:
        place = (report.position.lat_e7, report.position.lon_e7, report.position.sigma_dm)
        _put_place(situation, source, place)
    if report.camera is None or report.camera in situation.cameras:
        return []
    situation.cameras.append(report.camera)
    return [Change("seen_by", {"camera": report.camera})] if len(situation.cameras) > 1 else []


def _put_place(situation: Situation, source: str, place: Place) -> None:
    """Keep each camera's best sighting only: its next ones share its error and add no knowledge."""
    best = situation.places.get(source)
    if best is None or (place[2], place) < (best[2], best):
        situation.places[source] = place
        situation.lat_e7, situation.lon_e7, situation.sigma_dm = fuse(situation.places.values())


def _follow_state(situation: Situation, report: EventReport, known: Known | None) -> list[Change]:
    event, was_over = report.event_id.hex(), situation.ended_at_us is not None
    if known is None or report.revision > known.newest:
        change = situation.open_events.discard if report.phase is Phase.END else situation.open_events.add
        change(event)
    if situation.open_events:
        situation.ended_at_us = None
        return [Change("resumed", {})] if was_over else []
    situation.ended_at_us = situation.last_observed_at_us
    return [] if was_over else [Change("ended", {})]


def _rate_again(situation: Situation) -> list[Change]:
    rating = rate(situation.kind, len(situation.cameras), situation.best_score)
    if rating.severity is situation.severity:
        return []
    change = Change("severity", {"was": situation.severity, "is": rating.severity, "why": rating.why})
    situation.severity = rating.severity
    return [change]


def fuse(places: Iterable[Place]) -> Place:
    """The mean of places weighted by inverse variance, and its standard deviation. At least one place."""
    ordered = sorted(places)
    if len(ordered) == 1:
        return ordered[0]
    weight = lat = lon = 0.0  # summed in order, so that the sum does not depend on who came first
    base_lat_e7, base_lon_e7, _ = ordered[0]
    for lat_e7, lon_e7, sigma_dm in ordered:
        share = 1 / sigma_m(sigma_dm) ** 2
        weight += share
        lat += share * (lat_e7 - base_lat_e7)
        lon += share * (lon_e7 - base_lon_e7)
    fused_dm = math.ceil(10 / math.sqrt(weight))
    return base_lat_e7 + round(lat / weight), base_lon_e7 + round(lon / weight), min(65_535, fused_dm)


def sigma_m(sigma_dm: int) -> float:
    """A standard deviation that may be divided by."""
    return max(LEAST_SIGMA_M, sigma_dm / 10)


def metres_per_e7(lat_e7: int) -> tuple[float, float]:
    """Metres of 1e-7 degrees of latitude and of longitude; exact to 0.03 % at latitudes below 60°."""
    return _metres_of_band(lat_e7 // 100_000)


@lru_cache(maxsize=4096)
def _metres_of_band(hundredths: int) -> tuple[float, float]:
    lat_m, lon_m = metres_per_degree((hundredths + 0.5) / 100)
    return lat_m / 1e7, lon_m / 1e7
