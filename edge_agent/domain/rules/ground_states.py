"""The rules ``dump``, ``standing_water`` and ``snow_not_cleared``: ground that differs from how it looked
before in the same light."""

from collections.abc import Callable
from typing import Any

import numpy as np

from edge_agent.domain.conditions import Light, Weather
from edge_agent.domain.detection import Frame, Reals
from edge_agent.domain.ground_look import GroundGrid, Look, References, grid_over
from edge_agent.domain.patches import Mask, blobs, grown
from edge_agent.domain.rules.form import Parameter, RuleEntry, RuleForm, TaughtStates
from edge_agent.domain.rules.sighting import View
from edge_agent.domain.rules.slow import IN_FRONT, Sample, SlowState, enough_samples, sampling
from edge_agent.domain.rules.taught import NOTHING, TaughtEye
from edge_agent.domain.scene import RuleSpec

LEAST_SEEN = 0.6
"""Share of the zone that nothing stands before; with less it is not judged."""
WHOLE_SHARE = 0.6
"""When more of the zone than this is different, it is snow, rain or a moved camera, not a thing."""
RELEARN_SAMPLES = 36
"""So many looks in a row at a wholly different zone: that is how it looks now."""
CLEAR_SHARE = 0.5
"""The second threshold: clean is what is below this share of the limit."""
LEAST_CELLS = 3
STEP, COLOUR_STEP = 18.0, 12.0
"""Levels of brightness and colour by which a cell must differ; light alone is taken out before."""
_DARKEST, _SHADE = 0.3, 0.93
"""A shadow, or wetness, leaves this share of the light, and leaves colour and texture as they were."""
_GLARE = 225.0
"""White is 235 in a camera's picture: from here on it is burnt out, and shows nothing."""
_LIT_SHARES = (0.5, 0.75)
_BARED_SHARE = 0.6
_EDGE_CELLS = 2
"""Where a shadow's edge runs between cells, so many of them have both light and shade in them."""
_MIXED = 1.3
"""Steps and noise beside the edge may add so much to the contrast of light and shade in one cell."""
_PROVED_SHARE = 0.25
"""A mirror lies over smooth ground too, where no texture can be lost: so much of it must have lost some."""
_MIRROR, _BLACK_MIRROR = 1.3, 0.55
_PALE, _SNOW_LUMA, _WATER_COLOUR = 9.0, 185.0, 20.0

Judge = Callable[[Look, Look, Mask], Mask]
"""Which of the cells that both looks show are bad: the look, its reference, those cells."""


class GroundEye:
    """Compares the zone with how it looked before in the same light, and measures what differs, m2."""

    name, limit_name = "area_m2", "limit_m2"
    whole_share = WHOLE_SHARE
    unfair = frozenset({Weather.RAIN, Weather.SNOW, Weather.FOG})
    """In this weather it does not judge."""
    needs_same_light = True
    """Shadows move: only what was seen in the same light can show that something is bad."""

    def __init__(self, spec: RuleSpec, judge: Judge) -> None:
        assert spec.zone is not None
        self._polygon_px = spec.zone.polygon_px
        self._limits = spec.limits
        self._judge = judge
        self._references = References()
        self._grid: GroundGrid | None = None
        self._areas_m2 = np.zeros((0, 0))
        self._was_clean = True
        self._strange = 0

    def look(self, view: View, is_open: bool) -> Sample | None:
        """See ``Eye``. A light that was not seen before is learned; it counts for nothing until then."""
        if view.frame is None or view.conditions.weather in self.unfair:
            return None
        grid = self._ready(view, view.frame)
        bad = self._compare(view, view.frame, grid, is_open)
        if bad is None:
            return None
        amount, limit = self.amount(bad), self._limits[self.limit_name]
        is_bad = True if amount >= limit else None if not self._was_clean else False
        return Sample(
            is_bad, {self.name: amount, self.limit_name: limit}, grid.box(bad) if bad.any() else None
        )

    def amount(self, bad: Mask) -> float:
        """How much these cells are, in the unit of the limit."""
        return float(self._areas_m2[bad].sum())

    def remember(self) -> dict[str, Any]:
        """See ``Eye``."""
        return {"looks": self._references.remember(), "was_clean": self._was_clean}

    def recall(self, memory: dict[str, Any]) -> None:
        """See ``Eye``."""
        self._references.recall(memory["looks"])
        self._was_clean = bool(memory["was_clean"])

    def _ready(self, view: View, frame: Frame) -> GroundGrid:
        if self._grid is None:
            self._grid = grid_over(self._polygon_px, frame.width, frame.height)
            self._areas_m2 = self._grid.areas_m2(view.ground, self._limits.get("zone_m2", 0.0))
            self._references.keep_only(self._grid.inside.shape)
        return self._grid

    def _compare(self, view: View, frame: Frame, grid: GroundGrid, is_open: bool) -> Mask | None:
        """The cells that are bad, (R, C); None when the zone cannot be compared now."""
        conditions = view.conditions
        covers = [track.box for track in view.of(IN_FRONT)]
        is_day = conditions.light is Light.DAY
        look = grid.look(frame, covers, is_day=is_day, is_infrared=conditions.is_infrared)
        if look.seen.sum() < LEAST_SEEN * grid.inside.sum():
            return None
        known = self._references.nearest(look)
        matched = [one for one in known if one.distance(look) <= 1]
        bad = self._bad(look, matched or known)
        if bad is None or (matched and self._is_strange(look, bad, is_open)):
            return self._learn_first(look, is_open) if bad is None else None
        is_clean = self.amount(bad) < CLEAR_SHARE * self._limits[self.limit_name]
        # What is as it was is clean in any light; what is not may be the light.
        if not matched and not is_clean and self.needs_same_light:
            return self._learn_first(look, is_open)
        self._was_clean = is_clean
        if is_clean and not is_open:
            self._references.learn(look, bad)
        return bad

    def _bad(self, look: Look, known: list[Look]) -> Mask | None:
        """The cells that are bad measured by each of ``known``; None without any."""
        masks = [self._judge(look, one, look.seen & one.seen) for one in known[:3]]
        return _whole(np.logical_and.reduce(masks)) if masks else None

    def _learn_first(self, look: Look, is_open: bool) -> None:
        """Take a light that is not known yet as it is, as long as all was well before."""
        if not is_open and self._was_clean:
            self._references.learn(look, np.zeros_like(look.seen))

    def _is_strange(self, look: Look, bad: Mask, is_open: bool) -> bool:
        """Whether the zone as a whole is another one; after long enough that is how it looks."""
        is_strange = bool(bad.sum() > self.whole_share * max(1, look.seen.sum()))
        self._strange = self._strange + 1 if is_strange else 0
        if self._strange >= RELEARN_SAMPLES and not is_open:
            self._references.forget()
            self._strange = 0
        return is_strange


