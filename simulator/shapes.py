"""Solids small enough to draw by hand: flat faces and tapered capsules, turned, lit and projected in one
go."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.camera import NEAR_M, Array, Camera

Colour = tuple[float, ...]
"""Blue, green, red; 0–255."""


class Faces(NamedTuple):
    """Convex polygons of one corner count in a thing's own axes (forward, left, up), metres."""

    corners: Array
    """(F, K, 3); counter-clockwise seen from outside."""
    colours: Array
    """(F, 3) BGR."""
    layers: NDArray[np.int64]
    """(F,): a higher layer is drawn over a lower one of the same thing."""
    gloss: Array
    """(F,) 0–1: how much of the sky the face mirrors."""
    glow: Array
    """(F,) 0–1: shines by itself at night."""


class Capsules(NamedTuple):
    """Tapered round bars in a thing's own axes, metres."""

    ends: Array
    """(C, 2, 3)."""
    radii: Array
    """(C, 2)."""
    colours: Array
    """(C, 3) BGR."""


class Illumination(NamedTuple):
    """The light at one place."""

    sun: Array
    """(3,) unit vector to the sun."""
    sun_colour: Array
    """(3,) BGR factors; zeros when there is none."""
    sky_colour: Array
    """(3,) BGR factors of what comes from everywhere."""


class Polygons(NamedTuple):
    """What is drawn of a thing, far to near."""

    points: list[Array]
    """Each (K, 2) px."""
    colours: Array
    """(P, 3) BGR, lit."""
    glow: Array
    """(P,)."""
    depth_m: float
    """Mean depth, for the painter's order."""


_ROUND = 7
_PLAIN_PX = 2.2
"""What is thinner has no bright side worth drawing."""
_HALF = np.linspace(-np.pi / 2, np.pi / 2, _ROUND)


def turned(points: Array, heading_rad: float, place: Array) -> Array:
    """Points (…, 3) of a thing's own axes → world, for a heading counter-clockwise from east."""
    c, s = np.cos(heading_rad), np.sin(heading_rad)
    matrix = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    return points @ matrix + place


def draw_faces(
    faces: Faces, corners: Array, camera: Camera, light: Illumination
) -> tuple[Array, Array, Array, Array] | None:
    """Faces at world ``corners`` (F, K, 3) → pixels (V, K, 2), colours (V, 3), glow (V,), sort keys (V, 2)
    of the visible ones; None when a corner lies behind the lens."""
    f, k, _ = corners.shape
    pixels, depth = camera.project(corners.reshape(-1, 3))
    if depth.min() < NEAR_M:
        return None
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    facing = np.einsum("fj,fj->f", normals, camera.position - corners[:, 0])
    seen = facing > 0
    colours = _lit(faces.colours[seen], normals[seen], faces.gloss[seen], light)
    keys = np.column_stack([faces.layers[seen], -depth.reshape(f, k).mean(axis=1)[seen]])
    return pixels.reshape(f, k, 2)[seen], colours, faces.glow[seen], keys


def _lit(colours: Array, normals: Array, gloss: Array, light: Illumination) -> Array:
    upward = 0.72 + 0.28 * normals[:, 2:3]
    direct = np.maximum(normals @ light.sun, 0.0)[:, None]
    body = colours * (light.sky_colour * upward + light.sun_colour * direct)
    mirrored = (
        gloss[:, None]
        * np.maximum(normals[:, 2:3] * 0.8 + 0.25, 0.0)
        * (light.sky_colour + light.sun_colour * 0.4)
    )
    return np.minimum(body + mirrored * 120.0, 255.0)


def draw_capsules(
    capsules: Capsules, ends: Array, camera: Camera, light: Illumination
) -> tuple[Array, Array, Array] | None:
    """Capsules at world ``ends`` (C, 2, 3) → outlines (2C, 2·7, 2) px (body, then its bright side),
    colours (2C, 3), depths (2C,); None when an end lies behind the lens."""
    count = len(ends)
    pixels, depth = camera.project(ends.reshape(-1, 3))
    if depth.min() < NEAR_M:
        return None
    pixels, depth = pixels.reshape(count, 2, 2), depth.reshape(count, 2)
    radii = np.maximum(capsules.radii * camera.focal_px / depth, 0.35)
    base = capsules.colours * (light.sky_colour * 0.86 + light.sun_colour * 0.30)
    if radii.max() < _PLAIN_PX:
        return _outline(pixels, radii), np.minimum(base * 1.15, 255.0), depth.mean(axis=1)
    towards_light = camera.axes[:2] @ light.sun
    shift = (towards_light / (np.linalg.norm(towards_light) + 1e-9))[None, None, :] * radii[..., None] * 0.3
    bright = capsules.colours * (light.sky_colour * 0.98 + light.sun_colour * 0.72)
    outlines = np.concatenate([_outline(pixels, radii), _outline(pixels + shift, radii * 0.62)])
    depths = depth.mean(axis=1)
    return (
        outlines,
        np.minimum(np.concatenate([base, bright]), 255.0),
        np.concatenate([depths, depths - 0.004]),
    )


def _outline(pixels: Array, radii: Array) -> Array:
    """Outlines (C, 14, 2) of round bars between pixels (C, 2, 2) with end radii (C, 2)."""
    along = pixels[:, 1] - pixels[:, 0]
    angle = np.arctan2(along[:, 1], along[:, 0])[:, None]
    tip = angle + _HALF[None, :]
    tail = tip + np.pi
    ends = [
        pixels[:, i, None, :] + radii[:, i, None, None] * np.stack([np.cos(a), np.sin(a)], axis=-1)
        for i, a in ((1, tip), (0, tail))
    ]
    return np.concatenate(ends, axis=1)
