"""The rule ``speeding_hotspot``: how fast a lane is driven, hour by hour. Speeds, never vehicles."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_agent.domain.rules.flow import KMH, Flow, Vehicle, box_of
from edge_agent.domain.rules.form import Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, region_track, rounded
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind
from shared.messages import Phase

TOP_KMH = 250
LEAST_TRAVEL_M = 8.0
LEAST_LOOKS = 4
LARGEST_ERROR = 0.2
"""A speed known worse than this, standard deviation as a share of it, is not counted."""


@dataclass(slots=True)
class _Drive:
    """A vehicle's way through the zone; forgotten as soon as its speed is counted."""

    since_us: int
    start: tuple[float, float]
    sigma_m: float
    looks: int = 1
    until_us: int = 0
    end: tuple[float, float] = (0.0, 0.0)
    end_sigma_m: float = 0.0

    def speed_kmh(self) -> float | None:
        """None when it went too short a way to tell."""
        travel_m = math.dist(self.start, self.end)
        seconds = (self.until_us - self.since_us) / 1e6
        if self.looks < LEAST_LOOKS or travel_m < LEAST_TRAVEL_M:
            return None
        if math.hypot(self.sigma_m, self.end_sigma_m) > LARGEST_ERROR * travel_m:
            return None
        return KMH * travel_m / seconds


class SpeedingHotspot:
    """In a full ``period_s`` (an hour), at least ``vehicles`` passed, and 15 % of them or more drove over
    ``limit_kmh`` by ``over_kmh``: the 85th percentile that traffic engineers use. Needs a calibrated camera.

    Kept are counts of speeds to the km/h, no vehicle and no moment.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._box = box_of(spec.zone)
        self._flow = Flow(spec.zone, spec.classes)
        self._drives: dict[int, _Drive] = {}
        self._period = 0
        self._counts = [0] * TOP_KMH

    def step(self, view: View) -> list[Sighting]:
        """Count who left the zone; tell when the period is over."""
        period = int(view.at_us // (self._spec.limits["period_s"] * 1e6))
        sightings = self._close(view.at_us) if self._period and period != self._period else []
        self._period = period
        for vehicle in self._flow.step(view):
            self._follow(vehicle, view)
        alive = {vehicle.visit.thread for vehicle in self._flow.all}
        for thread in [thread for thread in self._drives if thread not in alive]:
            self._count(self._drives.pop(thread))
        return sightings

    def retract(self, sighting: Sighting) -> None:
        """A period is told of once."""

    def stop(self) -> list[Sighting]:
        """A statistic leaves nothing open."""
        return []

    def remember(self) -> dict[str, Any]:
        """The counts of the period that runs."""
        return {"period": self._period, "counts": self._counts}

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on counting."""
        counts = [int(count) for count in memory["counts"]]
        if len(counts) != TOP_KMH:
            raise ValueError("counts")
        self._period, self._counts = int(memory["period"]), counts

    def _follow(self, vehicle: Vehicle, view: View) -> None:
        thread, track = vehicle.visit.thread, vehicle.visit.track
        place = view.spot(track).place
        if not vehicle.is_inside or place is None:
            if thread in self._drives:
                self._count(self._drives.pop(thread))
            return
        here = place.east_m, place.north_m
        drive = self._drives.setdefault(thread, _Drive(view.at_us, here, place.sigma_m, looks=0))
        drive.looks += 1
        drive.until_us, drive.end, drive.end_sigma_m = view.at_us, here, place.sigma_m

    def _count(self, drive: _Drive) -> None:
        speed_kmh = drive.speed_kmh()
        if speed_kmh is not None:
            self._counts[min(TOP_KMH - 1, int(speed_kmh))] += 1

    def _close(self, at_us: int) -> list[Sighting]:
        counts, self._counts = np.array(self._counts), [0] * TOP_KMH
        total, limits = int(counts.sum()), self._spec.limits
        if total < limits["vehicles"]:
            return []
        middles = np.arange(TOP_KMH) + 0.5
        reason = {
            "count": total,
            "least_count": limits["vehicles"],
            "mean_km_h": float((counts * middles).sum() / total),
            "p85_km_h": float(np.searchsorted(np.cumsum(counts), 0.85 * total)) + 0.5,
            "over_percent": 100 * float(counts[middles > limits["limit_kmh"]].sum()) / total,
            "speed_limit_km_h": limits["limit_kmh"],
            "over_km_h": limits["over_kmh"],
        }
        if not _is_hot(rounded(reason)):
            return []
        subject = region_track(self._box, at_us)
        kind, place = Kind.SPEEDING_HOTSPOT, self._spec.place_id
        return [
            Sighting(kind, Phase.BEGIN, self._period, place, subject, min(total, 65_535), rounded(reason))
        ]


def _is_hot(reason: dict[str, float]) -> bool:
    is_enough = reason["count"] >= reason["least_count"]
    return is_enough and reason["p85_km_h"] >= reason["speed_limit_km_h"] + reason["over_km_h"]


SPEEDING_HOTSPOT = RuleEntry(
    SpeedingHotspot,
    RuleForm(
        "zone",
        VEHICLES,
        {
            "limit_kmh": Parameter(60, 5, 130),
            "over_kmh": Parameter(20, 0, 100),
            "vehicles": Parameter(20, 5, 10_000),
            "period_s": Parameter(3_600, 60, 3_600),
            "cooldown_s": Parameter(0, 0, 0),
        },
        needs_ground=True,
    ),
    version=1,
    holds=_is_hot,
)
