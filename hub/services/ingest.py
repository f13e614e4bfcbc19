"""Reports into incidents: one set of messages, one transaction, everything or nothing.

Events, incidents, timeline, dispatches, the ledger and what had to be parked are committed together. What
was committed and comes again changes nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from hub.db import queries_evidence, queries_ingest, queries_situations
from hub.db.engine import Database
from hub.db.queries_counters import CHANGE_SEQ, INCIDENT_NUMBER, take
from hub.db.queries_ingest import OutboxKey
from hub.db.queries_routing import insert_dispatches, routing_table
from hub.domain import ledger, notice
from hub.domain.gathering import Gathered, Memory, gather
from hub.domain.nearby import RECALL_S, Nearby
from hub.domain.routing import legs
from hub.domain.situation import Situation
from hub.services.evidence import Picture, evidence_row, keep_pictures, read_pictures
from hub.services.unpacking import Delivery, Unpacked, park_refused, parked_row, unpack

_FORGET_EVERY_US = 3_600_000_000


class Outcome(NamedTuple):
    """What a set of messages came to."""

    change_seq: int | None
    """The newest change of an incident; None when there was none."""
    opened: int
    stored: int
    repeats: int
    dispatches: int
    refusals: tuple[str, ...]
    """Why messages, or entries of batches, were parked: one text for each."""


@dataclass(slots=True)
class _Cache:
    """What the database says, kept in step with it; forgotten when a transaction fails."""

    nearby: Nearby
    cameras: dict[str, str]
    ledgers: dict[OutboxKey, ledger.Ranges]
    change_seq: int = -1
    """Up to where ``nearby`` has followed the incidents' changes."""
    forgot_at_us: int = 0