class WaterEye(GroundEye):
    """Measures where the texture of the ground is gone: shadows do not take it."""

    needs_same_light = False

    def __init__(self, spec: RuleSpec) -> None:
        super().__init__(spec, flooded)


class SnowEye(GroundEye):
    """Measures the share of the zone that is white, and how long ago the snow fell."""

    name, limit_name = "share", "limit_share"
    whole_share = 1.0
    unfair = frozenset({Weather.RAIN, Weather.SNOW})
    """Not fog: a street under snow is as pale as one in fog."""
    needs_same_light = False

    def __init__(self, spec: RuleSpec) -> None:
        super().__init__(spec, snowed)
        self._fell_us: int | None = None
        """When snow was last seen to fall or to lie anew; None while the ground is bare."""

    def amount(self, bad: Mask) -> float:
        """The share of the zone."""
        inside = 0 if self._grid is None else int(self._grid.inside.sum())
        return float(bad.sum()) / max(1, inside)

    def look(self, view: View, is_open: bool) -> Sample | None:
        """See ``Eye``: by daylight; snow counts as bad once it has lain for so many hours."""
        if view.conditions.weather is Weather.SNOW:
            self._fell_us = view.at_us
        if view.conditions.light is not Light.DAY:
            return None
        sample = super().look(view, is_open)
        if sample is None or sample.is_bad is None:
            return sample
        if not sample.is_bad:
            self._fell_us = None
            return sample
        self._fell_us = view.at_us if self._fell_us is None else self._fell_us
        lay_h = (view.at_us - self._fell_us) / 3.6e9
        numbers = sample.numbers | {"lay_h": lay_h, "limit_h": self._limits["limit_h"]}
        return Sample(True if lay_h >= self._limits["limit_h"] else None, numbers, sample.box)

    def remember(self) -> dict[str, Any]:
        """See ``Eye``."""
        return super().remember() | {"fell_us": self._fell_us}

    def recall(self, memory: dict[str, Any]) -> None:
        """See ``Eye``."""
        super().recall(memory)
        self._fell_us = None if memory["fell_us"] is None else int(memory["fell_us"])


def _lit_alike(look: Look, known: Look, both: Mask, share: float = 0.5) -> float:
    """By how much the light is stronger than it was, where ``share`` of the ground is lit less."""
    ratio = look.luma[both] / np.maximum(known.luma[both], 4)
    return float(np.clip(np.quantile(ratio, share), 0.4, 2.5)) if ratio.size else 1.0


