"""Reports, batches and deliveries to feed a hub with."""

import hashlib
from collections.abc import Sequence

from hub.bus.streams import EVENTS, EVIDENCE
from hub.domain.situation import Arrival, arrival
from hub.services.unpacking import Delivery
from shared import subjects
from shared.codec import encode
from shared.geo import LatLon, from_plane
from shared.identity import time_ordered_id
from shared.kinds import Kind, Lane, ObjectClass
from shared.messages import Batch, Clock, ClockSource, EventReport, Evidence, Phase, Position

T0_US = 1_795_000_000_000_000
SQUARE = LatLon(50.937, 71.365)
SITE = "kosshy"
EPOCH = b"epoch--1"
JPEG = b"\xff\xd8\xff\xe0" + b"a picture of nobody" * 9 + b"\xff\xd9"


def event_id(number: int) -> bytes:
    return time_ordered_id(T0_US // 1000 + number % 1000, number.to_bytes(10, "big"))


def report(
    number: int,
    *,
    kind: Kind = Kind.INTRUSION,
    camera: str | None = "cam-1",
    at_s: float = 0.0,
    east_m: float | None = 0.0,
    north_m: float = 0.0,
    sigma_m: float = 1.0,
    phase: Phase = Phase.BEGIN,
    revision: int = 0,
    zone: str | None = "yard",
    score: int = 800,
    digest: bytes | None = None,
) -> EventReport:
    """A report of event ``number``, in metres from the square; off the map when ``east_m`` is None."""
    place = None if east_m is None else from_plane(SQUARE, east_m, north_m)
    return EventReport(
        version=1,
        event_id=event_id(number),
        revision=revision,
        phase=phase,
        kind=kind,
        camera=camera,
        observed_at_us=T0_US + round(at_s * 1e6),
        clock=Clock(ClockSource.HUB, 10),
        position=Position.of(place.lat_deg, place.lon_deg, sigma_m) if place else None,
        image_point=None if place else (500, 500),
        score=score,
        track_count=1,
        zone=zone,
        subject=ObjectClass.PERSON,
        rule_version=1,
        reason={"dwell_s": 2.0, "limit_s": 1.5},
        evidence_digest=digest,
    )


def came(report: EventReport, box: str = "box-a", seq: int = 1, late_s: float = 86_400) -> Arrival:
    """``report`` as it arrives ``late_s`` after the start of time."""
    return arrival(report, SITE, box, seq, T0_US + round(late_s * 1e6))


def batch(entries: Sequence[tuple[int, EventReport]], epoch: bytes = EPOCH) -> bytes:
    return encode(Batch(1, hashlib.sha256(repr(entries).encode()).digest()[:16], epoch, list(entries)))


def delivery(
    *reports: EventReport, box: str = "box-a", first_seq: int = 1, stream_seq: int = 1, epoch: bytes = EPOCH
) -> Delivery:
    """A message of ``box`` with these reports, numbered from ``first_seq``."""
    subject = subjects.events(SITE, box, Lane.STANDARD, None, None)
    return Delivery(EVENTS, stream_seq, subject, batch(list(enumerate(reports, first_seq)), epoch))


def evidence(number: int, *, jpeg: bytes = JPEG, camera: str = "cam-1", seq: int = 1) -> Evidence:
    """A picture of event ``number``."""
    digest = hashlib.sha256(jpeg).digest()
    return Evidence(1, EPOCH, seq, event_id(number), camera, T0_US, digest, jpeg)


def picture_delivery(message: Evidence, box: str = "box-a") -> Delivery:
    subject = subjects.evidence(SITE, box, message.event_id)
    return Delivery(EVIDENCE, message.seq, subject, encode(message))
