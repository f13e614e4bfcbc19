"""Boxes, for technicians and admins."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from hub.api.given import GivenDevices
from hub.api.sessions import Text
from hub.db.tables import Device
from hub.domain.access import ADMINS, ANYONE_SIGNED_IN, TECHNICIANS
from hub.domain.instants import Instant, instant, instant_or_none
from hub.services.devices import Enrolment
from hub.services.sessions import SignedIn


class DeviceView(Struct, frozen=True):
    """A box, as the fleet page shows it."""

    id: str
    site: str
    serial: str
    fingerprint: str
    state: str
    enrolled_at: Instant
    enrolled_by: str
    revoked_at: Instant | None
    seen_at: Instant | None
    health: dict[str, Any] | None


class DeviceList(Struct, frozen=True):
    """All boxes, by name."""

    devices: list[DeviceView]


class BoxToEnrol(Struct, frozen=True, forbid_unknown_fields=True):
    """A box that a technician stands before; its key was made on it and stays there."""

    box: Text
    site: Text
    nkey_public: Text
    serial: Text
    fingerprint: Text


class Grant(Struct, frozen=True):
    """What the box needs to sign in; worth nothing without its key."""

    jwt: str
    bus_urls: list[str]
    site: str
    hub_fingerprint: str
    evidence_key: str
    """The hub's X25519 public key, base 64: what the box seals its clips to."""


def _view(device: Device) -> DeviceView:
    return DeviceView(
        device.id,
        device.site,
        device.serial,
        device.fingerprint,
        device.state,
        instant(device.enrolled_at_us),
        device.enrolled_by,
        instant_or_none(device.revoked_at_us),
        instant_or_none(device.seen_at_us),
        device.health,
    )


@get("/devices", roles=ANYONE_SIGNED_IN)
async def list_devices(devices: GivenDevices) -> DeviceList:
    """All boxes, with what they last said of themselves."""
    return DeviceList([_view(device) for device in await devices.everyone()])


@post("/devices", roles=TECHNICIANS)
async def enrol_device(
    data: JSONBody[BoxToEnrol],
    request: Request[SignedIn, SignedIn, State],
    devices: GivenDevices,
    bus_port: NamedDependency[int],
) -> Grant:
    """Let a box in, or give an enrolled one its credentials again; 409 for a taken name or key."""
    wanted = Enrolment(data.box, data.site, data.nkey_public, data.serial, data.fingerprint)
    granted = await devices.enrol(wanted, request.user.username)
    # The technician reached the hub under this name, so a box beside them does, too.
    host = request.base_url.hostname or "127.0.0.1"
    bus_url = f"nats://[{host}]:{bus_port}" if ":" in host else f"nats://{host}:{bus_port}"
    return Grant(granted.jwt, [bus_url], granted.site, granted.hub_fingerprint, granted.evidence_key)


@delete("/devices/{box:str}", roles=ADMINS, status_code=200)
async def revoke_device(
    box: FromPath[str], request: Request[SignedIn, SignedIn, State], devices: GivenDevices
) -> DeviceView:
    """Shut a box out at once and for good: its key is never taken again."""
    return _view(await devices.revoke(box, request.user.username))


ROUTES = [list_devices, enrol_device, revoke_device]
