"""A town's worth of reports to measure a hub with: reproducible, and like the real thing in its mix."""

import random
from typing import NamedTuple

from shared import subjects
from shared.codec import encode
from shared.geo import LatLon, from_plane
from shared.identity import time_ordered_id
from shared.kinds import TRAITS, Kind, Lane, ObjectClass
from shared.messages import Batch, Clock, ClockSource, EventReport, Phase, Position

BOXES = 200
CAMERAS = 1_500
SAME_THING = 0.2
"""The share of reports that tell of something that was told before: by a second camera, or as an update."""
SITE = "kosshy"
_TOWN = LatLon(50.937, 71.365)
_TOWN_M = 6_000.0
_KINDS = (
    *(Kind.ILLEGAL_PARKING,) * 6,
    *(Kind.LINE_CROSSED,) * 4,
    *(Kind.INTRUSION,) * 3,
    *(Kind.DUMPING_ACT,) * 2,
    Kind.LOITERING, Kind.WRONG_WAY, Kind.CONGESTION, Kind.CONTAINER_OVERFLOW, Kind.STRAY_ANIMALS,
    Kind.PEDESTRIAN_ON_CARRIAGEWAY,
)  # fmt: skip
_EPOCH = b"bench-01"
_EVENTS_A_SECOND = 20.0
_RECENT = 400


class Letter(NamedTuple):
    """A message ready to be published."""

    subject: str
    body: bytes
    report_count: int


def letters(events: int, per_message: int, end_at_us: int, seed: int = 1) -> list[Letter]:
    """``events`` reports, the last of them observed at ``end_at_us``, in messages of ``per_message``."""
    town = _Town(random.Random(seed), end_at_us - round(events / _EVENTS_A_SECOND * 1e6))  # noqa: S311
    batches: list[Letter] = []
    left = events
    while left > 0:
        count = min(per_message, left)
        batches.append(town.letter(count))
        left -= count
    return batches


class _Town:
    """Cameras at fixed places, in front of which things happen."""

    def __init__(self, chance: random.Random, start_at_us: int) -> None:
        self._chance = chance
        self._at_us = start_at_us
        self._places = [
            (chance.uniform(-_TOWN_M, _TOWN_M) / 2, chance.uniform(-_TOWN_M, _TOWN_M) / 2)
            for _ in range(CAMERAS)
        ]
        self._seqs = [0] * BOXES
        self._recent: list[list[EventReport]] = [[] for _ in range(BOXES)]

    def letter(self, count: int) -> Letter:
        box = self._chance.randrange(BOXES)
        entries = [(self._next_seq(box), self._report(box)) for _ in range(count)]
        body = encode(Batch(1, self._chance.randbytes(16), _EPOCH, entries))
        only = entries[0][1] if count == 1 else None
        kind = only.kind.slug if only else None
        camera = only.camera if only else None
        lane = TRAITS[only.kind].lane if only else Lane.STANDARD
        return Letter(subjects.events(SITE, f"box-{box:03}", lane, kind, camera), body, count)

    def _next_seq(self, box: int) -> int:
        self._seqs[box] += 1
        return self._seqs[box]

    def _report(self, box: int) -> EventReport:
        self._at_us += round(1e6 / _EVENTS_A_SECOND)
        recent = self._recent[box]
        if recent and self._chance.random() < SAME_THING:
            return self._same_thing(box, self._chance.randrange(len(recent)))
        fresh = self._new_thing(box)
        recent.append(fresh)
        if len(recent) > _RECENT // BOXES:
            recent.pop(0)
        return fresh

    def _new_thing(self, box: int) -> EventReport:
        chance = self._chance
        camera = chance.randrange(box, CAMERAS, BOXES)
        east_m, north_m = self._places[camera]
        place = from_plane(_TOWN, east_m + chance.uniform(-40, 40), north_m + chance.uniform(-40, 40))
        return EventReport(
            version=1,
            event_id=self._event_id(),
            revision=0,
            phase=Phase.BEGIN,
            kind=chance.choice(_KINDS),
            camera=f"cam-{camera:04}",
            observed_at_us=self._at_us,
            clock=Clock(ClockSource.HUB, 15),
            position=Position.of(place.lat_deg, place.lon_deg, chance.uniform(0.8, 3.0)),
            image_point=(chance.randrange(1001), chance.randrange(1001)),
            score=chance.randrange(400, 990),
            track_count=1,
            zone=f"zone-{camera % 3}",
            subject=ObjectClass.CAR,
            rule_version=3,
            reason={"stood_s": chance.uniform(300, 400), "limit_s": 300.0},
            evidence_digest=chance.randbytes(32),
        )

    def _same_thing(self, box: int, which: int) -> EventReport:
        """The event's next revision, or a second event of the same thing."""
        report = self._recent[box][which]
        if self._chance.random() < 0.5:
            again = _changed(report, revision=report.revision + 1, phase=Phase.UPDATE, at_us=self._at_us)
            self._recent[box][which] = again
            return again
        return _changed(report, event_id=self._event_id(), at_us=self._at_us)

    def _event_id(self) -> bytes:
        return time_ordered_id(self._at_us // 1000, self._chance.randbytes(10))


def _changed(
    report: EventReport,
    *,
    at_us: int,
    event_id: bytes | None = None,
    revision: int = 0,
    phase: Phase = Phase.BEGIN,
) -> EventReport:
    return EventReport(
        report.version,
        event_id or report.event_id,
        revision,
        phase,
        report.kind,
        report.camera,
        at_us,
        report.clock,
        report.position,
        report.image_point,
        report.score,
        report.track_count,
        report.zone,
        report.subject,
        report.rule_version,
        report.reason,
        report.evidence_digest,
    )
