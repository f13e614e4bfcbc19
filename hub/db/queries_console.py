"""What the console reads of incidents. Nothing here writes."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.db.tables import Attempt, Dispatch, Event, Evidence, Incident, Receiver, TimelineEntry

MAX_EVENTS = 500
MAX_TIMELINE = 1_000
MAX_ATTEMPTS = 20


class AgencyState(NamedTuple):
    """How far an incident's news is with one agency."""

    agency: str
    state: str


class DispatchRow(NamedTuple):
    """A dispatch with its receiver and its newest attempts."""

    dispatch: Dispatch
    receiver: Receiver
    attempts: list[Attempt]


async def incidents(
    db: AsyncSession, states: Sequence[str], kind: int | None, before_number: int | None, limit: int
) -> Sequence[Incident]:
    """Incidents in these states, newest number first."""
    query = select(Incident).where(col(Incident.state).in_(states))
    if kind is not None:
        query = query.where(col(Incident.kind) == kind)
    if before_number is not None:
        query = query.where(col(Incident.number) < before_number)
    return (await db.exec(query.order_by(col(Incident.number).desc()).limit(limit))).all()


async def changed_beyond(db: AsyncSession, change_seq: int, limit: int) -> Sequence[Incident]:
    """Incidents whose newest change is above ``change_seq``, in the order of the changes."""
    query = select(Incident).where(col(Incident.change_seq) > change_seq)
    return (await db.exec(query.order_by(col(Incident.change_seq)).limit(limit))).all()


async def agency_states(db: AsyncSession, incident_ids: Sequence[str]) -> dict[str, list[AgencyState]]:
    """By incident, each agency that is told, with the worst state of its dispatches."""
    rows = await db.exec(
        select(col(Dispatch.incident_id), col(Receiver.agency_id), col(Dispatch.state))
        .join(Receiver, col(Receiver.id) == col(Dispatch.receiver_id))
        .where(col(Dispatch.incident_id).in_(incident_ids))
        .order_by(col(Dispatch.id))
    )
    told: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for incident_id, agency, state in rows.all():
        agencies = told[incident_id]
        agencies[agency] = min(agencies.get(agency, state), state, key=_WORST_FIRST.index)
    return {one: [AgencyState(*pair) for pair in agencies.items()] for one, agencies in told.items()}


_WORST_FIRST = ("dead", "pending", "delivered")


async def timeline(db: AsyncSession, incident_id: str) -> Sequence[TimelineEntry]:
    """The newest lines, oldest first."""
    query = select(TimelineEntry).where(col(TimelineEntry.incident_id) == incident_id)
    rows = await db.exec(query.order_by(col(TimelineEntry.id).desc()).limit(MAX_TIMELINE))
    return rows.all()[::-1]


async def evidence(db: AsyncSession, incident_id: str) -> Sequence[Evidence]:
    query = select(Evidence).where(col(Evidence.incident_id) == incident_id)
    return (await db.exec(query.order_by(col(Evidence.observed_at_us)).limit(MAX_EVENTS))).all()


async def events(db: AsyncSession, incident_id: str) -> Sequence[Event]:
    """The newest revisions, oldest first."""
    query = select(Event).where(col(Event.incident_id) == incident_id)
    rows = await db.exec(query.order_by(col(Event.received_at_us).desc()).limit(MAX_EVENTS))
    return rows.all()[::-1]


async def dispatches(db: AsyncSession, incident_id: str) -> list[DispatchRow]:
    """An incident's dispatches in the order of their making."""
    return await dispatch_rows(db, (col(Dispatch.incident_id) == incident_id,), MAX_EVENTS)


async def dispatch_rows(db: AsyncSession, conditions: Sequence[object], limit: int) -> list[DispatchRow]:
    """Dispatches under ``conditions`` (SQL expressions), with their receivers and newest attempts."""
    query = select(Dispatch, Receiver).join(Receiver, col(Receiver.id) == col(Dispatch.receiver_id))
    found = (await db.exec(query.where(*conditions).order_by(col(Dispatch.id)).limit(limit))).all()  # pyright: ignore[reportArgumentType]
    tried = await _attempts(db, [one.id for one, _ in found if one.id is not None])
    return [DispatchRow(one, receiver, tried[one.id or 0]) for one, receiver in found]


async def _attempts(db: AsyncSession, dispatch_ids: Sequence[int]) -> defaultdict[int, list[Attempt]]:
    query = select(Attempt).where(col(Attempt.dispatch_id).in_(dispatch_ids))
    rows = await db.exec(query.order_by(col(Attempt.id).desc()))
    tried: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in rows.all():
        if len(tried[attempt.dispatch_id]) < MAX_ATTEMPTS:
            tried[attempt.dispatch_id].insert(0, attempt)
    return tried
