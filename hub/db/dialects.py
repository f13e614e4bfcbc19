"""Where SQLite and PostgreSQL are spelt differently, and the limits of both."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
_VALUES_A_QUERY = 500


def in_slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Values for ``IN (…)``, few enough for one query (PostgreSQL takes 32,767 parameters)."""
    return (values[i : i + _VALUES_A_QUERY] for i in range(0, len(values), _VALUES_A_QUERY))


async def insert_missing(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose unique keys are not there yet; leave the others as they are."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    await connection.execute(dialect.insert(table).on_conflict_do_nothing(), list(rows))
