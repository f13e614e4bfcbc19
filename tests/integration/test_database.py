"""Schema and engine, on SQLite and, where Debian's PostgreSQL is there, on it too."""

import asyncio
import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel, select

from hub.db import tables
from hub.db.engine import open_database, sqlite_url
from hub.db.migrate import migrate
from hub.db.queries_counters import CHANGE_SEQ, INCIDENT_NUMBER, latest, take
from hub.db.queries_ingest import committed_ranges
from hub.db.queries_routing import routing_table, seed_routing
from hub.domain.routing import starting_routes
from hub.services.ingest import Ingest
from shared.kinds import Kind
from shared.messages import Phase
from tests.fakes.postgres import running_postgres
from tests.hub_database import rows
from tests.reports import EPOCH, T0_US, delivery, evidence, picture_delivery, report

NOW_US = T0_US + 60_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        is_sqlite = request.param == "sqlite"
        yield sqlite_url(tmp_path / "hub.db") if is_sqlite else stack.enter_context(running_postgres())


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, SQLModel.metadata))


def test_all_migrations_together_are_the_tables_and_may_be_run_again(url: str) -> None:
    async def main() -> None:
        database = open_database(url)
        await migrate(database)
        await migrate(database)
        async with database.transaction() as session:
            assert await (await session.connection()).run_sync(_differences) == []
            assert await latest(session, CHANGE_SEQ) == 0
        await database.close()

    asyncio.run(main())


def test_the_routing_table_comes_back_as_it_was_sown(url: str) -> None:
    async def main() -> None:
        database = open_database(url)
        await migrate(database)
        async with database.transaction() as session:
            await seed_routing(await session.connection())
        async with database.reading() as session:
            routes, receivers = await routing_table(await session.connection())
        assert sorted(routes, key=lambda route: route.position) == starting_routes()
        assert receivers == []
        await database.close()

    asyncio.run(main())


def test_ingest_says_the_same_on_both(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        database = open_database(url)
        await migrate(database)
        async with database.transaction() as session:
            await seed_routing(await session.connection())
            session.add(tables.Receiver(agency_id="police", connector="webhook", url="http://x", secret="s"))
        ingest = Ingest(database, tmp_path / "evidence")
        parked = {"kind": Kind.ILLEGAL_PARKING}
        picture = evidence(1, seq=9)
        await ingest.take_pictures([picture_delivery(picture)], NOW_US)
        first = await ingest.take([delivery(report(1, digest=picture.digest, **parked))], NOW_US)
        other = delivery(report(2, camera="cam-2", east_m=2.0, **parked), box="box-b")
        poison = other._replace(body=b"\xc1")
        again = await ingest.take([other, other, poison, poison], NOW_US)
        end = report(1, revision=1, phase=Phase.END, at_s=9, **parked)
        end_2 = report(2, camera="cam-2", revision=1, phase=Phase.END, at_s=9, **parked)
        restarted = Ingest(database, tmp_path / "evidence")
        last = await restarted.take([delivery(end, first_seq=2), delivery(end_2, box="box-b")], NOW_US)
        assert [o.opened for o in (first, again, last)] == [1, 0, 0]
        assert [o.stored for o in (first, again, last)] == [1, 1, 2]
        assert (again.repeats, len(again.refusals)) == (1, 2)
        (incident,) = await rows(database, tables.Incident)
        assert incident.ended_at_us == T0_US + 9_000_000
        assert incident.places.keys() == {"cam-1", "cam-2"}
        assert incident.open_events == []
        assert incident.reason == {"dwell_s": 2.0, "limit_s": 1.5}
        assert incident.cover_evidence_id
        assert len(await rows(database, tables.Event)) == 4
        assert len(await rows(database, tables.Parked)) == 1
        assert [row.message for row in await rows(database, tables.Dispatch)] == ["opened", "updated"]
        async with database.reading() as session:
            assert await committed_ranges(session, "box-a", EPOCH) == ((1, 2), (9, 9))
            assert await latest(session, INCIDENT_NUMBER) == 1
        await database.close()

    asyncio.run(main())


def test_a_transaction_that_raises_leaves_nothing(url: str) -> None:
    async def main() -> None:
        database = open_database(url)
        await migrate(database)

        async def fail() -> None:
            async with database.transaction() as session:
                await take(session, CHANGE_SEQ, 5)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await fail()
        async with database.transaction() as session:
            assert await take(session, CHANGE_SEQ, 2) == 1
            assert await take(session, CHANGE_SEQ) == 3
        await database.close()

    asyncio.run(main())


def test_changes_of_many_writers_get_numbers_in_the_order_of_their_commits(url: str) -> None:
    async def main() -> None:
        database = open_database(url)
        await migrate(database)
        committed: list[int] = []

        async def write() -> None:
            async with database.transaction() as session:
                number = await take(session, CHANGE_SEQ)
                await asyncio.sleep(0)
            committed.append(number)

        await asyncio.gather(*(write() for _ in range(20)))
        assert sorted(committed) == list(range(1, 21))
        await database.close()

    asyncio.run(main())


def test_sqlite_is_safe_against_power_cuts_and_strangers(tmp_path: Path) -> None:
    async def main() -> None:
        database = open_database(sqlite_url(tmp_path / "new" / "hub.db"))
        await migrate(database)
        async with database.transaction() as session:
            connection = await session.connection()
            found = [
                (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert found == ["wal", 2, 1]
        assert stat.S_IMODE((tmp_path / "new" / "hub.db").stat().st_mode) == 0o600
        await database.close()

    asyncio.run(main())


def test_readers_see_a_consistent_state_while_somebody_writes(tmp_path: Path) -> None:
    async def main() -> None:
        database = open_database(sqlite_url(tmp_path / "hub.db"))
        await migrate(database)
        async with database.transaction() as writing:
            await take(writing, CHANGE_SEQ, 7)
            async with database.reading() as reading:
                assert await latest(reading, CHANGE_SEQ) == 0
        async with database.reading() as reading:
            assert await latest(reading, CHANGE_SEQ) == 7
            assert (await reading.exec(select(tables.Incident))).all() == []
        await database.close()

    asyncio.run(main())
