"""Dispatches: what an attempt changes, and what people see and do of those that were given up."""

from typing import Any

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.connectors.letter import Letter
from hub.db import queries_console, queries_counters, queries_dispatch
from hub.db.tables import Attempt, Dispatch, Receiver, TimelineEntry
from hub.domain.dispatch import Answer, Dead, Decision, Delivered, DispatchState, Retry
from hub.domain.incident import ActorKind
from hub.errors import NotFound, StateConflict
from hub.services.incident_views import DispatchView, dispatch_view
from hub.services.parts import Parts


async def letter(parts: Parts, dispatch_id: int) -> tuple[str, Letter, int] | None:
    """The connector, the letter and the number of attempts so far; None when it is no longer to be sent."""
    async with parts.database.reading() as db:
        dispatch = await db.get(Dispatch, dispatch_id)
        if dispatch is None or dispatch.state != DispatchState.PENDING:
            return None
        receiver = await db.get(Receiver, dispatch.receiver_id)
    if receiver is None or not receiver.enabled:
        return None
    key = dispatch.idempotency_key
    sealed = Letter(receiver.url, receiver.secret, key, dispatch.message, dispatch.body)
    return receiver.connector, sealed, dispatch.attempt_count


async def record(
    parts: Parts, dispatch_id: int, answer: Answer, decision: Decision, at_us: int, took_ms: int
) -> None:
    """Store an attempt and what was decided after it, in one transaction."""
    change_seq = None
    async with parts.database.transaction() as db:
        dispatch = await db.get(Dispatch, dispatch_id)
        if dispatch is None:
            return
        db.add(
            Attempt(
                dispatch_id=dispatch_id,
                at_us=at_us,
                took_ms=took_ms,
                outcome=answer.outcome,
                status=answer.status,
                detail=answer.detail,
            )
        )
        is_first = dispatch.attempt_count == 0
        _apply(dispatch, decision, parts.now_us())
        if is_first or not isinstance(decision, Retry):
            change_seq = await _show(db, dispatch, decision, parts.now_us())
    if change_seq is not None:
        parts.changes.publish(change_seq)


async def dispatches(parts: Parts, state: DispatchState | None, limit: int) -> list[DispatchView]:
    """Dispatches in a state, oldest first."""
    conditions = () if state is None else (col(Dispatch.state) == state,)
    async with parts.database.reading() as db:
        return [dispatch_view(row) for row in await queries_console.dispatch_rows(db, conditions, limit)]


async def retry(parts: Parts, dispatch_id: int, username: str) -> DispatchView:
    """Send one that was given up again, with the same key and all its attempts anew."""
    async with parts.database.transaction() as db:
        dispatch = await db.get(Dispatch, dispatch_id)
        if dispatch is None:
            raise NotFound(f"there is no dispatch {dispatch_id}")
        if dispatch.state != DispatchState.DEAD:
            raise StateConflict(f"dispatch {dispatch_id} is {dispatch.state}; only a dead one is sent again")
        now_us = parts.now_us()
        dispatch.state, dispatch.attempt_count = DispatchState.PENDING, 0
        dispatch.next_attempt_at_us = now_us
        detail = {"dispatch": dispatch_id, "message": dispatch.message}
        line = _line(dispatch, now_us, (ActorKind.USER, username), "dispatch_retried", detail)
        change_seq = await _announce(db, dispatch, line)
        await db.flush()
        (row,) = await queries_console.dispatch_rows(db, (col(Dispatch.id) == dispatch_id,), 1)
    parts.changes.publish(change_seq)
    parts.dispatch_wake.set()
    return dispatch_view(row)


def _apply(dispatch: Dispatch, decision: Decision, now_us: int) -> None:
    dispatch.attempt_count += 1
    match decision:
        case Delivered():
            dispatch.state, dispatch.delivered_at_us = DispatchState.DELIVERED, now_us
        case Retry(pause_s, _):
            dispatch.next_attempt_at_us = now_us + round(pause_s * 1e6)
        case Dead():
            dispatch.state = DispatchState.DEAD


async def _show(db: AsyncSession, dispatch: Dispatch, decision: Decision, now_us: int) -> int:
    """Put it into the incident's history: the first failure, and how it ends."""
    receiver = await db.get(Receiver, dispatch.receiver_id)
    agency = receiver.agency_id if receiver else "unknown"
    detail: dict[str, Any] = {"dispatch": dispatch.id, "message": dispatch.message, "agency": agency}
    match decision:
        case Delivered():
            what = "dispatch_delivered"
        case Retry(_, why):
            what, detail["why"] = "dispatch_delayed", why
        case Dead(why):
            what, detail["why"] = "dispatch_dead", why
    line = _line(dispatch, now_us, (ActorKind.AGENCY, agency), what, detail)
    return await _announce(db, dispatch, line)


async def _announce(db: AsyncSession, dispatch: Dispatch, line: TimelineEntry) -> int:
    db.add(line)
    change_seq = await queries_counters.take(db, queries_counters.CHANGE_SEQ)
    await queries_dispatch.mark_incident_changed(db, dispatch.incident_id, change_seq)
    return change_seq


def _line(
    dispatch: Dispatch, at_us: int, actor: tuple[ActorKind, str], what: str, detail: dict[str, Any]
) -> TimelineEntry:
    return TimelineEntry(
        incident_id=dispatch.incident_id,
        at_us=at_us,
        actor_kind=actor[0],
        actor=actor[1],
        what=what,
        detail=detail,
    )
