"""The rule ``street_light_out``: lamps that are dark at night, by what each of them used to give."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import numpy as np

from edge_agent.domain.detection import Reals
from edge_agent.domain.lamps import glow
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, region_track, rounded
from edge_agent.domain.scene import RuleSpec, Zone
from edge_agent.domain.sun import KOSSHY, NIGHT_DEG, sky_at
from shared.kinds import Kind
from shared.messages import Phase

MOST_LAMPS = 8
SAMPLE_S = 60.0
"""Each minute's lamp is the middle of what its pictures show: headlights pass, a lamp stays."""
LOOK_S = 2.0
LONGEST_STEP_S = 120.0
"""A minute for which the camera was away is not counted, nor one that began long ago."""
LEARN_SAMPLES = 5
"""A lamp is known after so many lit minutes."""
LEAST_GLOW = 25.0
"""A lamp that stands out by fewer levels when lit cannot be watched: draw its zone tighter."""
LIT_SHARE = 0.7
"""Of its own baseline: at or above it the lamp is lit; between this and ``dark_percent`` nothing is said."""
FOLLOW = 0.02
"""How far one lit minute moves the baseline: a lamp that ages or gathers dust is followed over nights."""
LIT_AGAIN_MIN = 10.0
_THREAD = 1


@dataclass(slots=True)
class _Lamp:
    """What is known of one lamp; kept over restarts."""

    baseline: float = 0.0
    """Its glow when lit, levels of luma; 0 while unknown."""
    learned: list[float] = field(default_factory=list[float])
    """Its first lit minutes."""
    night: int = 0
    """The night of the last sample."""
    dark_min: float = 0.0
    lit_min: float = 0.0
    """In that night."""
    nights: int = 0
    """How many nights in a row it was dark for long enough."""
    level: float = 0.0
    """Of its baseline, the last sample."""

    @property
    def is_known(self) -> bool:
        return self.baseline > 0

    def is_out_tonight(self, limits: dict[str, float]) -> bool:
        return self.dark_min >= limits["dark_min"] and self.level < limits["dark_percent"] / 100

    def sample(self, level: float, night: int, minutes: float, limits: dict[str, float]) -> None:
        """Note one minute of a night."""
        if night != self.night:
            # A night that was not watched, or not for long, breaks no row: nothing is known of it.
            if self.lit_min >= limits["dark_min"] > self.dark_min:
                self.nights = 0
            self.night, self.dark_min, self.lit_min = night, 0.0, 0.0
        if not self.is_known:
            self._learn(level)
            return
        self.level = level / self.baseline
        if self.level < limits["dark_percent"] / 100:
            before = self.dark_min
            self.dark_min += minutes
            self.nights += before < limits["dark_min"] <= self.dark_min
        elif self.level >= LIT_SHARE:
            self.lit_min += minutes
            self.baseline += FOLLOW * (level - self.baseline)
            if self.lit_min >= LIT_AGAIN_MIN and self.dark_min < limits["dark_min"]:
                self.nights = 0

    def _learn(self, level: float) -> None:
        if level >= LEAST_GLOW:
            self.learned.append(level)
        if len(self.learned) >= LEARN_SAMPLES:
            self.baseline, self.learned = median(self.learned), []


