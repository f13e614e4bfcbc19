"""Whether the hub works, for those who watch it."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from litestar import Response, get
from litestar.di import NamedDependency
from msgspec import Struct
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from hub.api.given import GivenParts
from hub.api.guards import OPEN, SCRAPERS
from hub.domain.access import ADMINS
from hub.services import metrics
from hub.services.metrics import Gauges


class Health(Struct, frozen=True):
    """``ok``, or ``degraded`` while the bus or the database is away. Nothing more: this route is open."""

    status: Literal["ok", "degraded"]


class Probes(NamedTuple):
    """What the running parts say of themselves."""

    bus_is_connected: Callable[[], bool]
    gauges: Callable[[], Gauges]


@get("/health", roles=OPEN)
async def health(parts: GivenParts, probes: NamedDependency[Probes]) -> Response[Health]:
    """200 while the bus is connected and the database answers, else 503."""
    works = probes.bus_is_connected() and await _database_answers(parts)
    return Response(Health("ok" if works else "degraded"), status_code=200 if works else 503)


@get("/metrics", roles=ADMINS, opt={SCRAPERS: True}, media_type="text/plain")
async def prometheus(parts: GivenParts, probes: NamedDependency[Probes]) -> Response[bytes]:
    """Prometheus's text format; for admins, and for who holds the metrics token of ``hub.toml``."""
    body = await metrics.exposition(parts, probes.gauges())
    return Response(body, media_type=CONTENT_TYPE_LATEST)


async def _database_answers(parts: GivenParts) -> bool:
    try:
        async with parts.database.reading() as db:
            await db.connection()
    except (SQLAlchemyError, OSError):
        return False
    return True


ROUTES = [health, prometheus]