def _colour_change(look: Look, known: Look, both: Mask) -> Reals:
    """How far the colour has moved, levels, without what moved everywhere; 0 in infrared."""
    if look.is_infrared or not both.any():
        return np.zeros_like(look.luma)
    du, dv = look.u - known.u, look.v - known.v
    return np.abs(du - np.median(du[both])) + np.abs(dv - np.median(dv[both]))


def strewn(look: Look, known: Look, both: Mask) -> Mask:
    """Cells on which something lies that was not there: another brightness, colour or texture, no shadow, no
    wetness, no water, no snow, no glare, and no bare ground where something was."""
    colour = _colour_change(look, known, both)
    # With half of the zone in the shade either half may be what it was.
    bad = both & (look.luma < _GLARE)
    for share in _LIT_SHARES:
        bad &= _differs(look, known, colour, _lit_alike(look, known, both, share))
    is_pale = np.abs(look.u - 128) + np.abs(look.v - 128) < _PALE
    is_snow = is_pale & (look.luma > _SNOW_LUMA) & (look.spread < known.spread + 3)
    return _without_bared(bad & ~is_snow, look, known)


def _without_bared(bad: Mask, look: Look, known: Look) -> Mask:
    """Without the places from which something was taken: they were the more varied before."""
    kept = bad.reshape(-1).copy()
    now, before = look.spread.reshape(-1), known.spread.reshape(-1)
    for part in blobs(bad):
        if now[part].mean() < _BARED_SHARE * before[part].mean():
            kept[part] = False
    return kept.reshape(bad.shape)


def _differs(look: Look, known: Look, colour: Reals, gain: float) -> Mask:
    """Cells that are not what they were in ``gain`` times the light, nor that in a shadow or wet."""
    texture = look.spread / gain
    differs = np.abs(look.luma / gain - known.luma) > STEP
    differs |= (colour > COLOUR_STEP) | (texture > 1.6 * known.spread + 4)
    left = look.luma / np.maximum(known.luma * gain, 4)
    # The ground's texture is dimmed with it, noise and snowflakes are not: what it is lies between the two.
    fullest, least = texture / np.clip(left, 0.1, 1), texture
    allowed = 3 + 0.5 * known.spread
    is_alike = (fullest > known.spread - allowed) & (least < known.spread + allowed)
    is_dimmed = (left > _DARKEST) & (left < _SHADE)
    is_shaded = is_dimmed & is_alike & (np.minimum(colour, _colour_in_shade(look, known, left)) < COLOUR_STEP)
    is_smoothed = (texture < 0.5 * known.spread) & (colour < _WATER_COLOUR)
    is_edge = _on_edge(look, known, left, is_shaded, ~differs)
    return differs & ~is_shaded & ~is_smoothed & ~(is_edge & (colour < COLOUR_STEP))


def _colour_in_shade(look: Look, known: Look, left: Reals) -> Reals:
    """How far the colour is from what it was, levels, were it to pale with the light as in a shadow."""
    pale = np.clip(left, 0, 1)
    return np.abs(look.u - 128 - pale * (known.u - 128)) + np.abs(look.v - 128 - pale * (known.v - 128))


def _on_edge(look: Look, known: Look, left: Reals, shaded: Mask, lit: Mask) -> Mask:
    """Cells in which a shadow ends: between shaded and lit ones, and of no more contrast than light and shade
    of that strength make side by side. Of a mean m between the shade s and 1 that is at most
    sqrt((1 - m) (m - s)) of the brightness."""
    if not shaded.any():
        return np.zeros_like(shaded)
    depth = float(np.quantile(left[shaded], 0.25))
    mixed = (
        np.sqrt(np.clip((1.05 - left) * (left - depth + 0.05), 0, None)) * look.luma / np.maximum(left, 0.1)
    )
    is_between = grown(shaded, _EDGE_CELLS) & grown(lit & (left > _SHADE), _EDGE_CELLS)
    return is_between & (look.spread < _MIXED * mixed + 1.6 * known.spread + 4)


def flooded(look: Look, known: Look, both: Mask) -> Mask:
    """Cells whose texture is gone under a mirror. Wet asphalt keeps its texture; glare is burnt out."""
    gain = _lit_alike(look, known, both)
    noise = float(np.quantile(look.spread[both], 0.05)) if both.any() else 0.0
    is_textured = known.spread > 1.5 * noise
    colour, bright = _colour_change(look, known, both), look.luma / gain
    # A shadow by day dims the texture as it dims the ground: only what is lost beyond that is lost.
    light = np.clip(bright / np.maximum(known.luma, 4), 0.1, 1) if look.is_day else 1.0
    is_smooth = look.spread / (gain * light) < np.maximum(0.65 * known.spread, noise + 0.5)
    differs = (np.abs(bright - known.luma) > STEP / 2) | (colour > COLOUR_STEP / 2)
    wet = both & is_textured & is_smooth & differs
    if not look.is_day:
        # By night the texture is lost in noise, and no shadow moves: what mirrors the lamps is brighter. What
        # mirrors the camera's own light sends it away: it is nearly black, as wet asphalt is not.
        mirrors = bright > np.maximum(_MIRROR * known.luma, known.luma + STEP)
        if look.is_infrared:
            mirrors |= bright < np.minimum(_BLACK_MIRROR * known.luma, known.luma - STEP)
        wet |= both & mirrors & (look.spread < 1.3 * known.spread + 1)
    # What is darker by day may be shade: only what is brighter is taken along with what is proved.
    brighter = bright - known.luma if not look.is_infrared else np.abs(bright - known.luma)
    is_even = both & (look.spread / gain < noise + 2) & (brighter > STEP)
    return _rest_of_mirror(wet, is_even, look) & (look.luma < _GLARE)


