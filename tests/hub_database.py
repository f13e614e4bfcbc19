"""A hub's database in a folder of its own, and short ways to look into it."""

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from sqlmodel import SQLModel, select

from hub.db.engine import Database, open_database, sqlite_url
from hub.db.migrate import migrate


@contextlib.asynccontextmanager
async def hub_database(folder: Path) -> AsyncGenerator[Database]:
    """An SQLite database with the newest schema."""
    database = open_database(sqlite_url(folder / "hub.db"))
    try:
        await migrate(database)
        yield database
    finally:
        await database.close()


async def rows(database: Database, model: type[Any]) -> list[Any]:
    """All rows of a table, in the order of its primary key."""
    assert issubclass(model, SQLModel)
    async with database.reading() as session:
        found = await session.exec(select(model).order_by(*model.__table__.primary_key.columns))
        return list(found.all())
