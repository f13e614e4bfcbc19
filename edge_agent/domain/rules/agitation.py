"""The rule ``agitation``: a group of people starts to rush about, each another way. A hint for a person."""

import math

from edge_agent.domain.geometry import Point
from edge_agent.domain.rules.crowd import middle_of
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.visits import Spell, Visit, Visits
from edge_agent.domain.scene import Mode, RuleSpec
from shared.kinds import Kind
from shared.messages import Phase

GAP_S = 2.0
GROUP_M = 5.0
"""Who is so near to another belongs to the group."""
USUAL_S = 30.0
"""What is usual for the group follows with this time constant."""
KNOWN_S = 5.0
"""So long a group is watched before it can be said that something changed."""
STILL_J_KG = 0.1
"""People who stand and talk: half the square of some 0.45 m/s."""
WAY_S = 2.0
"""What a person's speed was lately follows with this time constant."""
SMOOTH_S = 1.0
"""So does the group's energy."""
UNSEEN_S = 1.0
"""The speed of whoever was not seen for so long is not known."""
CALM_S = 20.0
"""It is told of once until the group has been calm for so long."""
SWING_S = 0.7
"""People in a scuffle turn about within a second: speeds are taken over so long."""
HIDDEN_S = 2.0
"""In a scuffle people hide one another: who is not seen for so long is still of the group."""


class Agitation:
    """The kinetic energy per kilogram of at least ``least_count`` people close together, taken about each
    one's own way and about the common one (those who run for a bus run together), rises to ``energy_j_kg``
    and ``rise`` times what was usual for the group, for ``limit_s``.
    An act, told of once until the group has calmed down.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._visits = Visits(spec.classes, GAP_S, pace_m_s=3.0)
        self._usual = STILL_J_KG
        self._known_s = 0.0
        self._wild, self._calm = Spell(1.0), Spell(0.0)
        self._ways: dict[int, Point] = {}
        """How each person went lately, m/s."""
        self._energy_j_kg = 0.0
        self._is_told = False
        self._thread = 0

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        for visit in self._visits.step(view):
            visit.spell.observe(view.depth_px(self._zone, visit.track) >= 0, visit.step_s)
        inside = [v for v in self._visits.all if v.spell.frames > 0 and v.unseen_s <= HIDDEN_S]
        group = largest_group(inside, view)
        if len(group) < self._spec.limits["least_count"]:
            self._wild.observe(is_so=False, step_s=view.elapsed_s)
            self._smooth(0.0, view.elapsed_s)
            self._rest(view, is_calm=True)
            return []
        energy = self._smooth(_energy_j_kg(self._swings(group, view.elapsed_s)), view.elapsed_s)
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

    def _swings(self, group: list[Visit], elapsed_s: float) -> list[Point]:
        """How far each one's speed is from what it was lately: 0 for whoever walks or runs straight on."""
        known = {visit.thread for visit in self._visits.all}
        self._ways = {thread: way for thread, way in self._ways.items() if thread in known}
        swings: list[Point] = []
        for visit in group:
            if visit.unseen_s >= UNSEEN_S:
                continue
            x, y = visit.way.velocity_over_m_s(SWING_S)
            usual_x, usual_y = self._ways.get(visit.thread, (x, y))
            share = min(1.0, elapsed_s / WAY_S)
            self._ways[visit.thread] = usual_x + share * (x - usual_x), usual_y + share * (y - usual_y)
            swings.append((x - usual_x, y - usual_y))
        return swings

    def _smooth(self, energy_j_kg: float, elapsed_s: float) -> float:
        self._energy_j_kg += min(1.0, elapsed_s / SMOOTH_S) * (energy_j_kg - self._energy_j_kg)
        return self._energy_j_kg

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


def _energy_j_kg(velocities: list[Point]) -> float:
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
            "energy_j_kg": Parameter(0.4, 0.1, 20),
            "rise": Parameter(3, 1, 100),
            "limit_s": Parameter(1.5, 0.5, 60),
            "cooldown_s": Parameter(60, 0, DAY_S),
        },
        mode=Mode.SHADOW,
    ),
    version=1,
    holds=_rushed,
)
