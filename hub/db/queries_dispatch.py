"""The dispatch outbox: what is due, and what came of it."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.tables import Dispatch, Incident, Receiver, table
from hub.domain.dispatch import DispatchState

_DISPATCH = table(Dispatch)
_RECEIVER = table(Receiver)
_INCIDENT = table(Incident)


class Due(NamedTuple):
    """A dispatch whose time has come."""

    dispatch_id: int
    receiver_id: int


async def due(db: AsyncSession, now_us: int, per_receiver: int) -> list[Due]:
    """The oldest due dispatches, at most ``per_receiver`` of each enabled receiver, so that one with a long
    queue does not hide the others. A message waits for the earlier ones of its incident."""
    d, earlier = _DISPATCH.c, _DISPATCH.alias("earlier")
    is_first = ~exists().where(
        earlier.c.receiver_id == d.receiver_id,
        earlier.c.incident_id == d.incident_id,
        earlier.c.state == DispatchState.PENDING,
        earlier.c.id < d.id,
    )
    place = func.row_number().over(partition_by=d.receiver_id, order_by=d.id).label("place")
    ready = (
        select(d.id, d.receiver_id, place)
        .join(_RECEIVER, _RECEIVER.c.id == d.receiver_id)
        .where(
            d.state == DispatchState.PENDING, d.next_attempt_at_us <= now_us, _RECEIVER.c.enabled, is_first
        )
        .subquery()
    )
    rows = await (await db.connection()).execute(
        select(ready.c.id, ready.c.receiver_id).where(ready.c.place <= per_receiver).order_by(ready.c.id)
    )
    return [Due(*row) for row in rows]


async def next_due_at_us(db: AsyncSession, after_us: int) -> int | None:
    """When the next dispatch after an instant comes due."""
    earliest = select(func.min(_DISPATCH.c.next_attempt_at_us)).where(
        _DISPATCH.c.state == DispatchState.PENDING, _DISPATCH.c.next_attempt_at_us > after_us
    )
    return (await (await db.connection()).execute(earliest)).scalar_one()


async def counts(db: AsyncSession) -> dict[str, int]:
    """How many dispatches are in each state."""
    rows: Sequence[tuple[str, int]] = [
        (state, count)
        for state, count in await (await db.connection()).execute(
            select(_DISPATCH.c.state, func.count()).group_by(_DISPATCH.c.state)
        )
    ]
    return dict(rows)


async def mark_incident_changed(db: AsyncSession, incident_id: str, change_seq: int) -> None:
    """Give an incident a new ``change_seq``, and touch nothing else of it."""
    await (await db.connection()).execute(
        update(_INCIDENT).where(_INCIDENT.c.id == incident_id).values(change_seq=change_seq)
    )
