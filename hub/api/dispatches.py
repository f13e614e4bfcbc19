"""What could not be delivered, and sending it again."""

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from hub.api.given import GivenParts
from hub.api.sessions import SignedInRequest
from hub.domain.access import SUPERVISORS
from hub.domain.dispatch import DispatchState
from hub.services import dispatches
from hub.services.incident_views import DispatchView


class Dispatches(Struct, frozen=True):
    """Dispatches, oldest first."""

    dispatches: list[DispatchView]


@get("/dispatches", roles=SUPERVISORS)
async def list_dispatches(
    parts: GivenParts,
    which_state: Annotated[DispatchState | None, QueryParameter(name="state")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 200,
) -> Dispatches:
    """Dispatches in a state."""
    return Dispatches(await dispatches.dispatches(parts, which_state, limit))


@post("/dispatches/{dispatch_id:int}/retry", roles=SUPERVISORS, status_code=200)
async def retry(dispatch_id: FromPath[int], request: SignedInRequest, parts: GivenParts) -> DispatchView:
    """Send one that was given up again."""
    return await dispatches.retry(parts, dispatch_id, request.user.username)


ROUTES = [list_dispatches, retry]
