"""The rule ``missed_collection``: a container that should have been emptied and was not."""

from collections import deque
from typing import Any

from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm, TaughtStates
from edge_agent.domain.rules.presence import Presence
from edge_agent.domain.rules.sighting import Sighting, View, region_track, rounded
from edge_agent.domain.rules.slow import Sampler, enough_samples, sampling
from edge_agent.domain.rules.taught import TaughtEye
from edge_agent.domain.scene import RuleSpec
from edge_agent.domain.schedule import last_moment_us
from shared.kinds import ObjectClass
from shared.messages import Phase

EARLY_S = 3 * 3600.0
"""A truck that came so long before the schedule has done its round."""
FILLED = TaughtStates(frozenset({"full", "overflow"}), frozenset({"ok"}))


class MissedCollection:
    """At ``wait_s`` after a moment of ``collected_at`` no truck stood at the container since shortly before
    that moment, and ``least_samples`` of the last ``of_samples`` show it full. An act, told once for each
    moment; it ends when the container is seen empty.

    A container that was emptied unseen is seen empty; one that is never full at its moment, since the
    schedule is wrong, is never told of. ``stop_s``: a truck that stood in the zone ``road`` (or the
    container's own) for so long was there to empty it.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._eye = TaughtEye(spec, FILLED)
        self._sampler = Sampler(spec.zone, spec.limits["sample_s"])
        self._trucks = Presence(spec.other_zones.get("road", spec.zone), spec.classes, 5.0)
        self._votes: deque[bool] = deque(maxlen=int(spec.limits["of_samples"]))
        self._served_us = 0
        """When the container was last emptied, or a truck there for it."""
        self._told_moment_us = 0
        self._opened: dict[str, float] = {}

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        stops = (stay.inside_s for _, stay in self._trucks.step(view))
        if max(stops, default=0.0) >= self._spec.limits["stop_s"]:
            self._served_us = view.at_us
        if not self._sampler.is_due(view):
            return []
        reading = self._eye.read(view)
        is_full = reading is not None and reading.state in FILLED.opens
        if reading is None or not (is_full or reading.state in FILLED.clears):
            return []
        self._votes.append(is_full)
        empty = len(self._votes) - sum(self._votes)
        if empty >= self._spec.limits["least_samples"]:
            self._served_us = view.at_us
            return self._end(view)
        return self._judge(view) if is_full else []

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again with the next sample."""
        if sighting.phase is Phase.BEGIN:
            self._told_moment_us, self._opened = 0, {}

    def stop(self) -> list[Sighting]:
        """Off duty it waits."""
        return []

    def remember(self) -> dict[str, Any]:
        """See ``Remembering``."""
        return {
            "votes": list(self._votes),
            "last_us": self._sampler.last_us,
            "served_us": self._served_us,
            "told_moment_us": self._told_moment_us,
            "opened": self._opened,
        }

    def recall(self, memory: dict[str, Any]) -> None:
        """See ``Remembering``."""
        self._votes.extend(bool(vote) for vote in memory["votes"])
        last_us = memory["last_us"]
        self._sampler.last_us = None if last_us is None else int(last_us)
        self._served_us = int(memory["served_us"])
        self._told_moment_us = int(memory["told_moment_us"])
        self._opened = {str(name): float(value) for name, value in memory["opened"].items()}

    def _judge(self, view: View) -> list[Sighting]:
        limits = self._spec.limits
        moment_us = last_moment_us(self._spec.moments["collected_at"], view.at_us, self._spec.timezone)
        if moment_us is None or self._told_moment_us == moment_us or self._opened:
            return []
        late_s = (view.at_us - moment_us) / 1e6
        full = sum(self._votes)
        is_served = self._served_us >= moment_us - EARLY_S * 1e6
        if late_s < limits["wait_s"] or is_served or full < limits["least_samples"]:
            return []
        self._told_moment_us = moment_us
        self._opened = {
            "late_h": late_s / 3600,
            "limit_h": limits["wait_s"] / 3600,
            "samples": float(full),
            "least_samples": limits["least_samples"],
            "of_samples": limits["of_samples"],
        }
        return [self._sighting(Phase.BEGIN, view)]

    def _end(self, view: View) -> list[Sighting]:
        if not self._opened:
            return []
        ended = self._sighting(Phase.END, view)
        self._opened = {}
        return [ended]

    def _sighting(self, phase: Phase, view: View) -> Sighting:
        subject = region_track(self._sampler.box, view.at_us, since_us=self._told_moment_us)
        return Sighting(self._spec.kind, phase, 0, self._spec.place_id, subject, 1, rounded(self._opened))


def _is_late(reason: dict[str, float]) -> bool:
    return enough_samples(reason) and reason["late_h"] >= reason["limit_h"]


MISSED_COLLECTION = RuleEntry(
    MissedCollection,
    RuleForm(
        "zone",
        frozenset({ObjectClass.TRUCK}),
        sampling(900, 3, 4) | {"wait_s": Parameter(10_800, 0, DAY_S), "stop_s": Parameter(20, 1, 3_600)},
        zones=("road",),
        states=FILLED,
        moments=("collected_at",),
        needs_pixels=True,
        shows_end=True,
    ),
    version=1,
    holds=_is_late,
)
