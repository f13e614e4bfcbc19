"""Vehicles that stand, by place: hidden for a while or under another track, it is the same vehicle."""

from dataclasses import dataclass, field

import numpy as np

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Reals, Track
from edge_agent.domain.rules.presence import Presence
from edge_agent.domain.rules.sighting import View
from edge_agent.domain.scene import Zone
from shared.kinds import VEHICLES, ObjectClass

STANDING_S = 10.0
"""A vehicle stands when it has kept its place for so long [Frigate]."""
MOVED_FRAMES = 3
ADRIFT_S = 1.5
"""A track that leaves may have gone along with a vehicle passing in front: if another track is at the place
within this time of having a free view of it, nothing has left."""
HEIR_S = 0.9
"""A place without its track is another's when that one has kept it for so long. Whoever drives by, even at a
walking pace of 2 m/s, is farther than a third of its length from it by then."""
COVERED = 0.5
"""A place of which others hide so much is not in free view."""
RESTED_S = 2.0
"""Who has not stood for so long has driven by, or rolls on to where it will stand."""
AT_REST = 0.75
"""Boxes of what does not move overlap so far (IoU), in spite of their jitter."""
SAME_PLACE = 0.5
"""Boxes that overlap so far (IoU), or one of which lies 80 % inside the other, show the same place."""
PART = 0.25
"""What is left to see of one that stands, as a share of its box; a smaller box there is somebody else's."""
JAM_VEHICLES = 3
JAM_STANDING_S = 3.0


@dataclass(slots=True, eq=False)
class Parked:
    """One vehicle at one place."""

    thread: int
    track: Track
    """As last seen."""
    box: Reals
    stood_s: float = 0.0
    unseen_s: float = 0.0
    uncounted_s: float = 0.0
    """Time since it was last known to stand; counted when it is seen to have stood on."""
    moved_frames: int = 0
    is_adrift: bool = False
    """Its track went elsewhere; whether the vehicle did is not known yet."""
    free_s: float = 0.0
    """How long it has been adrift with nothing before the place and nobody at it."""
    heirs: dict[int, float] = field(default_factory=dict[int, float])
    """Other tracks at the place while its own is not, and for how long."""
    told_at_s: float = 0.0
    """The time after which it was last told of: the limit, twice that, … or 0."""

    @property
    def is_held(self) -> bool:
        """Whether its track is seen at the place."""
        return not (self.is_adrift or self.moved_frames or self.unseen_s)


