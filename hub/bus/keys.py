"""The secret keys of the hub's bus, in one file that only the hub's user may read."""

import os
from pathlib import Path

import msgspec

from hub.bus.errors import BusUnfit
from shared.nkey import Key, KeyKind, make_key


class BusKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who signs what: operator → accounts → users. The device key signs boxes only, within a template."""

    operator: Key
    operator_signing: Key
    system: Key
    system_signing: Key
    account: Key
    account_signing: Key
    device_signing: Key


def open_keys(folder: Path) -> BusKeys:
    """Read the keys under ``folder``, or make them (mode 0600) when there are none yet."""
    path = folder / "bus-keys.json"
    if not path.exists():
        kinds = [KeyKind.OPERATOR] * 2 + [KeyKind.ACCOUNT] * 5
        keys = BusKeys(*(make_key(kind, os.urandom(32)) for kind in kinds))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, msgspec.json.encode(keys))
        return keys
    try:
        return msgspec.json.decode(path.read_bytes(), type=BusKeys)
    except msgspec.DecodeError as error:
        raise BusUnfit(
            f"{path}: not the bus's keys ({error})",
            "restore this file from a backup; without it every box must be enrolled again",
        ) from error


def write_private(path: Path, body: bytes) -> None:
    """Write a file of mode 0600 so that after a power cut there is the old one or the new one, never half."""
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
