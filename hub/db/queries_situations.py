"""Incidents as correlation sees them: read into ``Situation``, written back whole."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.db.dialects import insert_rows, to_json, update_rows
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
_OPENING = ("id", "number", "kind", "state", "site", "zone", "subject", "opened_at_us")
_LINE = ("incident_id", "at_us", "actor_kind", "actor", "what", "detail")
_SELECT = select(
    *(_INCIDENT.c[name] for name in _GROWING if name != "change_seq"),
    *(_INCIDENT.c[name] for name in (*_OPENING, "resolved_at_us", "closed_at_us")),
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
    rows = [(*_opening(s), *_growing(s, change_seqs[s.incident_id])) for s in opened]
    await insert_rows(connection, _INCIDENT, _OPENING + _GROWING, rows)


async def update_situations(
    connection: AsyncConnection, grown: Sequence[Situation], change_seqs: dict[str, int]
) -> None:
    """Store what reports changed of incidents that are there."""
    rows = [(*_growing(s, change_seqs[s.incident_id]), s.incident_id) for s in grown]
    await update_rows(connection, _INCIDENT, _GROWING, "id", rows)


async def insert_timeline(connection: AsyncConnection, lines: Iterable[tuple[str, Entry]]) -> None:
    """Add lines to incidents' timelines."""
    rows = [
        (incident_id, line.at_us, line.actor_kind, line.actor, line.what, to_json(line.detail))
        for incident_id, line in lines
    ]
    await insert_rows(connection, _TIMELINE, _LINE, rows)


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


def _growing(situation: Situation, change_seq: int) -> tuple[Any, ...]:
    """The values of ``_GROWING``."""
    return (
        situation.severity,
        situation.lat_e7,
        situation.lon_e7,
        situation.sigma_dm,
        to_json(situation.cameras),
        to_json(situation.boxes),
        to_json(situation.places),
        to_json(sorted(situation.open_events)),
        situation.first_observed_at_us,
        situation.last_observed_at_us,
        situation.ended_at_us,
        situation.event_count,
        situation.best_score,
        to_json(situation.reason),
        change_seq,
    )


def _opening(situation: Situation) -> tuple[Any, ...]:
    """The values of ``_OPENING``."""
    return (
        situation.incident_id,
        situation.number,
        int(situation.kind),
        situation.state,
        situation.site,
        situation.zone,
        int(situation.subject),
        situation.opened_at_us,
    )
