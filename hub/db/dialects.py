"""Where SQLite and PostgreSQL are spelt differently, and the limits of both."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Dialect, Table
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


async def insert_rows(
    connection: AsyncConnection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert many rows whose values are as the driver takes them: numbers, bytes, and JSON as text.

    SQLAlchemy's own way handles each value of each row once more; for a thousand events of 27 columns that
    cost as much as everything else together.
    """
    if rows:
        await connection.exec_driver_sql(_insert_sql(connection.dialect, table, names), list(rows))


async def update_rows(
    connection: AsyncConnection,
    table: Table,
    names: tuple[str, ...],
    key: str,
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Update many rows likewise; the last value of each is that of the column ``key``."""
    if rows:
        await connection.exec_driver_sql(_update_sql(connection.dialect, table, names, key), list(rows))


@lru_cache(maxsize=64)
def _insert_sql(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(_quoted(dialect, table, name) for name in names)
    marks = ", ".join(_mark(dialect, number) for number in range(1, len(names) + 1))
    return f"INSERT INTO {dialect.identifier_preparer.format_table(table)} ({columns}) VALUES ({marks})"  # noqa: S608


@lru_cache(maxsize=64)
def _update_sql(dialect: Dialect, table: Table, names: tuple[str, ...], key: str) -> str:
    settings = ", ".join(
        f"{_quoted(dialect, table, name)} = {_mark(dialect, number)}" for number, name in enumerate(names, 1)
    )
    which = f"{_quoted(dialect, table, key)} = {_mark(dialect, len(names) + 1)}"
    return f"UPDATE {dialect.identifier_preparer.format_table(table)} SET {settings} WHERE {which}"  # noqa: S608


def _quoted(dialect: Dialect, table: Table, name: str) -> str:
    return dialect.identifier_preparer.format_column(table.c[name])


def _mark(dialect: Dialect, number: int) -> str:
    return f"${number}" if dialect.paramstyle == "numeric_dollar" else "?"


_ENCODE = msgspec.json.Encoder().encode


def to_json(value: Any) -> str:
    """JSON text for a column."""
    return _ENCODE(value).decode()
