"""Pictures of events. Clients name an id, never a path."""

from typing import Annotated

from litestar import Response, get
from litestar.params import PathParameter

from hub.api.given import GivenParts
from hub.domain.access import ANYONE_SIGNED_IN
from hub.services import pictures


@get("/evidence/{evidence_id:str}", roles=ANYONE_SIGNED_IN, media_type="image/jpeg")
async def picture(
    evidence_id: Annotated[str, PathParameter(max_length=64)], parts: GivenParts
) -> Response[bytes]:
    """The redacted picture, as its box sent it."""
    jpeg = await pictures.read(parts, evidence_id)
    # What an id stands for never changes, so this browser need not ask again during its shift.
    return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=43200"})


ROUTES = [picture]
