"""The routing table, and the dispatches that it leads to."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.db import tables
from hub.db.dialects import insert_missing
from hub.db.tables import table
from hub.domain.routing import AGENCIES, Receiver, Route, starting_routes
from hub.domain.severity import Severity
from shared.kinds import KIND_BY_SLUG, Programme

_ROUTE = table(tables.Route)
_RECEIVER = table(tables.Receiver)
_AGENCY = table(tables.Agency)
_DISPATCH = table(tables.Dispatch)


async def routing_table(connection: AsyncConnection) -> tuple[list[Route], list[Receiver]]:
    """All routes and all receivers."""
    r = _ROUTE.c
    routes = await connection.execute(select(r.position, r.kind, r.programme, r.min_severity, r.agency_id))
    c = _RECEIVER.c
    receivers = await connection.execute(select(c.id, c.agency_id, c.enabled).order_by(c.id))
    return [_route(*row) for row in routes], [Receiver(*row) for row in receivers]


async def seed_routing(connection: AsyncConnection) -> None:
    """Give a new installation the agencies and routes of the event catalogue; leave any other as it is."""
    if (await connection.execute(select(_AGENCY.c.id).limit(1))).first():
        return
    await connection.execute(insert(_AGENCY), [agency._asdict() for agency in AGENCIES])
    await connection.execute(insert(_ROUTE), [_route_row(route) for route in starting_routes()])


async def insert_dispatches(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Store messages to be delivered; one whose idempotency key is there has been stored before."""
    await insert_missing(connection, _DISPATCH, rows)


def _route(
    position: int, kind: str | None, programme: str | None, min_severity: str | None, agency_id: str
) -> Route:
    return Route(
        position,
        KIND_BY_SLUG[kind] if kind else None,
        Programme(programme) if programme else None,
        Severity(min_severity) if min_severity else None,
        agency_id,
    )


def _route_row(route: Route) -> dict[str, Any]:
    return {
        **route._asdict(),
        "kind": route.kind.slug if route.kind else None,
    }
