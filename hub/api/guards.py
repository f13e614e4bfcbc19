"""Who may call a route. One guard stands before all routes and refuses what does not say whom it is for.

A route names its roles: ``@get("/incidents", roles=ANYONE_SIGNED_IN)``. ``OPEN`` is for those few that work
without a session; a test holds their list.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from hub.errors import NotAllowed, NotSignedIn
from hub.services import sessions
from hub.services.parts import Parts

OPEN: Final = "open"
COOKIE: Final = "saqshy_session"
SCRAPERS: Final = "scrapers"
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

Connection = ASGIConnection[Any, Any, Any, Any]


async def admit(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let the request through, with its user in ``scope["user"]``, or raise the refusal."""
    _check_origin(connection)
    roles = handler.opt.get("roles")
    if roles is OPEN:
        return
    parts: Parts = connection.app.state.parts
    if handler.opt.get(SCRAPERS) and _has_metrics_token(connection, parts):
        return
    token = connection.cookies.get(COOKIE)
    if token is None:
        raise NotSignedIn("there is no session; sign in with POST /api/v1/session")
    who = await sessions.check(parts, token)
    if not isinstance(roles, frozenset) or who.role not in roles:
        raise NotAllowed(f"the role {who.role} may not do this")
    connection.scope["user"] = who


def peer(connection: Connection) -> str:
    """The address of the other end of the connection. What a header says about it is not believed."""
    return connection.client.host if connection.client else "unknown"


def _check_origin(connection: Connection) -> None:
    """A page of another site must not act through a user's browser. A browser says where a request comes
    from; who is no browser says nothing, and has no cookie that it did not fetch itself."""
    if _method(connection) in _SAFE_METHODS:
        return
    origin = connection.headers.get("origin")
    if origin is not None:
        foreign = origin == "null" or urlsplit(origin).netloc not in _own_hosts(connection)
    else:
        foreign = connection.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if foreign:
        raise NotAllowed("this request comes from a page of another site")


def _method(connection: Connection) -> str:
    return cast("Mapping[str, Any]", connection.scope).get("method", "GET")


def _own_hosts(connection: Connection) -> set[str]:
    public_url = connection.app.state.parts.settings.public_url
    return {connection.headers.get("host", ""), urlsplit(public_url or "").netloc} - {""}


def _has_metrics_token(connection: Connection, parts: Parts) -> bool:
    expected = parts.settings.metrics_token
    given = connection.headers.get("authorization", "")
    return expected is not None and hmac.compare_digest(given.encode(), f"Bearer {expected}".encode())
