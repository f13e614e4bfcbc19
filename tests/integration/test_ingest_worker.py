"""The ingest worker between a real bus and a real database, and what must not stop it."""

import asyncio
import contextlib
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError
from sqlalchemy import text

from hub.db import engine, tables
from hub.db.engine import Database
from hub.services.changes import Changes
from hub.services.parking import replay
from hub.workers.ingest import IngestWorker
from shared.codec import WireError, decode_batch, encode
from tests.fakes.bus import RunningBus, running_bus
from tests.hub_database import hub_database, rows
from tests.reports import T0_US, delivery, evidence, picture_delivery, report
from tests.wire import TYPICAL, hostile, typical_batch, typical_evidence

NOW_US = T0_US + 3_600_000_000
ROOT = Path(__file__).resolve().parents[2]


class Place(NamedTuple):
    """A bus, a database and a worker between them that is not running yet."""

    bus: RunningBus
    database: Database
    worker: IngestWorker
    changes: Changes
    wake: asyncio.Event


@contextlib.asynccontextmanager
async def a_place(folder: Path) -> AsyncGenerator[Place]:
    async with running_bus(folder) as bus, hub_database(folder) as database:
        changes, wake = Changes(), asyncio.Event()
        worker = IngestWorker(bus.hub, database, changes, folder / "evidence", lambda: NOW_US, wake)
        yield Place(bus, database, worker, changes, wake)


@contextlib.asynccontextmanager
async def running(worker: IngestWorker) -> AsyncGenerator[asyncio.Task[None]]:
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        worker.stop()
        await task


async def until(is_so: Callable[[], bool], within_s: float = 60) -> None:
    end_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end_s, "it did not come about"
        await asyncio.sleep(0.02)


async def publish(bus: RunningBus, messages: Sequence[tuple[str, bytes]]) -> None:
    """Put messages on the stream, as fast as it takes them."""
    client = await bus.hub.client()
    before = await bus.events_stored()
    for subject, body in messages:
        await client.publish(subject, body)
    await client.flush()
    for _ in range(600):
        if await bus.events_stored() == before + len(messages):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the stream did not take all messages")


async def unacknowledged(bus: RunningBus) -> int:
    client = await bus.hub.client()
    found = await client.jetstream().consumer_info("EVT", "ingest")
    return (found.num_pending or 0) + (found.num_ack_pending or 0)


async def until_drained(bus: RunningBus) -> None:
    """Wait until all events are committed. Under load some are given out twice, so counts may be higher."""
    for _ in range(2_000):
        with contextlib.suppress(NotFoundError):
            if await unacknowledged(bus) == 0:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("messages are left on the stream")


def test_reports_and_pictures_become_incidents_and_who_waits_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with a_place(tmp_path) as place, running(place.worker):
            picture = evidence(1)
            client = await place.bus.hub.client()
            stream = client.jetstream()
            for sent in (
                picture_delivery(picture),
                delivery(report(1, digest=picture.digest)),
                delivery(report(2, east_m=3, camera="cam-2"), box="box-b"),
                delivery(report(1, digest=picture.digest)),
            ):
                await stream.publish(sent.subject, sent.body)
            await until(lambda: place.worker.counts.messages >= 4)
            await until_drained(place.bus)
            (incident,) = await rows(place.database, tables.Incident)
            (row,) = await rows(place.database, tables.Evidence)
            assert incident.event_count == 2
            assert incident.cover_evidence_id == row.id
            assert place.changes.latest == incident.change_seq
            assert len(await rows(place.database, tables.Event)) == 2

    asyncio.run(main())


def test_a_poison_message_among_a_thousand_is_parked_and_can_be_replayed(tmp_path: Path) -> None:
    async def main() -> None:
        async with a_place(tmp_path) as place, running(place.worker):
            good = [delivery(report(n, east_m=n * 120.0), first_seq=n) for n in range(1, 1000)]
            messages = [(each.subject, each.body) for each in good]
            poison = delivery(report(1000, east_m=-500.0), first_seq=1000)
            messages.insert(500, (poison.subject, poison.body[:-9]))
            await publish(place.bus, messages)
            await until_drained(place.bus)
            assert place.worker.counts.stored == 999
            (parked,) = await rows(place.database, tables.Parked)
            assert parked.stream == "EVT"
            assert parked.stream_seq == 501
            assert parked.body == poison.body[:-9]
            async with place.database.transaction() as session:
                await (await session.connection()).execute(
                    text("UPDATE parked SET body = :body"), {"body": poison.body}
                )
            outcome = await replay(place.database, place.worker.ingest, parked.id, NOW_US)
            assert (outcome.stored, outcome.refusals) == (1, ())

    asyncio.run(main())


