"""All routes under one guard, one error mapper and one set of limits."""

from typing import Any, NamedTuple

from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from hub.api import (
    agencies,
    citymap,
    clips,
    console,
    devices,
    dispatches,
    evidence,
    health,
    incidents,
    parked,
    sessions,
    stream,
    users,
)
from hub.api.console import Console
from hub.api.guards import COOKIE, admit
from hub.api.headers import add_headers
from hub.api.health import Probes
from hub.api.problems import to_response
from hub.domain.access import ANYONE_SIGNED_IN
from hub.services.clips import Clips
from hub.services.devices import Devices
from hub.services.feed import Feed
from hub.services.ingest import Ingest
from hub.services.live import Live
from hub.services.looks import Looks
from hub.services.parts import Parts

API_VERSION = "1.0.0"
MAX_BODY_BYTES = 65_536
_ROUTES = [
    *sessions.ROUTES,
    *users.ROUTES,
    *incidents.ROUTES,
    *stream.ROUTES,
    *evidence.ROUTES,
    *clips.ROUTES,
    *citymap.ROUTES,
    *devices.ROUTES,
    *agencies.ROUTES,
    *dispatches.ROUTES,
    *parked.ROUTES,
    *health.ROUTES,
]


class Desk(NamedTuple):
    """What the routes work with; handlers ask for it by these names."""

    parts: Parts
    feed: Feed
    devices: Devices
    ingest: Ingest
    clips: Clips
    live: Live
    looks: Looks
    probes: Probes
    console: Console
    bus_port: int


def create_api(desk: Desk) -> Litestar:
    """The whole web application."""
    return _application(desk._asdict(), State({"parts": desk.parts}))


def describe_api() -> dict[str, Any]:
    """The API's description (OpenAPI 3.1), made without a running hub."""
    return _application(dict.fromkeys(Desk._fields), State()).openapi_schema.to_schema()


def _application(given: dict[str, Any], state: State) -> Litestar:
    return Litestar(
        route_handlers=[Router("/api/v1", route_handlers=_ROUTES), *console.ROUTES],
        guards=[admit],
        dependencies={name: _given(value) for name, value in given.items()},
        exception_handlers={Exception: to_response, HTTPException: to_response},
        before_send=[add_headers],
        request_max_body_size=MAX_BODY_BYTES,
        compression_config=CompressionConfig(backend="gzip", minimum_size=1_024, exclude=["/api/v1/stream"]),
        openapi_config=_description(),
        state=state,
        logging_config=None,
    )


def _given(value: Any) -> Provide:
    def give() -> Any:
        return value

    return Provide(give, sync_to_thread=False, use_cache=True)


def _description() -> OpenAPIConfig:
    session = SecurityScheme(type="apiKey", name=COOKIE, security_scheme_in="cookie")
    return OpenAPIConfig(
        title="Saqshy hub",
        version=API_VERSION,
        description="Incidents, their evidence and dispatches. Errors are problem details (RFC 9457).",
        components=Components(security_schemes={"session": session}),
        security=[{"session": []}],
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Router(
            "/api/v1/schema", route_handlers=[], opt={"roles": ANYONE_SIGNED_IN}, include_in_schema=False
        ),
    )
