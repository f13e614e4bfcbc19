"""The rule ``agitation``: a group of people starts to rush about, each another way. A hint for a person."""

import math

from edge_agent.domain.rules.crowd import middle_of
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.visits import Spell, Visit, Visits
from edge_agent.domain.scene import Mode, RuleSpec
from shared.kinds import Kind
from shared.messages import Phase

GAP_S = 1.5
GROUP_M = 5.0
"""Who is so near to another belongs to the group."""
USUAL_S = 30.0
"""What is usual for the group follows with this time constant."""
KNOWN_S = 5.0
"""So long a group is watched before it can be said that something changed."""
STILL_J_KG = 0.15
"""People who stand and talk: half the square of some 0.5 m/s."""
CALM_S = 20.0
"""It is told of once until the group has been calm for so long."""
LOOKS = 5
"""A speed is known after so many looks."""


class Agitation:
    """The kinetic energy per kilogram of at least ``least_count`` people close together, taken about their
    common way (those who run for a bus run together), rises to ``energy_j_kg`` and ``rise`` times what was
    usual for the group, for ``limit_s``. An act, told of once until the group has calmed down.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._visits = Visits(spec.classes, GAP_S, pace_m_s=3.0)
        self._usual = STILL_J_KG
        self._known_s = 0.0
        self._wild, self._calm = Spell(1.0), Spell(0.0)
        self._is_told = False
        self._thread = 0

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        inside = [v for v in self._visits.step(view) if view.depth_px(self._zone, v.track) >= 0]
        group = largest_group(inside, view)
        if len(group) < self._spec.limits["least_count"]:
            self._wild.observe(is_so=False, step_s=view.elapsed_s)
            self._rest(view, is_calm=True)
            return []
        energy = _energy_j_kg([v.way.velocity_m_s for v in group if len(v.way.steps) >= LOOKS])
        limit = max(self._spec.limits["energy_j_kg"], self._spec.limits["rise"] * self._usual)
        is_wild = energy >= limit and self._known_s >= KNOWN_S
        lasted_s = self._wild.observe(is_wild, view.elapsed_s)
        if not is_wild:
            self._known_s += view.elapsed_s
            self._usual += min(1.0, view.elapsed_s / USUAL_S) * (max(energy, STILL_J_KG) - self._usual)
        self._rest(view, is_calm=not is_wild)
        if self._is_told or lasted_s < self._spec.limits["limit_s"]:
            return []
        self._is_told, self._thread = True, self._thread + 1
        reason = {
            "energy_j_kg": energy,
            "energy_limit_j_kg": limit,
            "lasted_s": lasted_s,
            "limit_s": self._spec.limits["limit_s"],
            "count": float(len(group)),
            "least_count": self._spec.limits["least_count"],
        }
        subject = middle_of([visit.track for visit in group])
        return [
            Sighting(
                Kind.AGITATION,
                Phase.BEGIN,
                self._thread,
                self._spec.place_id,
                subject,
                len(group),
                rounded(reason),
            )
        ]

    def _rest(self, view: View, *, is_calm: bool) -> None:
        if self._calm.observe(is_calm, view.elapsed_s) >= CALM_S:
            self._is_told = False

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lasts."""
        self._is_told = self._is_told and sighting.thread != self._thread

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def largest_group(visits: list[Visit], view: View) -> list[Visit]:
    """The most things of which each is within ``GROUP_M`` of another."""
    spots = {visit.thread: view.spot(visit.track) for visit in visits}
    left, best = list(visits), list[Visit]()
    while left:
        group = [left.pop()]
        for member in group:
            near = [v for v in left if spots[v.thread].distance_m(spots[member.thread]) <= GROUP_M]
            group += near
            left = [v for v in left if v not in near]
        best = group if len(group) > len(best) else best
    return best


def _energy_j_kg(velocities: list[tuple[float, float]]) -> float:
    """Half the mean square of the speeds about their mean. The one fastest is left out: he may be a passer-by
    or a track that jumped."""
    if len(velocities) < 3:
        return 0.0
    x, y = (sum(each) / len(velocities) for each in zip(*velocities, strict=True))
    squares = sorted(math.hypot(vx - x, vy - y) ** 2 for vx, vy in velocities)[:-1]
    return sum(squares) / len(squares) / 2


def _rushed(reason: dict[str, float]) -> bool:
    is_group = reason["count"] >= reason["least_count"]
    is_long = reason["lasted_s"] >= reason["limit_s"]
    return is_group and is_long and reason["energy_j_kg"] >= reason["energy_limit_j_kg"]


AGITATION = RuleEntry(
    Agitation,
    RuleForm(
        "zone",
        PEOPLE,
        {
            "least_count": Parameter(4, 3, 100),
            "energy_j_kg": Parameter(0.8, 0.1, 20),
            "rise": Parameter(3, 1, 100),
            "limit_s": Parameter(1.5, 0.5, 60),
            "cooldown_s": Parameter(60, 0, DAY_S),
        },
        mode=Mode.SHADOW,
    ),
    version=1,
    holds=_rushed,
)
