"""``city.toml``: a town's agencies, routes, cameras and base map in one file that city IT keeps.

    base = "base.geojson"                  # relative to this file; left out, the map stays as it is

    [[agency]]
    id = "police"
    name_kk = "Полиция"
    name_ru = "Полиция"
    name_en = "Police"
    kinds = ["illegal_parking", "intrusion"]
    webhook = { url = "https://…", secret = "…" }

    [[camera]]
    id = "cam-1"
    box = "box-1"
    name = "Abay St., corner"
    lat = 50.937
    lon = 71.365

Applying it twice changes nothing. It says all there is to say about the agencies that it names: their routes
and their web hook become what is written. Agencies and cameras that it does not name stay as they are.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.db.tables import Agency, Camera, Receiver, Route
from hub.errors import StartRefused
from hub.services import citymap
from hub.services.agencies import Name, Slug, check_url
from hub.services.citymap import CameraPlace
from hub.services.parts import Parts
from shared.identity import Identity
from shared.kinds import KIND_BY_SLUG


class WebhookOfAgency(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the agency takes its messages."""

    url: Annotated[str, Meta(min_length=1, max_length=2_000)]
    secret: Annotated[str, Meta(min_length=16, max_length=256)]


class AgencyOfCity(Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for which kinds."""

    id: Slug
    name_kk: Name
    name_ru: Name
    name_en: Name
    kinds: list[str]
    webhook: WebhookOfAgency | None = None


class CameraOfCity(CameraPlace, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A camera and its box."""

    id: Identity
    box: Identity


class City(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    base: str | None = None
    agency: list[AgencyOfCity] = []
    camera: list[CameraOfCity] = []


def read_city(path: Path) -> City:
    """Read the file; raises ``StartRefused`` that names it and what in it cannot be taken."""
    try:
        city = msgspec.toml.decode(path.read_bytes(), type=City)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StartRefused(
            f"{path}: {error}", "correct it; docs/guide/city-it.md shows a whole file"
        ) from error
    for agency in city.agency:
        for kind in agency.kinds:
            if kind not in KIND_BY_SLUG:
                known = ", ".join(sorted(KIND_BY_SLUG))
                raise StartRefused(
                    f"{path}: agency {agency.id}: there is no kind {kind!r}", f"use one of {known}"
                )
        if agency.webhook:
            check_url(agency.webhook.url)
    return city


async def apply_city(parts: Parts, path: Path) -> dict[str, int]:
    """Make the hub what the file says; returns how many of each it names."""
    city = read_city(path)
    if city.base is not None:
        await citymap.put_base(parts, _bytes_of(path.parent / city.base))
    async with parts.database.transaction() as db:
        for number, agency in enumerate(city.agency):
            await _put_agency(db, number, agency)
        for camera in city.camera:
            await _put_camera(db, camera)
    parts.dispatch_wake.set()
    return {"agencies": len(city.agency), "cameras": len(city.camera)}


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartRefused(f"base: {error}", "give the path of a GeoJSON file") from error


async def _put_agency(db: AsyncSession, number: int, agency: AgencyOfCity) -> None:
    names: dict[str, Any] = {n: getattr(agency, n) for n in ("name_kk", "name_ru", "name_en")}
    await db.merge(Agency(id=agency.id, **names))
    await db.flush()
    await db.exec(delete(Route).where(col(Route.agency_id) == agency.id))
    for place, kind in enumerate(agency.kinds):
        db.add(Route(position=number * 1_000 + place, kind=kind, agency_id=agency.id))
    if agency.webhook:
        await _put_webhook(db, agency.id, agency.webhook)


async def _put_webhook(db: AsyncSession, agency: str, webhook: WebhookOfAgency) -> None:
    found = await db.exec(
        select(Receiver).where(col(Receiver.agency_id) == agency, col(Receiver.connector) == "webhook")
    )
    receiver = found.first() or Receiver(agency_id=agency, connector="webhook", url="", secret="")
    receiver.url, receiver.secret, receiver.enabled = webhook.url, webhook.secret, True
    db.add(receiver)


async def _put_camera(db: AsyncSession, wanted: CameraOfCity) -> None:
    camera = await db.get(Camera, wanted.id) or Camera(id=wanted.id, box=wanted.box, name=wanted.id)
    if camera.box != wanted.box:
        raise StartRefused(
            f"camera {wanted.id} hangs on box {camera.box}, not on {wanted.box}",
            "name that box, or give the camera another id",
        )
    camera.lat_e7, camera.lon_e7 = round(wanted.lat * 1e7), round(wanted.lon * 1e7)
    camera.bearing_deg, camera.fov_deg, camera.range_m = wanted.bearing_deg, wanted.fov_deg, wanted.range_m
    camera.name = wanted.name or camera.name
    db.add(camera)
