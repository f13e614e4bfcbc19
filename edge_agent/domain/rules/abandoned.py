"""The rule ``abandoned_object``: a thing lies there and nobody is by it."""

from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.left import LEFT_CLASSES, Left, LeftThings
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.scene import RuleSpec
from shared.kinds import Kind
from shared.messages import Phase

BROUGHT_WITHIN_M = 3.0
"""Somebody was so near when it came, or it is a ghost, a shadow or what the wind moved."""


class AbandonedObject:
    """A new thing that somebody brought lies for ``limit_s``, and for ``alone_s`` no person has been within
    ``near_m``. An act: told once; it ends when the thing is taken. In the ``container`` zone things may be
    left.
    """

    def __init__(self, spec: RuleSpec) -> None:
        self._spec = spec
        self._things = LeftThings(spec, BROUGHT_WITHIN_M, free="container")

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        lying, taken = self._things.step(view)
        sightings = [self._sighting(left, Phase.END, view) for left in taken if left.phase is not None]
        for left in lying:
            is_near = self._things.nearest_person_m(left, view) <= self._spec.limits["near_m"]
            left.alone_s = 0.0 if is_near else left.alone_s + view.elapsed_s
            if left.phase is None and self._is_abandoned(left, view):
                sightings.append(self._sighting(left, Phase.BEGIN, view))
        return sightings

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lies there."""
        self._things.retract(sighting)

    def stop(self) -> list[Sighting]:
        """Whether it stays is no longer known: nothing more is said of it."""
        return []

    def _is_abandoned(self, left: Left, view: View) -> bool:
        limits = self._spec.limits
        lay_s = (view.at_us - left.since_us) / 1e6
        is_long = lay_s >= limits["limit_s"] and left.alone_s >= limits["alone_s"]
        return is_long and left.is_sure and bool(left.actors) and view.is_seen(left.track)

    def _sighting(self, left: Left, phase: Phase, view: View) -> Sighting:
        limits, left.phase = self._spec.limits, phase
        reason = {
            "lay_s": (view.at_us - left.since_us) / 1e6,
            "limit_s": limits["limit_s"],
            # At the end somebody may stand by it: the time that made it an event is told.
            "alone_s": max(left.alone_s, limits["alone_s"]),
            "alone_limit_s": limits["alone_s"],
            "near_m": limits["near_m"],
        }
        return Sighting(
            Kind.ABANDONED_OBJECT, phase, left.thread, self._spec.place_id, left.track, 1, rounded(reason)
        )


def _was_abandoned(reason: dict[str, float]) -> bool:
    return reason["lay_s"] >= reason["limit_s"] and reason["alone_s"] >= reason["alone_limit_s"]


ABANDONED_OBJECT = RuleEntry(
    AbandonedObject,
    RuleForm(
        "zone",
        LEFT_CLASSES,
        {
            "limit_s": Parameter(60, 10, DAY_S),
            "alone_s": Parameter(30, 1, DAY_S),
            "near_m": Parameter(3, 0.5, 50),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        zones=("container",),
        needs_pixels=True,
        needs_statics=True,
    ),
    version=1,
    holds=_was_abandoned,
)
