"""The durable outbox of a box: what it has seen and the hub has not confirmed yet, in one SQLite file.

A report passes through three states: *waiting*, *sent* (the bus has it on disk) and *confirmed* (the hub has
committed it). Confirmed rows stay a while: a hub that was restored from a backup gets them again.
"""

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edge_agent.errors import OutboxFault
from edge_agent.outbox import schema
from edge_agent.outbox.spill import Spill
from edge_agent.outbox.thinning import Thinning
from shared.codec import encode
from shared.kinds import Lane
from shared.messages import (
    MAX_BATCH_BYTES,
    MAX_EVIDENCE_BYTES,
    MAX_REPORTS,
    MAX_SYNC_RANGES,
    VERSION,
    EventReport,
    Evidence,
)

LANES = tuple(Lane)
_EVIDENCE = LANES.index(Lane.EVIDENCE)
_ALONE_UP_TO = LANES.index(Lane.CRITICAL)
_WAITING, _SENT, _CONFIRMED = range(3)

_MAX_EVIDENCE_ROWS = 5_000
_MAX_DEAD_ROWS = 1_000
_RESEND_AFTER_US = 30_000_000
_ENVELOPE_BYTES = 64
_ENTRY_BYTES = 12


class Snapshot(NamedTuple):
    """A redacted picture on its way into the outbox."""

    event_id: bytes
    camera: str
    observed_at_us: int
    jpeg: bytes


class Parcel(NamedTuple):
    """Rows that travel as one message; sent again, it has the same id and the same rows."""

    batch_id: bytes
    lane: Lane
    rows: Sequence[tuple[int, bytes]]
    """(seq, encoded report or evidence)"""


class Row(NamedTuple):
    """A row that has no number yet."""

    lane: int
    at_us: int
    body: bytes


class Kept(NamedTuple):
    """How long what the hub has confirmed is kept."""

    seconds: int = 48 * 3600
    reports: int = 50_000
    pictures: int = 1_000


KEPT = Kept()


