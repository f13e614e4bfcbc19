"""The rule ``illegal_parking``: a vehicle that stands in a no-stopping zone."""

from dataclasses import dataclass

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Reals, Track
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.presence import Presence
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.scene import RuleSpec, Zone
from shared.kinds import VEHICLES, Kind
from shared.messages import Phase

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


@dataclass(slots=True)
class _Parked:
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


class IllegalParking:
    """A vehicle stands in the zone for ``limit_s``. A state: it begins, is told of again when the time has
    doubled, and ends when the vehicle leaves.

    The timer pauses while the traffic jams, and runs on when something hides the vehicle for up to
    ``occlusion_s``, even when it is another track afterwards.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._limit_s = max(spec.limits["limit_s"], STANDING_S)
        self._presence = Presence(spec.zone, spec.classes, spec.limits["occlusion_s"])
        self._parked: list[_Parked] = []
        self._next_thread = 1

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        inside = [track for track, _ in self._presence.step(view) if view.is_seen(track)]
        sightings: list[Sighting] = []
        is_jam = self._is_jam(view, self._spec.other_zones.get("lane"))
        seen = {track.id: track for track in view.tracks if view.is_seen(track)}
        for parked in list(self._parked):
            if self._has_left(parked, seen, view):
                self._parked.remove(parked)
                sightings += self._end(parked)
        for track in inside:
            self._stand(track, is_jam)
        for parked in self._parked:
            sightings += self._tell(parked)
        return sightings

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it stands."""
        for parked in self._parked:
            if parked.thread == sighting.thread:
                parked.told_at_s = 0.0

    def stop(self) -> list[Sighting]:
        """End what is open."""
        ended = [sighting for parked in self._parked for sighting in self._end(parked)]
        self._parked = []
        return ended

    def _has_left(self, parked: _Parked, seen: dict[int, Track], view: View) -> bool:
        """Whether it moved off, or was hidden for too long."""
        parked.uncounted_s += view.elapsed_s
        track = None if parked.is_adrift else seen.get(parked.track.id)
        if track is None:
            parked.unseen_s += view.elapsed_s
            return parked.unseen_s > (ADRIFT_S if parked.is_adrift else self._spec.limits["occlusion_s"])
        parked.moved_frames = 0 if _is_same_place(track.box, parked.box) else parked.moved_frames + 1
        if parked.moved_frames < MOVED_FRAMES:
            return False
        parked.is_adrift, parked.unseen_s = True, view.elapsed_s
        return parked.stood_s < RESTED_S

    def _stand(self, track: Track, is_jam: bool) -> None:
        parked = self._find(track)
        if parked is None:
            self._parked.append(_Parked(self._next_thread, track, track.box))
            self._next_thread += 1
            return
        if not is_jam:
            parked.stood_s += parked.uncounted_s
        if track.id != parked.track.id or parked.is_adrift:
            parked.is_adrift, parked.moved_frames = False, 0
        if not parked.moved_frames:
            parked.track = track
        parked.unseen_s = parked.uncounted_s = 0.0

    def _find(self, track: Track) -> _Parked | None:
        """The place that a track holds, or the one where a hidden vehicle comes into view again."""
        for parked in self._parked:
            if parked.track.id == track.id and not parked.is_adrift:
                return parked
        hidden = (p for p in self._parked if p.unseen_s > 0 and p.track.id != track.id)
        return next((p for p in hidden if _is_same_place(track.box, p.box)), None)

    def _tell(self, parked: _Parked) -> list[Sighting]:
        due_s = max(self._limit_s, 2 * parked.told_at_s)
        if parked.moved_frames or parked.stood_s < due_s:
            return []
        phase = Phase.UPDATE if parked.told_at_s else Phase.BEGIN
        parked.told_at_s = due_s
        return [self._sighting(parked, phase)]

    def _end(self, parked: _Parked) -> list[Sighting]:
        return [self._sighting(parked, Phase.END)] if parked.told_at_s else []

    def _sighting(self, parked: _Parked, phase: Phase) -> Sighting:
        reason = {"stood_s": parked.stood_s, "limit_s": self._limit_s}
        return Sighting(
            Kind.ILLEGAL_PARKING, phase, parked.thread, self._spec.place_id, parked.track, 1, rounded(reason)
        )

    def _is_jam(self, view: View, lane: Zone | None) -> bool:
        """Whether over half of the traffic stands. Traffic is what has moved in view and has not parked."""
        drivers = [
            (view.at_us - track.still_since_us) / 1e6
            for track in view.of(VEHICLES)
            if view.is_seen(track)
            and track.still_since_us > track.first_seen_us
            and (lane is None or view.depth_px(lane, track) >= 0)
        ]
        drivers = [stood_s for stood_s in drivers if stood_s < self._limit_s]
        standing = sum(stood_s >= JAM_STANDING_S for stood_s in drivers)
        return len(drivers) >= JAM_VEHICLES and 2 * standing > len(drivers)


def _is_same_place(box: Reals, place: Reals) -> bool:
    shared = float(box_math.overlaps(box[None], place[None])[0, 0])
    own, other = float(box_math.areas(box[None])[0]), float(box_math.areas(place[None])[0])
    return shared >= SAME_PLACE * (own + other - shared) or shared >= 0.8 * min(own, other)


def _stood(reason: dict[str, float]) -> bool:
    return reason["stood_s"] >= reason["limit_s"]


ILLEGAL_PARKING = RuleEntry(
    IllegalParking,
    RuleForm(
        "zone",
        VEHICLES,
        {
            "limit_s": Parameter(300, 10, DAY_S),
            "occlusion_s": Parameter(20, 0, 30),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=("lane",),
    ),
    version=1,
    holds=_stood,
)