def test_ten_thousand_hostile_bodies_are_parked_and_the_worker_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with a_place(tmp_path) as place, running(place.worker) as task:
            seeds = [encode(TYPICAL), encode(typical_batch(3)), encode(typical_evidence())]
            bodies = [hostile(seed, seeds[seed % 3]) for seed in range(10_000)]
            bodies = [body for body in bodies if len(body) <= 65_536]
            subject = delivery(report(1)).subject
            await publish(place.bus, [(subject, body) for body in bodies])
            await until_drained(place.bus)
            assert not task.done()
            parked = await rows(place.database, tables.Parked)
            assert {row.body for row in parked if not row.is_entry} == {b for b in bodies if _is_refused(b)}
            assert len(parked) > 5_000
            assert "internal error" not in " ".join(row.reason for row in parked)
            fine = delivery(report(1), first_seq=10)
            stored = place.worker.counts.stored
            await publish(place.bus, [(fine.subject, fine.body)])
            await until(lambda: place.worker.counts.stored == stored + 1)

    asyncio.run(main())


def _is_refused(body: bytes) -> bool:
    try:
        decode_batch(body)
    except WireError:
        return True
    return False


def test_a_message_that_breaks_its_transaction_is_singled_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with a_place(tmp_path) as place, running(place.worker):
            async with place.database.transaction() as session:
                await (await session.connection()).execute(
                    text(
                        "CREATE TRIGGER cursed BEFORE INSERT ON event WHEN NEW.camera = 'cursed' "
                        "BEGIN SELECT RAISE(ABORT, 'a fault of our own'); END"
                    )
                )
            cameras = ["cam-1", "cam-1", "cursed", "cam-1", "cam-1", "cam-1", "cam-1"]
            sent = [delivery(report(n, camera=c), first_seq=n) for n, c in enumerate(cameras, 1)]
            await publish(place.bus, [(each.subject, each.body) for each in sent])
            await until_drained(place.bus)
            (parked,) = await rows(place.database, tables.Parked)
            assert parked.body == sent[2].body
            assert (
                parked.reason == "internal error: IntegrityError: (sqlite3.IntegrityError) a fault of our own"
            )
            (incident,) = await rows(place.database, tables.Incident)
            assert incident.event_count == 6

    asyncio.run(main())


def test_while_the_database_is_locked_nothing_is_acknowledged_and_nothing_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)

    async def main() -> None:
        async with a_place(tmp_path) as place:
            with contextlib.closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                async with running(place.worker):
                    sent = [delivery(report(n, east_m=n * 120.0), first_seq=n) for n in range(1, 21)]
                    await publish(place.bus, [(each.subject, each.body) for each in sent])
                    await until(lambda: place.worker.counts.failures >= 2)
                    assert await unacknowledged(place.bus) == 20
                    other.execute("ROLLBACK")
                    await until(lambda: place.worker.counts.stored == 20)
                    assert len(await rows(place.database, tables.Event)) == 20

    asyncio.run(main())


def test_when_a_side_of_the_worker_dies_the_worker_ends_with_it(tmp_path: Path) -> None:
    class Broken:
        async def fetch(self) -> list[Msg]:
            raise RuntimeError("a fault of our own")

        async def ack(self, messages: Sequence[Msg]) -> None:
            raise AssertionError

    async def main() -> None:
        async with a_place(tmp_path) as place:
            place.worker.pictures = Broken()
            with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="a fault of our own")):
                await place.worker.run()

    asyncio.run(main())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_killed_between_commit_and_acknowledgement_counts_everything_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_bus(tmp_path) as bus, hub_database(tmp_path) as database:
            sent = [
                delivery(
                    *(report(n * 10 + i, east_m=(n % 40) * 300.0, at_s=n / 40) for i in range(5)),
                    first_seq=1 + n * 5,
                )
                for n in range(2_400)
            ]
            await publish(bus, [(each.subject, each.body) for each in sent])
            deaths = 0
            for _ in range(5):
                deaths += await _work(tmp_path, bus.server.url, 1) == -signal.SIGKILL
            assert deaths == 5
            stored_at_death = len(await rows(database, tables.Event))
            assert stored_at_death > 0
            assert await _work(tmp_path, bus.server.url, 0) == 0
            events = await rows(database, tables.Event)
            incidents = await rows(database, tables.Incident)
            assert len(events) == 12_000
            assert sum(incident.event_count for incident in incidents) == 12_000
            assert len(incidents) == 40
            assert [list(row.ranges) for row in await rows(database, tables.Ledger)] == [[[1, 12_000]]]
            opened = [line for line in await rows(database, tables.TimelineEntry) if line.what == "opened"]
            assert len(opened) == 40

    asyncio.run(main())


async def _work(folder: Path, url: str, dies_at: int) -> int:
    command = (sys.executable, "-m", "tests.fakes.crashing_ingest", str(folder), url, str(dies_at))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    return await process.wait()
