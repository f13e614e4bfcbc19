"""The rule ``wrong_way``: a vehicle that drives against the arrow of its lane."""

import math
from dataclasses import dataclass

from edge_agent.domain.geometry import Point
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.visits import Visit, Visits, direction
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind
from shared.messages import Phase

KM_H = 3.6
GAP_S = 1.5
REMEMBER_S = 6.0
"""Who stood or drove with the lane so shortly before, and has not turned round since, is reversing."""
REVERSING_M = 25.0
"""Nobody reverses so far to park, …"""
REVERSING_KM_H = 12.0
"""… or on average so fast. Far away tracks are taken over by oncoming vehicles: who comes from there fast
drove with the lane only by name."""
STEADY_SHARE = 0.6
"""So many of the steps must lead against the lane: a track that jumps to the next car goes one step back and
many forward."""
SURE = 3.0
"""The way must be so many times the place's error."""


@dataclass(slots=True)
class _Drive:
    """What is known of one vehicle's driving."""

    start: Point = (0.0, 0.0)
    """Where it began to go against the lane."""
    began_us: int = 0
    """When. Time by the clock: lightning may blind the rules, the car drives on."""
    last: Point = (0.0, 0.0)
    steps: int = 0
    against_steps: int = 0
    is_reversing: bool = False
    with_us: int = -(1 << 62)
    """When it last stood or drove with the lane."""
    across_us: int = -(1 << 62)
    """When it last drove across the lane: it turns."""


class WrongWay:
    """A vehicle in the zone heads within ``cone_deg`` of straight against the arrow ``heading``, faster than
    ``speed_km_h``, for ``limit_s`` and ``limit_m``. One that stood or drove with the lane just before and did
    not turn is reversing: it has to go 25 m. An act: each vehicle once.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._heading = spec.other_tripwires["heading"]
        self._visits = Visits(spec.classes, GAP_S, pace_m_s=5.0)
        self._drives: dict[int, _Drive] = {}

    def step(self, view: View) -> list[Sighting]:
        """Tell of each vehicle that has gone far enough against the lane and was not told of."""
        lane = direction(self._heading.from_px, self._heading.to_px, view)
        sightings: list[Sighting] = []
        for visit in self._visits.step(view):
            drive = self._drives.setdefault(visit.thread, _Drive())
            off_deg, speed_km_h = self._follow(visit, drive, lane, view)
            reason = self._measure(visit, drive, lane, view) | {"off_deg": off_deg, "speed_km_h": speed_km_h}
            if not visit.is_told and drive.against_steps >= STEADY_SHARE * drive.steps and _drove(reason):
                visit.is_told = True
                sightings.append(self._sighting(visit, reason))
        known = {visit.thread for visit in self._visits.all}
        self._drives = {thread: drive for thread, drive in self._drives.items() if thread in known}
        return sightings

    def _follow(self, visit: Visit, drive: _Drive, lane: Point, view: View) -> tuple[float, float]:
        """Move on by a frame; gives degrees off straight against, and speed."""
        x, y = visit.way.velocity_m_s
        speed_m_s = math.hypot(x, y)
        along = (x * lane[0] + y * lane[1]) / speed_m_s if speed_m_s else 1.0
        off_deg = 180 - math.degrees(math.acos(max(-1.0, min(1.0, along))))
        is_fast = speed_m_s * KM_H > self._spec.limits["speed_km_h"]
        is_against = (
            is_fast
            and off_deg <= self._spec.limits["cone_deg"]
            and view.depth_px(self._zone, visit.track) >= 0
        )
        self._remember(drive, is_fast, along, len(visit.way.steps), view.at_us)
        visit.spell.observe(is_against, visit.step_s)
        here, raw = visit.way.place, visit.way.steps[-1] if visit.way.steps else None
        now = (raw.x_m, raw.y_m) if raw else here
        if is_against and visit.spell.frames == 1:
            lately_us = view.at_us - REMEMBER_S * 1e6
            drive.is_reversing = drive.with_us >= lately_us and drive.across_us < drive.with_us
            drive.start, drive.steps, drive.against_steps = here, 0, 0
            drive.began_us = view.at_us
        drive.steps += 1
        drive.against_steps += _along(drive.last, now, lane) < 0
        drive.last = now
        return off_deg, speed_m_s * KM_H

    @staticmethod
    def _remember(drive: _Drive, is_fast: bool, along: float, steps: int, at_us: int) -> None:
        if steps < 5:
            return
        if is_fast and abs(along) < 0.5:
            drive.across_us = at_us
        elif not is_fast or along >= 0.5:
            drive.with_us = at_us

    def _measure(self, visit: Visit, drive: _Drive, lane: Point, view: View) -> dict[str, float]:
        limits = self._spec.limits
        spot = view.spot(visit.track).place
        is_going = visit.spell.frames > 0
        against_s = (view.at_us - drive.began_us) / 1e6 if is_going else 0.0
        against_m = -_along(drive.start, visit.way.place, lane) if is_going else 0.0
        is_reversing = drive.is_reversing and against_m * KM_H < REVERSING_KM_H * against_s
        limit_m = max(limits["limit_m"], REVERSING_M if is_reversing else 0.0)
        limit_m = max(limit_m, SURE * spot.sigma_m if spot else 0.0)
        return {
            "against_s": against_s,
            "limit_s": limits["limit_s"],
            "against_m": against_m,
            "limit_m": limit_m,
            "speed_limit_km_h": limits["speed_km_h"],
            "cone_deg": limits["cone_deg"],
        }

    def _sighting(self, visit: Visit, reason: dict[str, float]) -> Sighting:
        return Sighting(
            Kind.WRONG_WAY, Phase.BEGIN, visit.thread, self._spec.place_id, visit.track, 1, rounded(reason)
        )

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it goes on."""
        self._visits.retract(sighting)

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def _along(start: Point, end: Point, lane: Point) -> float:
    return (end[0] - start[0]) * lane[0] + (end[1] - start[1]) * lane[1]


def _drove(reason: dict[str, float]) -> bool:
    is_far = reason["against_s"] >= reason["limit_s"] and reason["against_m"] >= reason["limit_m"]
    is_fast = reason["speed_km_h"] >= reason["speed_limit_km_h"]
    return is_far and is_fast and reason["off_deg"] <= reason["cone_deg"]


WRONG_WAY = RuleEntry(
    WrongWay,
    RuleForm(
        "zone",
        VEHICLES,
        {
            "limit_s": Parameter(2, 0.5, 60),
            "limit_m": Parameter(8, 1, 200),
            "speed_km_h": Parameter(5, 0, 100),
            "cone_deg": Parameter(60, 5, 85),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        tripwires=("heading",),
        required=frozenset({"heading"}),
    ),
    version=1,
    holds=_drove,
)
