"""The rule ``illegal_parking``: a vehicle that stands in a no-stopping zone."""

from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.standing import STANDING_S, Parked, Standing, is_jam
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind
from shared.messages import Phase


class IllegalParking:
    """A vehicle stands in the zone for ``limit_s``. A state: it begins, is told of again when the time has
    doubled, and ends when the vehicle leaves.

    The timer pauses while the traffic jams, and runs on when something hides the vehicle for up to
    ``occlusion_s``, even when it is another track afterwards.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._limit_s = max(spec.limits["limit_s"], STANDING_S)
        self._standing = Standing(spec.zone, spec.classes, spec.limits["occlusion_s"])

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        is_paused = is_jam(view, self._spec.other_zones.get("lane"), self._limit_s)
        left = self._standing.step(view, is_paused=is_paused)
        sightings = [sighting for parked in left for sighting in self._end(parked)]
        for parked in self._standing.places:
            sightings += self._tell(parked)
        return sightings

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it stands."""
        for parked in self._standing.places:
            if parked.thread == sighting.thread:
                parked.told_at_s = 0.0

    def stop(self) -> list[Sighting]:
        """End what is open."""
        ended = [sighting for parked in self._standing.places for sighting in self._end(parked)]
        self._standing.places = []
        return ended

    def _tell(self, parked: Parked) -> list[Sighting]:
        due_s = max(self._limit_s, 2 * parked.told_at_s)
        if parked.moved_frames or parked.stood_s < due_s:
            return []
        phase = Phase.UPDATE if parked.told_at_s else Phase.BEGIN
        parked.told_at_s = due_s
        return [self._sighting(parked, phase)]

    def _end(self, parked: Parked) -> list[Sighting]:
        return [self._sighting(parked, Phase.END)] if parked.told_at_s else []

    def _sighting(self, parked: Parked, phase: Phase) -> Sighting:
        reason = {"stood_s": parked.stood_s, "limit_s": self._limit_s}
        return Sighting(
            Kind.ILLEGAL_PARKING, phase, parked.thread, self._spec.place_id, parked.track, 1, rounded(reason)
        )


def _stood(reason: dict[str, float]) -> bool:
    return reason["stood_s"] >= reason["limit_s"]


ILLEGAL_PARKING = RuleEntry(
    IllegalParking,
    RuleForm(
        "zone",
        VEHICLES,
        {
            "limit_s": Parameter(300, 10, DAY_S),
            "occlusion_s": Parameter(20, 0, 30),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=("lane",),
    ),
    version=2,
    holds=_stood,
)