def _rest_of_mirror(wet: Mask, even: Mask, look: Look) -> Mask:
    """What is proved to be water, and what lies with it and is as smooth and as bright."""
    whole = wet.reshape(-1).copy()
    luma = look.luma.reshape(-1)
    for part in blobs(wet | even):
        proved = whole[part]
        if proved.mean() >= _PROVED_SHARE:
            whole[part] = proved | (np.abs(luma[part] - np.median(luma[part][proved])) < STEP)
    return whole.reshape(wet.shape)


def snowed(look: Look, known: Look, both: Mask) -> Mask:
    """Cells that are white now and were not."""
    pale = (np.abs(look.u - 128) < _PALE) & (np.abs(look.v - 128) < _PALE)
    return both & pale & (look.luma > known.luma + 25) & (look.luma > 120)


def _whole(bad: Mask) -> Mask:
    """Without specks and thin lines: they are noise, and the edges of shadows."""
    rows, columns = bad.shape
    padded = np.pad(bad, 1).astype(np.int8)
    around = sum(padded[dy : dy + rows, dx : dx + columns] for dy in range(3) for dx in range(3))
    thick = bad & (np.asarray(around) > LEAST_CELLS)
    kept = np.zeros(bad.size, np.bool_)
    for part in blobs(thick):
        if len(part) >= LEAST_CELLS:
            kept[part] = True
    return kept.reshape(bad.shape)


class Dump(SlowState):
    """New things lie on ``limit_m2`` of the zone for longer than an hour."""

    def __init__(self, spec: RuleSpec) -> None:
        super().__init__(spec, GroundEye(spec, strewn))


class StandingWater(SlowState):
    """Water stands on ``limit_m2`` of the zone: the texture of the ground is gone there; or the taught state
    says so."""

    def __init__(self, spec: RuleSpec) -> None:
        super().__init__(spec, WaterEye(spec) if spec.states is None else TaughtEye(spec, WATER))


class SnowNotCleared(SlowState):
    """White for ``limit_h`` hours since the snow fell."""

    def __init__(self, spec: RuleSpec) -> None:
        super().__init__(spec, SnowEye(spec))


WATER = TaughtStates(frozenset({"water"}), frozenset({"dry", "ok", "wet"}), is_required=False)
_ZONE_M2 = {"zone_m2": Parameter(0, 0, 100_000)}
"""The zone's area; 0 takes it from the calibration."""


def _is_enough(reason: dict[str, float]) -> bool:
    return enough_samples(reason) and reason.get("area_m2", 0.0) >= reason.get("limit_m2", 0.0)


def _lay_too_long(reason: dict[str, float]) -> bool:
    is_white = reason["share"] >= reason["limit_share"]
    return enough_samples(reason) and is_white and reason["lay_h"] >= reason["limit_h"]


DUMP = RuleEntry(
    Dump,
    RuleForm(
        "zone",
        NOTHING,
        sampling(600, 4, 6) | {"limit_m2": Parameter(1, 0.1, 10_000)} | _ZONE_M2,
        needs_pixels=True,
        shows_end=True,
    ),
    version=2,
    holds=_is_enough,
)
STANDING_WATER = RuleEntry(
    StandingWater,
    RuleForm(
        "zone",
        NOTHING,
        sampling(150, 4, 5) | {"limit_m2": Parameter(5, 0.5, 10_000)} | _ZONE_M2,
        states=WATER,
        needs_pixels=True,
        shows_end=True,
    ),
    version=2,
    holds=_is_enough,
)
SNOW_NOT_CLEARED = RuleEntry(
    SnowNotCleared,
    RuleForm(
        "zone",
        NOTHING,
        sampling(1800, 3, 4) | {"limit_h": Parameter(6, 0, 240), "limit_share": Parameter(0.4, 0.05, 1)},
        needs_pixels=True,
        shows_end=True,
    ),
    version=1,
    holds=_lay_too_long,
)
