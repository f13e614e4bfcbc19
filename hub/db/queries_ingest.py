"""What the ingest worker reads and writes besides incidents: events, the ledger, cameras, parked messages."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.sql import bindparam

from hub.db.dialects import in_slices, insert_missing, insert_rows, to_json
from hub.db.tables import Camera, Event, Ledger, Parked, table
from hub.domain.gathering import Stored
from hub.domain.ledger import Ranges
from hub.domain.situation import Known
from shared.kinds import Kind

_EVENT = table(Event)
_LEDGER = table(Ledger)
_CAMERA = table(Camera)
_PARKED = table(Parked)

OutboxKey = tuple[str, bytes]
"""A box and the epoch of its outbox."""

MAX_PARKED = 50_000
"""Parked messages kept; beyond it the oldest go, so that a broken box cannot fill the disk."""


async def known_events(connection: AsyncConnection, event_ids: Collection[bytes]) -> dict[bytes, Known]:
    """What is stored of these events."""
    found: dict[bytes, Known] = {}
    c = _EVENT.c
    for ids in in_slices(list(event_ids)):
        statement = select(c.event_id, c.revision, c.incident_id, c.box, c.kind).where(c.event_id.in_(ids))
        for event_id, revision, incident_id, box, kind in await connection.execute(statement):
            before = found[event_id].revisions if event_id in found else ()
            found[event_id] = Known(incident_id, box, Kind(kind), (*before, revision))
    return found


async def insert_events(connection: AsyncConnection, stored: Sequence[Stored]) -> None:
    """Store reports with where they were put and why."""
    await insert_rows(connection, _EVENT, _EVENT_COLUMNS, [_event_row(item) for item in stored])


async def camera_boxes(connection: AsyncConnection, cameras: Collection[str]) -> dict[str, str]:
    """Which box each of these cameras is bound to."""
    found: dict[str, str] = {}
    for names in in_slices(list(cameras)):
        rows = await connection.execute(select(_CAMERA.c.id, _CAMERA.c.box).where(_CAMERA.c.id.in_(names)))
        found.update((camera, box) for camera, box in rows)
    return found


async def insert_cameras(connection: AsyncConnection, boxes: dict[str, str]) -> None:
    """Make cameras known that no one has described yet."""
    rows = [{"id": camera, "box": box, "name": camera, "state": "live"} for camera, box in boxes.items()]
    await insert_missing(connection, _CAMERA, rows)


async def ledgers(connection: AsyncConnection, keys: Collection[OutboxKey]) -> dict[OutboxKey, Ranges]:
    """The committed ranges of these outboxes; those without any are left out."""
    found: dict[OutboxKey, Ranges] = {}
    c = _LEDGER.c
    for some in in_slices(list(keys)):
        statement = select(c.box, c.epoch, c.ranges).where(tuple_(c.box, c.epoch).in_(some))
        for box, epoch, ranges in await connection.execute(statement):
            found[box, epoch] = tuple((low, high) for low, high in ranges)
    return found


async def put_ledgers(
    connection: AsyncConnection, ranges: dict[OutboxKey, Ranges], is_new: Collection[OutboxKey]
) -> None:
    """Store the committed ranges of outboxes."""
    rows = [{"b": key[0], "e": key[1], "ranges": ranges[key]} for key in ranges if key not in is_new]
    if rows:
        which = (_LEDGER.c.box == bindparam("b")) & (_LEDGER.c.epoch == bindparam("e"))
        await connection.execute(update(_LEDGER).where(which).values(ranges=bindparam("ranges")), rows)
    if is_new:
        fresh = [{"box": key[0], "epoch": key[1], "ranges": ranges[key]} for key in is_new]
        await connection.execute(insert(_LEDGER), fresh)


async def committed_ranges(session: AsyncSession, box: str, epoch: bytes) -> Ranges:
    """What of one outbox is committed: the answer to a box's sync request."""
    found = await ledgers(await session.connection(), [(box, epoch)])
    return found.get((box, epoch), ())


async def park(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what could not be taken; what is parked already is left as it is."""
    if not rows:
        return
    await insert_missing(connection, _PARKED, rows)
    newest = select(func.max(_PARKED.c.id)).scalar_subquery()
    await connection.execute(delete(_PARKED).where(_PARKED.c.id <= newest - MAX_PARKED))


_EVENT_COLUMNS = (
    "event_id", "revision", "incident_id", "site", "box", "seq", "kind", "phase", "camera", "observed_at_us",
    "received_at_us", "clock_source", "clock_uncertainty_ms", "lat_e7", "lon_e7", "sigma_dm", "image_x",
    "image_y", "score", "track_count", "zone", "subject", "rule_version", "reason", "evidence_digest", "why",
)  # fmt: skip
_NO_PLACE = (None, None, None)
_NO_POINT = (None, None)


def _event_row(item: Stored) -> tuple[Any, ...]:
    """The values of ``_EVENT_COLUMNS``."""
    report, site, box, seq, received_at_us, _at_us = item.arrival
    position, clock = report.position, report.clock
    place = (position.lat_e7, position.lon_e7, position.sigma_dm) if position else _NO_PLACE
    return (
        report.event_id,
        report.revision,
        item.incident_id,
        site,
        box,
        seq,
        int(report.kind),
        int(report.phase),
        report.camera,
        report.observed_at_us,
        received_at_us,
        int(clock.source),
        clock.uncertainty_ms,
        *place,
        *(report.image_point or _NO_POINT),
        report.score,
        report.track_count,
        report.zone,
        int(report.subject),
        report.rule_version,
        to_json(report.reason),
        report.evidence_digest,
        to_json({"word": item.why.word, **item.why.numbers}),
    )
