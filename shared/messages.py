"""The messages, as positional MessagePack arrays. Fields are only ever appended, and with a default.

The first element of each message is the contract's version. A reader ignores elements that it does not
know, so an older hub still takes a newer box's reports.
"""

import math
from enum import IntEnum, StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from shared.identity import BatchId, Digest, Epoch, EventId, Identity
from shared.kinds import Kind, ObjectClass

VERSION = 1
MAX_REPORTS = 200
MAX_BATCH_BYTES = 32 * 1024
MAX_EVIDENCE_BYTES = 60_000
"""A whole evidence message; below the stream's 65,536, which is below the user's 262,144."""

MAX_PART_BYTES = 49_152
"""Of a clip in one message."""

MAX_SYNC_RANGES = 3_000
"""A hub names the newest so many ranges; with more, a reply could outgrow a body."""

Version = Annotated[int, Meta(ge=1, le=VERSION)]
Seq = Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
Micros = Annotated[int, Meta(ge=0, lt=1 << 53)]
"""UTC in microseconds since 1970; fits a JavaScript number until the year 2255."""
Permille = Annotated[int, Meta(ge=0, le=1000)]
Count = Annotated[int, Meta(ge=0, lt=1 << 32)]
ReasonName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,23}\Z")]


class Phase(IntEnum):
    """Where an event stands."""

    BEGIN = 0
    UPDATE = 1
    END = 2


class ClockSource(IntEnum):
    """Who set the clock that stamped a report."""

    UNVERIFIED = 0
    NTP = 1
    HUB = 2
    GNSS = 3


class _Wire(Struct, frozen=True, array_like=True):
    """A positional, immutable message."""


class Clock(_Wire, frozen=True):
    """How far a report's time may be wrong."""

    source: ClockSource
    uncertainty_ms: Count


class Position(_Wire, frozen=True):
    """A place on the ground, WGS-84. Integers, so that no rounding moves a thing between two reads."""

    lat_e7: Annotated[int, Meta(ge=-900_000_000, le=900_000_000)]
    lon_e7: Annotated[int, Meta(ge=-1_800_000_000, le=1_800_000_000)]
    sigma_dm: Annotated[int, Meta(ge=0, le=65_535)]
    """One standard deviation of the horizontal error, in decimetres."""

    @property
    def lat_deg(self) -> float:
        return self.lat_e7 / 1e7

    @property
    def lon_deg(self) -> float:
        return self.lon_e7 / 1e7

    @property
    def sigma_m(self) -> float:
        return self.sigma_dm / 10

    @classmethod
    def of(cls, lat_deg: float, lon_deg: float, sigma_m: float) -> "Position":
        """Round to the wire's units: 1e-7 degrees (about 1 cm) and decimetres."""
        return cls(round(lat_deg * 1e7), round(lon_deg * 1e7), min(65_535, math.ceil(sigma_m * 10)))


class EventReport(_Wire, frozen=True):
    """One thing that happened, as its box tells it. Nothing here could name a person."""

    version: Version
    event_id: EventId
    revision: Annotated[int, Meta(ge=0, le=65_535)]
    phase: Phase
    kind: Kind
    camera: Identity | None
    """None when the box itself speaks (a button, its disk, its clock)."""
    observed_at_us: Micros
    clock: Clock
    position: Position | None
    image_point: tuple[Permille, Permille] | None
    """The foot point in the picture, thousandths of its width and height, for cameras without a map."""
    score: Permille
    track_count: Count
    zone: Identity | None
    subject: ObjectClass
    rule_version: Count
    reason: Annotated[dict[ReasonName, float], Meta(max_length=8)]
    """The numbers that crossed the rule's thresholds; the verdict can be computed again from them."""
    evidence_digest: Digest | None = None
    """SHA-256 of the snapshot that follows as an ``Evidence`` message."""

    def __post_init__(self) -> None:
        for name, value in self.reason.items():
            if not math.isfinite(value):
                raise ValueError(f"reason.{name} is not a finite number")


class Batch(_Wire, frozen=True):
    """The reports that waited in a box's outbox. Sent again, it keeps its id and its contents."""

    version: Version
    batch_id: BatchId
    epoch: Epoch
    """Which outbox numbered the entries: a new file has a new epoch."""
    entries: Annotated[list[tuple[Seq, EventReport]], Meta(min_length=1, max_length=MAX_REPORTS)]


class Evidence(_Wire, frozen=True):
    """A redacted picture of an event."""

    version: Version
    epoch: Epoch
    seq: Seq
    event_id: EventId
    camera: Identity
    observed_at_us: Micros
    digest: Digest
    jpeg: Annotated[bytes, Meta(min_length=2, max_length=MAX_EVIDENCE_BYTES)]


