"""What operators do with incidents: one transaction each, announced to open pages after the commit."""

from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.db import queries_counters
from hub.db.queries_routing import insert_dispatches
from hub.db.queries_situations import situations
from hub.db.tables import Dispatch, Incident, Receiver, TimelineEntry
from hub.domain import notice
from hub.domain.dispatch import DispatchState, Message
from hub.domain.incident import Action, ActorKind, Allowed, Refused, State, Verdict, transition
from hub.errors import NotFound, StateConflict
from hub.services.parts import Parts


async def act(
    parts: Parts,
    incident_id: str,
    username: str,
    action: Action,
    verdict: Verdict | None = None,
    note: str | None = None,
) -> None:
    """Let a user apply an action. Raises ``NotFound`` or ``StateConflict`` with the state machine's reason.

    An action that says what already is succeeds and writes nothing, so a lost answer may be asked for again;
    a note is written each time.
    """
    now_us = parts.now_us()
    async with parts.database.transaction() as db:
        incident = await _locked(db, incident_id)
        step = _step(incident, action, verdict)
        if not step.changed and not note:
            return
        was = State(incident.state)
        _move(incident, step, username, now_us)
        db.add(_line(incident_id, username, action, step, note, now_us))
        change_seq = await queries_counters.take(db, queries_counters.CHANGE_SEQ)
        incident.change_seq = change_seq
        await db.flush()
        if _is_settled(step.state) and not _is_settled(was):
            await _tell_receivers(db, incident, now_us)
    parts.changes.publish(change_seq)
    parts.dispatch_wake.set()


async def _locked(db: AsyncSession, incident_id: str) -> Incident:
    query = select(Incident).where(col(Incident.id) == incident_id).with_for_update()
    incident = (await db.exec(query)).first()
    if incident is None:
        raise NotFound(f"there is no incident {incident_id[:64]!r}")
    return incident


def _step(incident: Incident, action: Action, given: Verdict | None) -> Allowed:
    present = Verdict(incident.verdict) if incident.verdict else None
    step = transition(State(incident.state), present, action, given)
    if isinstance(step, Refused):
        raise StateConflict(step.why)
    return step


def _move(incident: Incident, step: Allowed, username: str, now_us: int) -> None:
    """Write the new state with who reached it first; reopening clears what it takes back."""
    entered = step.state if step.state != incident.state else None
    incident.state, incident.verdict = step.state, step.verdict
    if entered is State.ACKNOWLEDGED:
        incident.acknowledged_at_us = incident.acknowledged_at_us or now_us
        incident.acknowledged_by = incident.acknowledged_by or username
        incident.resolved_at_us = incident.resolved_by = None
        incident.closed_at_us = incident.closed_by = None
    elif entered is State.RESOLVED:
        incident.resolved_at_us, incident.resolved_by = now_us, username
    elif entered is State.CLOSED:
        incident.closed_at_us, incident.closed_by = now_us, username


def _line(
    incident_id: str, username: str, action: Action, step: Allowed, note: str | None, now_us: int
) -> TimelineEntry:
    detail: dict[str, Any] = {"state": step.state}
    if step.verdict:
        detail["verdict"] = step.verdict
    if note:
        detail["text"] = note
    return TimelineEntry(
        incident_id=incident_id,
        at_us=now_us,
        actor_kind=ActorKind.USER,
        actor=username,
        what=action,
        detail=detail,
    )


def _is_settled(state: State) -> bool:
    return state in (State.RESOLVED, State.CLOSED)


async def _tell_receivers(db: AsyncSession, incident: Incident, now_us: int) -> None:
    """Whoever was told that it opened is told that it is settled."""
    told = (
        select(col(Dispatch.receiver_id))
        .join(Receiver, col(Receiver.id) == col(Dispatch.receiver_id))
        .where(col(Dispatch.incident_id) == incident.id, col(Receiver.enabled).is_(True))
        .distinct()
    )
    receivers = (await db.exec(told)).all()
    connection = await db.connection()
    (situation,) = await situations(connection, [incident.id])
    body = notice.body(situation, Message.RESOLVED, now_us)
    body["incident"]["verdict"] = incident.verdict
    about = f"{Message.RESOLVED}.{incident.change_seq}"
    rows = [_dispatch(incident.id, receiver, about, body, now_us) for receiver in receivers]
    await insert_dispatches(connection, rows)


def _dispatch(
    incident_id: str, receiver: int, about: str, body: dict[str, Any], now_us: int
) -> dict[str, Any]:
    return {
        "incident_id": incident_id,
        "receiver_id": receiver,
        "message": Message.RESOLVED,
        "idempotency_key": notice.idempotency_key(incident_id, receiver, about),
        "body": body,
        "state": DispatchState.PENDING,
        "attempt_count": 0,
        "next_attempt_at_us": now_us,
        "created_at_us": now_us,
    }
