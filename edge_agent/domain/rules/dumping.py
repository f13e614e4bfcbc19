"""The rule ``dumping_act``: someone leaves a thing behind and goes away."""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from edge_agent.domain.detection import Track
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, Spot, View, rounded
from edge_agent.domain.scene import RuleSpec, Zone
from shared.kinds import VEHICLES, Kind, ObjectClass
from shared.messages import Phase

ACTORS = VEHICLES | {ObjectClass.PERSON, ObjectClass.BICYCLE}
MEMORY_S = 8.0
"""A thing may be seen only after the one who brought it stepped aside: so far back actors are remembered."""
WATCH_S = 3.0
"""Who is near so soon after a thing came to rest may have brought it."""
ESTABLISH_S = 3.0
"""What is seen this soon after the rule began was there before."""
GONE_S = 3.0
"""An actor not seen for so long has left the picture."""
RESTING_S = 10.0
"""A thing rests when it has not moved for so long [Frigate]."""


class _Seen(NamedTuple):
    at_us: int
    actor: int
    spot: Spot


@dataclass(slots=True)
class _Left:
    """One thing that lies in the zone, and those who may have brought it."""

    track: Track
    since_us: int
    """When it came to rest."""
    spot: Spot
    near_m: float = float("inf")
    actors: set[int] = field(default_factory=set[int])
    away_m: float = 0.0
    lay_s: float = 0.0
    phase: Phase | None = None
    """The last one told."""


class DumpingAct:
    """A new thing came to rest within ``near_m`` of a person or vehicle, all who were near went ``away_m``
    off or out of the picture, and it lies for ``stay_s``. Confirmed at ``confirm_s``; whoever takes it up
    again before that ends it. In the ``container`` zone things may be left.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._began_us: int | None = None
        self._memory: deque[_Seen] = deque()
        self._left: dict[int, _Left] = {}

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        self._began_us = view.at_us if self._began_us is None else self._began_us
        self._remember(view)
        alive = {track.id for track in view.tracks}
        sightings = [s for n in list(self._left) if n not in alive for s in self._taken(self._left.pop(n))]
        for track in view.of(self._spec.classes):
            sightings += self._judge(track, view)
        return sightings

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lies there."""
        if sighting.thread in self._left:
            self._left[sighting.thread].phase = None

    def stop(self) -> list[Sighting]:
        """Whether the thing stays is no longer known: nothing more is said of it."""
        return []

    def _remember(self, view: View) -> None:
        for track in view.of(ACTORS):
            if view.is_seen(track):
                self._memory.append(_Seen(view.at_us, track.id, view.spot(track)))
        while self._memory and view.at_us - self._memory[0].at_us > MEMORY_S * 1e6:
            self._memory.popleft()

    def _judge(self, track: Track, view: View) -> list[Sighting]:
        left = self._left.get(track.id)
        if left is not None and track.still_since_us > left.since_us:
            # It moved: taken up, or only now set down.
            del self._left[track.id]
            return self._taken(left) or self._judge(track, view)
        if left is None:
            if not self._is_new(track, view):
                return []
            left = self._left[track.id] = _Left(track, track.still_since_us, view.spot(track))
        left.track = track
        self._find_actors(left, view)
        self._wait(left, view)
        return self._tell(left, view)

    def _is_new(self, track: Track, view: View) -> bool:
        assert self._began_us is not None
        container: Zone | None = self._spec.other_zones.get("container")
        return (
            track.first_seen_us - self._began_us > ESTABLISH_S * 1e6
            and view.depth_px(self._zone, track) >= 0
            and (container is None or view.depth_px(container, track) < 0)
        )

    def _find_actors(self, left: _Left, view: View) -> None:
        """Note who was near when it came to rest, looking back as far as memory goes."""
        if view.at_us - left.since_us > WATCH_S * 1e6 and left.actors:
            return
        for seen in self._memory:
            if seen.at_us - left.since_us > WATCH_S * 1e6:
                break
            distance_m = left.spot.distance_m(seen.spot)
            if distance_m <= self._spec.limits["near_m"]:
                left.actors.add(seen.actor)
                left.near_m = min(left.near_m, distance_m)

    def _wait(self, left: _Left, view: View) -> None:
        """Count the time that all actors are away."""
        distances = [self._away_m(left, actor, view) for actor in left.actors]
        left.away_m = min(distances, default=0.0)
        if not distances or left.away_m < self._spec.limits["near_m"]:
            left.lay_s = 0.0 if left.phase is None else left.lay_s
        elif left.away_m >= self._spec.limits["away_m"]:
            left.lay_s += view.elapsed_s

    def _away_m(self, left: _Left, actor: int, view: View) -> float:
        """How far an actor is; one who left the picture counts as just far enough."""
        last = next((seen for seen in reversed(self._memory) if seen.actor == actor), None)
        if last is None or view.at_us - last.at_us > GONE_S * 1e6:
            return self._spec.limits["away_m"]
        return left.spot.distance_m(last.spot)

    def _tell(self, left: _Left, view: View) -> list[Sighting]:
        is_resting = view.at_us - left.since_us >= RESTING_S * 1e6 and view.is_seen(left.track)
        is_away = left.away_m >= self._spec.limits["away_m"]
        if not is_resting or not is_away or not left.actors:
            return []
        if left.phase is None and left.lay_s >= self._spec.limits["stay_s"]:
            return [self._sighting(left, Phase.BEGIN)]
        if left.phase is Phase.BEGIN and left.lay_s >= self._spec.limits["confirm_s"]:
            return [self._sighting(left, Phase.UPDATE)]
        return []

    def _taken(self, left: _Left) -> list[Sighting]:
        """Taken up again: an act that was told of and not yet confirmed ends."""
        return [self._sighting(left, Phase.END)] if left.phase is Phase.BEGIN else []

    def _sighting(self, left: _Left, phase: Phase) -> Sighting:
        limits, left.phase = self._spec.limits, phase
        reason = {
            "lay_s": left.lay_s,
            "limit_s": limits["stay_s"],
            "near_m": left.near_m,
            "near_limit_m": limits["near_m"],
            "away_m": max(left.away_m, limits["away_m"]),
            "away_limit_m": limits["away_m"],
        }
        return Sighting(
            Kind.DUMPING_ACT, phase, left.track.id, self._spec.place_id, left.track, 1, rounded(reason)
        )


def _was_left(reason: dict[str, float]) -> bool:
    is_near = reason["near_m"] <= reason["near_limit_m"]
    return is_near and reason["away_m"] >= reason["away_limit_m"] and reason["lay_s"] >= reason["limit_s"]


DUMPING_ACT = RuleEntry(
    DumpingAct,
    RuleForm(
        "zone",
        frozenset({ObjectClass.BAG, ObjectClass.OBJECT}),
        {
            "near_m": Parameter(2, 0.2, 50),
            "away_m": Parameter(5, 0.2, 200),
            "stay_s": Parameter(20, 1, DAY_S),
            "confirm_s": Parameter(120, 1, DAY_S),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=("container",),
    ),
    version=1,
    holds=_was_left,
)
