"""What can be set: ``hub.toml`` in the data folder, all of it optional::

host = "127.0.0.1"       port = 8000          the console and the API
bus_host = "127.0.0.1"   bus_port = 4222      what boxes connect to
public_url = "https://…"                      the address before a reverse proxy: set-up links, cookies
metrics_token = "…"                           lets Prometheus read /api/v1/metrics without a session
[session]    lifetime_h = 16    idle_h = 4
[dispatch]   max_attempts = 300
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from hub.errors import StartRefused

Port = Annotated[int, Meta(ge=0, le=65_535)]


class SessionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a sign-in lasts: a shift with its handover, and shorter when nobody does anything."""

    lifetime_h: Annotated[float, Meta(gt=0, le=72)] = 16
    idle_h: Annotated[float, Meta(gt=0, le=72)] = 4


class PasswordSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Cost of Argon2id: the second recommended choice of RFC 9106 §4."""

    time_cost: Annotated[int, Meta(ge=1, le=20)] = 3
    memory_kib: Annotated[int, Meta(ge=64, le=4_194_304)] = 65_536
    parallelism: Annotated[int, Meta(ge=1, le=16)] = 4


class DispatchSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When to give a receiver up: 300 attempts are about a day, the pause being at most 5 minutes."""

    max_attempts: Annotated[int, Meta(ge=1, le=10_000)] = 300
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The hub's settings."""

    host: str = "127.0.0.1"
    port: Port = 8000
    bus_host: str = "127.0.0.1"
    bus_port: Port = 4222
    public_url: Annotated[str, Meta(pattern=r"^https?://[^\s/]+\Z")] | None = None
    metrics_token: Annotated[str, Meta(min_length=16)] | None = None
    session: SessionSettings = SessionSettings()
    password: PasswordSettings = PasswordSettings()
    dispatch: DispatchSettings = DispatchSettings()


def default_folder() -> Path:
    """Where the hub keeps its data when nobody says."""
    return Path("~/.local/share/saqshy/hub").expanduser()


def read_settings(folder: Path, **given: Any) -> Settings:
    """Read ``hub.toml`` under ``folder``; what is ``given`` and not None (a command's options) wins.

    Raises ``StartRefused`` that names the file and the field.
    """
    path = folder / "hub.toml"
    try:
        written: dict[str, Any] = msgspec.toml.decode(path.read_bytes()) if path.exists() else {}
        settings = msgspec.convert(written, Settings)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StartRefused(
            f"{path}: {error}", "correct this line, or remove it to take the default"
        ) from error
    chosen = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(settings, **chosen)
