"""The rule ``camera_tampered``: the camera gives pictures, and they say nothing of its scene any more."""

import math
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from edge_agent.domain.lens import Lens, Look
from edge_agent.domain.rules.form import DAY_S, WHOLE_PICTURE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, region_track, rounded
from edge_agent.domain.scene import RuleSpec
from shared.kinds import Kind
from shared.messages import Phase

PERIOD_S = 0.9
"""A look costs more than the motion gate: once a second is enough for what must last half a minute."""
DOUBT_S = 4.0
"""A suspicion that lasts so long is reason not to trust the picture, though not yet to tell of it."""
WAVER_S = 3.0
"""A suspicion survives looks that do not share it for so long; what was told of ends after ``OVER_S``."""
OVER_S = 10.0
UNSEEN_S = 60.0
"""Longer than the rarest key frames are apart: what happened between two looks farther apart is not known."""

DARK_LEVEL, DIMMED_LEVELS = 28.0, 15.0
"""A picture below the first, which was brighter by the second two minutes ago: night falls more slowly."""
WHITE_SHARE = 0.8
BLUR = 0.2
"""Of the usual sharpness. A lens out of focus by 2 px keeps 0.05 to 0.3, rain and fog 0.35 and more."""
KEPT_SHARE = 0.15
"""Of the recognisable blocks. Dusk, snow and a lorry before the camera keep 0.2 and more."""
BARE_DETAIL = 0.35
"""Of the usual detail, where nothing of the scene is left: what covers a lens is too near to be sharp."""
VEILED_DETAIL = 0.15
"""Of the detail of the last quarter of an hour, while the scene shimmers through: spray, a thin bag."""
LEAST_SAME_LOOKS = 10


class Cause(IntEnum):
    """What is wrong, as the reason's number ``cause``."""

    DARK = 1
    BRIGHT = 2
    BLURRED = 3
    COVERED = 4
    MOVED = 5
    FROZEN = 6


class _Symptom(NamedTuple):
    """A cause, with the number that speaks for it and the bound that this number is below or above."""

    cause: Cause
    value: float
    bound: float


ABOVE = frozenset({Cause.BRIGHT, Cause.FROZEN})
"""For these ``value`` reaches ``bound`` from below, for the others from above."""


