# Arrays are added here, not joined.
# ruff: noqa: RUF005
# arrays are added here, not joined
"""Trees, painted leaf clump by leaf clump; bare branches in winter."""

import numpy as np

from simulator.camera import NEAR_M, Array
from simulator.canvas import Canvas, light_at, paint_bar, paint_blob
from simulator.world import Tree

_TURN = np.linspace(0, 2 * np.pi, 8, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
_LEAVES = {"birch": (66, 132, 112), "poplar": (58, 112, 84), "spruce": (58, 84, 52)}
_BARKS = {"birch": (206, 212, 214), "poplar": (96, 106, 114), "spruce": (60, 70, 86)}


def paint_tree(canvas: Canvas, tree: Tree) -> None:
    """One tree, in leaf or in snow."""
    camera = canvas.camera
    if not camera.may_see(*tree.place, tree.height_m):
        return
    rng = np.random.default_rng(tree.seed)
    foot, bark = np.array([*tree.place, 0.0]), _BARKS[tree.kind]
    paint_bar(
        canvas,
        foot,
        foot + (0, 0, tree.height_m * 0.55),
        0.02 * tree.height_m * (0.8 if tree.kind == "birch" else 1.0),
        bark,
    )
    if canvas.weather.snow_cover and tree.kind != "spruce":
        _branches(
            canvas,
            foot + (0, 0, tree.height_m * 0.3),
            np.array([0, 0, 1.0]),
            tree.height_m * 0.24,
            5,
            bark,
            rng,
        )
    else:
        _leaves(canvas, tree, foot, rng)


def _branches(
    canvas: Canvas,
    start: Array,
    way: Array,
    length_m: float,
    left: int,
    bark: tuple[float, ...],
    rng: np.random.Generator,
) -> None:
    end = start + way * length_m
    tone = tuple(c * (0.55 + 0.09 * left) for c in bark)
    paint_bar(canvas, start, end, 0.012 * left * length_m / 1.2, tone)
    if left == 0:
        return
    for _ in range(3 if left > 2 else 2):
        turn = way + rng.normal(0, 0.42, 3) + (0, 0, 0.12)
        _branches(
            canvas, end, turn / np.linalg.norm(turn), length_m * rng.uniform(0.62, 0.8), left - 1, bark, rng
        )


def _clumps(tree: Tree, foot: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Middles (N, 3) and radii (N,) of leaf clumps."""
    count, h = 240, tree.height_m
    way = rng.normal(size=(count, 3))
    way *= (rng.uniform(0.35, 1.0, (count, 1)) ** 0.5) / np.linalg.norm(way, axis=1, keepdims=True)
    if tree.kind == "spruce":
        level = rng.uniform(0.1, 1.0, count)
        reach = (1 - level) * 0.26 * h * np.sqrt(rng.uniform(0.3, 1, count))
        turn = rng.uniform(0, 2 * np.pi, count)
        return foot + np.stack(
            [reach * np.cos(turn), reach * np.sin(turn), level * h], 1
        ), 0.02 * h + 0.05 * h * (1 - level)
    spread = np.array([0.24, 0.24, 0.34]) * h if tree.kind == "birch" else np.array([0.16, 0.16, 0.40]) * h
    return foot + (0, 0, h * 0.64) + way * spread, rng.uniform(0.022, 0.05, count) * h


def _leaves(canvas: Canvas, tree: Tree, foot: Array, rng: np.random.Generator) -> None:
    camera, weather = canvas.camera, canvas.weather
    middles, radii = _clumps(tree, foot, rng)
    pixels, depth = camera.project(middles)
    if depth.min() < NEAR_M:
        return
    light = light_at(canvas, foot + (0, 0, tree.height_m * 0.5))
    outward = (middles - middles.mean(axis=0)) / (np.abs(middles - middles.mean(axis=0)).max() + 1e-6)
    sunny = 0.62 + 0.45 * np.clip(outward @ (weather.sun * 0.8 + (0, 0, 0.35)), -0.6, 1)
    snow = weather.snow_cover * np.clip(outward[:, 2] * 0.5 + 0.5, 0, 1) * (rng.random(len(radii)) < 0.7)
    for i in np.argsort(-depth):
        colour = np.array(_LEAVES[tree.kind]) * sunny[i] * rng.uniform(0.85, 1.15)
        colour = colour + (np.array([236, 230, 224]) - colour) * snow[i] * 0.8
        wobble = 1 + rng.uniform(-0.25, 0.25, (8, 1))
        corners = pixels[i] + _CIRCLE * wobble * max(radii[i] * camera.focal_px / depth[i], 0.7)
        paint_blob(canvas, corners, float(depth[i]), np.minimum(colour * light, 255))
