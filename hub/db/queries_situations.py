"""Incidents as correlation sees them: read into ``Situation``, written back whole."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.db.tables import Incident, TimelineEntry, table
from hub.domain.incident import Entry, State
from hub.domain.severity import Severity
from hub.domain.situation import Place, Situation
from shared.kinds import Kind

_INCIDENT = table(Incident)
_TIMELINE = table(TimelineEntry)
_GROWING = (
    "severity", "lat_e7", "lon_e7", "sigma_dm", "cameras", "boxes", "places", "open_events",
    "first_observed_at_us", "last_observed_at_us", "ended_at_us", "event_count", "best_score", "reason",
    "change_seq",
)  # fmt: skip
"""What reports change; all else of an incident is people's."""
_SELECT = select(
    *(_INCIDENT.c[name] for name in _GROWING if name != "change_seq"),
    *(
        _INCIDENT.c[name]
        for name in ("id", "number", "site", "kind", "state", "zone", "subject", "opened_at_us",
                     "resolved_at_us", "closed_at_us")
    ),
)  # fmt: skip
_UPDATE = (
    update(_INCIDENT)
    .where(_INCIDENT.c.id == bindparam("incident_id"))
    .values({name: bindparam(name) for name in _GROWING})
)


async def changed_since(connection: AsyncConnection, change_seq: int, heard_since_us: int) -> list[Situation]:
    """Situations of incidents that changed after ``change_seq`` and were heard of since an instant."""
    is_fresh = (_INCIDENT.c.change_seq > change_seq) & (_INCIDENT.c.last_observed_at_us >= heard_since_us)
    return await _situations(connection, is_fresh)


async def situations(connection: AsyncConnection, incident_ids: Collection[str]) -> list[Situation]:
    """The situations of these incidents."""
    return await _situations(connection, _INCIDENT.c.id.in_(incident_ids)) if incident_ids else []


async def insert_incidents(
    connection: AsyncConnection, opened: Sequence[Situation], change_seqs: dict[str, int]
) -> None:
    """Store incidents that were just opened."""
    if opened:
        rows = [_new_row(situation, change_seqs[situation.incident_id]) for situation in opened]
        await connection.execute(insert(_INCIDENT), rows)


async def update_situations(
    connection: AsyncConnection, grown: Sequence[Situation], change_seqs: dict[str, int]
) -> None:
    """Store what reports changed of incidents that are there."""
    if grown:
        rows = [{**_growing(s, change_seqs[s.incident_id]), "incident_id": s.incident_id} for s in grown]
        await connection.execute(_UPDATE, rows)


async def insert_timeline(connection: AsyncConnection, lines: Iterable[tuple[str, Entry]]) -> None:
    """Add lines to incidents' timelines."""
    rows = [{"incident_id": incident_id, **entry._asdict()} for incident_id, entry in lines]
    if rows:
        await connection.execute(insert(_TIMELINE), rows)


async def _situations(connection: AsyncConnection, which: ColumnElement[bool]) -> list[Situation]:
    return [_situation(row) for row in (await connection.execute(_SELECT.where(which))).mappings()]


def _situation(row: Any) -> Situation:
    settled = [at_us for at_us in (row["resolved_at_us"], row["closed_at_us"]) if at_us is not None]
    places: dict[str, Place] = {source: tuple(place) for source, place in row["places"].items()}
    return Situation(
        incident_id=row["id"],
        number=row["number"],
        site=row["site"],
        kind=Kind(row["kind"]),
        severity=Severity(row["severity"]),
        state=State(row["state"]),
        lat_e7=row["lat_e7"],
        lon_e7=row["lon_e7"],
        sigma_dm=row["sigma_dm"],
        cameras=row["cameras"],
        boxes=row["boxes"],
        places=places,
        open_events=set(row["open_events"]),
        zone=row["zone"],
        subject=row["subject"],
        opened_at_us=row["opened_at_us"],
        first_observed_at_us=row["first_observed_at_us"],
        last_observed_at_us=row["last_observed_at_us"],
        ended_at_us=row["ended_at_us"],
        event_count=row["event_count"],
        best_score=row["best_score"],
        reason=row["reason"],
        settled_at_us=min(settled) if settled else None,
    )


def _growing(situation: Situation, change_seq: int) -> dict[str, Any]:
    return {
        "severity": situation.severity,
        "lat_e7": situation.lat_e7,
        "lon_e7": situation.lon_e7,
        "sigma_dm": situation.sigma_dm,
        "cameras": situation.cameras,
        "boxes": situation.boxes,
        "places": situation.places,
        "open_events": sorted(situation.open_events),
        "first_observed_at_us": situation.first_observed_at_us,
        "last_observed_at_us": situation.last_observed_at_us,
        "ended_at_us": situation.ended_at_us,
        "event_count": situation.event_count,
        "best_score": situation.best_score,
        "reason": situation.reason,
        "change_seq": change_seq,
    }


def _new_row(situation: Situation, change_seq: int) -> dict[str, Any]:
    return {
        **_growing(situation, change_seq),
        "id": situation.incident_id,
        "number": situation.number,
        "kind": int(situation.kind),
        "state": situation.state,
        "site": situation.site,
        "zone": situation.zone,
        "subject": int(situation.subject),
        "opened_at_us": situation.opened_at_us,
    }
