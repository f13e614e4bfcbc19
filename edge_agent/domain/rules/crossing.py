"""The rule ``crossing_not_yielded``: a vehicle goes over a crossing right before or behind someone on it."""

import math
from dataclasses import dataclass

from edge_agent.domain.detection import Track
from edge_agent.domain.geometry import Point, segments_cross
from edge_agent.domain.rules.flow import Flow, Footprint, Vehicle, footprint, place_on_plane, scale_of
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.presence import Presence
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind
from shared.messages import Phase

UNSEEN_S = 1.0
"""Someone hidden by the vehicle itself is still on the crossing for so long."""
OVER_M = 3.0
"""Who went so far since reaching the crossing has passed it and not stopped at its edge."""


@dataclass(slots=True)
class _Passage:
    """One vehicle's way over the crossing."""

    before: Footprint | None = None
    reached: Point | None = None
    """Where its front reached the crossing, metres; None before."""
    over_m: float = 0.0
    """How far it has gone from there."""
    gap_m: float = float("inf")
    speed_kmh: float = 0.0
    """When it was nearest."""
    person: Track | None = None
    is_told: bool = False


class CrossingNotYielded:
    """A vehicle drives over the crossing at ``speed_kmh`` or more, less than ``gap_m`` from someone who walks
    on it. For a person to review: the pictures decide, never the rule.

    Who waits until the way is free, or starts off slowly behind a walker, yields.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._corners_px: list[Point] = [(float(x), float(y)) for x, y in spec.zone.polygon_px]
        self._flow = Flow(spec.zone, spec.classes)
        self._walkers = Presence(spec.zone, PEOPLE, UNSEEN_S)
        self._passages: dict[int, _Passage] = {}

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        walkers = [track for track, stay in self._walkers.step(view) if stay.unseen_s <= UNSEEN_S]
        vehicles = self._flow.step(view)
        alive = {vehicle.visit.thread for vehicle in self._flow.all}
        self._passages = {thread: passage for thread, passage in self._passages.items() if thread in alive}
        return [s for vehicle in vehicles for s in self._follow(vehicle, walkers, view)]

    def retract(self, sighting: Sighting) -> None:
        """A passage is a moment: it is not told of later."""

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []

    def _follow(self, vehicle: Vehicle, walkers: list[Track], view: View) -> list[Sighting]:
        track = vehicle.visit.track
        passage = self._passages.setdefault(vehicle.visit.thread, _Passage())
        ground = footprint(view, track, vehicle.heading, scale_of(track)) if vehicle.heading else None
        if ground is None:
            return []
        swept = ground._replace(rear=passage.before.rear) if passage.before else ground
        passage.before = ground
        if self._is_over(swept, vehicle, view):
            passage.reached = passage.reached or ground.front
            self._measure(passage, swept, vehicle, walkers, view)
        passage.over_m = math.dist(ground.front, passage.reached) if passage.reached else 0.0
        return self._tell(passage, vehicle)

    def _is_over(self, swept: Footprint, vehicle: Vehicle, view: View) -> bool:
        """Whether the ground that it went over lies on the crossing: the foot of a bus may lie beside it."""
        places = [place_on_plane(view, corner, scale_of(vehicle.visit.track)) for corner in self._corners_px]
        ring = [place for place in places if place is not None]
        if len(ring) < len(places):
            return vehicle.is_inside
        return vehicle.is_inside or any(
            segments_cross(swept.rear, swept.front, a, b)
            for a, b in zip(ring, ring[1:] + ring[:1], strict=True)
        )

    def _measure(
        self, passage: _Passage, swept: Footprint, vehicle: Vehicle, walkers: list[Track], view: View
    ) -> None:
        """Note the nearest walker to the ground that it went over since the frame before."""
        for walker in walkers:
            place = place_on_plane(view, walker.foot_px, scale_of(vehicle.visit.track))
            gap_m = swept.gap_m(place) if place else float("inf")
            if gap_m < passage.gap_m and vehicle.speed_kmh >= self._spec.limits["speed_kmh"]:
                passage.gap_m, passage.person = gap_m, walker
                passage.speed_kmh = vehicle.speed_kmh

    def _tell(self, passage: _Passage, vehicle: Vehicle) -> list[Sighting]:
        limits = self._spec.limits
        if passage.is_told or passage.gap_m >= limits["gap_m"] or passage.over_m < OVER_M:
            return []
        passage.is_told = True
        reason = {
            "gap_m": passage.gap_m,
            "least_gap_m": limits["gap_m"],
            "speed_km_h": passage.speed_kmh,
            "speed_limit_km_h": limits["speed_kmh"],
        }
        visit, place = vehicle.visit, self._spec.place_id
        kind = Kind.CROSSING_NOT_YIELDED
        return [Sighting(kind, Phase.BEGIN, visit.thread, place, visit.track, 2, rounded(reason))]


def _did_not_yield(reason: dict[str, float]) -> bool:
    return reason["gap_m"] < reason["least_gap_m"] and reason["speed_km_h"] >= reason["speed_limit_km_h"]


CROSSING_NOT_YIELDED = RuleEntry(
    CrossingNotYielded,
    RuleForm(
        "zone",
        VEHICLES,
        {
            "gap_m": Parameter(3, 0.5, 20),
            "speed_kmh": Parameter(10, 2, 60),
            "cooldown_s": Parameter(5, 0, DAY_S),
        },
    ),
    version=1,
    holds=_did_not_yield,
)
