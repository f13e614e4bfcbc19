"""The rule ``asset_removed``: a listed thing's place no longer looks as it did."""

import math
from dataclasses import dataclass

import numpy as np

from edge_agent.domain import geometry, patches
from edge_agent.domain.detection import Frame, Reals
from edge_agent.domain.patches import Mask
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, region_track, rounded
from edge_agent.domain.scene import RuleSpec
from edge_agent.domain.statics import COVERING
from shared.kinds import Kind, ObjectClass
from shared.messages import Phase

PERIOD_S = 0.9
SMOOTH = 0.4
"""Share of the newest picture in the smoothed one: takes sensor noise and passers-by out."""
LEARN_SAMPLES = 3
"""So many pictures in a row that nothing hides are enough to know a place by, and to judge it again."""
COVERED_SHARE = 0.1
"""When tracked things hide more than this share of the place, nothing is said of it."""
AROUND = 0.5
"""The surroundings reach this share of the place's size beyond it."""
AROUND_ALIKE = 0.5
"""Surroundings less alike than this share of the usual have changed too: something stands before both, or it
is the light."""
_USUAL_SHARE = 0.1
PAUSE_S = 10.0
"""After a gap of this length, and after a blackout, the light may be another one."""
RELEARN_S = 900.0
FOLLOW_SHARE = 0.004
"""How fast a reference follows while it is alike: in four minutes, as daylight wanders. A young one is the
mean of all that it was alike to, lest what passed unseen while it was learned stays in it."""
SEEN_SHARE = 0.5
"""A thing gone before and after the place was hidden was gone meanwhile; but this share of the limit it was
seen to be gone."""
_LONGEST_LOOK_S = 2.0
"""A longer time between two looks was not seen."""
LEAST_TEXTURE = 1.5
"""Mean slope, levels per two pixels, below which a place is too plain to be recognised."""
MAX_LIGHTS = 3


@dataclass(slots=True, eq=False)
class _Look:
    """What the place looked like under one light; how like it the place and its surroundings are now. Equal
    is only a look to itself: planes have no one truth."""

    plane: Reals
    place: float = 0.0
    around: float = 0.0
    usual: float | None = None
    """How like they are while the place is itself: noise takes some of it. None: it never yet was."""
    samples: int = LEARN_SAMPLES

    @property
    def is_strange_around(self) -> bool:
        return self.usual is not None and self.around < AROUND_ALIKE * self.usual

    def confirm(self, now: Reals) -> None:
        """The place is itself: follow it."""
        self.samples += 1
        self.plane += np.float32(max(FOLLOW_SHARE, 1 / self.samples)) * (now - self.plane)
        usual = self.around if self.usual is None else self.usual
        self.usual = usual + _USUAL_SHARE * (self.around - usual)


