"""The rule ``stopped_on_carriageway``: a vehicle stands while the others drive past it."""

from dataclasses import dataclass, field

from edge_agent.domain.detection import Track
from edge_agent.domain.geometry import Point
from edge_agent.domain.rules.flow import Flow, Vehicle, go_the_same_way, place_on_plane, scale_of
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.standing import JAM_STANDING_S, Parked, Standing, is_jam
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind, ObjectClass
from shared.messages import Phase

PARKED_S = 600.0
"""What has stood for so long is no traffic any more, when it is told whether the traffic jams."""
PAST_M = 1.5
"""A vehicle passes when it was so far behind, or not there before, and then is so far ahead."""
BESIDE_M = 4.0
"""Who drives round it passes so near, in the next lane at most. Of one that stopped among others it may not
be known where it was going, and the oncoming traffic is no passer."""
QUEUE_M, QUEUE_ASIDE_M = 13.0, 1.8
"""One that stands with another standing so near before it, in its own lane, waits in a queue."""
PASSING_KMH = 8.0
CAME_S = 2.0
"""Who drives on in the first moments came before it stopped."""
SETTLED_S = 2.0
"""One has been passed when it is seen to stand still so long afterwards: when a queue starts off all drive
past the places where they stood."""


@dataclass(slots=True)
class _Passers:
    """Who drove past one standing vehicle."""

    heading: Point | None
    """Where it was going; None when it was never seen to move."""
    at: Point | None
    """Where it stands, on the plane of ``Way``. Its next track may not know which way it faces."""
    since_us: int = 0
    behind: set[int] = field(default_factory=set[int])
    ahead_us: dict[int, int] = field(default_factory=dict[int, int])
    """When each was first ahead of it."""
    passed: set[int] = field(default_factory=set[int])
    """Those after whom it stood on."""


