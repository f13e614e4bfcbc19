"""From a sighting to the report that goes out."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Any

from edge_agent.domain.detection import Track
from edge_agent.domain.rules.duty import MAX_OPEN, Found
from edge_agent.domain.rules.table import RULES
from edge_agent.domain.scene import Scene
from shared.identity import time_ordered_id
from shared.kinds import ObjectClass
from shared.messages import VERSION, Clock, EventReport, Phase, Position

_RANDOM_BYTES = 10
_OWN_SIGMA_M = {
    ObjectClass.PERSON: 0.3,
    ObjectClass.MOTORCYCLE: 0.7,
    ObjectClass.CAR: 1.5,
    ObjectClass.BUS: 3.5,
    ObjectClass.TRUCK: 3.0,
}
"""A foot point is the near side of a thing, not its middle: by so much it may lie off, metres."""
_OTHER_SIGMA_M = 0.5


class Reporter:
    """Gives a camera's sightings their event ids, revisions and places.

    ``randomness`` gives as many random bytes as it is asked for; nothing here draws chance.
    """

    def __init__(self, scene: Scene, randomness: Callable[[int], bytes]) -> None:
        self._scene = scene
        self._randomness = randomness
        self._open: OrderedDict[tuple[int, int], tuple[bytes, int]] = OrderedDict()

    def report(
        self, found: Found, at_us: int, now_us: int, clock: Clock, snapshot_jpeg: bytes | None
    ) -> EventReport:
        """Make the report of a sighting at ``at_us``; ``clock`` says how good that is.

        ``now_us`` orders new event ids. Both are UTC in microseconds.
        """
        sighting = found.sighting
        event_id, revision = self._identify(found, now_us)
        return EventReport(
            version=VERSION,
            event_id=event_id,
            revision=revision,
            phase=sighting.phase,
            kind=sighting.kind,
            camera=self._scene.camera,
            observed_at_us=at_us,
            clock=clock,
            position=self._position(sighting.subject),
            image_point=self._image_point(sighting.subject),
            score=round(1000 * min(1.0, max(0.0, sighting.subject.score))),
            track_count=sighting.track_count,
            zone=sighting.place_id,
            subject=sighting.subject.object_class,
            rule_version=RULES[sighting.kind].version,
            reason=sighting.reason,
            evidence_digest=hashlib.sha256(snapshot_jpeg).digest() if snapshot_jpeg else None,
        )

    def memory(self, keys: Collection[str]) -> list[list[Any]]:
        """The open events of the rules with these keys, in JSON's own types."""
        return [
            [self._scene.rules[rule].key, thread, event_id.hex(), revision]
            for (rule, thread), (event_id, revision) in self._open.items()
            if self._scene.rules[rule].key in keys
        ]

    def recall(self, memory: list[list[Any]]) -> None:
        """Go on with the events that ``memory`` gave. Raises ``TypeError`` or ``ValueError`` for others."""
        numbers = {spec.key: number for number, spec in enumerate(self._scene.rules)}
        for key, thread, event_id, revision in memory:
            if key in numbers:
                self._open[numbers[key], int(thread)] = bytes.fromhex(event_id), int(revision)

    def _identify(self, found: Found, now_us: int) -> tuple[bytes, int]:
        """The event's id and the report's revision: 0 at first, then one more each time."""
        key = (found.rule, found.sighting.thread)
        known = self._open.pop(key, None)
        if known is None or found.sighting.phase is Phase.BEGIN:
            event_id, revision = time_ordered_id(now_us // 1000, self._randomness(_RANDOM_BYTES)), 0
        else:
            event_id, revision = known[0], known[1] + 1
        if found.sighting.phase is not Phase.END:
            self._open[key] = (event_id, revision)
            if len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
        return event_id, revision

    def _position(self, subject: Track) -> Position | None:
        ground = self._scene.ground
        point = ground.locate(*subject.foot_px) if ground else None
        if ground is None or point is None:
            return None
        place = ground.place(point)
        own_m = _OWN_SIGMA_M.get(subject.object_class, _OTHER_SIGMA_M)
        return Position.of(place.lat_deg, place.lon_deg, math.hypot(point.sigma_m, own_m))

    def _image_point(self, subject: Track) -> tuple[int, int]:
        x, y = subject.foot_px
        return _permille(x, self._scene.width), _permille(y, self._scene.height)


def _permille(value: float, whole: int) -> int:
    return min(1000, max(0, round(1000 * value / whole)))
