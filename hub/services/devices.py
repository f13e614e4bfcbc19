"""Boxes: enrolling one, revoking one, and what each last said of itself.

A change of the bus's account is signed, then stored, then pushed, then read back. What is stored is what the
hub means: a push that fails is made up for at the next comparison, and at the latest at the next start.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from hub.bus.accounts import BusAccounts, device_jwt, make_accounts, with_revocation
from hub.bus.errors import BusError, BusUnfit
from hub.bus.keys import BusKeys
from hub.db import queries_devices
from hub.db.engine import Database
from hub.db.tables import Device
from hub.errors import FieldFault, InputRefused, NotFound, StateConflict
from shared.identity import check_identity
from shared.messages import Health
from shared.nkey import fingerprint, public_key_bytes

_log = logging.getLogger(__name__)

ENROLLED, REVOKED = "enrolled", "revoked"
_ACCOUNT = "city"
_WRITE_HEALTH_EVERY_S = 5.0
_MAX_SERIAL_LENGTH = 64


class Enrolment(NamedTuple):
    """What a technician presents of a box."""

    box: str
    site: str
    nkey_public: str
    serial: str
    fingerprint: str


class Granted(NamedTuple):
    """What an enrolled box gets."""

    jwt: str
    site: str
    hub_fingerprint: str
    evidence_key: str
    """X25519, base 64."""


async def open_accounts(database: Database, keys: BusKeys, now_us: int) -> BusAccounts:
    """Sign the bus's accounts for this start, with the revocations that the database holds, and store them.

    Raises ``BusUnfit`` when keys and database do not belong together.
    """
    async with database.transaction() as db:
        stored = await queries_devices.account(db, _ACCOUNT)
        try:
            accounts = make_accounts(keys, now_us // 1_000_000, stored.jwt if stored else None)
        except ValueError as error:
            raise BusUnfit(str(error), "restore both from the same backup") from error
        public = keys.account.public
        await queries_devices.put_account(db, _ACCOUNT, public, accounts.account_jwt, now_us)
    return accounts


class Devices:
    """``push`` hands the bus what ``accounts`` now says, and reads it back."""

    def __init__(
        self,
        database: Database,
        accounts: BusAccounts,
        push: Callable[[BusAccounts], Awaitable[object]],
        now_us: Callable[[], int],
        evidence_key: str,
    ) -> None:
        """``evidence_key`` is what boxes seal their clips to: an X25519 public key in base 64."""
        self.accounts = accounts
        self._evidence_key = evidence_key
        self._database = database
        self._push = push
        self._now_us = now_us
        self._turn = asyncio.Lock()
        self._heard: dict[str, tuple[int, Health]] = {}

    async def everyone(self) -> Sequence[Device]:
        """All boxes by name."""
        async with self._database.reading() as db:
            return await queries_devices.all_devices(db)

    async def enrol(self, wanted: Enrolment, by: str) -> Granted:
        """Let a box in. Asked again with the same key, it grants anew.

        Raises ``InputRefused`` for names and keys that are none, ``StateConflict`` when the name or the key
        belongs to another box, or the key was revoked.
        """
        _check(wanted)
        now_us = self._now_us()
        async with self._turn, self._database.transaction() as db:
            device = await queries_devices.device(db, wanted.box)
            other = await queries_devices.device_with_key(db, wanted.nkey_public)
            if conflict := _conflict(wanted, device, other):
                raise StateConflict(conflict)
            row = Device(
                id=wanted.box, site=wanted.site, nkey_public=wanted.nkey_public,
                fingerprint=wanted.fingerprint, serial=wanted.serial, state=ENROLLED,
                enrolled_at_us=now_us, enrolled_by=by,
                seen_at_us=device.seen_at_us if device else None,
                health=device.health if device else None,
            )  # fmt: skip
            await db.merge(row)
        _log.info("box %s of site %s enrolled by %s, key %s", wanted.box, wanted.site, by, wanted.fingerprint)
        return self._grant(wanted, now_us)

    async def revoke(self, box: str, by: str) -> Device:
        """Shut a box out, now and for ever; a box with a new key may be enrolled under its name."""
        now_us = self._now_us()
        async with self._turn:
            async with self._database.transaction() as db:
                device = await queries_devices.device(db, box)
                if device is None:
                    raise NotFound(f"there is no box {box!r}")
                accounts = with_revocation(self.accounts, device.nkey_public, now_us // 1_000_000)
                public = accounts.keys.account.public
                await queries_devices.put_account(db, _ACCOUNT, public, accounts.account_jwt, now_us)
                device.state, device.revoked_at_us = REVOKED, now_us
                db.add(device)
            self.accounts = accounts
            _log.warning("box %s revoked by %s, key %s", box, by, device.fingerprint)
            try:
                await self._push(accounts)
            except BusError as error:
                _log.error("box %s is revoked, but the bus does not know it yet: %s", box, error)
        return device

    async def heard(self, _site: str, box: str, health: Health) -> None:
        """Note a heartbeat; ``write_health`` stores it."""
        self._heard[box] = (self._now_us(), health)

    async def run(self) -> None:
        """Store heartbeats every few seconds, many in one transaction, until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_HEALTH_EVERY_S)
            try:
                await self.write_health()
            except SQLAlchemyError as error:
                _log.warning("heartbeats are not stored, the next ones will be: %s", error)

    async def write_health(self) -> None:
        """Store what was heard since the last time. Boxes that are not enrolled are passed over."""
        heard, self._heard = self._heard, {}
        if not heard:
            return
        states = {c.camera: c.state.name.lower() for _, health in heard.values() for c in health.cameras}
        async with self._database.transaction() as db:
            for device in await queries_devices.devices_named(db, list(heard)):
                device.seen_at_us, health = heard[device.id]
                device.health = _health_row(health)
            for camera in await queries_devices.cameras_of(db, list(heard)):
                camera.state = states.get(camera.id, camera.state)

    def _grant(self, wanted: Enrolment, now_us: int) -> Granted:
        keys = self.accounts.keys
        jwt = device_jwt(
            keys,
            box=wanted.box,
            site=wanted.site,
            public_key=wanted.nkey_public,
            # A revocation covers what was signed up to its second.
            now_s=now_us // 1_000_000,
        )
        return Granted(jwt, wanted.site, fingerprint(keys.account.public), self._evidence_key)


