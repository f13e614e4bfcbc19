"""The rule ``crowd``: many people in a zone, and more than is usual there at that hour of the week."""

from dataclasses import dataclass, field

import numpy as np

from edge_agent.domain.detection import Track
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.visits import Spell, Visit, Visits
from edge_agent.domain.scene import RuleSpec
from shared.kinds import Kind
from shared.messages import Phase

GAP_S = 2.0
"""Who is not seen for so long still counts."""
SMOOTH_S = 5.0
"""The count follows with this time constant."""
DITHER_S = 8.0
"""The count may dip below its limit for so long."""
UNUSUAL = 1.5
"""A crowd is so many times what is usual at that hour."""
LEARNT_S = 1800.0
"""An hour teaches what is usual when so much of it was seen."""
LEARNING = 0.3
"""How much of what is usual the newest week makes up."""
GROWN = 1.5
"""It is told of again when it has grown so much."""
_HOUR_US = 3_600_000_000
_WEEK_H = 168


@dataclass(slots=True)
class _Usual:
    """How many people there are in each hour of the week; learnt anew after a restart."""

    mean: dict[int, float] = field(default_factory=dict[int, float])
    _hour: int = -1
    _seen_s: float = 0.0
    _person_s: float = 0.0

    def learn(self, count: float, view: View) -> float:
        """Note a count; gives what is usual at this hour, 0 where nothing is known."""
        hour = view.at_us // _HOUR_US
        if hour != self._hour:
            slot = self._hour % _WEEK_H
            if self._seen_s >= LEARNT_S:
                new = self._person_s / self._seen_s
                self.mean[slot] = self.mean.get(slot, new) * (1 - LEARNING) + LEARNING * new
            self._hour, self._seen_s, self._person_s = hour, 0.0, 0.0
        self._seen_s += view.elapsed_s
        self._person_s += view.elapsed_s * count
        return self.mean.get(hour % _WEEK_H, 0.0)


class Crowd:
    """The smoothed number of people in the zone is ``high`` or more for ``on_s``; it ends when it is
    below ``low`` for as long. Where so many are usual at that hour of the week, it takes half as many
    again. A state: begins, is told of when it has grown by half, ends.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._visits = Visits(spec.classes, GAP_S)
        self._usual = _Usual()
        self._count = 0.0
        self._above, self._below = Spell(DITHER_S), Spell(DITHER_S)
        self._thread = 0
        self._told_count = 0.0
        """The count that was last told of; 0 while there is no crowd."""
        self._told: Sighting | None = None

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        people = self._people(view)
        self._count += min(1.0, view.elapsed_s / SMOOTH_S) * (len(people) - self._count)
        limit = max(self._spec.limits["high"], UNUSUAL * self._usual.learn(self._count, view))
        above_s = self._above.observe(self._count >= limit, view.elapsed_s)
        below_s = self._below.observe(self._count < self._spec.limits["low"], view.elapsed_s)
        if self._told is not None:
            if below_s >= self._spec.limits["on_s"]:
                return self._end()
            if self._count < GROWN * self._told_count or not people:
                return []
            return [self._tell(Phase.UPDATE, people, self._told.reason | {"count": self._count})]
        if above_s < self._spec.limits["on_s"] or not people:
            return []
        self._thread += 1
        reason = {
            "count": self._count,
            "high_count": limit,
            "lasted_s": above_s,
            "limit_s": self._spec.limits["on_s"],
        }
        return [self._tell(Phase.BEGIN, people, reason)]

    def _people(self, view: View) -> list[Visit]:
        for visit in self._visits.step(view):
            visit.spell.observe(view.depth_px(self._zone, visit.track) >= 0, visit.step_s)
        return [v for v in self._visits.all if v.spell.frames >= 3 and v.unseen_s <= GAP_S]

    def _tell(self, phase: Phase, people: list[Visit], reason: dict[str, float]) -> Sighting:
        self._told_count = self._count
        subject = middle_of([visit.track for visit in people])
        self._told = Sighting(
            Kind.CROWD, phase, self._thread, self._spec.place_id, subject, len(people), rounded(reason)
        )
        return self._told

    def _end(self) -> list[Sighting]:
        told, self._told = self._told, None
        return [told._replace(phase=Phase.END)] if told else []

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lasts."""
        self._told = None if sighting.thread == self._thread else self._told

    def stop(self) -> list[Sighting]:
        """End what is open."""
        return self._end()


def middle_of(tracks: list[Track]) -> Track:
    """Of one or more tracks the one that stands nearest to the middle of all."""
    feet = np.array([track.foot_px for track in tracks])
    return tracks[int(np.linalg.norm(feet - feet.mean(0), axis=1).argmin())]


def _gathered(reason: dict[str, float]) -> bool:
    return reason["count"] >= reason["high_count"] and reason["lasted_s"] >= reason["limit_s"]


CROWD = RuleEntry(
    Crowd,
    RuleForm(
        "zone",
        PEOPLE,
        {
            "high": Parameter(20, 2, 500),
            "low": Parameter(12, 1, 500),
            "on_s": Parameter(30, 1, DAY_S),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
    ),
    version=1,
    holds=_gathered,
)