class CameraState(IntEnum):
    """How a camera does, seen from its box."""

    STARTING = 0
    LIVE = 1
    STALE = 2
    """Connected once; no picture for longer than its limit."""
    REFUSED = 3
    """Its address or configuration was refused."""


class CameraHealth(_Wire, frozen=True):
    """One camera's line in a heartbeat."""

    camera: Identity
    state: CameraState
    fps_x10: Count
    dropped: Count
    """Frames that the mailbox dropped since start."""


class Health(_Wire, frozen=True):
    """A box's heartbeat; not stored on the way, the next one says it anew."""

    version: Version
    at_us: Micros
    uptime_s: Count
    agent_version: Annotated[str, Meta(max_length=32)]
    outbox_waiting: Count
    outbox_lost: Count
    """Rows that the full outbox forgot since it was made; its ledger has them by lane."""
    cameras: Annotated[list[CameraHealth], Meta(max_length=64)]


class SyncRequest(_Wire, frozen=True):
    """A box asks what the hub has committed of one outbox."""

    version: Version
    epoch: Epoch


class SyncReply(_Wire, frozen=True):
    """The committed numbers of one outbox as inclusive ranges, ascending, neither touching nor crossing."""

    version: Version
    epoch: Epoch
    ranges: Annotated[list[tuple[Seq, Seq]], Meta(max_length=10_000)]


class ClipStep(IntEnum):
    """What the hub wants of a clip."""

    HEAD = 0
    """Its manifest and the sealed file's beginning."""
    PART = 1
    """The sealed file's bytes from ``offset`` on."""
    REDACT = 2
    """That a redacted one is made; asked again, how far that is."""


class ClipState(IntEnum):
    """What the box says to that."""

    READY = 0
    WORKING = 1
    """Ask again in a second."""
    GONE = 2
    """There is none; ``detail`` says why."""
    FAILED = 3


class ClipLoss(StrEnum):
    """Why a box has no clip of an event; the values are what it says, the names what is counted."""

    VAULT_FULL = "the vault was full"
    EXPIRED = "its time in the vault was over"
    TOO_MANY = "too many clips at once"
    CAMERA_GONE = "the camera was gone"
    NO_PICTURE = "the camera gave no picture to begin with"
    BROKEN_OFF = "the recording broke off"
    DISK = "the disk took nothing"
    POWER_CUT = "the box stopped while it was written"
    DAMAGED = "its files were damaged or not whole"
    NEVER_MADE = "no clip was ever made of this event"
    NO_CLIPS = "this box makes no clips"


class ClipRequest(_Wire, frozen=True):
    """The hub asks a box for a clip; the answer goes to ``subjects.answer`` of ``request_id``."""

    version: Version
    request_id: EventId
    event_id: EventId
    form: Annotated[int, Meta(ge=0, le=1)]
    """A number of ``shared.sealed.Form``."""
    step: ClipStep
    offset: Annotated[int, Meta(ge=0, lt=1 << 40)] = 0
    key: Annotated[bytes, Meta(max_length=128)] = b""
    """For ``REDACT``: the original's file key, in a sealed box for this box's own key."""


class ClipReply(_Wire, frozen=True):
    """A box's answer."""

    version: Version
    request_id: EventId
    state: ClipState
    size_bytes: Annotated[int, Meta(ge=0, lt=1 << 40)]
    """Of the sealed file."""
    offset: Annotated[int, Meta(ge=0, lt=1 << 40)]
    body: Annotated[bytes, Meta(max_length=MAX_PART_BYTES)]
    manifest: Annotated[bytes, Meta(max_length=8_192)] = b""
    detail: Annotated[str, Meta(max_length=200)] = ""


class LiveRequest(_Wire, frozen=True):
    """The hub asks for a camera's live view, for as long as the lease runs; it is renewed by asking again,
    and given up by a lease of 0."""

    version: Version
    camera: Identity
    lease_ms: Annotated[int, Meta(ge=0, le=60_000)]


class ViewRefusal(StrEnum):
    """Why a box shows no live view; the values are what it says."""

    FULL = "it shows as many live views as it may"
    NO_CAMERA = "it has no such camera"


class LivePicture(_Wire, frozen=True):
    """A redacted picture of a live view, or why there is none."""

    version: Version
    camera: Identity
    at_us: Micros
    jpeg: Annotated[bytes, Meta(max_length=MAX_EVIDENCE_BYTES)]
    refusal: Annotated[str, Meta(max_length=200)] = ""
