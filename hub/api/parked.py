"""Messages that could not be taken, and trying them again."""

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Struct
from sqlmodel import col, select

from hub.api.given import GivenIngest, GivenParts
from hub.db.tables import Parked
from hub.domain.access import ADMINS
from hub.domain.instants import Instant, instant, instant_or_none
from hub.services import parking


class ParkedView(Struct, frozen=True):
    """A message, or one entry of a batch, and why it was not taken."""

    id: int
    stream: str
    subject: str
    size_bytes: int
    reason: str
    at: Instant
    replayed_at: Instant | None


class ParkedList(Struct, frozen=True):
    """What is parked, newest first."""

    parked: list[ParkedView]


class Replay(Struct, frozen=True):
    """What a second try came to; ``refusals`` is empty when all was taken."""

    refusals: list[str]


@get("/parked", roles=ADMINS)
async def list_parked(
    parts: GivenParts, limit: Annotated[int, QueryParameter(ge=1, le=500)] = 200
) -> ParkedList:
    """What is parked."""
    async with parts.database.reading() as db:
        rows = (await db.exec(select(Parked).order_by(col(Parked.id).desc()).limit(limit))).all()
    return ParkedList([_view(row) for row in rows])


@post("/parked/{parked_id:int}/replay", roles=ADMINS, status_code=200)
async def replay(parked_id: FromPath[int], parts: GivenParts, ingest: GivenIngest) -> Replay:
    """Give it another try, after what was wrong has been put right."""
    outcome = await parking.replay(parts.database, ingest, parked_id, parts.now_us())
    if outcome.change_seq is not None:
        parts.changes.publish(outcome.change_seq)
    if outcome.dispatches:
        parts.dispatch_wake.set()
    return Replay(list(outcome.refusals))


def _view(row: Parked) -> ParkedView:
    assert row.id is not None
    return ParkedView(
        id=row.id,
        stream=row.stream,
        subject=row.subject,
        size_bytes=len(row.body),
        reason=row.reason,
        at=instant(row.at_us),
        replayed_at=instant_or_none(row.replayed_at_us),
    )


ROUTES = [list_parked, replay]