class StreetLightOut:
    """At night a lamp gives less than ``dark_percent`` of its own baseline for ``dark_min`` minutes, in each
    of ``nights`` nights. A state of the whole row: several lamps are one event, told of again when another
    goes out; ends when all are lit.

    The zone is drawn around one lamp, ``lamp_2`` to ``lamp_8`` around the others of its row. A lamp that was
    never seen lit is not judged.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        keys = [f"lamp_{number}" for number in range(2, MOST_LAMPS + 1)]
        zones = [spec.zone, *(spec.other_zones[key] for key in keys if key in spec.other_zones)]
        self._zones: dict[str, Zone] = {zone.id: zone for zone in zones}
        self._lamps = {name: _Lamp() for name in self._zones}
        self._looks: dict[str, list[float]] = {name: [] for name in self._zones}
        self._since_us = 0
        self._at_us = self._looked_us = 0
        self._told = 0
        """How many lamps were out when it was last told."""
        self._reason: dict[str, float] = {}

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        self._at_us = view.at_us
        sky = sky_at(view.at_us, view.ground.origin if view.ground else KOSSHY)
        if view.frame is None or sky.height_deg > NIGHT_DEG:
            self._drop_looks()
            return []
        seconds = (view.at_us - self._since_us) / 1e6 if self._since_us else 0.0
        if self._since_us and seconds > LONGEST_STEP_S:
            self._drop_looks()
        if not self._since_us:
            self._since_us = view.at_us
        if seconds >= SAMPLE_S and self._since_us != view.at_us:
            self._sample(sky.night, seconds / 60)
            self._drop_looks()
            self._since_us = view.at_us
        if view.at_us - self._looked_us >= LOOK_S * 1e6:
            self._looked_us = view.at_us
            for name, zone in self._zones.items():
                self._looks[name].append(glow(view.frame, zone.polygon_px))
        return self._tell()

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lasts."""
        del sighting
        self._told = 0

    def stop(self) -> list[Sighting]:
        """Off duty nothing is known of the lamps: what is open stays open until the next night says more."""
        self._drop_looks()
        return []

    def remember(self) -> dict[str, Any]:
        """The lamps, and what was told."""
        lamps = {name: asdict(lamp) for name, lamp in self._lamps.items()}
        return {"lamps": lamps, "told": self._told, "reason": self._reason}

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on from there; lamps that the scene has no longer are forgotten."""
        lamps = {name: _Lamp(**memory["lamps"][name]) for name in self._zones if name in memory["lamps"]}
        told, reason = int(memory["told"]), {str(k): float(v) for k, v in memory["reason"].items()}
        self._lamps |= lamps
        self._told, self._reason = told, reason

    def _drop_looks(self) -> None:
        self._since_us = 0
        for looks in self._looks.values():
            looks.clear()

    def _sample(self, night: int, minutes: float) -> None:
        for name, looks in self._looks.items():
            if looks:
                self._lamps[name].sample(median(looks), night, minutes, self._spec.limits)

    def _tell(self) -> list[Sighting]:
        limits = self._spec.limits
        out = {n: lamp for n, lamp in self._lamps.items() if lamp.nights >= limits["nights"]}
        newest = [lamp for lamp in out.values() if lamp.is_out_tonight(limits)]
        if (len(out) <= self._told or not newest) and (out or not self._told):
            self._told = min(self._told, len(out))
            return []
        if not out:
            self._told = 0
            return [self._sighting(Phase.END, list(self._zones), self._reason)]
        phase, self._told = Phase.UPDATE if self._told else Phase.BEGIN, len(out)
        self._reason = rounded(
            {
                "lamps_out": len(out),
                "nights": min(lamp.nights for lamp in newest),
                "least_nights": limits["nights"],
                "dark_min": min(lamp.dark_min for lamp in newest),
                "limit_min": limits["dark_min"],
                "level_percent": 100 * max(0.0, *(lamp.level for lamp in newest)),
                "dark_percent": limits["dark_percent"],
            }
        )
        return [self._sighting(phase, list(out), self._reason)]

    def _sighting(self, phase: Phase, names: list[str], reason: dict[str, float]) -> Sighting:
        corners: Reals = np.concatenate([self._zones[name].polygon_px for name in names])
        subject = region_track(np.concatenate([corners.min(0), corners.max(0)]), self._at_us)
        kind, place = Kind.STREET_LIGHT_OUT, self._spec.place_id
        return Sighting(kind, phase, _THREAD, place, subject, 0, dict(reason))


def _are_out(reason: dict[str, float]) -> bool:
    is_long = reason["nights"] >= reason["least_nights"] and reason["dark_min"] >= reason["limit_min"]
    return is_long and reason["level_percent"] < reason["dark_percent"] and reason["lamps_out"] >= 1


STREET_LIGHT_OUT = RuleEntry(
    StreetLightOut,
    RuleForm(
        "zone",
        frozenset(),
        {
            "dark_percent": Parameter(35, 5, 60),
            "dark_min": Parameter(20, 5, 240),
            "nights": Parameter(2, 1, 14),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=tuple(f"lamp_{number}" for number in range(2, MOST_LAMPS + 1)),
        needs_pixels=True,
    ),
    version=1,
    holds=_are_out,
)
