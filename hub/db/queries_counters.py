"""The two numbers that only rise. Taking one locks its row until the commit, so they rise in commit order."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.tables import Counter, table

_COUNTER = table(Counter)
CHANGE_SEQ = "change_seq"
INCIDENT_NUMBER = "incident_number"


async def take(session: AsyncSession, name: str, count: int = 1) -> int:
    """Reserve ``count`` numbers and return the first of them."""
    raised = _COUNTER.c.value + count
    statement = update(_COUNTER).where(_COUNTER.c.name == name).values(value=raised)
    connection = await session.connection()
    value: int = (await connection.execute(statement.returning(_COUNTER.c.value))).scalar_one()
    return value - count + 1


async def latest(session: AsyncSession, name: str) -> int:
    """The last number taken; 0 before the first."""
    statement = select(_COUNTER.c.value).where(_COUNTER.c.name == name)
    return (await (await session.connection()).execute(statement)).scalar_one()
