"""Things that were left behind: what came to rest where nothing lay before, and who was near when it came.

A thing is what the model names (a bag), or what only the picture shows (a static). Both at one place are one
thing: whoever loses sight of it first, the other goes on with it.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Reals, Track
from edge_agent.domain.rules.sighting import Sighting, Spot, View, region_track
from edge_agent.domain.scene import RuleSpec, Zone
from shared.kinds import VEHICLES, ObjectClass
from shared.messages import Phase

ACTORS = VEHICLES | {ObjectClass.PERSON, ObjectClass.BICYCLE}
LEFT_CLASSES = frozenset({ObjectClass.BAG, ObjectClass.OBJECT})
MEMORY_S = 8.0
"""A thing may be seen only after the one who brought it stepped aside: so far back actors are remembered."""
_SETTLING_S = 30.0
"""A static is known only after it has settled and nobody stands before it."""
AT_HAND_S = 1.0
"""Who is near a thing so shortly before or after it came to rest brought it."""
WATCH_S = 3.0
"""If nobody was, whoever is near so soon after may have brought it."""
SHARED_M = 0.6
"""Who was so much farther from it than the nearest only passed by."""
ESTABLISH_S = 3.0
"""What is seen this soon after the rule began was there before."""
BROUGHT_M = 1.0
"""Unless it has gone so far since."""
LEAST_LOOKS = 10
"""A model errs for some pictures in a row, and where nothing moves nobody looks again: what it named less
often is a thing only if the picture shows it too."""
GONE_S = 3.0
"""An actor not seen for so long has left the picture."""
_LAY_S = 3.0
"""What lay for so long is taken up only when it is no longer at its place: the wind shakes a small box."""
_SAME_PLACE = 0.3
_MOST_INSIDE = 0.6
"""Two boxes show one thing when they overlap so far (IoU), or one lies so far inside the other."""
SECOND_OPINION, NO_LARGER = 0.6, 1.5
"""Somebody's box that lies so far inside a thing's, and is not so much larger, shows the thing alone."""


class _Seen(NamedTuple):
    at_us: int
    actor: int
    is_person: bool
    spot: Spot


@dataclass(slots=True)
class Left:
    """One thing that lies in the zone, and those who may have brought it."""

    thread: int
    track: Track
    since_us: int
    """When it came to rest."""
    spot: Spot
    rest_us: int
    """The same, by whoever sees it now."""
    rest_box: Reals
    """Where in the picture it came to rest, (4,) pixels."""
    near_m: float = float("inf")
    nearest_m: dict[int, float] = field(default_factory=dict[int, float])
    """How near each came who was near it when it came; 0 for a vehicle: it may have been handed out of it."""
    away_m: float = 0.0
    alone_s: float = 0.0
    """How long nobody who matters has been near."""
    phase: Phase | None = None
    """The last one told."""
    is_sure: bool = False
    """Whether it was looked at often enough, or the picture itself shows it."""

    @property
    def actors(self) -> set[int]:
        """Those who may have brought it."""
        return {actor for actor, near_m in self.nearest_m.items() if near_m <= self.near_m + SHARED_M}

    def has_moved(self, track: Track) -> bool:
        """Whether what its own track tells is that it was taken up, or is only now set down."""
        if track.id != self.track.id or track.still_since_us <= self.rest_us:
            return False
        has_lain = track.last_seen_us - self.rest_us >= _LAY_S * 1e6
        return not has_lain or not is_same_thing(self.rest_box, track.box)


class LeftThings:
    """Follows what was left in a rule's zone; in its zone of the key ``free`` things may lie.

    ``near_m``: who was so near when a thing came may have brought it.
    """

    def __init__(self, spec: RuleSpec, near_m: float, free: str) -> None:
        assert spec.zone is not None
        self._zone, self._classes, self._near_m = spec.zone, spec.classes, near_m
        self._free: Zone | None = spec.other_zones.get(free)
        self._began_us: int | None = None
        self._first: dict[int, Spot] = {}
        self._memory: deque[_Seen] = deque()
        self._left: dict[int, Left] = {}

    def step(self, view: View) -> tuple[list[Left], list[Left]]:
        """Judge one frame: what lies there, and what was taken up with this frame."""
        self._began_us = view.at_us if self._began_us is None else self._began_us
        self._remember(view)
        taken: list[Left] = []
        shown: set[int] = set()
        for track in self._things(view):
            left = self._find(track)
            if left is not None and left.has_moved(track):
                taken.append(self._left.pop(left.thread))
                left = None
            elif left is not None and left.phase is None and self._is_free(track, view):
                # Only now all of it is seen: it lies where things may.
                del self._left[left.thread]
                continue
            if left is None and self._is_new(track, view):
                left = self._begin(track, view)
            if left is not None and left.thread not in shown:
                shown.add(left.thread)
                self._bind(left, track, view)
                self._find_actors(left, view)
        taken += [self._left.pop(thread) for thread in list(self._left) if thread not in shown]
        return list(self._left.values()), taken

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lies there."""
        if sighting.thread in self._left:
            self._left[sighting.thread].phase = None

    def away_m(self, left: Left, view: View) -> float:
        """How far the nearest who may have brought it is; who left the picture is infinitely far off."""
        return min((self._distance_m(left, actor, view) for actor in left.actors), default=0.0)

    def nearest_person_m(self, left: Left, view: View) -> float:
        """How far the nearest person is who was seen a moment ago."""
        fresh = [s for s in self._memory if s.is_person and view.at_us - s.at_us <= 1e6]
        return min((left.spot.distance_m(seen.spot) for seen in fresh), default=float("inf"))

    def _remember(self, view: View) -> None:
        things = [track.box for track in view.of(LEFT_CLASSES)]
        for track in view.of(ACTORS):
            if view.is_seen(track) and not _is_one_of(track.box, things):
                is_person = track.object_class is ObjectClass.PERSON
                self._memory.append(_Seen(view.at_us, track.id, is_person, view.spot(track)))
        while self._memory and view.at_us - self._memory[0].at_us > (MEMORY_S + _SETTLING_S) * 1e6:
            self._memory.popleft()

    def _things(self, view: View) -> list[Track]:
        """What the model names, and the statics where it names nothing."""
        named = view.of(self._classes)
        others = [track.box for track in view.tracks if track.object_class not in LEFT_CLASSES]
        things = list(named)
        for static in view.statics if ObjectClass.OBJECT in self._classes else ():
            number = -static.id
            is_known = any(left.track.id == number for left in self._left.values())
            if not is_known and (static.is_attached or any(is_same_thing(static.box, b) for b in others)):
                continue
            if any(is_same_thing(static.box, t.box) or _is_part(static.box, t.box) for t in named):
                continue
            seen_us = view.at_us - 1 if static.is_covered else view.at_us
            thing = region_track(
                static.box,
                seen_us,
                since_us=static.since_us,
                object_class=ObjectClass.OBJECT,
                number=number,
            )
            things.append(thing)
        return things

    def _find(self, track: Track) -> Left | None:
        """The thing that a track stands for: its own, or one at the same place."""
        for left in self._left.values():
            if left.track.id == track.id:
                return left
        return next((p for p in self._left.values() if is_same_thing(p.track.box, track.box)), None)

    def _bind(self, left: Left, track: Track, view: View) -> None:
        if left.track.id != track.id:
            left.rest_us, left.rest_box = track.still_since_us, track.box
        left.track = track
        left.is_sure |= (
            track.id < 0
            or track.hits >= LEAST_LOOKS
            or any(is_same_thing(static.box, track.box) for static in view.statics)
        )

    def _begin(self, track: Track, view: View) -> Left:
        since_us = track.still_since_us
        left = Left(track.id, track, since_us, view.spot(track), since_us, track.box)
        self._left[left.thread] = left
        return left

    def _is_new(self, track: Track, view: View) -> bool:
        return (
            self._came_later(track, view)
            and view.depth_px(self._zone, track) >= 0
            and not self._is_free(track, view)
        )

    def _is_free(self, track: Track, view: View) -> bool:
        return self._free is not None and view.depth_px(self._free, track) >= 0

    def _came_later(self, track: Track, view: View) -> bool:
        """Whether it was not there when the rule began: first seen later, or brought since, or the picture
        itself shows that it is new."""
        assert self._began_us is not None
        if track.first_seen_us - self._began_us > ESTABLISH_S * 1e6:
            return True
        spot = view.spot(track)
        first = self._first.setdefault(track.id, spot)
        if track.still_since_us - self._began_us > ESTABLISH_S * 1e6 and spot.distance_m(first) > BROUGHT_M:
            return True
        return any(
            is_same_thing(static.box, track.box) and static.since_us > self._began_us
            for static in view.statics
        )

    def _find_actors(self, left: Left, view: View) -> None:
        """Note who was near when it came to rest; if nobody was, look back as far as memory goes."""
        lay_s = (view.at_us - left.since_us) / 1e6
        if lay_s <= AT_HAND_S or not left.actors:
            self._note_actors(left, AT_HAND_S, AT_HAND_S)
        if lay_s > AT_HAND_S and not left.actors:
            self._note_actors(left, MEMORY_S, WATCH_S)

    def _note_actors(self, left: Left, before_s: float, after_s: float) -> None:
        for seen in self._memory:
            later_s = (seen.at_us - left.since_us) / 1e6
            if -before_s <= later_s <= after_s:
                distance_m = left.spot.distance_m(seen.spot)
                if distance_m <= self._near_m:
                    near_m = distance_m if seen.is_person else 0.0
                    left.nearest_m[seen.actor] = min(near_m, left.nearest_m.get(seen.actor, near_m))
                    left.near_m = min(left.near_m, distance_m)

    def _distance_m(self, left: Left, actor: int, view: View) -> float:
        last = next((seen for seen in reversed(self._memory) if seen.actor == actor), None)
        if last is None or view.at_us - last.at_us > GONE_S * 1e6:
            return float("inf")
        return left.spot.distance_m(last.spot)


def _is_one_of(box: Reals, things: list[Reals]) -> bool:
    """Whether a box is a thing's own: models call a bag a bicycle too, and nobody stands there."""
    if not things:
        return False
    boxes = np.stack(things)
    area, areas = float(box_math.areas(box[None])[0]), box_math.areas(boxes)
    inside = box_math.overlaps(box[None], boxes)[0] / max(1.0, area)
    return bool(((inside >= SECOND_OPINION) & (area <= NO_LARGER * areas)).any())


def _is_part(box: Reals, whole: Reals) -> bool:
    """Whether a box shows no more than a part of another: its rim that settled first, say."""
    area = float(box_math.areas(box[None])[0])
    return float(box_math.overlaps(box[None], whole[None])[0, 0]) >= _MOST_INSIDE * area


def is_same_thing(box: Reals, other: Reals) -> bool:
    """Whether two boxes (4,) show one thing: they overlap well, or one lies in the other and is not a mere
    part of it."""
    shared = float(box_math.overlaps(box[None], other[None])[0, 0])
    small, large = sorted(float(area) for area in box_math.areas(np.stack([box, other])))
    return shared >= _SAME_PLACE * (small + large - shared) or (
        shared >= _MOST_INSIDE * small and small >= 0.15 * large
    )
