"""The rule ``dumping_act``: someone leaves a thing behind and goes away."""

import math

from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.left import Left, LeftThings
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.scene import RuleSpec
from shared.kinds import Kind, ObjectClass
from shared.messages import Phase

RESTING_S = 10.0
"""A thing rests when it has not moved for so long [Frigate]."""


class DumpingAct:
    """A new thing came to rest within ``near_m`` of a person or vehicle, all who were near went ``away_m``
    off or out of the picture, and it lies for ``stay_s``. Confirmed at ``confirm_s``; whoever takes it up
    again before that ends it. In the ``container`` zone things may be left. Among its ``classes``, ``object``
    is what the model has no class for.
    """

    def __init__(self, spec: RuleSpec) -> None:
        self._spec = spec
        self._things = LeftThings(spec, spec.limits["near_m"], free="container")

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        lying, taken = self._things.step(view)
        sightings = [sighting for left in taken for sighting in self._taken(left)]
        for left in lying:
            self._wait(left, view)
            sightings += self._tell(left, view)
        return sightings

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lies there."""
        self._things.retract(sighting)

    def stop(self) -> list[Sighting]:
        """Whether the thing stays is no longer known: nothing more is said of it."""
        return []

    def _wait(self, left: Left, view: View) -> None:
        """Count the time that all who may have brought it are away; out of the picture is just far enough.
        Who stands by it may be one of them under another number."""
        limits = self._spec.limits
        away_m = self._things.away_m(left, view)
        left.away_m = limits["away_m"] if math.isinf(away_m) else away_m
        if left.away_m < limits["near_m"]:
            left.alone_s = 0.0 if left.phase is None else left.alone_s
        elif left.away_m >= limits["away_m"] and self._things.nearest_person_m(left, view) > limits["near_m"]:
            left.alone_s += view.elapsed_s

    def _tell(self, left: Left, view: View) -> list[Sighting]:
        is_resting = view.at_us - left.since_us >= RESTING_S * 1e6 and view.is_seen(left.track)
        is_away = left.away_m >= self._spec.limits["away_m"]
        if not is_resting or not is_away or not left.is_sure or not left.actors:
            return []
        if left.phase is None and left.alone_s >= self._spec.limits["stay_s"]:
            return [self._sighting(left, Phase.BEGIN)]
        if left.phase is Phase.BEGIN and left.alone_s >= self._spec.limits["confirm_s"]:
            return [self._sighting(left, Phase.UPDATE)]
        return []

    def _taken(self, left: Left) -> list[Sighting]:
        """Taken up again: an act that was told of and not yet confirmed ends."""
        return [self._sighting(left, Phase.END)] if left.phase is Phase.BEGIN else []

    def _sighting(self, left: Left, phase: Phase) -> Sighting:
        limits, left.phase = self._spec.limits, phase
        reason = {
            "lay_s": left.alone_s,
            "limit_s": limits["stay_s"],
            "near_m": left.near_m,
            "near_limit_m": limits["near_m"],
            "away_m": max(left.away_m, limits["away_m"]),
            "away_limit_m": limits["away_m"],
        }
        return Sighting(
            Kind.DUMPING_ACT, phase, left.thread, self._spec.place_id, left.track, 1, rounded(reason)
        )


def _was_left(reason: dict[str, float]) -> bool:
    is_near = reason["near_m"] <= reason["near_limit_m"]
    return is_near and reason["away_m"] >= reason["away_limit_m"] and reason["lay_s"] >= reason["limit_s"]


DUMPING_ACT = RuleEntry(
    DumpingAct,
    RuleForm(
        "zone",
        # With "object" a scene also asks for what the model has no class for; that costs more false reports.
        frozenset({ObjectClass.BAG}),
        {
            "near_m": Parameter(2, 0.2, 50),
            "away_m": Parameter(5, 0.2, 200),
            "stay_s": Parameter(20, 1, DAY_S),
            "confirm_s": Parameter(120, 1, DAY_S),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=("container",),
        needs_statics=True,
    ),
    version=3,
    holds=_was_left,
)
