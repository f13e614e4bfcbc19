"""Agencies, receivers and routes."""

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from hub.api.given import GivenParts
from hub.domain.access import ADMINS, ANYONE_SIGNED_IN, SUPERVISORS
from hub.services import agencies
from hub.services.agencies import (
    AgencyView,
    ReceiverChange,
    ReceiverToMake,
    ReceiverView,
    RouteToMake,
    RouteView,
)


class Agencies(Struct, frozen=True):
    """All agencies."""

    agencies: list[AgencyView]


class Receivers(Struct, frozen=True):
    """All addresses."""

    receivers: list[ReceiverView]


class Routes(Struct, frozen=True):
    """The routing table, in its order."""

    routes: list[RouteView]


@get("/agencies", roles=ANYONE_SIGNED_IN)
async def list_agencies(parts: GivenParts) -> Agencies:
    """Who answers."""
    return Agencies(await agencies.agencies(parts))


@post("/agencies", roles=ADMINS)
async def put_agency(data: JSONBody[AgencyView], parts: GivenParts) -> AgencyView:
    """Add an agency, or rename it."""
    return await agencies.put_agency(parts, data)


@get("/receivers", roles=SUPERVISORS)
async def list_receivers(parts: GivenParts) -> Receivers:
    """Where messages go; secrets are never shown."""
    return Receivers(await agencies.receivers(parts))


@post("/receivers", roles=ADMINS)
async def add_receiver(data: JSONBody[ReceiverToMake], parts: GivenParts) -> ReceiverView:
    """Add an address of an agency."""
    return await agencies.add_receiver(parts, data)


@patch("/receivers/{receiver_id:int}", roles=ADMINS)
async def change_receiver(
    receiver_id: FromPath[int], data: JSONBody[ReceiverChange], parts: GivenParts
) -> ReceiverView:
    """Change or switch off an address."""
    return await agencies.change_receiver(parts, receiver_id, data)


@get("/routes", roles=SUPERVISORS)
async def list_routes(parts: GivenParts) -> Routes:
    """Who is told of what."""
    return Routes(await agencies.routes(parts))


@post("/routes", roles=ADMINS)
async def add_route(data: JSONBody[RouteToMake], parts: GivenParts) -> RouteView:
    """Add a line to the routing table."""
    return await agencies.add_route(parts, data)


@delete("/routes/{route_id:int}", roles=ADMINS)
async def delete_route(route_id: FromPath[int], parts: GivenParts) -> None:
    """Remove a line from the routing table."""
    await agencies.delete_route(parts, route_id)


ROUTES = [
    list_agencies,
    put_agency,
    list_receivers,
    add_receiver,
    change_receiver,
    list_routes,
    add_route,
    delete_route,
]