class AssetRemoved:
    """The zone around a listed thing has looked unlike its reference (correlation of its gradients below
    ``least_match``) for ``limit_s``, while its surroundings look as ever and nothing known hides it; being
    hidden in between does not end that. An act: told once; it ends when the thing is back.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._corners = spec.zone.polygon_px
        self._place: Mask | None = None
        self._around: Mask | None = None
        self._looks: list[_Look] = []
        self._smooth: Reals | None = None
        self._samples = 0
        self._at_us = 0
        self._gone_at_us: int | None = None
        self._gone_s = 0.0
        self._seen_s = 0.0
        self._strange_s = 0.0
        self._is_new_light = False
        self._told: Sighting | None = None

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        if view.frame is None or view.at_us - self._at_us < PERIOD_S * 1e6:
            return []
        elapsed_s, self._at_us = (view.at_us - self._at_us) / 1e6, view.at_us
        if elapsed_s > PAUSE_S:
            self._smooth, self._samples, elapsed_s, self._is_new_light = None, 0, 0.0, True
        if self._is_covered(view):
            self._smooth, self._samples = None, 0
            return []
        plane = self._cut(view.frame)
        self._smooth = plane if self._smooth is None else self._smooth + SMOOTH * (plane - self._smooth)
        self._samples += 1
        return self._judge(self._smooth, elapsed_s, view) if self._samples >= LEARN_SAMPLES else []

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it is gone."""
        if self._told is not None and self._told.thread == sighting.thread:
            self._told = None

    def stop(self) -> list[Sighting]:
        """Whether it comes back is no longer known: nothing more is said of it."""
        return []

    def _judge(self, now: Reals, elapsed_s: float, view: View) -> list[Sighting]:
        if not self._looks:
            self._looks.append(_Look(now.copy()))
            return []
        look = self._best_look(now)
        if look.place >= self._spec.limits["least_match"]:
            look.confirm(now)
            self._forget_gone()
            self._strange_s, self._is_new_light = 0.0, False
            told, self._told = self._told, None
            return [told._replace(phase=Phase.END)] if told else []
        if look.usual is None:
            # Learned while something passed unseen: it never was what the place looks like.
            self._looks.remove(look)
            self._is_new_light = True
        elif look.is_strange_around:
            self._gone_at_us = None
            self._meet_strange(now, elapsed_s)
        elif self._is_gone_for_long(view.at_us) and self._told is None:
            self._told = self._sighting(look, view)
            return [self._told]
        return []

    def _is_gone_for_long(self, at_us: int) -> bool:
        """Seen to be gone now: whether that is so for the limit."""
        span_s = 0.0 if self._gone_at_us is None else (at_us - self._gone_at_us) / 1e6
        self._gone_at_us, self._is_new_light = at_us, False
        self._gone_s += span_s
        self._seen_s += min(span_s, _LONGEST_LOOK_S)
        limit_s = self._spec.limits["limit_s"]
        return self._gone_s >= limit_s and self._seen_s >= SEEN_SHARE * limit_s

    def _forget_gone(self) -> None:
        self._gone_at_us, self._gone_s, self._seen_s = None, 0.0, 0.0

    def _meet_strange(self, now: Reals, elapsed_s: float) -> None:
        """All of it looks strange: after a pause it is another light, else something large stands there."""
        self._strange_s += elapsed_s
        if not self._is_new_light and self._strange_s < RELEARN_S:
            return
        self._looks = [_Look(now.copy()), *self._looks[: MAX_LIGHTS - 1]]
        self._is_new_light, self._strange_s = False, 0.0
        self._forget_gone()

    def _best_look(self, now: Reals) -> _Look:
        """The look that the place and its surroundings are most like, with how like they are."""
        assert self._place is not None
        assert self._around is not None
        slopes = patches.gradients(now)
        for look in self._looks:
            before = patches.gradients(look.plane)
            steep = np.hypot(*before)
            look.place = 1.0
            if float(steep[self._place].mean()) >= LEAST_TEXTURE:
                look.place = patches.likeness(before, slopes, self._place)
            if self._around.any() and float(steep[self._around].mean()) >= LEAST_TEXTURE:
                look.around = patches.likeness(before, slopes, self._around)
            else:
                look.around = -1.0 if self._is_new_light else 1.0
        return max(self._looks, key=lambda look: look.place + look.around)

    def _is_covered(self, view: View) -> bool:
        low, high = (np.array(ends) for ends in self._bounds())
        hidden = 0.0
        for track in view.of(COVERING):
            sides = np.minimum(high, track.box[2:]) - np.maximum(low, track.box[:2])
            hidden += float(np.prod(np.maximum(0.0, sides)))
        return hidden > COVERED_SHARE * float(np.prod(high - low))

    def _bounds(self) -> tuple[list[float], list[float]]:
        """Left and top, right and bottom of the place, pixels."""
        return self._corners.min(0).tolist(), self._corners.max(0).tolist()

    def _cut(self, frame: Frame) -> Reals:
        """The half-size picture of the place and its surroundings, levels; draws the mask at first."""
        low, high = self._bounds()
        margins = [max(8.0, AROUND * (b - a)) for a, b in zip(low, high, strict=True)]
        left, top = (max(0, int((a - m) // 8) * 8) for a, m in zip(low, margins, strict=True))
        right, bottom = (math.ceil((b + m) / 8) * 8 for b, m in zip(high, margins, strict=True))
        half = patches.half_plane(frame.luma[top:bottom, left:right])
        if self._place is None:
            rows, columns = (int(side) for side in half.shape)
            points = np.array(
                [(left + 2 * n + 1, top + 2 * m + 1) for m in range(rows) for n in range(columns)], np.float64
            )
            self._place = (geometry.depth_in_polygon(points, self._corners) >= 0).reshape(half.shape)
            # The thing's own edges belong to it.
            self._around = ~patches.grown(self._place, 3)
        return half * np.float32(0.25)

    def _sighting(self, look: _Look, view: View) -> Sighting:
        reason = {
            "match": look.place,
            "least_match": self._spec.limits["least_match"],
            "gone_s": self._gone_s,
            "limit_s": self._spec.limits["limit_s"],
        }
        box = np.concatenate([self._corners.min(0), self._corners.max(0)]).astype(np.float32)
        since_us = view.at_us - round(self._gone_s * 1e6)
        track = region_track(box, view.at_us, since_us=since_us, object_class=ObjectClass.OBJECT)
        return Sighting(
            Kind.ASSET_REMOVED, Phase.BEGIN, view.at_us, self._spec.place_id, track, 0, rounded(reason)
        )


def _was_removed(reason: dict[str, float]) -> bool:
    return reason["match"] <= reason["least_match"] and reason["gone_s"] >= reason["limit_s"]


ASSET_REMOVED = RuleEntry(
    AssetRemoved,
    RuleForm(
        "zone",
        frozenset(),
        {
            "limit_s": Parameter(60, 5, DAY_S),
            "least_match": Parameter(0.5, 0.1, 0.95),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        needs_pixels=True,
    ),
    version=2,
    holds=_was_removed,
)
