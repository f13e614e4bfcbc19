"""What all slow states share: samples minutes apart of a zone that nothing is over; k of n decide."""

from collections import deque
from typing import Any, NamedTuple, Protocol

import numpy as np

from edge_agent.domain.detection import Reals
from edge_agent.domain.motion import CELL_PX
from edge_agent.domain.rules.form import DAY_S, Parameter
from edge_agent.domain.rules.sighting import Sighting, View, region_track, rounded
from edge_agent.domain.scene import RuleSpec, Zone
from shared.kinds import ObjectClass
from shared.messages import Phase

CALM_S = 2.0
"""Nothing moved over the zone for so long before a sample."""
MOVING_SHARE = 0.05
"""Of the zone's cells; fewer are leaves, snowflakes and noise."""
COVERED_SHARE = 0.02
"""A person or vehicle whose box covers more of the zone than this is over it."""
UPDATE_S = 6 * 3600.0
"""While it stands, it is told again so often."""
STALE_SAMPLES = 8
"""A sample does not count any more after the time of n times so many: a night is between them."""
IN_FRONT = frozenset(ObjectClass) - {ObjectClass.UNKNOWN, ObjectClass.BAG, ObjectClass.OBJECT}
"""What comes and goes by itself."""


class Sample(NamedTuple):
    """What one look at a zone says."""

    is_bad: bool | None
    """None: neither bad nor clean; it counts for nothing."""
    numbers: dict[str, float]
    """What decided it, with its limits."""
    box: Reals | None = None
    """(4,) pixels: where; the whole zone if not given."""


class Eye(Protocol):
    """Looks at a zone when it is told to."""

    def look(self, view: View, is_open: bool) -> Sample | None:
        """Judge the zone now; None when it cannot be judged in this light. ``is_open``: an event stands."""
        ...

    def remember(self) -> dict[str, Any]: ...
    def recall(self, memory: dict[str, Any]) -> None: ...


