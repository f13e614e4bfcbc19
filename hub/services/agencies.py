"""Agencies, their receivers and the routing table."""

import ipaddress
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, Struct
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.connectors.table import CONNECTORS
from hub.db.tables import Agency, Receiver, Route
from hub.domain.severity import Severity
from hub.errors import FieldFault, InputRefused, NotFound
from hub.services.parts import Parts
from shared.identity import IDENTITY_PATTERN
from shared.kinds import KIND_BY_SLUG, Programme

Slug = Annotated[str, Meta(pattern=IDENTITY_PATTERN, max_length=63)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]


class AgencyView(Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers, with a name in each language of the console."""

    id: Slug
    name_kk: Name
    name_ru: Name
    name_en: Name


class ReceiverView(Struct, frozen=True):
    """An address of an agency. Its secret goes in and never comes out."""

    id: int
    agency: str
    connector: str
    url: str
    enabled: bool


class ReceiverToMake(Struct, frozen=True, forbid_unknown_fields=True):
    """A new address; ``secret`` signs what is sent to it."""

    agency: Slug
    url: Annotated[str, Meta(min_length=1, max_length=2_000)]
    secret: Annotated[str, Meta(min_length=16, max_length=256)]
    connector: Annotated[str, Meta(max_length=32)] = "webhook"
    enabled: bool = True


class ReceiverChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of an address; what is left out stays."""

    url: Annotated[str, Meta(min_length=1, max_length=2_000)] | None = None
    secret: Annotated[str, Meta(min_length=16, max_length=256)] | None = None
    enabled: bool | None = None


class RouteToMake(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the routing table; what is null matches everything."""

    position: Annotated[int, Meta(ge=0, le=1_000_000)]
    agency: Slug
    kind: Annotated[str, Meta(max_length=64)] | None = None
    programme: Programme | None = None
    min_severity: Severity | None = None


class RouteView(RouteToMake, frozen=True, kw_only=True):
    """A line of the routing table that is stored."""

    id: int


async def agencies(parts: Parts) -> list[AgencyView]:
    async with parts.database.reading() as db:
        rows = (await db.exec(select(Agency).order_by(col(Agency.id)))).all()
    return [AgencyView(row.id, row.name_kk, row.name_ru, row.name_en) for row in rows]


async def put_agency(parts: Parts, agency: AgencyView) -> AgencyView:
    """Add an agency, or give the one with this id other names."""
    async with parts.database.transaction() as db:
        names = {"name_kk": agency.name_kk, "name_ru": agency.name_ru, "name_en": agency.name_en}
        await db.merge(Agency(id=agency.id, **names))
    return agency


async def receivers(parts: Parts) -> list[ReceiverView]:
    async with parts.database.reading() as db:
        return [_receiver(row) for row in (await db.exec(select(Receiver).order_by(col(Receiver.id)))).all()]


async def add_receiver(parts: Parts, wanted: ReceiverToMake) -> ReceiverView:
    """Add an address. Raises ``InputRefused`` that names the field."""
    if wanted.connector not in CONNECTORS:
        known = ", ".join(CONNECTORS)
        raise InputRefused(
            FieldFault("connector", f"there is no connector {wanted.connector!r}; use {known}")
        )
    check_url(wanted.url)
    async with parts.database.transaction() as db:
        await _check_agency(db, wanted.agency)
        row = Receiver(
            agency_id=wanted.agency,
            connector=wanted.connector,
            url=wanted.url,
            secret=wanted.secret,
            enabled=wanted.enabled,
        )
        db.add(row)
        await db.flush()
    return _receiver(row)


async def change_receiver(parts: Parts, receiver_id: int, wanted: ReceiverChange) -> ReceiverView:
    """Change an address; what waits for it goes to the new one."""
    if wanted.url is not None:
        check_url(wanted.url)
    async with parts.database.transaction() as db:
        row = await db.get(Receiver, receiver_id)
        if row is None:
            raise NotFound(f"there is no receiver {receiver_id}")
        row.url = wanted.url or row.url
        row.secret = wanted.secret or row.secret
        row.enabled = row.enabled if wanted.enabled is None else wanted.enabled
    parts.dispatch_wake.set()
    return _receiver(row)


async def routes(parts: Parts) -> list[RouteView]:
    """The routing table in its order."""
    async with parts.database.reading() as db:
        rows: Sequence[Route] = (await db.exec(select(Route).order_by(col(Route.position)))).all()
    return [_route(row) for row in rows]


async def add_route(parts: Parts, wanted: RouteToMake) -> RouteView:
    """Add a line. Raises ``InputRefused`` that names the field."""
    if wanted.kind is not None and wanted.kind not in KIND_BY_SLUG:
        raise InputRefused(FieldFault("kind", f"there is no kind {wanted.kind!r}"))
    async with parts.database.transaction() as db:
        await _check_agency(db, wanted.agency)
        row = Route(
            position=wanted.position,
            kind=wanted.kind,
            programme=wanted.programme,
            min_severity=wanted.min_severity,
            agency_id=wanted.agency,
        )
        db.add(row)
        await db.flush()
    return _route(row)


async def delete_route(parts: Parts, route_id: int) -> None:
    async with parts.database.transaction() as db:
        row = await db.get(Route, route_id)
        if row is None:
            raise NotFound(f"there is no route {route_id}")
        await db.delete(row)


def check_url(url: str) -> None:
    """Refuse what a message must not be sent to: without TLS only this machine and private networks, no
    credentials in the text, and never the addresses where clouds keep their secrets."""
    fault = _url_fault(url)
    if fault:
        raise InputRefused(FieldFault("url", fault))


def _url_fault(url: str) -> str | None:
    try:
        parsed = urlsplit(url)
        host, _ = parsed.hostname, parsed.port
    except ValueError as error:
        return f"is not an address: {error}"
    if (
        parsed.scheme not in ("https", "http")
        or not host
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        return "is not an address that begins with https://"
    if parsed.username is not None or parsed.fragment:
        return "must hold neither a user name nor a fragment; the secret is a field of its own"
    return _host_fault(parsed.scheme, host)


def _host_fault(scheme: str, host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        is_name_here = host == "localhost"
        return None if scheme == "https" or is_name_here else "must begin with https://"
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return "is an address that nothing may be sent to"
    is_near = address.is_loopback or address.is_private
    return None if scheme == "https" or is_near else "must begin with https://"


async def _check_agency(db: AsyncSession, agency: str) -> None:
    if await db.get(Agency, agency) is None:
        raise InputRefused(FieldFault("agency", f"there is no agency {agency!r}; add it first"))


def _receiver(row: Receiver) -> ReceiverView:
    assert row.id is not None
    return ReceiverView(row.id, row.agency_id, row.connector, row.url, row.enabled)


def _route(row: Route) -> RouteView:
    assert row.id is not None
    given: dict[str, Any] = {
        "kind": row.kind,
        "programme": Programme(row.programme) if row.programme else None,
        "min_severity": Severity(row.min_severity) if row.min_severity else None,
    }
    return RouteView(id=row.id, position=row.position, agency=row.agency_id, **given)
