"""What a blob that has settled in the picture is: a thing, the place of one that went, or only light."""

from enum import Enum

import numpy as np

from edge_agent.domain import patches
from edge_agent.domain.detection import Reals
from edge_agent.domain.patches import Mask

LEAST_CONTRAST = 6.0
"""Levels by which a thing differs from the ground at least."""
LEAST_RING = 12
"""Half-size pixels of the surroundings that must be seen."""
_TEXTURE = 0.9
"""Levels a half-size pixel: below it the ground has no texture to compare."""
_SAME_TEXTURE = 0.55
_STRONGER = 1.6
_SOFT = 0.12
"""A soft edge rises by less than this share of the contrast in a half-size pixel."""


class Nature(Enum):
    """What a settled blob turns out to be."""

    OBJECT = "object"
    GHOST = "ghost"
    """Something that belonged to the background has gone."""
    LIGHT = "light"
    STOOD = "stood"
    """A vehicle or person that the model knew and lost sight of."""
    UNCLEAR = "unclear"


def nature_of(before: Reals, now: Reals, mask: Mask, hidden: Mask) -> Nature:
    """What a settled blob is, from two half-size pictures of its surroundings, (h, w), levels.

    ``mask`` (h, w) is the blob, ``hidden`` (h, w) what something else stands before. Never ``STOOD``.
    """
    rim = patches.grown(mask, 1) & patches.grown(~mask, 2) & ~hidden
    ring = patches.grown(mask, 4) & ~patches.grown(mask, 2) & ~hidden
    mask = mask & ~hidden
    if int(ring.sum()) < LEAST_RING or not mask.any() or not rim.any():
        return Nature.UNCLEAR
    before = before * np.float32((np.median(now[ring]) + 8) / (np.median(before[ring]) + 8))
    contrast = float(np.abs(now - before)[mask].mean())
    if contrast < LEAST_CONTRAST:
        # The background has followed meanwhile.
        return Nature.LIGHT
    slopes_before, slopes_now = patches.gradients(before), patches.gradients(now)
    # Its outline is the light's as well as a thing's: the texture is compared within.
    inner = mask & ~patches.grown(~mask, 3)
    inner = inner if int(inner.sum()) >= LEAST_RING else mask
    texture, texture_now = (float(np.hypot(*slopes)[inner].mean()) for slopes in (slopes_before, slopes_now))
    # Light makes a texture stronger as it makes all brighter; a thing has one of its own.
    most = _STRONGER * texture * max(1.0, float(now[mask].mean()) / max(1.0, float(before[mask].mean())))
    is_comparable = texture > _TEXTURE and texture_now <= most + 1
    if is_comparable and patches.likeness(slopes_before, slopes_now, inner) > _SAME_TEXTURE:
        return Nature.LIGHT
    steps_before, steps_now = (_steps(slopes, mask, rim) for slopes in (slopes_before, slopes_now))
    if steps_before > steps_now:
        return Nature.GHOST
    return Nature.LIGHT if steps_now < _SOFT * contrast else Nature.OBJECT


def keeps_texture(before: Reals, now: Reals) -> Mask:
    """Which cells of two half-size pictures, (h, w), show the texture that they showed before: only the light
    is another. (h / 2, w / 2); each is judged with the cells around it."""
    slopes_before, slopes_now = patches.gradients(before), patches.gradients(now)

    def around(products: Reals) -> Reals:
        return patches.smoothed(patches.halved(products), 1)

    shared = around(slopes_before[0] * slopes_now[0] + slopes_before[1] * slopes_now[1])
    power, power_now = (around(right**2 + down**2) for right, down in (slopes_before, slopes_now))
    # A thing on a patch of its own size has the patch's outline, only far stronger than light makes it.
    brighter = np.maximum(1, around(now) / np.maximum(1, around(before)))
    is_as_strong = np.sqrt(power_now) <= _STRONGER * brighter * np.sqrt(power) + 1
    return (shared > _SAME_TEXTURE * np.sqrt(power * power_now)) & (power > _TEXTURE**2) & is_as_strong


def _steps(slopes: tuple[Reals, Reals], mask: Mask, rim: Mask) -> float:
    """How steep the brightness rises or falls across the outline, levels a pixel, all pieces of it together.

    In a piece of some pixels a texture's slopes, which run all ways, take each other out; an edge's do not.
    """
    across = patches.gradients(patches.smoothed(mask.astype(np.float32), 2))
    rise = (slopes[0] * across[0] + slopes[1] * across[1]) / (np.hypot(*across) + np.float32(1e-6))
    pieces = patches.smoothed(np.where(rim, rise, np.float32(0)), 3)
    weights = patches.smoothed(rim.astype(np.float32), 3)
    return float(np.abs(pieces[rim] / weights[rim]).mean())
