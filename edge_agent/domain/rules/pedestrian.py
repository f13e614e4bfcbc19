"""The rule ``pedestrian_on_carriageway``: someone on foot among the cars, away from the crossings."""

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Track
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.plots import Plot
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.visits import Visit, Visits
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind, ObjectClass
from shared.messages import Phase

CROSSINGS = ("crossing", "crossing_2", "crossing_3", "crossing_4")
CROSSING_MARGIN_M = 1.0
"""People cut the corners of a crossing."""
GAP_S = 2.0
MOVED_M = 1.0
"""What has not moved so far is a post, or a sign that the model takes for a person."""
RIDER_SHARE = 0.3
"""A person whose box lies so far in that of a bicycle or motorcycle rides it."""
SEATED_SHARE = 0.7
"""A person whose box lies so far in that of a vehicle sits in it."""
_RIDDEN = frozenset({ObjectClass.BICYCLE, ObjectClass.MOTORCYCLE, ObjectClass.HORSE})


class PedestrianOnCarriageway:
    """A person walks in the carriageway zone, ``kerb_m`` or more from its edge and outside the crossings,
    for ``dwell_s``. Riders and those who sit in a vehicle are none; nor is one whose feet a vehicle hides,
    since nobody knows where they are. An act: each person once.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._carriageway = Plot(spec.zone)
        self._crossings = [Plot(zone) for key, zone in spec.other_zones.items() if key in CROSSINGS]
        self._visits = Visits(spec.classes, GAP_S)

    def step(self, view: View) -> list[Sighting]:
        """Tell of each who has been there for long enough and was not told of."""
        around = [track for track in view.of(VEHICLES | _RIDDEN) if view.is_seen(track)]
        sightings: list[Sighting] = []
        for visit in self._visits.step(view):
            depth_m = self._depth_m(visit, around, view)
            inside_s = visit.spell.observe(depth_m >= self._spec.limits["kerb_m"], visit.step_s)
            has_moved = visit.way.farthest_m >= MOVED_M
            if inside_s >= self._spec.limits["dwell_s"] and has_moved and not visit.is_told:
                visit.is_told = True
                sightings.append(self._sighting(visit, inside_s, depth_m))
        return sightings

    def _depth_m(self, visit: Visit, around: list[Track], view: View) -> float:
        """How far from the kerb a person walks; below 0 where he may be."""
        depth_m = self._carriageway.depth_m(view, visit.track)
        if depth_m < self._spec.limits["kerb_m"] or any(_is_borne(visit.track, each) for each in around):
            return min(depth_m, -1.0)
        on_crossing = any(c.depth_m(view, visit.track) >= -CROSSING_MARGIN_M for c in self._crossings)
        return -1.0 if on_crossing else depth_m

    def _sighting(self, visit: Visit, inside_s: float, depth_m: float) -> Sighting:
        reason = {
            "inside_s": inside_s,
            "limit_s": self._spec.limits["dwell_s"],
            "kerb_m": depth_m,
            "kerb_limit_m": self._spec.limits["kerb_m"],
            "moved_m": visit.way.farthest_m,
            "moved_limit_m": MOVED_M,
        }
        return Sighting(
            Kind.PEDESTRIAN_ON_CARRIAGEWAY,
            Phase.BEGIN,
            visit.thread,
            self._spec.place_id,
            visit.track,
            1,
            rounded(reason),
        )

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while they are there."""
        self._visits.retract(sighting)

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def _is_borne(person: Track, other: Track) -> bool:
    """Whether a person rides or sits in another thing, or has the feet hidden by it."""
    share = float(box_math.overlaps(person.box[None], other.box[None])[0, 0])
    share /= max(1.0, float(box_math.areas(person.box[None])[0]))
    if other.object_class in _RIDDEN:
        return share >= RIDER_SHARE
    left, top, right, bottom = (float(edge) for edge in other.box)
    x, y = person.foot_px
    return share >= SEATED_SHARE or (left < x < right and top < y < bottom - 0.05 * (bottom - top))


def _was_there(reason: dict[str, float]) -> bool:
    has_moved = reason["moved_m"] >= reason["moved_limit_m"]
    return (
        has_moved and reason["inside_s"] >= reason["limit_s"] and reason["kerb_m"] >= reason["kerb_limit_m"]
    )


PEDESTRIAN_ON_CARRIAGEWAY = RuleEntry(
    PedestrianOnCarriageway,
    RuleForm(
        "zone",
        PEOPLE,
        {
            "dwell_s": Parameter(2, 0.5, DAY_S),
            "kerb_m": Parameter(0.7, 0, 10),
            "cooldown_s": Parameter(10, 0, DAY_S),
        },
        zones=CROSSINGS,
    ),
    version=1,
    holds=_was_there,
)
