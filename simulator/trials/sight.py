"""Where a trial's things are in the picture at every instant, and how much of each can be seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.kinds import ObjectClass
from simulator import people, vehicles
from simulator.actors import Actor
from simulator.camera import NEAR_M, Array, Camera
from simulator.trials.walls import hidden_by_houses

_LOOK_S = 0.35
"""Headings are taken over this span."""
_FILLED = 0.9
"""So much of its box a thing fills, and hides of what is behind."""
_DEEPER_M = 0.25
SIZES_M: dict[ObjectClass, tuple[float, float, float]] = {
    ObjectClass.BICYCLE: (1.7, 0.5, 1.05),
    ObjectClass.MOTORCYCLE: (2.1, 0.8, 1.5),
    ObjectClass.BAG: (0.6, 0.5, 0.55),
    ObjectClass.OBJECT: (0.8, 0.6, 0.6),
    ObjectClass.DOG: (1.0, 0.35, 0.65),
    ObjectClass.CAT: (0.45, 0.18, 0.28),
    ObjectClass.HORSE: (2.3, 0.6, 1.7),
    ObjectClass.COW: (2.3, 0.7, 1.45),
    ObjectClass.SHEEP: (1.2, 0.5, 0.9),
    ObjectClass.FIRE: (1.1, 1.0, 1.2),
}
"""Length, width and height of what has no drawn body."""


@dataclass(frozen=True)
class Sight:
    """A things at T instants, as a perfect eye sees them."""

    boxes: Array
    """(T, A, 4): left, top, right, bottom px, cut at the picture's edge."""
    visible: Array
    """(T, A): how much of each neither another thing, a house nor the edge hides, 0 to 1; 0 when away."""
    depth_m: Array
    """(T, A)"""
    place: Array
    """(T, A, 2): metres east and north."""


def look(camera: Camera, actors: Sequence[Actor], times_s: Array) -> Sight:
    """See all things at all instants (T,)."""
    count, things = len(times_s), len(actors)
    boxes, depth = np.zeros((count, things, 4)), np.full((count, things), np.inf)
    visible, place = np.zeros((count, things)), np.zeros((count, things, 2))
    for n, actor in enumerate(actors):
        span = (actor.waypoints[0].t_s, actor.waypoints[-1].t_s)
        rows = slice(*np.searchsorted(times_s, span, side="left"))
        if rows.start < rows.stop:
            centre, heading = _way(actor, times_s[rows])
            place[rows, n] = centre[:, :2]
            boxes[rows, n], depth[rows, n], visible[rows, n] = _seen(
                camera, actor, times_s[rows], centre, heading
            )
    visible[visible > 0] *= ~hidden_by_houses((camera.east_m, camera.north_m), place[visible > 0])
    _hide(boxes, depth, visible)
    return Sight(boxes, visible, depth, place)


def _way(actor: Actor, times_s: Array) -> tuple[Array, Array]:
    """Places (T, 3) and headings (T,) of a thing."""
    known = np.array([w.t_s for w in actor.waypoints])
    points = np.array([w[1:] for w in actor.waypoints])

    def at(t_s: Array) -> Array:
        return np.stack([np.interp(t_s, known, points[:, axis]) for axis in range(3)], axis=1)

    centre = at(times_s)
    if actor.heading_deg is not None:
        return centre, np.full(len(times_s), np.radians(actor.heading_deg))
    step = at(times_s + _LOOK_S)[:, :2] - at(times_s - _LOOK_S)[:, :2]
    moves = np.hypot(*step.T) > 0.02
    heading = np.arctan2(step[:, 1], step[:, 0])
    latest = np.maximum.accumulate(np.where(moves, np.arange(len(moves)), -1))
    first = actor.moment(float(times_s[0])).heading_rad
    return centre, np.where(latest >= 0, heading[np.maximum(latest, 0)], first)


