"""The rule ``littering``: someone drops a small thing and walks on."""

import math
from collections import deque
from dataclasses import dataclass, field

from edge_agent.domain.detection import Track
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import BODY_M, Sighting, Spot, View, rounded
from edge_agent.domain.rules.visits import Visit, Visits
from edge_agent.domain.scene import Mode, RuleSpec
from shared.kinds import Kind, ObjectClass
from shared.messages import Phase

PERSON_GAP_S = 3.0
THING_GAP_S = 5.0
BROUGHT_S = 2.0
"""Who is near a thing so soon after it is first seen may have dropped it."""
CARRIED_M_S = 0.5
"""What moves so fast is carried, or still falls."""
KNOWN_S = 900.0
"""Where a thing lay so shortly before, another one found is the same: a passer-by hid it."""
KNOWN_M = 1.2
ESTABLISH_S = 3.0
"""What is seen this soon after the rule began was there before."""
MAX_KNOWN = 64


@dataclass(slots=True)
class _Thing:
    """One small thing."""

    is_new: bool
    bringers: dict[int, float] = field(default_factory=dict[int, float])
    """Threads of those who were near it as it came to rest, and how near, metres."""
    person_px: float = 0.0
    """How high a person is there."""


class Littering:
    """A thing no larger than a cube of ``size_m``, carried or dropped within ``near_m`` of a person, lies
    still while all who were near it are ``away_m`` off or gone, for ``stay_s``. What lay there before is
    none, nor what is put into the ``container`` zone or taken up again. An act: each thing once.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._people = Visits(PEOPLE, PERSON_GAP_S)
        self._things = Visits(spec.classes, THING_GAP_S)
        self._known: dict[int, _Thing] = {}
        self._lay: deque[tuple[int, int, Spot]] = deque(maxlen=MAX_KNOWN)
        """When, whose thread and where things lay."""
        self._began_us: int | None = None

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        self._began_us = view.at_us if self._began_us is None else self._began_us
        self._people.step(view)
        people = {visit.thread: visit for visit in self._people.all}
        sightings: list[Sighting] = []
        for visit in self._things.step(view):
            thing = self._known.get(visit.thread)
            if thing is None:
                thing = self._known[visit.thread] = _Thing(self._is_new(visit, view))
            reason = self._look(visit, thing, people, view)
            if reason is not None and _dropped(reason) and not visit.is_told:
                visit.is_told = True
                sightings.append(self._sighting(visit, reason))
        threads = {visit.thread for visit in self._things.all}
        self._known = {thread: thing for thread, thing in self._known.items() if thread in threads}
        return sightings

    def _is_new(self, visit: Visit, view: View) -> bool:
        assert self._began_us is not None
        spot = view.spot(visit.track)
        known = any(
            view.at_us - at_us < KNOWN_S * 1e6 and spot.distance_m(place) <= KNOWN_M
            for at_us, _, place in self._lay
        )
        return not known and visit.track.first_seen_us - self._began_us > ESTABLISH_S * 1e6

    def _look(
        self, visit: Visit, thing: _Thing, people: dict[int, Visit], view: View
    ) -> dict[str, float] | None:
        """Note how a thing lies; gives the numbers while those who brought it are away."""
        spot, limits = view.spot(visit.track), self._spec.limits
        distances = {thread: _distance_m(spot, person, view) for thread, person in people.items()}
        x, y = visit.way.velocity_m_s
        is_carried = x * x + y * y > CARRIED_M_S**2
        if is_carried or view.at_us - visit.track.first_seen_us < BROUGHT_S * 1e6:
            visit.spell.reset()
            near = {n: far_m for n, far_m in distances.items() if far_m <= limits["near_m"]}
            thing.bringers = near if is_carried and near else near | thing.bringers
            thing.person_px = max((people[n].track.height_px for n in near), default=thing.person_px)
            return None
        if not any(thread == visit.thread for _, thread, _ in self._lay):
            self._lay.append((view.at_us, visit.thread, spot))
        away_m = min((distances.get(n, limits["away_m"]) for n in thing.bringers), default=0.0)
        is_left = thing.is_new and away_m >= limits["away_m"] and self._is_litter(visit, thing, view)
        return {
            "lay_s": visit.spell.observe(is_left, visit.step_s),
            "limit_s": limits["stay_s"],
            "near_m": min(thing.bringers.values(), default=limits["near_m"]),
            "near_limit_m": limits["near_m"],
            "away_m": away_m,
            "away_limit_m": limits["away_m"],
        }

    def _is_litter(self, visit: Visit, thing: _Thing, view: View) -> bool:
        """Whether it is small, in the zone and not in the container's."""
        is_small = _size_m(visit.track, thing.person_px, view) <= self._spec.limits["size_m"]
        container = self._spec.other_zones.get("container")
        is_binned = container is not None and view.depth_px(container, visit.track) >= 0
        return is_small and not is_binned and view.depth_px(self._zone, visit.track) >= 0

    def _sighting(self, visit: Visit, reason: dict[str, float]) -> Sighting:
        return Sighting(
            Kind.LITTERING, Phase.BEGIN, visit.thread, self._spec.place_id, visit.track, 1, rounded(reason)
        )

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lies there."""
        self._things.retract(sighting)

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def _distance_m(spot: Spot, person: Visit, view: View) -> float:
    return spot.distance_m(view.spot(person.track))


def _size_m(track: Track, person_px: float, view: View) -> float:
    """How large a cube is that looks as wide or as high: seen from above, a thing shows its top too."""
    seen = view.ground.seen_at(*track.foot_px) if view.ground else None
    if seen is None:
        return track.height_px * BODY_M[ObjectClass.PERSON] / max(1.0, person_px)
    across_m, down = seen
    width_px = float(track.box[2] - track.box[0])
    return across_m * max(width_px, track.height_px / (down + math.sqrt(1 - down * down)))


def _dropped(reason: dict[str, float]) -> bool:
    is_near = reason["near_m"] <= reason["near_limit_m"]
    return is_near and reason["away_m"] >= reason["away_limit_m"] and reason["lay_s"] >= reason["limit_s"]


LITTERING = RuleEntry(
    Littering,
    RuleForm(
        "zone",
        frozenset({ObjectClass.BAG, ObjectClass.OBJECT}),
        {
            "near_m": Parameter(1.5, 0.2, 10),
            "away_m": Parameter(4, 1, 50),
            "stay_s": Parameter(4, 1, 600),
            "size_m": Parameter(0.9, 0.1, 3),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=("container",),
        mode=Mode.SHADOW,
    ),
    version=2,
    holds=_dropped,
)
