"""Giving parked messages another try, after what was wrong has been put right."""

from sqlalchemy import select, update

from hub.bus.streams import EVIDENCE
from hub.db.engine import Database
from hub.db.tables import Parked, table
from hub.errors import NotFound
from hub.services.ingest import Ingest, Outcome
from hub.services.unpacking import Delivery

_PARKED = table(Parked)


async def replay(database: Database, ingest: Ingest, parked_id: int, now_us: int) -> Outcome:
    """Send one parked message through ingest again. Raises ``NotFound``.

    ``Outcome.refusals`` says why it could not be taken this time either; when it is empty, the message counts
    as replayed. Doing so twice changes nothing more.
    """
    delivery = await _parked(database, parked_id)
    take = ingest.take_pictures if delivery.stream == EVIDENCE else ingest.take
    outcome = await take([delivery], now_us)
    if not outcome.refusals:
        async with database.transaction() as session:
            connection = await session.connection()
            marked = update(_PARKED).where(_PARKED.c.id == parked_id).values(replayed_at_us=now_us)
            await connection.execute(marked)
    return outcome


async def _parked(database: Database, parked_id: int) -> Delivery:
    c = _PARKED.c
    statement = select(c.stream, c.stream_seq, c.subject, c.body, c.is_entry).where(c.id == parked_id)
    async with database.reading() as session:
        row = (await (await session.connection()).execute(statement)).first()
    if row is None:
        raise NotFound(f"parked message {parked_id}: there is none")
    return Delivery(*row)
