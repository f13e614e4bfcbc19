"""The hub's tables. Instants are ``*_at_us``: UTC in microseconds since 1970; places are 1e-7 degrees.

Text columns that hold one of a few words name the enum that owns those words. A change here needs a
migration in ``hub/db/migrations/versions``; a test compares both.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, Table, Text, inspect, text
from sqlmodel import Field, SQLModel

_DICT = dict[str, Any]


class User(SQLModel, table=True):
    """Someone who may sign in."""

    __tablename__ = "user"  # pyright: ignore[reportAssignmentType]

    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(unique=True)
    display_name: str
    role: str
    """operator, supervisor, admin or technician."""
    locale: str
    """kk, ru or en."""
    password_hash: str
    disabled_at_us: int | None = Field(default=None, sa_type=BigInteger)
    created_at_us: int = Field(sa_type=BigInteger)


class UserSession(SQLModel, table=True):
    """A sign-in; only the hash of its token is kept."""

    __tablename__ = "session"  # pyright: ignore[reportAssignmentType]

    token_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    user_id: int = Field(foreign_key="user.id", index=True)
    created_at_us: int = Field(sa_type=BigInteger)
    seen_at_us: int = Field(sa_type=BigInteger)
    expires_at_us: int = Field(sa_type=BigInteger)


class SetupToken(SQLModel, table=True):
    """A one-time link that makes the first account."""

    __tablename__ = "setup_token"  # pyright: ignore[reportAssignmentType]

    token_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    expires_at_us: int = Field(sa_type=BigInteger)
    used_at_us: int | None = Field(default=None, sa_type=BigInteger)


class Device(SQLModel, table=True):
    """A box. ``id`` is its name in subjects."""

    __tablename__ = "device"  # pyright: ignore[reportAssignmentType]

    id: str = Field(primary_key=True)
    site: str
    nkey_public: str = Field(unique=True)
    fingerprint: str
    serial: str
    state: str
    """enrolled or revoked."""
    enrolled_at_us: int = Field(sa_type=BigInteger)
    enrolled_by: str
    revoked_at_us: int | None = Field(default=None, sa_type=BigInteger)
    seen_at_us: int | None = Field(default=None, sa_type=BigInteger)
    health: _DICT | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class Camera(SQLModel, table=True):
    """A camera, bound to the box that first named it."""

    __tablename__ = "camera"  # pyright: ignore[reportAssignmentType]

    id: str = Field(primary_key=True)
    box: str = Field(index=True)
    name: str
    lat_e7: int | None = None
    lon_e7: int | None = None
    bearing_deg: float | None = None
    fov_deg: float | None = None
    range_m: float | None = None
    state: str = "starting"
    """A slug of ``shared.messages.CameraState``."""


class Event(SQLModel, table=True):
    """One revision of one event, as its box told it."""

    __tablename__ = "event"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("event_by_incident", "incident_id"),)

    event_id: bytes = Field(sa_type=LargeBinary, primary_key=True)
    revision: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    incident_id: str = Field(foreign_key="incident.id")
    site: str
    box: str
    seq: int = Field(sa_type=BigInteger)
    kind: int
    """A number of ``shared.kinds.Kind``."""
    phase: int
    camera: str | None = None
    observed_at_us: int = Field(sa_type=BigInteger)
    received_at_us: int = Field(sa_type=BigInteger)
    clock_source: int
    clock_uncertainty_ms: int = Field(sa_type=BigInteger)
    lat_e7: int | None = None
    lon_e7: int | None = None
    sigma_dm: int | None = None
    image_x: int | None = None
    image_y: int | None = None
    score: int
    track_count: int = Field(sa_type=BigInteger)
    zone: str | None = None
    subject: int
    """A number of ``shared.kinds.ObjectClass``."""
    rule_version: int = Field(sa_type=BigInteger)
    reason: _DICT = Field(sa_column=Column(JSON, nullable=False))
    evidence_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    why: _DICT = Field(sa_column=Column(JSON, nullable=False))
    """Why correlation put it where it is: ``hub.domain.correlation.Why``."""


class Incident(SQLModel, table=True):
    """What operators work on. ``id`` is the hex of the event that opened it, so it sorts by time, and a hub
    restored from a backup gives the same incident the same id again."""

    __tablename__ = "incident"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("incident_by_change", "change_seq", unique=True),
        Index("incident_by_state", "state", "opened_at_us"),
    )

    id: str = Field(primary_key=True)
    number: int = Field(unique=True)
    kind: int
    severity: str
    state: str
    verdict: str | None = None
    site: str
    lat_e7: int | None = None
    lon_e7: int | None = None
    sigma_dm: int | None = None
    cameras: list[str] = Field(sa_column=Column(JSON, nullable=False))
    boxes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    places: dict[str, list[int]] = Field(sa_column=Column(JSON, nullable=False))
    """Each camera's best sighting, ``[lat_e7, lon_e7, sigma_dm]``: what the position is fused from."""
    open_events: list[str] = Field(sa_column=Column(JSON, nullable=False))
    """Events (hex) of a state that have not ended."""
    zone: str | None = None
    subject: int
    opened_at_us: int = Field(sa_type=BigInteger)
    first_observed_at_us: int = Field(sa_type=BigInteger)
    last_observed_at_us: int = Field(sa_type=BigInteger)
    ended_at_us: int | None = Field(default=None, sa_type=BigInteger)
    acknowledged_at_us: int | None = Field(default=None, sa_type=BigInteger)
    acknowledged_by: str | None = None
    resolved_at_us: int | None = Field(default=None, sa_type=BigInteger)
    resolved_by: str | None = None
    closed_at_us: int | None = Field(default=None, sa_type=BigInteger)
    closed_by: str | None = None
    event_count: int
    """Distinct events, not revisions."""
    best_score: int
    reason: _DICT = Field(sa_column=Column(JSON, nullable=False))
    cover_evidence_id: str | None = None
    change_seq: int = Field(sa_type=BigInteger)


