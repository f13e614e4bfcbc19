"""The box's configuration, ``box.toml``::

    [box]
    id = "box-7"
    site = "kosshy"            # known from enrolment on when left out
    state_dir = "state"        # outbox, credentials; relative to this file
    clips_dir = "."            # file: addresses may name clips below this folder only
    setup_host = "0.0.0.0"     # where technicians reach the box for its enrolment
    setup_port = 7460          # 0 takes any free one; its announcement says which

    [model]
    path = "models/demo"       # the bundled model when left out
    threads = 1

    [tracks]
    keep_days = 7              # what was followed, for trying changed rules; 0 keeps nothing
    quota_mib = 256            # for each camera; the oldest go first

    [metrics]
    port = 0                   # 0 takes any free one and prints it
    host = "127.0.0.1"

    [evidence]
    ring_mib = 6               # encoded pictures kept per camera in memory; 0: no clips
    quota_mib = 2048           # sealed clips on the disk
    keep_days = 14             # and for how long
    live_cameras = 2           # live views at once; 0: none

    [health]
    camera_lost_s = 60         # a camera away for so long is told of
    hottest_c = 85             # a box as hot is told of
    least_free_mib = 256       # a disk with less is told of

    [budget]
    cpu_percent = 90           # of all cores; above it unimportant cameras are looked at less; 0: no limit
    ease_at_c = 78             # and from this heat on

    [[camera]]
    id = "cam-1"
    url = "rtsp://user:password@192.0.2.7/stream2"            # what is looked at: mostly the small stream
    evidence_url = "rtsp://user:password@192.0.2.7/stream1"   # what clips are cut of; url when left out
    scene = "cam-1.toml"
    fps = 5
    rank = 5                   # 1 is the most important; 9 is the first to be looked at less

A mistake in one ``[[camera]]`` refuses that camera and no other; a mistake elsewhere refuses the file.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct

from edge_agent.errors import SettingsRefused
from shared.identity import Identity

MAX_CAMERAS = 64
"""As many as a heartbeat can name."""


class BoxSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who the box is and where it keeps what it must not lose."""

    id: Identity
    site: Identity | None = None
    state_dir: str = "state"
    clips_dir: str = "."
    setup_host: str = "0.0.0.0"  # noqa: S104 (technicians come from outside)
    setup_port: Annotated[int, Meta(ge=0, le=65_535)] = 7_460


class ModelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What looks at the pictures."""

    path: str | None = None
    threads: Annotated[int, Meta(ge=1, le=16)] = 1


class MetricsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where ``/health`` and ``/metrics`` are served."""

    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    host: str = "127.0.0.1"


class TracksSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How long what was followed is kept, for ``edge replay``."""

    keep_days: Annotated[float, Meta(ge=0, le=366)] = 7.0
    quota_mib: Annotated[int, Meta(ge=1, le=1_000_000)] = 256


class EvidenceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Clips of events, and the live view."""

    before_s: Annotated[float, Meta(ge=1, le=20)] = 10
    after_s: Annotated[float, Meta(ge=1, le=30)] = 20
    ring_mib: Annotated[float, Meta(ge=0, le=64)] = 6
    quota_mib: Annotated[int, Meta(ge=1, le=1_000_000)] = 2_048
    keep_days: Annotated[float, Meta(gt=0, le=366)] = 14
    keep_free_mib: Annotated[int, Meta(ge=0, le=1_000_000)] = 512
    send_kib_s: Annotated[int, Meta(ge=16, le=100_000)] = 256
    live_cameras: Annotated[int, Meta(ge=0, le=16)] = 2


class HealthSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """From when on the box tells of itself and of its cameras."""

    camera_lost_s: Annotated[float, Meta(ge=5, le=86_400)] = 60
    hottest_c: Annotated[float, Meta(ge=30, le=120)] = 85
    least_free_mib: Annotated[float, Meta(ge=1, le=1_000_000)] = 256


class BudgetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """From when on cameras are looked at less, the least important first."""

    cpu_percent: Annotated[float, Meta(ge=0, le=100)] = 90
    ease_at_c: Annotated[float, Meta(ge=30, le=120)] = 78


class CameraSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One camera. ``url`` and ``evidence_url`` may hold a password, so they are never shown."""

    id: Identity
    url: str
    scene: str
    evidence_url: str | None = None
    fps: Annotated[float, Meta(ge=0.2, le=30)] = 5.0
    rank: Annotated[int, Meta(ge=1, le=9)] = 5

    def __repr__(self) -> str:
        return f"CameraSettings(id={self.id!r}, scene={self.scene!r}, fps={self.fps!r})"


class RefusedCamera(NamedTuple):
    """A ``[[camera]]`` that cannot be used."""

    id: str
    """As far as it can be told; else ``camera[2]``, counted from 1."""
    error: SettingsRefused


class Settings(NamedTuple):
    """The whole file; paths are absolute."""

    path: Path
    box: BoxSettings
    model: ModelSettings
    metrics: MetricsSettings
    tracks: TracksSettings
    evidence: EvidenceSettings
    health: HealthSettings
    budget: BudgetSettings
    cameras: list[CameraSettings]
    refused: list[RefusedCamera]

    def path_of(self, text: str) -> Path:
        """A path of the file, which is relative to the file's own folder."""
        return (self.path.parent / Path(text).expanduser()).absolute()

    @property
    def state_dir(self) -> Path:
        return self.path_of(self.box.state_dir)

    @property
    def clips_dir(self) -> Path:
        return self.path_of(self.box.clips_dir)


_SECTIONS = {"box", "model", "tracks", "evidence", "metrics", "health", "budget", "camera"}
S = TypeVar(
    "S",
    BoxSettings,
    ModelSettings,
    MetricsSettings,
    TracksSettings,
    EvidenceSettings,
    HealthSettings,
    BudgetSettings,
    CameraSettings,
)


def read_settings(path: Path) -> Settings:
    """Read ``box.toml`` or raise ``SettingsRefused``."""
    document = _parse(path)
    for key in document:
        if key not in _SECTIONS:
            known = ", ".join(sorted(_SECTIONS))
            raise SettingsRefused(path, f"[{key}] is not known", f"known here: {known}")
    if "box" not in document:
        raise SettingsRefused(path, "[box] is missing", 'write [box] and below it id = "box-1"')
    box = _section(path, "box", document["box"], BoxSettings)
    model = _section(path, "model", document.get("model", {}), ModelSettings)
    metrics = _section(path, "metrics", document.get("metrics", {}), MetricsSettings)
    tracks = _section(path, "tracks", document.get("tracks", {}), TracksSettings)
    evidence = _section(path, "evidence", document.get("evidence", {}), EvidenceSettings)
    health = _section(path, "health", document.get("health", {}), HealthSettings)
    budget = _section(path, "budget", document.get("budget", {}), BudgetSettings)
    cameras, refused = _cameras(path, document.get("camera", []))
    return Settings(path.absolute(), box, model, metrics, tracks, evidence, health, budget, cameras, refused)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsRefused(
            path, f"cannot be read ({error.strerror})", "give the box's configuration"
        ) from None
    except ValueError as error:
        raise SettingsRefused(path, f"is not TOML ({error})", "correct that line") from None


def _section(path: Path, name: str, table: Any, kind: type[S]) -> S:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        fault, _, where = str(error).partition(" - at `$")
        if "matching regex" in fault:
            fault = "not a name of 1 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends"
        raise SettingsRefused(path, f"{name}{where.rstrip('`')}: {fault}", _way_out(kind)) from None


def _way_out(kind: type[Struct]) -> str:
    return f"known here: {', '.join(field.name for field in msgspec.structs.fields(kind))}"


def _cameras(path: Path, tables: Any) -> tuple[list[CameraSettings], list[RefusedCamera]]:
    if not isinstance(tables, list) or len(tables) > MAX_CAMERAS:
        way_out = f"begin each of at most {MAX_CAMERAS} with [[camera]]"
        raise SettingsRefused(path, "camera: not a list of cameras", way_out)
    cameras: dict[str, CameraSettings] = {}
    refused: list[RefusedCamera] = []
    for number, table in enumerate(tables, 1):
        where = f"camera[{number}]"
        name = table.get("id") if isinstance(table, dict) else None
        try:
            camera = _section(path, where, table, CameraSettings)
            if camera.id in cameras:
                raise SettingsRefused(
                    path, f"{where}.id: {camera.id!r} is given twice", "give it another name"
                )
            cameras[camera.id] = camera
        except SettingsRefused as error:
            refused.append(RefusedCamera(name if isinstance(name, str) else where, error))
    return list(cameras.values()), refused