def _check(wanted: Enrolment) -> None:
    faults: list[FieldFault] = []
    for field, check in (
        ("box", lambda: check_identity(wanted.box, "box")),
        ("site", lambda: check_identity(wanted.site, "site")),
        ("nkey_public", lambda: public_key_bytes(wanted.nkey_public)),
    ):
        try:
            check()
        except ValueError as error:
            faults.append(FieldFault(field, str(error).removeprefix(f"{field}: ")))
    if wanted.fingerprint != fingerprint(wanted.nkey_public):
        faults.append(FieldFault("fingerprint", "is not the fingerprint of nkey_public"))
    if not wanted.serial.isprintable() or not 1 <= len(wanted.serial) <= _MAX_SERIAL_LENGTH:
        faults.append(FieldFault("serial", f"use 1 to {_MAX_SERIAL_LENGTH} printable characters"))
    if faults:
        raise InputRefused(*faults)


def _conflict(wanted: Enrolment, device: Device | None, other: Device | None) -> str | None:
    """Why this key may not have this name, and what to do about it; None when it may."""
    if other is not None and other.id != wanted.box:
        return f"this key is the one of box {other.id}; delete the new box's key so that it makes its own"
    if other is not None and other.state == REVOKED:
        return f"the key of box {wanted.box} was revoked; delete it on the box, which then makes a new one"
    if device is not None and other is None and device.state == ENROLLED:
        return (
            f"box {wanted.box} is enrolled with another key ({device.fingerprint}); "
            "if it was replaced or reset, revoke it first, else give this box another name"
        )
    return None


def _health_row(health: Health) -> dict[str, Any]:
    cameras = [
        {"camera": c.camera, "state": c.state.name.lower(), "fps": c.fps_x10 / 10, "dropped": c.dropped}
        for c in health.cameras
    ]
    return {
        "at_us": health.at_us,
        "uptime_s": health.uptime_s,
        "agent_version": health.agent_version,
        "outbox_waiting": health.outbox_waiting,
        "outbox_lost": health.outbox_lost,
        "cameras": cameras,
    }
