"""The rule ``road_obstruction``: something unknown lies in a lane."""

import math

from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.left import LEFT_CLASSES, Left, LeftThings
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.scene import RuleSpec
from shared.kinds import Kind
from shared.messages import Phase


class RoadObstruction:
    """A thing that is no person, vehicle or animal lies in the lane for ``limit_s`` and is at least
    ``least_m`` wide, where the camera is calibrated. A state: it ends when the thing is gone. In the
    ``works`` zone things may lie.
    """

    def __init__(self, spec: RuleSpec) -> None:
        self._spec = spec
        self._things = LeftThings(spec, near_m=0.0, free="works")
        self._told: dict[int, Sighting] = {}

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        lying, taken = self._things.step(view)
        sightings = [
            self._told.pop(left.thread)._replace(phase=Phase.END)
            for left in taken
            if left.thread in self._told
        ]
        for left in lying:
            lay_s = (view.at_us - left.since_us) / 1e6
            is_due = left.thread not in self._told and lay_s >= self._spec.limits["limit_s"]
            if is_due and left.is_sure and view.is_seen(left.track) and self._is_large(left, view):
                left.phase = Phase.BEGIN
                self._told[left.thread] = self._sighting(left, lay_s)
                sightings.append(self._told[left.thread])
        return sightings

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lies there."""
        self._told.pop(sighting.thread, None)
        self._things.retract(sighting)

    def stop(self) -> list[Sighting]:
        """End what is open."""
        ended = [sighting._replace(phase=Phase.END) for sighting in self._told.values()]
        self._told = {}
        return ended

    def _is_large(self, left: Left, view: View) -> bool:
        """Whether it is as wide as an obstacle is; where nothing can be measured, it is."""
        if view.ground is None:
            return True
        sides, foot_px = (float(left.track.box[0]), float(left.track.box[2])), float(left.track.box[3])
        west, east = (view.ground.locate(side, foot_px) for side in sides)
        if west is None or east is None:
            return False
        return (
            math.hypot(east.east_m - west.east_m, east.north_m - west.north_m) >= self._spec.limits["least_m"]
        )

    def _sighting(self, left: Left, lay_s: float) -> Sighting:
        reason = {"lay_s": lay_s, "limit_s": self._spec.limits["limit_s"]}
        place = self._spec.place_id
        return Sighting(
            Kind.ROAD_OBSTRUCTION, Phase.BEGIN, left.thread, place, left.track, 1, rounded(reason)
        )


def _lay(reason: dict[str, float]) -> bool:
    return reason["lay_s"] >= reason["limit_s"]


ROAD_OBSTRUCTION = RuleEntry(
    RoadObstruction,
    RuleForm(
        "zone",
        LEFT_CLASSES,
        {
            "limit_s": Parameter(90, 10, DAY_S),
            "least_m": Parameter(0.3, 0.05, 20),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=("works",),
        needs_pixels=True,
        needs_statics=True,
    ),
    version=1,
    holds=_lay,
)