class Sampler:
    """Says when a zone may be looked at: every ``every_s``, while nothing is over it."""

    def __init__(self, zone: Zone, every_s: float) -> None:
        (left, top), (right, bottom) = zone.polygon_px.min(0), zone.polygon_px.max(0)
        self.box = np.array([left, top, right, bottom], np.float32)
        self.every_us = round(every_s * 1e6)
        self.last_us: int | None = None
        self._restless_us: int | None = None

    def is_due(self, view: View) -> bool:
        """Whether this frame is one to be looked at; it then counts as having been."""
        if self._restless_us is None or not self._is_free(view):
            self._restless_us = view.at_us
            return False
        is_early = self.last_us is not None and 0 <= view.at_us - self.last_us < self.every_us
        if is_early or view.at_us - self._restless_us < CALM_S * 1e6:
            return False
        self.last_us = view.at_us
        return True

    def _is_free(self, view: View) -> bool:
        left, top, right, bottom = (int(side) // CELL_PX for side in self.box)
        if view.motion is not None:
            cells = view.motion.cells[top : bottom + 1, left : right + 1]
            if cells.size and cells.mean() > MOVING_SHARE:
                return False
        return all(self.covered(track.box) <= COVERED_SHARE for track in view.of(IN_FRONT))

    def covered(self, box: Reals) -> float:
        """The share of the zone's rectangle that a box covers."""
        low, high = np.maximum(self.box[:2], box[:2]), np.minimum(self.box[2:], box[2:])
        whole = float(np.prod(self.box[2:] - self.box[:2]))
        return float(np.prod(np.maximum(high - low, 0))) / max(whole, 1.0)


class SlowState:
    """A state of a zone: opens when ``least_samples`` of the last ``of_samples`` that could be judged are
    bad, ends when as many are clean. Thread 0: there is one event at a time.

    ``sampler``: who says when to look, if not whenever nothing is over the zone."""

    def __init__(self, spec: RuleSpec, eye: Eye, sampler: Sampler | None = None) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._eye = eye
        self._limits = spec.limits
        self._sampler = sampler or Sampler(spec.zone, spec.limits["sample_s"])
        self._votes: deque[tuple[int, bool]] = deque(maxlen=int(spec.limits["of_samples"]))
        self._opened: dict[str, float] = {}
        """The numbers with which it was last told; empty while nothing stands."""
        self._since_us = self._told_us = 0
        self._is_told = False

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame; most are not looked at."""
        if view.frame is None or not self._sampler.is_due(view):
            return []
        sample = self._eye.look(view, bool(self._opened))
        if sample is None or sample.is_bad is None:
            return []
        self._votes.append((view.at_us, sample.is_bad))
        stale_us = STALE_SAMPLES * self._sampler.every_us * int(self._limits["of_samples"])
        while view.at_us - self._votes[0][0] > stale_us:
            self._votes.popleft()
        return self._decide(view, sample)

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again with the next sample."""
        self._is_told = sighting.phase is not Phase.BEGIN

    def stop(self) -> list[Sighting]:
        """Off duty it waits: the state goes on whether it is looked at or not."""
        return []

    def remember(self) -> dict[str, Any]:
        """See ``Remembering``."""
        return {
            "votes": [list(vote) for vote in self._votes],
            "last_us": self._sampler.last_us,
            "opened": self._opened,
            "since_us": self._since_us,
            "told_us": self._told_us,
            "is_told": self._is_told,
            "eye": self._eye.remember(),
        }

    def recall(self, memory: dict[str, Any]) -> None:
        """See ``Remembering``."""
        self._eye.recall(memory["eye"])
        self._votes.extend((int(at_us), bool(is_bad)) for at_us, is_bad in memory["votes"])
        self._opened = {str(name): float(value) for name, value in memory["opened"].items()}
        self._since_us, self._told_us = int(memory["since_us"]), int(memory["told_us"])
        self._is_told = bool(memory["is_told"])
        last_us = memory["last_us"]
        self._sampler.last_us = None if last_us is None else int(last_us)

    def _decide(self, view: View, sample: Sample) -> list[Sighting]:
        bad = sum(is_bad for _, is_bad in self._votes)
        clean = len(self._votes) - bad
        least = self._limits["least_samples"]
        if self._opened and clean >= least:
            numbers = self._opened | {"clean_samples": float(clean)}
            was_told, self._opened, self._is_told = self._is_told, {}, False
            return [self._sighting(Phase.END, view, sample, numbers)] if was_told else []
        if sample.is_bad and bad >= least:
            return self._bad(view, sample, {"samples": float(bad), "least_samples": least, **sample.numbers})
        return []

    def _bad(self, view: View, sample: Sample, numbers: dict[str, float]) -> list[Sighting]:
        if not self._opened:
            self._since_us = next(at_us for at_us, is_bad in self._votes if is_bad)
        is_due = view.at_us - self._told_us >= UPDATE_S * 1e6
        if self._is_told and not is_due:
            return []
        phase = Phase.UPDATE if self._is_told else Phase.BEGIN
        self._opened, self._is_told, self._told_us = numbers, True, view.at_us
        return [self._sighting(phase, view, sample, numbers)]

    def _sighting(self, phase: Phase, view: View, sample: Sample, numbers: dict[str, float]) -> Sighting:
        box = self._sampler.box if sample.box is None else sample.box
        subject = region_track(box, view.at_us, since_us=self._since_us)
        lasted = {"of_samples": self._limits["of_samples"], "lasted_s": (view.at_us - self._since_us) / 1e6}
        reason = rounded(numbers | lasted)
        return Sighting(self._spec.kind, phase, 0, self._spec.place_id, subject, 1, reason)


def sampling(every_s: float, least: int, of: int) -> dict[str, Parameter]:
    """The numbers that every slow state takes."""
    return {
        "sample_s": Parameter(every_s, 1, DAY_S),
        "least_samples": Parameter(least, 1, 20),
        "of_samples": Parameter(of, 1, 20),
        "cooldown_s": Parameter(0, 0, DAY_S),
    }


def enough_samples(reason: dict[str, float]) -> bool:
    """The verdict of all slow states, as far as it lies in the count."""
    return reason["samples"] >= reason["least_samples"]