class TimelineEntry(SQLModel, table=True):
    """One line of an incident's history."""

    __tablename__ = "timeline"  # pyright: ignore[reportAssignmentType]

    id: int | None = Field(default=None, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    at_us: int = Field(sa_type=BigInteger)
    actor_kind: str
    """system, box, user or agency."""
    actor: str
    what: str
    detail: _DICT = Field(sa_column=Column(JSON, nullable=False))


class Evidence(SQLModel, table=True):
    """A picture of an event; the JPEG lies in ``evidence/<first two of digest>/<digest>.jpg``."""

    __tablename__ = "evidence"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "evidence_waiting",
            "event_id",
            sqlite_where=text("incident_id IS NULL"),
            postgresql_where=text("incident_id IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary)
    event_id: bytes = Field(sa_type=LargeBinary)
    incident_id: str | None = Field(default=None, foreign_key="incident.id", index=True)
    """None until its event has come."""
    box: str
    camera: str
    observed_at_us: int = Field(sa_type=BigInteger)
    received_at_us: int = Field(sa_type=BigInteger)
    size_bytes: int


class Look(SQLModel, table=True):
    """Who looked at what: a clip, or a camera's live view. Rows are only ever added."""

    __tablename__ = "look"  # pyright: ignore[reportAssignmentType]

    id: int | None = Field(default=None, primary_key=True)
    at_us: int = Field(sa_type=BigInteger)
    username: str
    what: str
    """clip_redacted, clip_original or live."""
    camera: str = Field(index=True)
    event_id: str | None = None
    """Hex; of a clip."""


class Agency(SQLModel, table=True):
    """Who answers: the police, a utility. ``id`` is a slug."""

    __tablename__ = "agency"  # pyright: ignore[reportAssignmentType]

    id: str = Field(primary_key=True)
    name_kk: str
    name_ru: str
    name_en: str


class Receiver(SQLModel, table=True):
    """One address of an agency."""

    __tablename__ = "receiver"  # pyright: ignore[reportAssignmentType]

    id: int | None = Field(default=None, primary_key=True)
    agency_id: str = Field(foreign_key="agency.id", index=True)
    connector: str
    url: str
    secret: str
    enabled: bool = True


class Route(SQLModel, table=True):
    """A line of the routing table. None matches everything."""

    __tablename__ = "route"  # pyright: ignore[reportAssignmentType]

    id: int | None = Field(default=None, primary_key=True)
    position: int
    kind: str | None = None
    """A slug of ``shared.kinds.Kind``."""
    programme: str | None = None
    min_severity: str | None = None
    agency_id: str = Field(foreign_key="agency.id")


class Dispatch(SQLModel, table=True):
    """A message to a receiver that must arrive."""

    __tablename__ = "dispatch"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("dispatch_due", "state", "next_attempt_at_us"),)

    id: int | None = Field(default=None, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    receiver_id: int = Field(foreign_key="receiver.id", index=True)
    message: str
    """opened, updated or resolved."""
    idempotency_key: str = Field(unique=True)
    body: _DICT = Field(sa_column=Column(JSON, nullable=False))
    state: str = "pending"
    """pending, delivered or dead."""
    attempt_count: int = 0
    next_attempt_at_us: int = Field(sa_type=BigInteger)
    created_at_us: int = Field(sa_type=BigInteger)
    delivered_at_us: int | None = Field(default=None, sa_type=BigInteger)


class Attempt(SQLModel, table=True):
    """One try to deliver a dispatch."""

    __tablename__ = "attempt"  # pyright: ignore[reportAssignmentType]

    id: int | None = Field(default=None, primary_key=True)
    dispatch_id: int = Field(foreign_key="dispatch.id", index=True)
    at_us: int = Field(sa_type=BigInteger)
    took_ms: int
    outcome: str
    status: int | None = None
    detail: str


class Parked(SQLModel, table=True):
    """A message, or one entry of a batch, that could not be taken, with the reason."""

    __tablename__ = "parked"  # pyright: ignore[reportAssignmentType]

    id: int | None = Field(default=None, primary_key=True)
    fingerprint: bytes = Field(sa_type=LargeBinary, unique=True)
    """SHA-256 of what was sent: a box that sends it again and again is parked once."""
    stream: str
    stream_seq: int = Field(sa_type=BigInteger)
    is_entry: bool
    """``body`` is one entry of a batch, not a whole message."""
    subject: str
    body: bytes = Field(sa_type=LargeBinary)
    reason: str = Field(sa_type=Text)
    at_us: int = Field(sa_type=BigInteger)
    replayed_at_us: int | None = Field(default=None, sa_type=BigInteger)


class Ledger(SQLModel, table=True):
    """What is committed of one outbox (a box and its epoch), as ascending inclusive ranges of numbers."""

    __tablename__ = "ledger"  # pyright: ignore[reportAssignmentType]

    box: str = Field(primary_key=True)
    epoch: bytes = Field(sa_type=LargeBinary, primary_key=True)
    ranges: list[list[int]] = Field(sa_column=Column(JSON, nullable=False))


class BusAccount(SQLModel, table=True):
    """An account of the bus as it must be: what the hub asserts again at each start."""

    __tablename__ = "bus_account"  # pyright: ignore[reportAssignmentType]

    name: str = Field(primary_key=True)
    public_key: str
    jwt: str = Field(sa_type=Text)
    updated_at_us: int = Field(sa_type=BigInteger)


class MapLayer(SQLModel, table=True):
    """A layer of the console's map, as GeoJSON text."""

    __tablename__ = "map_layer"  # pyright: ignore[reportAssignmentType]

    name: str = Field(primary_key=True)
    geojson: str = Field(sa_type=Text)
    updated_at_us: int = Field(sa_type=BigInteger)


class Counter(SQLModel, table=True):
    """A number that only rises: ``incident_number`` and ``change_seq``."""

    __tablename__ = "counter"  # pyright: ignore[reportAssignmentType]

    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)


def table(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table of a model, whose columns (``.c``) type checkers understand as columns."""
    found = inspect(model, raiseerr=True).local_table
    assert isinstance(found, Table)
    return found
