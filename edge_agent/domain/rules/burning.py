"""The rule ``open_burning``: a fire, where the model has a class for it. A hint for a person."""

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Track
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.visits import Visit, Visits
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind, ObjectClass
from shared.messages import Phase

GAP_S = 3.0
"""Flames come and go behind their own smoke."""
ON_VEHICLE = 0.3
"""What lies so far in a vehicle's box is a lamp or its glare."""
DRIFT_SHARE = 1.5
"""A fire stays within so many of its sizes; steam drifts and headlights drive."""


class OpenBurning:
    """The model sees a fire in the zone for ``limit_s``, in one place and on no vehicle. The zone ``hearth``
    is where fires may burn. An act: each fire once.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._visits = Visits(spec.classes, GAP_S)
        self._began: dict[int, Track] = {}
        """Each fire as it was when its time began."""

    def step(self, view: View) -> list[Sighting]:
        """Tell of each fire that burns for long enough and was not told of."""
        vehicles = [track for track in view.of(VEHICLES) if view.is_seen(track)]
        sightings: list[Sighting] = []
        for visit in self._visits.step(view):
            drift = self._drift(visit)
            burnt_s = visit.spell.observe(self._is_fire(visit.track, vehicles, view), visit.step_s)
            if burnt_s >= self._spec.limits["limit_s"] and not visit.is_told:
                visit.is_told = True
                sightings.append(self._sighting(visit, burnt_s, drift))
        known = {visit.thread for visit in self._visits.all}
        self._began = {thread: track for thread, track in self._began.items() if thread in known}
        return sightings

    def _drift(self, visit: Visit) -> float:
        """How far it went since its time began, in sizes; a new time begins when that is too far."""
        began = self._began.setdefault(visit.thread, visit.track)
        size_px = max(4.0, float(box_math.areas(began.box[None])[0]) ** 0.5)
        x, y = (now - before for now, before in zip(visit.track.foot_px, began.foot_px, strict=True))
        drift = (x * x + y * y) ** 0.5 / size_px
        if drift <= DRIFT_SHARE:
            return drift
        visit.spell.reset()
        self._began[visit.thread] = visit.track
        return 0.0

    def _is_fire(self, track: Track, vehicles: list[Track], view: View) -> bool:
        hearth = self._spec.other_zones.get("hearth")
        is_allowed = hearth is not None and view.depth_px(hearth, track) >= 0
        area = max(1.0, float(box_math.areas(track.box[None])[0]))
        shared = (float(box_math.overlaps(track.box[None], v.box[None])[0, 0]) for v in vehicles)
        is_lamp = any(each >= ON_VEHICLE * area for each in shared)
        return not is_allowed and not is_lamp and view.depth_px(self._zone, track) >= 0

    def _sighting(self, visit: Visit, burnt_s: float, drift: float) -> Sighting:
        reason = {
            "lasted_s": burnt_s,
            "limit_s": self._spec.limits["limit_s"],
            "drift": drift,
            "drift_limit": DRIFT_SHARE,
        }
        return Sighting(
            Kind.OPEN_BURNING, Phase.BEGIN, visit.thread, self._spec.place_id, visit.track, 1, rounded(reason)
        )

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it burns."""
        self._visits.retract(sighting)

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def _burns(reason: dict[str, float]) -> bool:
    return reason["lasted_s"] >= reason["limit_s"] and reason["drift"] <= reason["drift_limit"]


OPEN_BURNING = RuleEntry(
    OpenBurning,
    RuleForm(
        "zone",
        frozenset({ObjectClass.FIRE}),
        {"limit_s": Parameter(10, 2, DAY_S), "cooldown_s": Parameter(60, 0, DAY_S)},
        zones=("hearth",),
    ),
    version=1,
    holds=_burns,
)
