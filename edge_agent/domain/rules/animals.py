"""The rule ``stray_animals``: animals without anyone, on the carriageway or as a pack."""

from edge_agent.domain.rules.agitation import largest_group
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, Spot, View, rounded
from edge_agent.domain.rules.visits import Spell, Visit, Visits
from edge_agent.domain.scene import RuleSpec
from shared.kinds import Kind, ObjectClass
from shared.messages import Phase

GAP_S = 6.0
"""Models lose an animal that turns about; one that is on the road again strayed meanwhile."""
MOVED_M = 1.0
"""What has not moved so far is a stone or a heap of snow that the model takes for an animal."""
APART_S = 2.0
"""A leash is long: who is away from his animal for a shorter time is still with it."""
CLEAR_S = 60.0
"""They are told of once until nothing has strayed for so long."""


class StrayAnimals:
    """An animal is on the carriageway zone, or ``pack_count`` of them are together anywhere but in the zone
    ``pen``, for ``limit_s``, with no person within ``leash_m``. An act, told of once while they are there.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._visits = Visits(spec.classes, GAP_S, pace_m_s=3.0)
        self._apart: dict[int, Spell] = {}
        self._pack, self._clear = Spell(GAP_S), Spell(0.0)
        self._is_told = False
        self._thread = 0

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        people = [view.spot(track) for track in view.of(PEOPLE)]
        seen = self._visits.step(view)
        stray = [visit for visit in seen if self._strays(visit, people, view)]
        known = {visit.thread for visit in self._visits.all}
        self._apart = {thread: spell for thread, spell in self._apart.items() if thread in known}
        on_road = [v for v in seen if self._on_road_s(v, v in stray, view) >= self._spec.limits["limit_s"]]
        pack = largest_group(stray, view)
        is_pack = len(pack) >= self._spec.limits["pack_count"]
        pack_s = self._pack.observe(is_pack, view.elapsed_s)
        if self._clear.observe(not stray, view.elapsed_s) >= CLEAR_S:
            self._is_told = False
        if pack_s >= self._spec.limits["limit_s"]:
            return self._tell(pack, pack_s)
        return self._tell(on_road, on_road[0].spell.lasted_s) if on_road else []

    def _strays(self, visit: Visit, people: list[Spot], view: View) -> bool:
        """Whether an animal has come here, outside the pen, and nobody is with it."""
        spot = view.spot(visit.track)
        is_led = any(spot.distance_m(person) <= self._spec.limits["leash_m"] for person in people)
        apart = self._apart.setdefault(visit.thread, Spell(0.4))
        apart_s = apart.observe(not is_led, visit.step_s)
        pen = self._spec.other_zones.get("pen")
        is_penned = pen is not None and view.depth_px(pen, visit.track) >= 0
        return apart_s >= APART_S and not is_penned and visit.way.farthest_m >= MOVED_M

    def _on_road_s(self, visit: Visit, is_stray: bool, view: View) -> float:
        is_on_road = is_stray and view.depth_px(self._zone, visit.track) >= 0
        return visit.spell.observe(is_on_road, visit.step_s)

    def _tell(self, animals: list[Visit], lasted_s: float) -> list[Sighting]:
        if self._is_told:
            return []
        self._is_told, self._thread = True, self._thread + 1
        limits = self._spec.limits
        reason = {
            "lasted_s": lasted_s,
            "limit_s": limits["limit_s"],
            "count": float(len(animals)),
            "least_count": limits["pack_count"] if lasted_s == self._pack.lasted_s else 1.0,
        }
        kind, place = Kind.STRAY_ANIMALS, self._spec.place_id
        first = max(animals, key=lambda visit: visit.spell.lasted_s)
        return [Sighting(kind, Phase.BEGIN, self._thread, place, first.track, len(animals), rounded(reason))]

    def retract(self, sighting: Sighting) -> None:
        """Tell of them again while they are there."""
        self._is_told = self._is_told and sighting.thread != self._thread

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def _strayed(reason: dict[str, float]) -> bool:
    return reason["lasted_s"] >= reason["limit_s"] and reason["count"] >= reason["least_count"]


STRAY_ANIMALS = RuleEntry(
    StrayAnimals,
    RuleForm(
        "zone",
        frozenset({ObjectClass.DOG, ObjectClass.HORSE, ObjectClass.COW, ObjectClass.SHEEP}),
        {
            "limit_s": Parameter(10, 1, DAY_S),
            "pack_count": Parameter(3, 2, 100),
            "leash_m": Parameter(3, 0, 50),
            "cooldown_s": Parameter(60, 0, DAY_S),
        },
        zones=("pen",),
    ),
    version=1,
    holds=_strayed,
)
