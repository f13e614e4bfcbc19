"""The live stream (server-sent events)."""

from typing import Annotated

from litestar import get
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from hub.api.given import GivenFeed
from hub.api.sessions import SignedInRequest
from hub.domain.access import ANYONE_SIGNED_IN
from hub.errors import FieldFault, InputRefused


@get("/stream", roles=ANYONE_SIGNED_IN, media_type="text/event-stream")
async def stream(
    request: SignedInRequest,
    feed: GivenFeed,
    after: Annotated[int | None, QueryParameter(ge=0)] = None,
    last_event_id: Annotated[str | None, HeaderParameter(name="last-event-id", max_length=20)] = None,
) -> Stream:
    """Each change of an incident as an event ``incident`` whose id is its ``change_seq``; a ``beat`` at least
    every 5 s; ``reset`` when the hub was restored from a backup and the page must load anew. Resumes after
    ``Last-Event-ID`` or ``after``."""
    return Stream(
        feed.join(request.user.token_hash, _resume(last_event_id, after)),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


def _resume(last_event_id: str | None, after: int | None) -> int | None:
    if last_event_id is None:
        return after
    if not last_event_id.isascii() or not last_event_id.isdigit():
        raise InputRefused(FieldFault("last-event-id", "is not a change_seq"))
    return int(last_event_id)


ROUTES = [stream]
