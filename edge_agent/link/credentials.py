"""What a box signs in with: its own key, which never leaves it, and what the hub gave it at enrolment."""

import base64
import os
from pathlib import Path

import msgspec

from edge_agent.errors import SettingsRefused
from shared.identity import Identity
from shared.nkey import Key, KeyKind, check_key, make_key

_KEY_BYTES = 32


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the hub hands out at enrolment. None of it is secret: it is worth nothing without the key."""

    jwt: str
    bus_urls: list[str]
    site: Identity
    hub_fingerprint: str
    evidence_key: str = ""
    """The hub's X25519 public key, base 64, that clips are sealed to."""


class Credentials(msgspec.Struct, frozen=True):
    """All that the link needs."""

    box: str
    key: Key
    grant: Grant

    @property
    def jwt(self) -> str:
        return self.grant.jwt

    @property
    def evidence_key(self) -> bytes | None:
        """What clips are sealed to; None when the hub gave nothing that could be a key."""
        try:
            key = base64.b64decode(self.grant.evidence_key, validate=True)
        except ValueError:
            return None
        return key if len(key) == _KEY_BYTES else None

    @property
    def bus_urls(self) -> list[str]:
        return self.grant.bus_urls

    @property
    def site(self) -> str:
        return self.grant.site


def open_key(folder: Path) -> Key:
    """Read the box's key, or make it at its first start. Only the box's user may read the file."""
    path = folder / "box-key.json"
    if not path.exists():
        key = make_key(KeyKind.USER, os.urandom(32))
        write_private(path, msgspec.json.encode(key))
        return key
    try:
        key = msgspec.json.decode(path.read_bytes(), type=Key)
        return check_key(key.public, key.seed)
    except ValueError as error:
        raise SettingsRefused(
            path, f"not a box's key ({error})", "delete it and enrol the box again; it gets a new key then"
        ) from error


def read_credentials(folder: Path, box: str) -> Credentials | None:
    """The box's credentials, or None while it is not enrolled."""
    path = folder / "grant.json"
    if not path.exists():
        return None
    try:
        grant = msgspec.json.decode(path.read_bytes(), type=Grant)
    except ValueError as error:
        raise SettingsRefused(
            path, f"not what an enrolment writes ({error})", "enrol the box again"
        ) from error
    return Credentials(box, open_key(folder), grant)


def write_grant(folder: Path, grant: Grant) -> None:
    """Keep what the hub gave."""
    write_private(folder / "grant.json", msgspec.json.encode(grant))


def write_private(path: Path, body: bytes) -> None:
    """Write a file of mode 0600 so that after a power cut there is the old one or the new one, never half."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
