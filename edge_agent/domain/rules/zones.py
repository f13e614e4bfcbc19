"""The rule ``intrusion``: someone in a closed zone."""

from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.presence import Presence
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.scene import RuleSpec
from shared.kinds import Kind
from shared.messages import Phase

_GAP_S = 2.0


class Intrusion:
    """A foot point in the zone for ``dwell_s``. An act: each track is told of once."""

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._presence = Presence(spec.zone, spec.classes, _GAP_S)
        self._told: set[int] = set()

    def step(self, view: View) -> list[Sighting]:
        """Tell of each thing that has been inside for long enough and was not told of."""
        inside = self._presence.step(view)
        self._told &= {track.id for track in view.tracks}
        sightings: list[Sighting] = []
        for track, stay in inside:
            if stay.inside_s >= self._spec.limits["dwell_s"] and track.id not in self._told:
                self._told.add(track.id)
                reason = {"inside_s": stay.inside_s, "limit_s": self._spec.limits["dwell_s"]}
                sightings.append(
                    Sighting(
                        Kind.INTRUSION,
                        Phase.BEGIN,
                        track.id,
                        self._spec.place_id,
                        track,
                        len(inside),
                        rounded(reason),
                    )
                )
        return sightings

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it stays."""
        self._told.discard(sighting.subject.id)

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def _was_inside(reason: dict[str, float]) -> bool:
    return reason["inside_s"] >= reason["limit_s"]


INTRUSION = RuleEntry(
    Intrusion,
    RuleForm("zone", PEOPLE, {"dwell_s": Parameter(1.5, 0, DAY_S), "cooldown_s": Parameter(10, 0, DAY_S)}),
    version=1,
    holds=_was_inside,
)
