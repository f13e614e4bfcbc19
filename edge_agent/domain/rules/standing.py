"""Vehicles that stand, by place: hidden for a while or under another track, it is the same vehicle."""

from dataclasses import dataclass

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
within this time, nothing has left."""
RESTED_S = 2.0
"""Who has not stood for so long has driven by."""
SAME_PLACE = 0.5
"""Boxes that overlap so far (IoU), or one of which lies 80 % inside the other, show the same place."""
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
    told_at_s: float = 0.0
    """The time after which it was last told of: the limit, twice that, … or 0."""


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
        left = [parked for parked in self.places if self._has_left(parked, seen, view)]
        self.places = [parked for parked in self.places if parked not in left]
        for track in inside:
            self._stand(track, is_paused)
        return left

    def _has_left(self, parked: Parked, seen: dict[int, Track], view: View) -> bool:
        """Whether it moved off, or was hidden for too long."""
        parked.uncounted_s += view.elapsed_s
        track = None if parked.is_adrift else seen.get(parked.track.id)
        if track is None:
            parked.unseen_s += view.elapsed_s
            return parked.unseen_s > (ADRIFT_S if parked.is_adrift else self._occlusion_s)
        parked.moved_frames = 0 if _is_same_place(track.box, parked.box) else parked.moved_frames + 1
        if parked.moved_frames < MOVED_FRAMES:
            return False
        parked.is_adrift, parked.unseen_s = True, view.elapsed_s
        return parked.stood_s < RESTED_S

    def _stand(self, track: Track, is_paused: bool) -> None:
        parked = self._find(track)
        if parked is None:
            self.places.append(Parked(self._next_thread, track, track.box))
            self._next_thread += 1
            return
        if not is_paused:
            parked.stood_s += parked.uncounted_s
        if track.id != parked.track.id or parked.is_adrift:
            parked.is_adrift, parked.moved_frames = False, 0
        if not parked.moved_frames:
            parked.track = track
        parked.unseen_s = parked.uncounted_s = 0.0

    def _find(self, track: Track) -> Parked | None:
        """The place where a hidden or adrift vehicle comes into view again, or the one that a track holds.

        A track that went along with a passing vehicle may come back: the place is asked before the number.
        """
        own = [p for p in self.places if p.track.id == track.id and not p.is_adrift]
        if own and _is_same_place(track.box, own[0].box):
            return own[0]
        hidden = (p for p in self.places if p.unseen_s > 0 and p not in own)
        back = next((p for p in hidden if _is_same_place(track.box, p.box)), None)
        return back or (own[0] if own else None)


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


def _is_same_place(box: Reals, place: Reals) -> bool:
    shared = float(box_math.overlaps(box[None], place[None])[0, 0])
    own, other = float(box_math.areas(box[None])[0]), float(box_math.areas(place[None])[0])
    return shared >= SAME_PLACE * (own + other - shared) or shared >= 0.8 * min(own, other)
