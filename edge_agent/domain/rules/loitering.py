"""The rule ``loitering``: someone stays in a zone."""

from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.presence import LEAVE_MARGIN
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.visits import Visit, Visits
from edge_agent.domain.scene import RuleSpec
from shared.kinds import Kind
from shared.messages import Phase

CAME_M = 0.6
"""What has not moved so far since it is known is a post or a poster that the model takes for a person."""
STOP_MARGIN = 0.3
"""Who waits for the bus may step so far out of the bus stop, in body heights."""


class Loitering:
    """A person is in the zone for ``limit_s``, gaps of up to ``gap_s`` included: out of sight, outside, or
    under another track number. The zone ``bus_stop`` is no part of it. An act: each person once.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._visits = Visits(spec.classes, spec.limits["gap_s"])

    def step(self, view: View) -> list[Sighting]:
        """Tell of each person who has stayed for long enough and was not told of."""
        sightings: list[Sighting] = []
        for visit in self._visits.step(view):
            inside_s = visit.spell.observe(self._is_inside(visit, view), visit.step_s)
            came_m = visit.way.farthest_m
            if inside_s >= self._spec.limits["limit_s"] and came_m >= CAME_M and not visit.is_told:
                visit.is_told = True
                sightings.append(self._sighting(visit, inside_s))
        return sightings

    def _is_inside(self, visit: Visit, view: View) -> bool:
        height_px = visit.track.height_px
        bus_stop = self._spec.other_zones.get("bus_stop")
        if bus_stop is not None and view.depth_px(bus_stop, visit.track) >= -STOP_MARGIN * height_px:
            return False
        edge_px = -LEAVE_MARGIN * height_px if visit.spell.frames else 0.0
        return view.depth_px(self._zone, visit.track) >= edge_px

    def _sighting(self, visit: Visit, inside_s: float) -> Sighting:
        reason = {
            "inside_s": inside_s,
            "limit_s": self._spec.limits["limit_s"],
            "moved_m": visit.way.farthest_m,
            "moved_limit_m": CAME_M,
        }
        return Sighting(
            Kind.LOITERING, Phase.BEGIN, visit.thread, self._spec.place_id, visit.track, 1, rounded(reason)
        )

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while they stay."""
        self._visits.retract(sighting)

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def _stayed(reason: dict[str, float]) -> bool:
    return reason["inside_s"] >= reason["limit_s"] and reason["moved_m"] >= reason["moved_limit_m"]


LOITERING = RuleEntry(
    Loitering,
    RuleForm(
        "zone",
        PEOPLE,
        {
            "limit_s": Parameter(180, 5, DAY_S),
            "gap_s": Parameter(5, 0, 60),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=("bus_stop",),
    ),
    version=1,
    holds=_stayed,
)
