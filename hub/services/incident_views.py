"""Incidents as the console and the stream show them."""

from collections.abc import Sequence

from msgspec import Struct
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.db import queries_console, queries_counters
from hub.db.queries_console import AgencyState, DispatchRow
from hub.db.tables import Event, Evidence, Incident, TimelineEntry
from hub.domain.access import OPERATORS, Role
from hub.domain.correlation import render_stored
from hub.domain.dispatch import DispatchState
from hub.domain.incident import Action, ActorKind, State, Verdict, allowed_actions
from hub.domain.instants import Instant, instant, instant_or_none
from hub.domain.severity import Severity
from hub.errors import NotFound
from hub.services.parts import Parts
from shared.kinds import TRAITS, Kind, ObjectClass, Programme
from shared.messages import Phase

OPEN_STATES = (State.NEW, State.ACKNOWLEDGED, State.RESOLVED)


class AgencyView(Struct, frozen=True):
    """How far the news is with an agency."""

    agency: str
    state: DispatchState


class Summary(Struct, frozen=True):
    """An incident in the queue and on the map."""

    id: str
    number: int
    kind: str
    programme: Programme
    severity: Severity
    state: State
    verdict: Verdict | None
    lat: float | None
    lon: float | None
    sigma_m: float | None
    cameras: list[str]
    zone: str | None
    subject: str
    opened_at: Instant
    last_observed_at: Instant
    ended_at: Instant | None
    event_count: int
    cover: str | None
    reason: dict[str, float]
    dispatches: list[AgencyView]
    change_seq: int


class TimelineView(Struct, frozen=True):
    """A line of an incident's history."""

    id: int
    at: Instant
    actor_kind: ActorKind
    actor: str
    what: str
    detail: dict[str, object]


class EvidenceView(Struct, frozen=True):
    """A picture; ``url`` serves it. ``event`` is what a clip is asked of."""

    id: str
    event: str
    url: str
    camera: str
    observed_at: Instant
    size_bytes: int


class AttemptView(Struct, frozen=True):
    """One try to deliver."""

    at: Instant
    outcome: str
    status: int | None
    detail: str
    took_ms: int


class DispatchView(Struct, frozen=True):
    """A message to a receiver, and how it went."""

    id: int
    incident: str
    agency: str
    receiver: str
    message: str
    state: DispatchState
    attempt_count: int
    next_attempt_at: Instant | None
    delivered_at: Instant | None
    attempts: list[AttemptView]


class EventView(Struct, frozen=True):
    """One revision of an event, and why it was put here."""

    event_id: str
    revision: int
    phase: str
    box: str
    camera: str | None
    observed_at: Instant
    lat: float | None
    lon: float | None
    sigma_m: float | None
    score: float
    reason: dict[str, float]
    why: dict[str, object]


class Detail(Summary, frozen=True):
    """An incident's page."""

    acknowledged_at: Instant | None
    acknowledged_by: str | None
    resolved_at: Instant | None
    resolved_by: str | None
    closed_at: Instant | None
    closed_by: str | None
    timeline: list[TimelineView]
    evidence: list[EvidenceView]
    dispatch: list[DispatchView]
    events: list[EventView]
    allowed: list[Action]


async def queue(
    parts: Parts, states: Sequence[State], kind: Kind | None, before_number: int | None, limit: int
) -> tuple[list[Summary], int]:
    """Incidents, newest first, and the ``change_seq`` up to which they are complete."""
    async with parts.database.reading() as db:
        change_seq = await queries_counters.latest(db, queries_counters.CHANGE_SEQ)
        rows = await queries_console.incidents(db, states, kind, before_number, limit)
        return await _summaries(db, rows), change_seq


async def changes_beyond(parts: Parts, change_seq: int, limit: int) -> list[Summary]:
    """The incidents that changed after ``change_seq``, in the order of their newest change."""
    async with parts.database.reading() as db:
        return await _summaries(db, await queries_console.changed_beyond(db, change_seq, limit))