class Ingest:
    """Takes deliveries into the database. One at a time; there is one of it in a hub."""

    def __init__(self, database: Database, evidence_dir: Path) -> None:
        self._database = database
        self._evidence_dir = evidence_dir
        self._turn = asyncio.Lock()
        self._forget()

    async def take(self, deliveries: Sequence[Delivery], received_at_us: int) -> Outcome:
        """Commit what these messages hold. Raises what the database raises; then nothing was changed."""
        unpacked = unpack(deliveries, received_at_us)
        async with self._transaction() as session:
            return await self._write(session, unpacked, received_at_us)

    async def take_pictures(self, deliveries: Sequence[Delivery], received_at_us: int) -> Outcome:
        """Commit the pictures that these messages hold; their files are on the disk before that. Raises
        ``OSError`` when they cannot be written, else as ``take`` does."""
        pictures, parked = read_pictures(deliveries, received_at_us)
        await keep_pictures(self._evidence_dir, pictures)
        async with self._transaction() as session:
            return await self._write_pictures(session, pictures, parked)

    async def park(self, delivery: Delivery, reason: str, received_at_us: int) -> Outcome:
        """Park a message that nothing else can be done with."""
        async with self._transaction() as session:
            row = parked_row(delivery, reason, received_at_us)
            await queries_ingest.park(await session.connection(), [row])
        return Outcome(None, 0, 0, 0, 0, (reason,))

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncSession]:
        async with self._turn:
            try:
                async with self._database.transaction() as session:
                    yield session
            except BaseException:
                self._forget()
                raise

    def _forget(self) -> None:
        self._cache = _Cache(Nearby(), {}, {})

    async def _write(self, session: AsyncSession, unpacked: Unpacked, now_us: int) -> Outcome:
        connection = await session.connection()
        await self._follow_changes(session, connection, now_us)
        gathered = gather(
            [entry.arrival for entry in unpacked.entries], await self._recall(connection, unpacked)
        )
        by_arrival = {id(entry.arrival): entry for entry in unpacked.entries}
        park_refused(unpacked, [(by_arrival[id(came)], text) for came, text in gathered.refused])
        await queries_ingest.insert_cameras(connection, gathered.new_cameras)
        change_seq = await self._store(session, connection, gathered) if gathered.touched else None
        dispatches = await _dispatch(connection, gathered, now_us)
        await queries_ingest.park(connection, unpacked.parked)
        await self._enter(connection, unpacked.committed)
        return Outcome(
            change_seq,
            len(gathered.opened),
            len(gathered.stored),
            gathered.repeats,
            dispatches,
            tuple(row["reason"] for row in unpacked.parked),
        )

    async def _follow_changes(self, session: AsyncSession, connection: AsyncConnection, now_us: int) -> None:
        """Learn what others (operators) have changed. Taking no number still locks the counter, so nobody
        changes an incident between this and our commit."""
        cache = self._cache
        newest = await take(session, CHANGE_SEQ, 0) - 1
        oldest_us = now_us - RECALL_S * 1_000_000
        if newest != cache.change_seq:
            for situation in await queries_situations.changed_since(connection, cache.change_seq, oldest_us):
                cache.nearby.put(situation)
            cache.change_seq = newest
        if now_us - cache.forgot_at_us > _FORGET_EVERY_US:
            cache.nearby.forget_before(oldest_us)
            cache.forgot_at_us = now_us

    async def _recall(self, connection: AsyncConnection, unpacked: Unpacked) -> Memory:
        """Read what is stored of the events and cameras that are named."""
        reports = [entry.arrival.report for entry in unpacked.entries]
        known = await queries_ingest.known_events(connection, {report.event_id for report in reports})
        cameras = self._cache.cameras
        claims = {
            (e.arrival.report.camera, e.arrival.box) for e in unpacked.entries if e.arrival.report.camera
        }
        unsure = {camera for camera, box in claims if camera and cameras.get(camera) != box}
        cameras.update(await queries_ingest.camera_boxes(connection, unsure))
        named = {event.incident_id for event in known.values()}
        far = [incident_id for incident_id in named if self._cache.nearby.get(incident_id) is None]
        distant = {s.incident_id: s for s in await queries_situations.situations(connection, far)}
        return Memory(self._cache.nearby, known, distant, cameras)

    async def _store(self, session: AsyncSession, connection: AsyncConnection, gathered: Gathered) -> int:
        first = await take(session, CHANGE_SEQ, len(gathered.touched))
        change_seqs = dict(zip(gathered.touched, count(first), strict=False))
        opened = list(gathered.opened.values())
        if opened:
            number = await take(session, INCIDENT_NUMBER, len(opened))
            for situation in opened:
                situation.number, number = number, number + 1
        grown = [s for incident_id, s in gathered.touched.items() if incident_id not in gathered.opened]
        await queries_situations.insert_incidents(connection, opened, change_seqs)
        await queries_situations.update_situations(connection, grown, change_seqs)
        await queries_ingest.insert_events(connection, gathered.stored)
        await queries_situations.insert_timeline(connection, gathered.timeline)
        await queries_evidence.link_waiting(connection, gathered.stored)
        self._cache.change_seq = first + len(gathered.touched) - 1
        return self._cache.change_seq

    async def _write_pictures(
        self, session: AsyncSession, pictures: Sequence[Picture], parked: Sequence[dict[str, Any]]
    ) -> Outcome:
        connection = await session.connection()
        there = await queries_evidence.stored_ids(connection, {picture.id for picture in pictures})
        fresh = {picture.id: picture for picture in pictures if picture.id not in there}
        incidents = await queries_evidence.incidents_of(connection, [p.claim for p in fresh.values()])
        rows = [evidence_row(picture, incidents.get(picture.claim)) for picture in fresh.values()]
        await queries_evidence.insert_evidence(connection, rows)
        touched = list(dict.fromkeys(incidents.values()))
        change_seq = None
        if touched:
            first = await take(session, CHANGE_SEQ, len(touched))
            change_seq = first + len(touched) - 1
            await queries_evidence.mark_changed(connection, dict(zip(touched, count(first), strict=False)))
            covers = {row["incident_id"]: row["id"] for row in reversed(rows) if row["incident_id"]}
            await queries_evidence.set_covers(connection, covers)
        await queries_ingest.park(connection, parked)
        await self._enter(connection, _numbers(pictures))
        refusals = tuple(row["reason"] for row in parked)
        return Outcome(change_seq, 0, len(fresh), len(pictures) - len(fresh), 0, refusals)

    async def _enter(self, connection: AsyncConnection, committed: dict[OutboxKey, list[int]]) -> None:
        """Enter the committed numbers into the ledgers."""
        cache = self._cache.ledgers
        unread = [key for key in committed if key not in cache]
        stored = await queries_ingest.ledgers(connection, unread)
        cache.update(stored)
        new = {key for key in unread if key not in stored}
        changed: dict[OutboxKey, ledger.Ranges] = {}
        for key, numbers in committed.items():
            ranges = ledger.add(cache.get(key, ()), numbers)
            if key in new or ranges != cache.get(key):
                changed[key] = cache[key] = ranges
        await queries_ingest.put_ledgers(connection, changed, new)


def _numbers(pictures: Sequence[Picture]) -> dict[OutboxKey, list[int]]:
    numbers: dict[OutboxKey, list[int]] = {}
    for picture in pictures:
        numbers.setdefault((picture.box, picture.evidence.epoch), []).append(picture.evidence.seq)
    return numbers


async def _dispatch(connection: AsyncConnection, gathered: Gathered, now_us: int) -> int:
    """Write the messages to the agencies, to be delivered by their worker."""
    if not gathered.told:
        return 0
    routes, receivers = await routing_table(connection)
    rows: list[dict[str, Any]] = []
    for situation, message, about in gathered.told:
        told = legs(situation.kind, situation.severity, routes, receivers)
        body = notice.body(situation, message, now_us) if told else {}
        rows += [_dispatch_row(situation, message, leg.receiver_id, about, body, now_us) for leg in told]
    await insert_dispatches(connection, rows)
    return len(rows)


def _dispatch_row(
    situation: Situation, message: str, receiver_id: int, about: str, body: dict[str, Any], now_us: int
) -> dict[str, Any]:
    return {
        "incident_id": situation.incident_id,
        "receiver_id": receiver_id,
        "message": message,
        "idempotency_key": notice.idempotency_key(situation.incident_id, receiver_id, about),
        "body": body,
        "state": "pending",
        "attempt_count": 0,
        "next_attempt_at_us": now_us,
        "created_at_us": now_us,
    }
