"""Pictures and the incidents that they belong to, whichever came first."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.db.dialects import in_slices
from hub.db.tables import Event, Evidence, Incident, table
from hub.domain.gathering import Stored

_EVIDENCE = table(Evidence)
_EVENT = table(Event)
_INCIDENT = table(Incident)
_WAITS = _EVIDENCE.c.incident_id.is_(None)


class Claim(NamedTuple):
    """What ties a picture to its event: a revision of that event, from the same box, names its digest."""

    event_id: bytes
    digest: bytes
    box: str


async def stored_ids(connection: AsyncConnection, ids: Collection[str]) -> set[str]:
    """Which of these pictures are there."""
    statement = select(_EVIDENCE.c.id).where(_EVIDENCE.c.id.in_(ids))
    return set((await connection.execute(statement)).scalars())


async def incidents_of(connection: AsyncConnection, claims: Collection[Claim]) -> dict[Claim, str]:
    """The incidents of the events that name these pictures, as far as they have come."""
    c = _EVENT.c
    is_named = tuple_(c.event_id, c.evidence_digest, c.box).in_(list(claims))
    statement = select(c.event_id, c.evidence_digest, c.box, c.incident_id).where(is_named)
    return {Claim(*row[:3]): row[3] for row in await connection.execute(statement)}


async def insert_evidence(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Store pictures' rows."""
    if rows:
        await connection.execute(insert(_EVIDENCE), rows)


async def link_waiting(connection: AsyncConnection, stored: Iterable[Stored]) -> None:
    """Give pictures that came before their event to the incident of the event that has just come."""
    named = {
        Claim(report.event_id, report.evidence_digest, item.arrival.box): item.incident_id
        for item in stored
        if (report := item.arrival.report).evidence_digest is not None
    }
    if not named or not (await connection.execute(select(_EVIDENCE.c.id).where(_WAITS).limit(1))).first():
        return
    c = _EVIDENCE.c
    found: dict[str, str] = {}
    for event_ids in in_slices([claim.event_id for claim in named]):
        statement = select(c.id, c.event_id, c.digest, c.box).where(_WAITS, c.event_id.in_(event_ids))
        rows = await connection.execute(statement)
        found.update((row[0], named[claim]) for row in rows if (claim := Claim(*row[1:])) in named)
    if not found:
        return
    link = update(_EVIDENCE).where(c.id == bindparam("picture")).values(incident_id=bindparam("incident"))
    pairs = [{"picture": picture, "incident": incident} for picture, incident in found.items()]
    await connection.execute(link, pairs)
    await set_covers(connection, {incident: picture for picture, incident in found.items()})


async def set_covers(connection: AsyncConnection, covers: dict[str, str]) -> None:
    """Give incidents that have no cover picture one: ``incident_id → evidence id``."""
    is_bare = (_INCIDENT.c.id == bindparam("incident")) & _INCIDENT.c.cover_evidence_id.is_(None)
    statement = update(_INCIDENT).where(is_bare).values(cover_evidence_id=bindparam("picture"))
    rows = [{"incident": incident, "picture": picture} for incident, picture in covers.items()]
    await connection.execute(statement, rows)


async def mark_changed(connection: AsyncConnection, change_seqs: dict[str, int]) -> None:
    """Give incidents a new ``change_seq``."""
    statement = (
        update(_INCIDENT).where(_INCIDENT.c.id == bindparam("incident")).values(change_seq=bindparam("seq"))
    )
    rows = [{"incident": incident, "seq": seq} for incident, seq in change_seqs.items()]
    await connection.execute(statement, rows)