async def detail(parts: Parts, incident_id: str, role: Role) -> Detail:
    """An incident's page as a role sees it. Raises ``NotFound``."""
    async with parts.database.reading() as db:
        incident = await db.get(Incident, incident_id)
        if incident is None:
            raise NotFound(f"there is no incident {incident_id[:64]!r}")
        (summary,) = await _summaries(db, [incident])
        allowed = allowed_actions(summary.state, summary.verdict) if role in OPERATORS else []
        return Detail(
            **{name: getattr(summary, name) for name in Summary.__struct_fields__},
            acknowledged_at=instant_or_none(incident.acknowledged_at_us),
            acknowledged_by=incident.acknowledged_by,
            resolved_at=instant_or_none(incident.resolved_at_us),
            resolved_by=incident.resolved_by,
            closed_at=instant_or_none(incident.closed_at_us),
            closed_by=incident.closed_by,
            timeline=[_line(entry) for entry in await queries_console.timeline(db, incident_id)],
            evidence=[_picture(one) for one in await queries_console.evidence(db, incident_id)],
            dispatch=[dispatch_view(row) for row in await queries_console.dispatches(db, incident_id)],
            events=[_event(event) for event in await queries_console.events(db, incident_id)],
            allowed=allowed,
        )


def evidence_url(evidence_id: str) -> str:
    return f"/api/v1/evidence/{evidence_id}"


def dispatch_view(row: DispatchRow) -> DispatchView:
    dispatch, receiver, attempts = row
    assert dispatch.id is not None
    is_pending = dispatch.state == DispatchState.PENDING
    return DispatchView(
        id=dispatch.id,
        incident=dispatch.incident_id,
        agency=receiver.agency_id,
        receiver=receiver.connector,
        message=dispatch.message,
        state=DispatchState(dispatch.state),
        attempt_count=dispatch.attempt_count,
        next_attempt_at=instant(dispatch.next_attempt_at_us) if is_pending else None,
        delivered_at=instant_or_none(dispatch.delivered_at_us),
        attempts=[
            AttemptView(instant(one.at_us), one.outcome, one.status, one.detail, one.took_ms)
            for one in attempts
        ],
    )


async def _summaries(db: AsyncSession, rows: Sequence[Incident]) -> list[Summary]:
    told = await queries_console.agency_states(db, [row.id for row in rows])
    return [_summary(row, told.get(row.id, [])) for row in rows]


def _summary(row: Incident, told: list[AgencyState]) -> Summary:
    kind = Kind(row.kind)
    return Summary(
        id=row.id,
        number=row.number,
        kind=kind.slug,
        programme=TRAITS[kind].programme,
        severity=Severity(row.severity),
        state=State(row.state),
        verdict=Verdict(row.verdict) if row.verdict else None,
        lat=_scaled(row.lat_e7, 1e7),
        lon=_scaled(row.lon_e7, 1e7),
        sigma_m=_scaled(row.sigma_dm, 10),
        cameras=row.cameras,
        zone=row.zone,
        subject=ObjectClass(row.subject).slug,
        opened_at=instant(row.opened_at_us),
        last_observed_at=instant(row.last_observed_at_us),
        ended_at=instant_or_none(row.ended_at_us),
        event_count=row.event_count,
        cover=evidence_url(row.cover_evidence_id) if row.cover_evidence_id else None,
        reason=row.reason,
        dispatches=[AgencyView(one.agency, DispatchState(one.state)) for one in told],
        change_seq=row.change_seq,
    )


def _line(entry: TimelineEntry) -> TimelineView:
    assert entry.id is not None
    kind = ActorKind(entry.actor_kind)
    return TimelineView(entry.id, instant(entry.at_us), kind, entry.actor, entry.what, entry.detail)


def _picture(one: Evidence) -> EvidenceView:
    at, url = instant(one.observed_at_us), evidence_url(one.id)
    return EvidenceView(one.id, one.event_id.hex(), url, one.camera, at, one.size_bytes)


def _event(event: Event) -> EventView:
    return EventView(
        event_id=event.event_id.hex(),
        revision=event.revision,
        phase=Phase(event.phase).name.lower(),
        box=event.box,
        camera=event.camera,
        observed_at=instant(event.observed_at_us),
        lat=_scaled(event.lat_e7, 1e7),
        lon=_scaled(event.lon_e7, 1e7),
        sigma_m=_scaled(event.sigma_dm, 10),
        score=event.score / 1000,
        reason=event.reason,
        why={**event.why, "text": render_stored(event.why)},
    )


def _scaled(number: int | None, divisor: float) -> float | None:
    return None if number is None else number / divisor