class StoppedOnCarriageway:
    """A vehicle stands in the zone for ``limit_s`` while ``passers`` others go past it the same way. A state:
    told of again when the time has doubled; ends when the vehicle leaves.

    Nobody passes in a queue at a light, and the timer pauses while the traffic jams. In ``bus_stop`` buses
    may stand.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._flow = Flow(spec.zone, VEHICLES)
        self._standing = Standing(spec.zone, spec.classes, spec.limits["occlusion_s"])
        self._passers: dict[int, _Passers] = {}
        self._headings: dict[int, Point] = {}

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        vehicles = self._flow.step(view)
        alive = {track.id for track in view.tracks}
        self._headings = {number: way for number, way in self._headings.items() if number in alive}
        self._headings |= {v.visit.track.id: v.heading for v in vehicles if v.heading is not None}
        left = self._standing.step(view, is_paused=is_jam(view, self._spec.zone, PARKED_S))
        sightings = [sighting for parked in left for sighting in self._end(parked)]
        for parked in self._standing.places:
            self._watch(parked, vehicles, view)
            sightings += self._tell(parked, view)
        return sightings

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it stands."""
        for parked in self._standing.places:
            if parked.thread == sighting.thread:
                parked.told_at_s = 0.0

    def stop(self) -> list[Sighting]:
        """End what is open."""
        ended = [sighting for parked in self._standing.places for sighting in self._end(parked)]
        self._standing.places, self._passers = [], {}
        return ended

    def _watch(self, parked: Parked, vehicles: list[Vehicle], view: View) -> None:
        """Note who drives past."""
        passers = self._passers.setdefault(parked.thread, _Passers(None, None))
        passers.since_us = passers.since_us or view.at_us
        if parked.stood_s < CAME_S:
            # Later its track may be one that came from somewhere else.
            passers.heading = self._heading_of(parked.track, view)
            passers.at = place_on_plane(view, view.standing_px(parked.track), scale_of(parked.track))
            return
        for vehicle in vehicles:
            if vehicle.heading is None or vehicle.visit.track.id == parked.track.id:
                continue
            if vehicle.speed_kmh < PASSING_KMH or not go_the_same_way(vehicle.heading, passers.heading):
                continue
            ahead_m, aside_m = _from(passers.at, parked.track, vehicle.visit.track, vehicle.heading, view)
            if view.ground is not None and abs(aside_m) > BESIDE_M:
                continue
            thread, first_us = vehicle.visit.thread, vehicle.visit.track.first_seen_us
            is_new = thread in passers.behind or first_us > passers.since_us + CAME_S * 1e6
            if ahead_m < -PAST_M:
                passers.behind.add(thread)
            elif ahead_m > PAST_M and is_new and not _is_queueing(passers.at, parked, vehicle.heading, view):
                passers.ahead_us.setdefault(thread, view.at_us)
        settled_us = view.at_us - SETTLED_S * 1e6
        if parked.is_held and parked.track.still_since_us <= settled_us:
            passers.passed |= {thread for thread, at_us in passers.ahead_us.items() if at_us <= settled_us}

    def _heading_of(self, track: Track, view: View) -> Point | None:
        """Where it went when it last moved, on the plane of ``Way``; None when it was never seen to."""
        if track.id in view.headings:
            east, north = view.headings[track.id]
            return east, -north
        return self._headings.get(track.id)

    def _is_bus_at_stop(self, parked: Parked, view: View) -> bool:
        stop = self._spec.other_zones.get("bus_stop")
        is_bus = parked.track.object_class is ObjectClass.BUS
        if stop is None or not is_bus or not view.is_seen(parked.track):
            return False
        return view.depth_px(stop, parked.track) >= 0

    def _tell(self, parked: Parked, view: View) -> list[Sighting]:
        due_s = max(self._spec.limits["limit_s"], 2 * parked.told_at_s)
        count = len(self._passers[parked.thread].passed)
        if parked.moved_frames or parked.stood_s < due_s or count < self._spec.limits["passers"]:
            return []
        if self._is_bus_at_stop(parked, view):
            return []
        phase = Phase.UPDATE if parked.told_at_s else Phase.BEGIN
        parked.told_at_s = due_s
        return [self._sighting(parked, phase)]

    def _end(self, parked: Parked) -> list[Sighting]:
        ended = [self._sighting(parked, Phase.END)] if parked.told_at_s else []
        self._passers.pop(parked.thread, None)
        return ended

    def _sighting(self, parked: Parked, phase: Phase) -> Sighting:
        reason = {
            "stood_s": parked.stood_s,
            "limit_s": self._spec.limits["limit_s"],
            "passers": len(self._passers[parked.thread].passed),
            "least_passers": self._spec.limits["passers"],
        }
        kind, place = Kind.STOPPED_ON_CARRIAGEWAY, self._spec.place_id
        return Sighting(kind, phase, parked.thread, place, parked.track, 1, rounded(reason))


def _is_queueing(at: Point | None, parked: Parked, heading: Point, view: View) -> bool:
    """Whether another one stands right before it on the way that the traffic goes."""
    for track in view.of(VEHICLES) if view.ground is not None else []:
        if track.id == parked.track.id or view.at_us - track.still_since_us < JAM_STANDING_S * 1e6:
            continue
        ahead_m, aside_m = _from(at, parked.track, track, heading, view)
        if PAST_M < ahead_m <= QUEUE_M and abs(aside_m) <= QUEUE_ASIDE_M:
            return True
    return False


def _from(at: Point | None, standing: Track, other: Track, heading: Point, view: View) -> Point:
    """How far ahead of the place ``at`` another is, towards ``heading``, and how far to the right; 0, 0 when
    that is not known. Without a map the one that stands there is the measure."""
    now = place_on_plane(view, view.standing_px(other), scale_of(standing))
    if at is None or now is None:
        return 0.0, 0.0
    x, y = now[0] - at[0], now[1] - at[1]
    return x * heading[0] + y * heading[1], y * heading[0] - x * heading[1]


def _was_passed(reason: dict[str, float]) -> bool:
    return reason["stood_s"] >= reason["limit_s"] and reason["passers"] >= reason["least_passers"]


STOPPED_ON_CARRIAGEWAY = RuleEntry(
    StoppedOnCarriageway,
    RuleForm(
        "zone",
        VEHICLES,
        {
            "limit_s": Parameter(30, 10, DAY_S),
            "passers": Parameter(2, 1, 20),
            "occlusion_s": Parameter(20, 0, 30),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=("bus_stop",),
    ),
    version=2,
    holds=_was_passed,
)
