"""The database: one door for writing, one for reading.

SQLite runs in WAL with ``synchronous=FULL``: with NORMAL a power cut took up to 41 % of the last commits.
It has one writer at a time, so writers queue here in order instead of racing for the file's lock.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.db.dialects import to_json

BUSY_TIMEOUT_MS = 5_000
"""How long SQLite waits for another process (a backup, ``saqshy hub user add``) before it gives up."""
CACHE_KIB = 65_536
READERS = 8


class Database:
    """The hub's tables behind ``transaction()`` (commits at its end, or rolls all back) and ``reading()``."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.writer = writer
        self._reader = reader
        self._writing = asyncio.Lock() if writer.dialect.name == "sqlite" else None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """A session whose work is committed when the block ends, or undone when it raises."""
        async with (
            self._turn(),
            AsyncSession(self.writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession]:
        """A session for queries; it sees one consistent state and never waits for a writer."""
        async with AsyncSession(self._reader, expire_on_commit=False) as session:
            yield session

    async def close(self) -> None:
        await self.writer.dispose()
        if self._reader is not self.writer:
            await self._reader.dispose()

    def _turn(self) -> AbstractAsyncContextManager[Any]:
        return self._writing or contextlib.nullcontext()


def open_database(url: str) -> Database:
    """Open ``sqlite+aiosqlite:///FILE`` or ``postgresql+asyncpg://…``. Nothing is read or written yet."""
    if make_url(url).get_backend_name() != "sqlite":
        engine = _engine(url, pool_size=READERS, pool_pre_ping=True)
        return Database(engine, engine)
    _make_private(Path(make_url(url).database or ""))
    writer = _engine(url, pool_size=1, max_overflow=0)
    reader = _engine(url, pool_size=READERS, max_overflow=0)
    _tune_sqlite(writer, begin="BEGIN IMMEDIATE")
    _tune_sqlite(reader, begin="BEGIN")
    return Database(writer, reader)


def sqlite_url(path: Path) -> str:
    """The address of an SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


def _engine(url: str, **pool: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        json_serializer=to_json,
        json_deserializer=msgspec.json.decode,
        **pool,
    )


def _make_private(path: Path) -> None:
    """The file holds receivers' secrets: nobody else may read it, not even before it is filled."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _tune_sqlite(engine: AsyncEngine, begin: str) -> None:
    """Set what SQLite forgets between connections, and begin transactions ourselves: the driver's own way
    begins late, which lets two writers deadlock."""

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"cache_size=-{CACHE_KIB}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begun)