class Outbox:
    """Thread-safe. ``put`` returns after the disk has the rows; at ``max_rows`` unconfirmed rows the least
    important, oldest go, and the ledger counts them. ``now_us`` tells UTC in microseconds."""

    def __init__(
        self,
        path: Path,
        *,
        now_us: Callable[[], int],
        max_rows: int = 200_000,
        kept: Kept = KEPT,
        thinning: Thinning | None = None,
    ) -> None:
        self._path = path
        self._now_us = now_us
        self._max_rows = max_rows
        self._kept = kept
        self._thinning = thinning
        self._lock = threading.Lock()
        self._spill = Spill()
        self.fault: str | None = None
        """Why the disk takes nothing now."""
        self._wake: Callable[[], object] = lambda: None
        with self._faults():
            self._database = schema.open_file(path)
        self.epoch: bytes = self._one("select epoch from outbox")
        self._unconfirmed = [0] * len(LANES)
        self._count()

    # --- from the pipelines -------------------------------------------------------------------------------

    def put(self, reports: Sequence[tuple[Lane, EventReport]], snapshots: Sequence[Snapshot] = ()) -> None:
        """Store all of it in one transaction.

        Raises ``OutboxFault`` when the disk takes nothing; the newest 1,000 rows then wait in memory and go
        to the disk with the first ``put`` or ``flush`` that succeeds. What ``thinning`` holds back is counted
        as lost, with its pictures.
        """
        at_us = self._now_us()
        passed, snapshots = self._thinned(reports, snapshots, at_us)
        rows = [Row(LANES.index(lane), at_us, encode(report)) for lane, report in passed]
        rows += [Row(_EVIDENCE, at_us, self._evidence(snapshot)) for snapshot in snapshots]
        if not rows:
            return  # what was held back stands in the ledger with the next write
        with self._lock:
            self._spill.add(rows)
            try:
                self._flush()
            except OutboxFault:
                self._spill.shed()
                raise
        self._wake()

    def flush(self) -> None:
        """Try again to store what waits in memory. Raises ``OutboxFault``."""
        with self._lock:
            if self._spill or self._spill.lost:
                self._flush()

    def probe(self) -> None:
        """Write something, so that a disk that takes nothing is noticed before the next report; what waits in
        memory goes first. Raises ``OutboxFault``."""
        self.flush()
        with self._transaction(durable=False) as run:
            run("update outbox set epoch = epoch", [()])
        self.fault = None

    def listen(self, wake: Callable[[], object]) -> None:
        """Have ``wake`` called, from whatever thread, after each ``put``."""
        self._wake = wake

    def close(self) -> None:
        """Close the file; the ledger is written as far as the disk takes it."""
        with contextlib.suppress(OutboxFault):
            self.flush()
        with self._lock:
            self._database.close()

    # --- to the relay -------------------------------------------------------------------------------------

    def formed(self) -> list[Parcel]:
        """The parcels that were on their way when the link broke, most important first."""
        found = self._all(
            "select batch, lane, seq, body from entry where state = 0 and batch is not null"
            " order by lane, seq"
        )
        rows: dict[tuple[int, bytes], list[tuple[int, bytes]]] = {}
        for batch, lane, seq, body in found:
            rows.setdefault((lane, batch), []).append((seq, body))
        return [Parcel(batch, LANES[lane], entries) for (lane, batch), entries in rows.items()]

    def form(self, count: int, *, up_to: Lane = Lane.EVIDENCE) -> list[Parcel]:
        """Make up to ``count`` parcels of rows that are in none, from the lanes down to ``up_to``."""
        parcels: list[Parcel] = []
        with self._transaction(durable=False) as run:
            for lane in range(LANES.index(up_to) + 1):
                while len(parcels) < count and (rows := self._next_rows(lane)):
                    parcel = Parcel(os.urandom(16), LANES[lane], rows)
                    parcels.append(parcel)
                    run(
                        "update entry set batch = ? where seq = ?",
                        [(parcel.batch_id, seq) for seq, _ in rows],
                    )
        return parcels

    def sent(self, parcels: Iterable[Parcel]) -> None:
        """The bus has stored these."""
        now_us = self._now_us()
        with self._transaction(durable=False) as run:
            run(
                "update entry set state = 1, sends = sends + 1, sent_at_us = ? where seq = ? and state = 0",
                [(now_us, seq) for parcel in parcels for seq, _ in parcel.rows],
            )

    def refused(self, parcel: Parcel, reason: str) -> None:
        """The bus will never take this parcel: its rows travel alone from now on; a single one is buried."""
        with self._transaction() as run:
            if len(parcel.rows) > 1:
                run("update entry set batch = null, alone = 1 where seq = ?", [(s,) for s, _ in parcel.rows])
            else:
                seq, body = parcel.rows[0]
                self._bury(seq, Row(LANES.index(parcel.lane), self._now_us(), body), reason)
                run("delete from entry where seq = ?", [(seq,)])
        self._count()

    def reconcile(self, ranges: Sequence[tuple[int, int]]) -> int:
        """Take the hub's word on what it has committed (inclusive ranges, ascending).

        Confirms what it names. What it does not name is sent again: at once if it was confirmed before (the
        hub was restored from a backup), else when it was sent longer ago than seems right. Returns how many.
        """
        now_us = self._now_us()
        with self._transaction() as run:
            run("update entry set state = 2 where seq between ? and ? and state = 1", ranges)
            again = run(
                "update entry set state = 0, batch = null, sends = 0 where seq between ? and ? and state = 2",
                _gaps(ranges),
            )
            again += run(
                "update entry set state = 0, batch = null where state = 1"
                " and sent_at_us + (? << min(sends - 1, 5)) < ?",
                [(_RESEND_AFTER_US, now_us)],
            )
            self._trim(run)
        self._count()
        return again

    # --- to whoever watches -------------------------------------------------------------------------------

    @property
    def unconfirmed(self) -> int:
        """Rows that the hub has not confirmed yet."""
        return sum(self._unconfirmed) + len(self._spill)

    def waiting(self) -> int:
        """Rows that the bus has not got yet."""
        return self._one("select count(*) from entry where state = 0") + len(self._spill)

    def sent_unconfirmed(self) -> int:
        """Rows that the bus has and the hub has not confirmed."""
        return self._one("select count(*) from entry where state = 1")

    def lost(self) -> dict[Lane, int]:
        """How many rows were forgotten for want of room, by lane."""
        rows = dict(self._all("select lane, count from lost"))
        return {lane: rows.get(i, 0) + self._spill.lost.get(i, 0) for i, lane in enumerate(LANES)}

    def dead(self) -> list[tuple[int, Lane, str]]:
        """The buried rows: (seq, lane, reason)."""
        return [(s, LANES[lane], why) for s, lane, why in self._all("select seq, lane, reason from dead")]

    # --- inside -------------------------------------------------------------------------------------------

    def _thinned(
        self, reports: Sequence[tuple[Lane, EventReport]], snapshots: Sequence[Snapshot], at_us: int
    ) -> tuple[Sequence[tuple[Lane, EventReport]], Sequence[Snapshot]]:
        """What is not too much; the rest stands in the ledger with the next write."""
        if self._thinning is None:
            return reports, snapshots
        passed: list[tuple[Lane, EventReport]] = []
        held_back: set[bytes] = set()
        with self._lock:
            for lane, report in reports:
                if self._thinning.may_pass(lane, report, at_us):
                    passed.append((lane, report))
                else:
                    held_back.add(report.event_id)
                    self._spill.lose(LANES.index(lane), at_us)
        return passed, [one for one in snapshots if one.event_id not in held_back]

    def _evidence(self, snapshot: Snapshot) -> bytes:
        digest = hashlib.sha256(snapshot.jpeg).digest()
        return encode(Evidence(VERSION, self.epoch, 1, *snapshot[:3], digest, snapshot.jpeg))

    def _flush(self) -> None:
        rows = self._spill.rows
        counts = self._unconfirmed.copy()
        with self._locked_transaction(durable=True):
            for row in rows:
                counts[row.lane] += self._insert(row)
            self._forget(counts)
            self._spill.write_ledger(self._remember_loss)
        self._unconfirmed = counts
        self._spill.clear()
        self.fault = None

    def _insert(self, row: Row) -> bool:
        sql = "insert into entry(lane, state, at_us, body) values (?, 0, ?, ?)"
        seq = self._database.execute(sql, row).lastrowid
        limit = MAX_EVIDENCE_BYTES if row.lane == _EVIDENCE else MAX_BATCH_BYTES - _ENVELOPE_BYTES
        if len(row.body) <= limit:
            return True
        assert seq
        self._database.execute("delete from entry where seq = ?", (seq,))
        self._bury(seq, row, f"{len(row.body)} bytes, at most {limit} are sent")
        return False

    def _bury(self, seq: int, row: Row, reason: str) -> None:
        run = self._database.execute
        run(
            "insert or replace into dead values (?, ?, ?, ?, ?)", (seq, row.lane, row.at_us, reason, row.body)
        )
        run("delete from dead where seq <= (select max(seq) from dead) and seq not in"
            " (select seq from dead order by seq desc limit ?)", (_MAX_DEAD_ROWS,))  # fmt: skip

    def _forget(self, counts: list[int]) -> None:
        """Bring ``counts`` within the limits: surplus pictures, then the least important, oldest first."""
        over = max(0, counts[_EVIDENCE] - _MAX_EVIDENCE_ROWS)
        counts[_EVIDENCE] -= self._forget_lane(_EVIDENCE, over)
        for lane in reversed(range(len(LANES))):
            over = sum(counts) - self._max_rows
            counts[lane] -= self._forget_lane(lane, min(over, counts[lane]))

    def _forget_lane(self, lane: int, count: int) -> int:
        if count <= 0:
            return 0
        sql = (
            "delete from entry where seq in (select seq from entry where state < 2 and lane = ?"
            " order by state desc, seq limit ?) returning at_us, batch"
        )
        gone = self._database.execute(sql, (lane, count)).fetchall()
        # A parcel never changes under its id: what is left of one travels under a new id.
        batches = {(batch,) for _, batch in gone if batch is not None}
        self._database.executemany("update entry set batch = null where batch = ? and state = 0", batches)
        instants = [at_us for at_us, _ in gone]
        self._remember_loss(lane, len(gone), min(instants), max(instants))
        return len(gone)

    def _remember_loss(self, lane: int, count: int, first_at_us: int, last_at_us: int) -> None:
        self._database.execute(
            "insert into lost values (?, ?, ?, ?) on conflict(lane) do update set"
            " count = count + excluded.count,"
            " first_at_us = min(first_at_us, excluded.first_at_us),"
            " last_at_us = max(last_at_us, excluded.last_at_us)",
            (lane, count, first_at_us, last_at_us),
        )

    def _next_rows(self, lane: int) -> list[tuple[int, bytes]]:
        sql = (
            "select seq, alone, body from entry where state = 0 and batch is null and lane = ?"
            " order by seq limit ?"
        )
        is_alone = lane <= _ALONE_UP_TO or lane == _EVIDENCE
        rows: list[tuple[int, bytes]] = []
        size = _ENVELOPE_BYTES
        for seq, alone, body in self._database.execute(sql, (lane, 1 if is_alone else MAX_REPORTS)):
            size += len(body) + _ENTRY_BYTES
            if rows and (alone or size > MAX_BATCH_BYTES):
                break
            rows.append((seq, body))
            if alone:
                break
        return rows

    def _trim(self, run: "Run") -> None:
        """Forget what was confirmed long ago; nothing is lost by that."""
        run(
            "delete from entry where state = 2 and at_us < ?",
            [(self._now_us() - self._kept.seconds * 1_000_000,)],
        )
        keep = [(0, _EVIDENCE - 1, self._kept.reports), (_EVIDENCE, _EVIDENCE, self._kept.pictures)]
        run(
            "delete from entry where state = 2 and lane between ?1 and ?2 and seq <= (select seq from entry"
            " where state = 2 and lane between ?1 and ?2 order by seq desc limit 1 offset ?3)",
            keep,
        )

    def _count(self) -> None:
        with self._lock:
            rows = self._database.execute(
                "select lane, count(*) from entry where state < 2 group by lane"
            ).fetchall()
            counts = dict(rows)
            self._unconfirmed = [counts.get(lane, 0) for lane in range(len(LANES))]

    @contextlib.contextmanager
    def _transaction(self, *, durable: bool = True) -> Iterator["Run"]:
        with self._lock, self._locked_transaction(durable=durable):
            yield lambda sql, rows: self._database.executemany(sql, rows).rowcount

    @contextlib.contextmanager
    def _locked_transaction(self, *, durable: bool) -> Iterator[None]:
        """What need not be durable is only ever lost together with the power, and costs a repetition then."""
        with self._faults():
            self._database.execute(f"pragma synchronous={schema.DURABLE if durable else 'normal'}")
            self._database.execute("begin immediate")
            try:
                yield
                self._database.execute("commit")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("rollback")
                raise

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            self.fault = str(error)
            raise OutboxFault(str(self._path), str(error)) from error

    def _one(self, sql: str) -> Any:
        return self._all(sql)[0][0]

    def _all(self, sql: str) -> list[Any]:
        with self._lock, self._faults():
            return self._database.execute(sql).fetchall()


Run = Callable[[str, Iterable[Sequence[Any]]], int]
"""Runs a statement once for each set of parameters and returns how many rows changed."""


def _gaps(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What lies between, before and after the ranges. A reply that is as long as can be says nothing of what
    lies before it."""
    starts = [1, *(end + 1 for _, end in ranges)]
    ends = [*(begin - 1 for begin, _ in ranges), (1 << 63) - 1]
    gaps = [(a, b) for a, b in zip(starts, ends, strict=True) if a <= b]
    return gaps[1:] if len(ranges) >= MAX_SYNC_RANGES and gaps[0][0] == 1 else gaps
