"""The rules ``container_overflow`` and ``road_damage``: states of a zone that a technician taught."""

from typing import Any

from edge_agent.domain.conditions import Light, Weather
from edge_agent.domain.rules.form import RuleEntry, RuleForm, TaughtStates
from edge_agent.domain.rules.sighting import View
from edge_agent.domain.rules.slow import Sample, SlowState, enough_samples, sampling
from edge_agent.domain.scene import RuleSpec
from edge_agent.domain.states import UNKNOWN, Reading
from shared.kinds import ObjectClass

NOTHING = frozenset[ObjectClass]()


class TaughtEye:
    """Reads the zone's state from its picture. ``is_daylight_only``: by night and in falling snow, rain and
    fog, when nothing like it was taught, it does not look."""

    def __init__(self, spec: RuleSpec, taught: TaughtStates, *, is_daylight_only: bool = False) -> None:
        self._spec = spec
        self._taught = taught
        self._is_daylight_only = is_daylight_only

    def read(self, view: View) -> Reading | None:
        """The zone's state, ``UNKNOWN`` included; None when it is not looked at."""
        assert self._spec.zone is not None
        conditions = view.conditions
        is_fair = conditions.light is Light.DAY and conditions.weather in (Weather.CLEAR, Weather.WIND)
        if self._spec.states is None or view.frame is None or (self._is_daylight_only and not is_fair):
            return None
        return self._spec.states.read(view.frame, self._spec.zone.polygon_px)

    def look(self, view: View, is_open: bool) -> Sample | None:  # noqa: ARG002  # the picture alone decides
        """See ``Eye``: a lid or a cap of snow is like nothing that was taught, so it counts for nothing."""
        reading = self.read(view)
        if reading is None or reading.state == UNKNOWN:
            return None
        is_bad, is_clean = reading.state in self._taught.opens, reading.state in self._taught.clears
        return Sample(is_bad if is_bad or is_clean else None, {"sure": reading.sure})

    def remember(self) -> dict[str, Any]:
        """See ``Eye``: it keeps nothing."""
        return {}

    def recall(self, memory: dict[str, Any]) -> None:
        """See ``Eye``."""


OVERFLOW = TaughtStates(frozenset({"overflow"}), frozenset({"ok", "full"}))
DAMAGE = TaughtStates(frozenset({"damaged"}), frozenset({"ok"}))


class ContainerOverflow(SlowState):
    """The container's zone is in the state ``overflow``."""

    def __init__(self, spec: RuleSpec) -> None:
        super().__init__(spec, TaughtEye(spec, OVERFLOW))


class RoadDamage(SlowState):
    """The road is in the state ``damaged``; looked at by daylight and in fair weather only."""

    def __init__(self, spec: RuleSpec) -> None:
        super().__init__(spec, TaughtEye(spec, DAMAGE, is_daylight_only=True))


CONTAINER_OVERFLOW = RuleEntry(
    ContainerOverflow,
    RuleForm("zone", NOTHING, sampling(900, 3, 4), states=OVERFLOW, needs_pixels=True, shows_end=True),
    version=1,
    holds=enough_samples,
)
ROAD_DAMAGE = RuleEntry(
    RoadDamage,
    RuleForm("zone", NOTHING, sampling(1800, 4, 6), states=DAMAGE, needs_pixels=True, shows_end=True),
    version=1,
    holds=enough_samples,
)