class CameraTampered:
    """The picture is dark, burnt out, blurred, covered, of another scene, or stands still for ``limit_s``.

    A state. It judges the camera itself: also while the other rules pause, as they do while it doubts.
    A frozen picture is one that does not change by the least noise for ``frozen_s`` while pictures come.
    """

    def __init__(self, spec: RuleSpec) -> None:
        self._spec = spec
        self._lens = Lens()
        self._looked_us: int | None = None
        self._since_us: int | None = None
        """Of the first look that shared the present suspicion."""
        self._calm_us: int | None = None
        """Of the first good look after the last bad one."""
        self._seen: Counter[Cause] = Counter()
        self._told: _Symptom | None = None

    @property
    def doubts(self) -> bool:
        """Whether what the picture shows is not to be trusted now."""
        if self._told is not None:
            return True
        if self._since_us is None or self._looked_us is None:
            return False
        return self._looked_us - self._since_us >= DOUBT_S * 1e6

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        motion, frame = view.motion, view.frame
        if frame is None or motion is None or motion.means is None:
            return []
        waited_s = math.inf if self._looked_us is None else (view.at_us - self._looked_us) / 1e6
        if 0 <= waited_s < PERIOD_S and not motion.is_switch:
            return []
        self._looked_us = view.at_us
        if UNSEEN_S < waited_s < math.inf:
            self._forget_suspicion()
        is_doubtful = self._since_us is not None and self._calm_us is None
        look = self._lens.observe(
            frame.luma, motion.means, view.at_us, is_infrared=motion.is_infrared, is_doubtful=is_doubtful
        )
        symptom = next(self._symptoms(look), None)
        return self._calm(view) if symptom is None else self._suspect(symptom, view)

    def _forget_suspicion(self) -> None:
        """Nobody looked for a while: a suspicion did not last through it, and the scene is learned anew."""
        self._lens.interrupt()
        if self._told is None:
            self._since_us = self._calm_us = None
            self._seen.clear()

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lasts."""
        if sighting.phase is Phase.BEGIN:
            self._told = None

    def stop(self) -> list[Sighting]:
        """Whether it lasts is no longer known: nothing more is said of it."""
        return []

    def remember(self) -> dict[str, Any]:
        """What was told of, and how the scene usually is."""
        detail = self._lens.usual_detail
        return {
            "told": list(self._told) if self._told else None,
            "since_us": self._since_us,
            "detail": round(detail, 2) if detail > 0 else None,
            "sharpness": {str(int(k)): round(v, 2) for k, v in self._lens.sharpness().items()},
        }

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on from what ``remember`` gave: what was told of ends when the picture is good."""
        if memory["told"] is not None:
            cause, value, bound = memory["told"]
            self._told = _Symptom(Cause(int(cause)), float(value), float(bound))
            self._since_us = int(memory["since_us"])
        if memory["detail"] is not None:
            self._lens.usual_detail = float(memory["detail"])
        self._lens.carried_sharpness = {k == "1": float(v) for k, v in memory["sharpness"].items()}

    def _symptoms(self, look: Look) -> Iterator[_Symptom]:
        """What the look speaks for, the surest first. Comparisons with nan are false."""
        is_new_dark = (
            self._told is not None and self._told.cause is Cause.DARK
        ) or look.dimmed >= DIMMED_LEVELS
        if look.level <= DARK_LEVEL and is_new_dark:
            yield _Symptom(Cause.DARK, look.level, DARK_LEVEL)
        if look.white >= WHITE_SHARE:
            yield _Symptom(Cause.BRIGHT, look.white, WHITE_SHARE)
        if look.level > DARK_LEVEL:
            yield from self._veils(look)
        if look.same_s >= self._spec.limits["frozen_s"] and look.same_looks >= LEAST_SAME_LOOKS:
            yield _Symptom(Cause.FROZEN, look.same_s, self._spec.limits["frozen_s"])

    @staticmethod
    def _veils(look: Look) -> Iterator[_Symptom]:
        """What is before the lens, or where it points to now."""
        is_lost = look.kept <= KEPT_SHARE
        may_be_lost = is_lost or math.isnan(look.kept)
        if may_be_lost and look.detail <= BARE_DETAIL:
            yield _Symptom(Cause.COVERED, look.detail, BARE_DETAIL)
        if look.faded <= VEILED_DETAIL:
            yield _Symptom(Cause.COVERED, look.faded, VEILED_DETAIL)
        if may_be_lost and look.sharpness <= BLUR:
            yield _Symptom(Cause.COVERED, look.sharpness, BLUR)
        if is_lost:
            yield _Symptom(Cause.MOVED, look.kept, KEPT_SHARE)
        if look.sharpness <= BLUR:
            yield _Symptom(Cause.BLURRED, look.sharpness, BLUR)

    def _suspect(self, symptom: _Symptom, view: View) -> list[Sighting]:
        self._calm_us = None
        if self._since_us is None:
            self._since_us = view.at_us
        self._seen[symptom.cause] += 1
        is_due = (view.at_us - self._since_us) / 1e6 >= self._spec.limits["limit_s"]
        is_main = self._seen.most_common(1)[0][0] is symptom.cause
        if self._told is not None or not (symptom.cause is Cause.FROZEN or (is_due and is_main)):
            return []
        self._told = symptom
        return [self._sighting(Phase.BEGIN, symptom, view)]

    def _calm(self, view: View) -> list[Sighting]:
        """The picture is good, at least in this look."""
        if self._since_us is None:
            return []
        self._calm_us = view.at_us if self._calm_us is None else self._calm_us
        if view.at_us - self._calm_us < (WAVER_S if self._told is None else OVER_S) * 1e6:
            return []
        if self._told is not None and not self._lens.is_proven:
            return []
        ended = [] if self._told is None else [self._sighting(Phase.END, self._told, view)]
        self._since_us = self._calm_us = self._told = None
        self._seen.clear()
        return ended

    def _sighting(self, phase: Phase, symptom: _Symptom, view: View) -> Sighting:
        assert view.frame is not None
        assert self._since_us is not None
        is_frozen = symptom.cause is Cause.FROZEN
        reason = {
            "cause": float(symptom.cause),
            "value": symptom.value,
            "bound": symptom.bound,
            "lasted_s": (view.at_us - self._since_us) / 1e6,
            "limit_s": 0.0 if is_frozen else self._spec.limits["limit_s"],
        }
        box = np.array([0, 0, view.frame.width, view.frame.height], np.float32)
        region = region_track(box, view.at_us, since_us=self._since_us)
        return Sighting(Kind.CAMERA_TAMPERED, phase, 0, self._spec.place_id, region, 0, rounded(reason))


def _was_tampered(reason: dict[str, float]) -> bool:
    cause = int(reason["cause"])
    if cause not in list(Cause):
        return False
    is_beyond = reason["value"] >= reason["bound"] if cause in ABOVE else reason["value"] <= reason["bound"]
    return is_beyond and reason["lasted_s"] >= reason["limit_s"]


CAMERA_TAMPERED = RuleEntry(
    CameraTampered,
    RuleForm(
        WHOLE_PICTURE,
        frozenset(),
        {
            "limit_s": Parameter(30, 5, DAY_S),
            "frozen_s": Parameter(60, 20, DAY_S),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        needs_pixels=True,
        is_everywhere=True,
        is_watchman=True,
    ),
    version=2,
    holds=_was_tampered,
)