class Standing:
    """Who stands in a zone, and for how long; ``occlusion_s``: hidden for at most so long, it stands on."""

    def __init__(self, zone: Zone, classes: frozenset[ObjectClass], occlusion_s: float) -> None:
        self._presence = Presence(zone, classes, occlusion_s)
        self._occlusion_s = occlusion_s
        self._next_thread = 1
        self.places: list[Parked] = []

    def step(self, view: View, *, is_paused: bool) -> list[Parked]:
        """Follow one frame; gives those that left. While paused nobody's time runs."""
        inside = [track for track, _ in self._presence.step(view) if view.is_seen(track)]
        seen = {track.id: track for track in view.tracks if view.is_seen(track)}
        vehicles = [track for track in seen.values() if track.object_class in VEHICLES]
        left = [parked for parked in self.places if self._has_left(parked, seen, vehicles, view)]
        self.places = [parked for parked in self.places if parked not in left]
        for track in inside:
            left += self._stand(track, is_paused)
        return left

    def _has_left(self, parked: Parked, seen: dict[int, Track], vehicles: list[Track], view: View) -> bool:
        """Whether it moved off, or was hidden for too long."""
        parked.uncounted_s += view.elapsed_s
        track = None if parked.is_adrift else seen.get(parked.track.id)
        if track is None:
            parked.unseen_s += view.elapsed_s
            self._note_heirs(parked, seen, view)
            if parked.is_adrift and not parked.heirs and not _is_covered(parked, vehicles):
                parked.free_s += view.elapsed_s
            return parked.unseen_s > self._occlusion_s or parked.free_s > ADRIFT_S
        parked.heirs.clear()
        parked.moved_frames = 0 if _is_same_place(track.box, parked.box) else parked.moved_frames + 1
        if parked.moved_frames < MOVED_FRAMES:
            return False
        parked.is_adrift, parked.unseen_s, parked.free_s = True, view.elapsed_s, 0.0
        return parked.stood_s < RESTED_S

    @staticmethod
    def _note_heirs(parked: Parked, seen: dict[int, Track], view: View) -> None:
        """Who is at the place of a vehicle whose own track is not, and for how long."""
        before, parked.heirs = parked.heirs, {}
        for number, track in seen.items():
            if _shows(track.box, parked.box):
                parked.heirs[number] = before[number] + view.elapsed_s if number in before else 0.0
        parked.heirs |= {number: s for number, s in before.items() if number not in seen}

    def _stand(self, track: Track, is_paused: bool) -> list[Parked]:
        """Count for the place that a track holds; gives one that turns out to be another's all along."""
        parked, younger = self._find(track)
        if parked is None:
            self.places.append(Parked(self._next_thread, track, track.box))
            self._next_thread += 1
            return []
        if parked.unseen_s > 0 and track.id != parked.track.id and parked.heirs.get(track.id, 0.0) < HEIR_S:
            return []
        if not is_paused:
            parked.stood_s += parked.uncounted_s
        if parked.stood_s < RESTED_S and _iou(track.box, parked.box) < AT_REST:
            parked.box, parked.stood_s, parked.moved_frames = track.box, 0.0, 0
        if track.id != parked.track.id or parked.is_adrift:
            parked.is_adrift, parked.moved_frames = False, 0
        if not parked.moved_frames:
            parked.track = track
        parked.unseen_s = parked.uncounted_s = 0.0
        parked.heirs.clear()
        self.places = [p for p in self.places if p is not younger]
        return [younger] if younger else []

    def _find(self, track: Track) -> tuple[Parked | None, Parked | None]:
        """The place where a hidden or adrift vehicle comes into view again, or the one that a track holds.

        A track that went along with a passing vehicle may come back: the place is asked before the number.
        The second is a younger place that the track holds and that is the same.
        """
        own = next((p for p in self.places if p.track.id == track.id and not p.is_adrift), None)
        if own and not own.moved_frames and own.stood_s >= RESTED_S:
            return own, None
        back = next((p for p in self.places if p.unseen_s > 0 and p is not own and track.id in p.heirs), None)
        return back or own, own if back else None


def is_jam(view: View, lane: Zone | None, parked_s: float) -> bool:
    """Whether over half of the traffic stands. Traffic is what has moved in view and has not stood for
    ``parked_s``, for then it has parked."""
    drivers = [
        (view.at_us - track.still_since_us) / 1e6
        for track in view.of(VEHICLES)
        if view.is_seen(track)
        and track.still_since_us > track.first_seen_us
        and (lane is None or view.depth_px(lane, track) >= 0)
    ]
    drivers = [stood_s for stood_s in drivers if stood_s < parked_s]
    standing = sum(stood_s >= JAM_STANDING_S for stood_s in drivers)
    return len(drivers) >= JAM_VEHICLES and 2 * standing > len(drivers)


def _is_covered(parked: Parked, vehicles: list[Track]) -> bool:
    boxes = np.array([track.box for track in vehicles]).reshape(-1, 4)
    shared = box_math.overlaps(parked.box[None], boxes)
    return bool((shared >= COVERED * box_math.areas(parked.box[None])).any())


def _iou(box: Reals, place: Reals) -> float:
    shared, own, other = _shared(box, place)
    return shared / max(1e-6, own + other - shared)


def _shows(box: Reals, place: Reals) -> bool:
    """Whether a box shows what stands at a place, or a part of it; what is larger stands before it."""
    shared, own, other = _shared(box, place)
    return shared >= SAME_PLACE * (own + other - shared) or (shared >= 0.8 * own and own >= PART * other)


def _is_same_place(box: Reals, place: Reals) -> bool:
    return _shows(box, place) or _shows(place, box)


def _shared(box: Reals, place: Reals) -> tuple[float, float, float]:
    """What two boxes share, and their own areas, pixels."""
    shared = float(box_math.overlaps(box[None], place[None])[0, 0])
    return shared, float(box_math.areas(box[None])[0]), float(box_math.areas(place[None])[0])