def _seen(
    camera: Camera, actor: Actor, times_s: Array, centre: Array, heading: Array
) -> tuple[Array, Array, Array]:
    """Boxes (T, 4), depths (T,) and the share within the picture (T,), 0 when it is not there."""
    upright, lying = outline(actor)
    solid = np.broadcast_to(upright, (len(times_s), *upright.shape)).copy()
    for start_s, end_s in actor.lies:
        share = np.clip(np.minimum((times_s - start_s) / 0.8, (end_s - times_s) / 1.2), 0, 1)[:, None, None]
        solid += (lying - upright) * share
    for start_s, end_s in actor.bends:
        bent = (times_s > start_s) & (times_s < end_s)
        solid[bent] *= (1.0, 1.0, 0.62)
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    world = np.stack(
        [solid[..., 0] * cos - solid[..., 1] * sin, solid[..., 0] * sin + solid[..., 1] * cos, solid[..., 2]],
        axis=-1,
    )
    world += centre[:, None, :]
    pixels, ahead = camera.project(world.reshape(-1, 3))
    pixels, ahead = pixels.reshape(*world.shape[:2], 2), ahead.reshape(world.shape[:2])
    whole = np.concatenate([pixels.min(1), pixels.max(1)], axis=1)
    box = np.clip(whole, 0, np.tile(camera.size_px, 2))
    area = np.prod(whole[:, 2:] - whole[:, :2], axis=1)
    inside = np.prod(box[:, 2:] - box[:, :2], axis=1) / np.maximum(area, 1e-6)
    is_there = (ahead.min(1) > NEAR_M) & ((box[:, 2:] - box[:, :2]).min(1) > 2)
    return box, np.where(is_there, ahead.mean(1), np.inf), np.where(is_there, inside, 0.0)


def outline(actor: Actor) -> tuple[Array, Array]:
    """Points (P, 3) on the outside of a thing in its own axes: as it stands, and as it lies."""
    rng = np.random.default_rng(actor.seed)
    if actor.object_class is ObjectClass.PERSON:
        return _person(people.person_look(rng).height_m, actor.is_riding)
    build = vehicles.BUILDERS.get(actor.object_class)
    if build:
        body = build(rng)
        length, width, height = body.length_m, body.width_m, body.height_m
        has_roof = actor.object_class is ObjectClass.CAR
    else:
        length, width, height = np.array(SIZES_M[actor.object_class]) * rng.uniform(0.9, 1.1)
        has_roof = False
    top = 0.6 if has_roof else 1.0
    levels = ((0.05, 1.0), (0.55 if has_roof else 1.0, 1.0), (1.0, top))
    points = [
        (x * length * share / 2, y * width * min(1.0, share + 0.2) / 2, z * height)
        for z, share in levels
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    solid = np.array(points)
    return solid, solid * (1.0, 1.0, 0.5)


def _person(height_m: float, is_riding: bool) -> tuple[Array, Array]:
    lift = 0.28 if is_riding else 0.0
    stations = ((0.02, 0.16, 0.2), (0.5, 0.2, 0.2), (0.8, 0.27, 0.16), (0.95, 0.12, 0.12), (1.0, 0.06, 0.06))
    standing = np.array(
        [
            (x * deep, y * wide, z * height_m + lift)
            for z, wide, deep in stations
            for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1))
        ]
    )
    lying = np.stack(
        [standing[:, 2] - height_m / 2, standing[:, 1], np.maximum(0.02, 0.2 + standing[:, 0])], 1
    )
    return standing, lying


def _hide(boxes: Array, depth_m: Array, visible: Array) -> None:
    """Take from each thing what nearer things hide of it, in place."""
    area = np.maximum(np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1), 1e-6)
    there = visible > 0
    for back in range(boxes.shape[1]):
        if not there[:, back].any():
            continue
        for front in range(boxes.shape[1]):
            nearer = there[:, front] & there[:, back] & (depth_m[:, front] < depth_m[:, back] - _DEEPER_M)
            rows = np.flatnonzero(nearer)
            if front == back or not len(rows):
                continue
            low = np.maximum(boxes[rows, back, :2], boxes[rows, front, :2])
            high = np.minimum(boxes[rows, back, 2:], boxes[rows, front, 2:])
            covered = np.prod(np.maximum(high - low, 0), axis=1) / area[rows, back]
            visible[rows, back] *= 1 - _FILLED * covered
