"""The rule ``congestion``: many vehicles, and they hardly move."""

from dataclasses import dataclass, field

from edge_agent.domain.rules.flow import Flow, box_of
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, region_track, rounded
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind
from shared.messages import Phase

FREE_FACTOR = 2.0
"""Traffic flows again at so many times the speed limit of a jam, or …"""
FREE_SHARE = 0.5
"""… with less than this share of the vehicles of a jam."""
FREE_S = 4.0
"""A queue that starts off at a green light flows for longer; a jam that creeps does not."""
ENDED_S = 10.0
"""Once told of, a jam is over when traffic has flowed for so long."""


@dataclass(slots=True)
class _Jam:
    """One stretch of slow traffic; sums over time, to be divided by ``slow_s``."""

    thread: int
    since_us: int
    slow_s: float = 0.0
    vehicles: float = 0.0
    speed_kmh: float = 0.0
    free_s: float = 0.0
    """Flowing again, at a stretch."""
    told_at_s: float = 0.0
    reason: dict[str, float] = field(default_factory=dict[str, float])
    """As last told."""


class Congestion:
    """At least ``vehicles`` in the zone, at less than ``speed_kmh`` on average, for ``limit_s``. A state:
    told of again when the time has doubled; ends when traffic flows.

    Where a light stops the traffic, ``cycle_s`` is its longest cycle: a jam outlasts two of them, a queue
    flows at each green.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._box = box_of(spec.zone)
        self._flow = Flow(spec.zone, spec.classes)
        self._limit_s = max(spec.limits["limit_s"], 2 * spec.limits["cycle_s"])
        self._jam: _Jam | None = None
        self._threads = 0

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        self._flow.step(view)
        speeds = [vehicle.speed_kmh for vehicle in self._flow.inside]
        count, limits = len(speeds), self._spec.limits
        speed_kmh = sum(speeds) / count if count else 0.0
        is_slow = count >= limits["vehicles"] and speed_kmh < limits["speed_kmh"]
        if self._jam is None and is_slow:
            self._threads += 1
            self._jam = _Jam(self._threads, view.at_us)
        elif (jam := self._jam) is not None:
            is_few = count < FREE_SHARE * limits["vehicles"]
            is_free = is_few or speed_kmh >= FREE_FACTOR * limits["speed_kmh"]
            jam.free_s = jam.free_s + view.elapsed_s if is_free else 0.0
            jam.slow_s += view.elapsed_s
            jam.vehicles += count * view.elapsed_s
            jam.speed_kmh += speed_kmh * view.elapsed_s
            return self._judge(jam, view)
        return []

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lasts."""
        if self._jam is not None and self._jam.thread == sighting.thread:
            self._jam.told_at_s = 0.0

    def stop(self) -> list[Sighting]:
        """End what is open."""
        jam, self._jam = self._jam, None
        return [self._sighting(jam, jam.since_us, Phase.END)] if jam and jam.told_at_s else []

    def _judge(self, jam: _Jam, view: View) -> list[Sighting]:
        if jam.free_s >= (ENDED_S if jam.told_at_s else FREE_S):
            self._jam = None
            return [self._sighting(jam, view.at_us, Phase.END)] if jam.told_at_s else []
        due_s = max(self._limit_s, 2 * jam.told_at_s)
        if jam.slow_s < due_s or jam.free_s:
            return []
        reason = {
            "count": jam.vehicles / jam.slow_s,
            "least_count": self._spec.limits["vehicles"],
            "speed_km_h": jam.speed_kmh / jam.slow_s,
            "speed_limit_km_h": self._spec.limits["speed_kmh"],
            "slow_s": jam.slow_s,
            "limit_s": self._limit_s,
        }
        if not _is_jam(rounded(reason)):
            return []
        phase, jam.told_at_s, jam.reason = Phase.UPDATE if jam.told_at_s else Phase.BEGIN, due_s, reason
        return [self._sighting(jam, view.at_us, phase)]

    def _sighting(self, jam: _Jam, at_us: int, phase: Phase) -> Sighting:
        subject = region_track(self._box, at_us, since_us=jam.since_us)
        vehicles = max(1, round(jam.reason["count"]))
        return Sighting(
            Kind.CONGESTION,
            phase,
            jam.thread,
            self._spec.place_id,
            subject,
            vehicles,
            rounded(jam.reason),
        )


def _is_jam(reason: dict[str, float]) -> bool:
    is_slow = reason["speed_km_h"] < reason["speed_limit_km_h"] and reason["slow_s"] >= reason["limit_s"]
    return is_slow and reason["count"] >= reason["least_count"]


CONGESTION = RuleEntry(
    Congestion,
    RuleForm(
        "zone",
        VEHICLES,
        {
            "vehicles": Parameter(8, 2, 100),
            "speed_kmh": Parameter(5, 1, 60),
            "limit_s": Parameter(60, 5, DAY_S),
            "cycle_s": Parameter(0, 0, 600),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
    ),
    version=1,
    holds=_is_jam,
)
