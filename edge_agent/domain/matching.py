"""Which detection is which followed thing: what a pair costs, the cheapest pairing, what is seen twice.

Thirty things are compared with thirty in one go, column by column: on arrays this small numpy's cost is its
calls, so there are few of them.
"""

from collections.abc import Callable
from typing import Any, cast

import lap  # pyright: ignore[reportMissingTypeStubs]  # the package has none
import numpy as np
from numpy.typing import NDArray

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Detections, Reals
from shared.kinds import ObjectClass

Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]

GROUP = np.zeros(len(ObjectClass), np.int16)
"""Class to group; a model may change its mind within a group from frame to frame, never across."""
for _group, _classes in enumerate(
    (
        (ObjectClass.UNKNOWN,),
        (ObjectClass.PERSON,),
        (ObjectClass.BICYCLE, ObjectClass.MOTORCYCLE),
        (ObjectClass.CAR, ObjectClass.BUS, ObjectClass.TRUCK),
        (ObjectClass.BAG, ObjectClass.OBJECT),
        (ObjectClass.DOG, ObjectClass.CAT),
        (ObjectClass.HORSE, ObjectClass.COW, ObjectClass.SHEEP),
    )
):
    GROUP[list(_classes)] = _group

COST_LIMIT = 0.95
LOW_COST_LIMIT = 0.6
_REFUSED = 10.0
_SAME_IOU = 0.6
"""Two detections of one group that overlap more are one thing."""
_INSIDE_SHARE = 0.65
"""A new thing that lies so far inside one already followed is a part of it."""
_SIZE_JUMP = 2.5
_BUFFER = 1.5
"""Boxes are compared this much wider and higher: at 5 frames a second those of moving things do not touch."""

_solve = cast("Callable[..., Any]", lap.lapjv)  # pyright: ignore[reportUnknownMemberType]


def cost_of(places: Reals, reach_px: Reals, groups: NDArray[np.int16], found: Detections) -> Reals:
    """What it costs to say that each of N tracks is each of M detections: 0 to 1, or refused. (N, M)

    ``places`` (N, 4): centre x, centre y, width, height where each track is expected; ``reach_px`` (N,): how
    far from there it may be found. Cost: 0.4 distance, 0.4 lack of overlap, 0.2 unlikeness of size.
    """
    x, y, wide, high = places.T[:, :, None]
    seen_x, seen_y, seen_wide, seen_high = np.ascontiguousarray(box_math.to_centre(found.boxes).T)
    across, down = np.abs(x - seen_x), np.abs(y - seen_y)
    narrow, broad = np.minimum(wide, seen_wide), np.maximum(wide, seen_wide)
    low, tall = np.minimum(high, seen_high), np.maximum(high, seen_high)
    # Two spans of one axis share the shorter one, or what their middles' distance leaves of it.
    half = np.float32(_BUFFER / 2)
    shared = np.maximum(np.minimum(_BUFFER * narrow, half * (wide + seen_wide) - across), 0)
    shared *= np.maximum(np.minimum(_BUFFER * low, half * (high + seen_high) - down), 0)
    either = np.float32(_BUFFER**2) * (wide * high + seen_wide * seen_high) - shared
    reach = np.sqrt(across * across + down * down) / reach_px[:, None]
    alike_x, alike_y = narrow / broad, low / tall
    cost = 0.4 * reach + 0.4 * (1 - shared / either) + 0.2 * (1 - alike_x * alike_y)
    is_refused = (reach > 1) | (np.minimum(alike_x, alike_y) < 1 / _SIZE_JUMP)
    is_refused |= groups[:, None] != GROUP[found.classes]
    cost[is_refused] = _REFUSED
    return cost.astype(np.float64)


def cheapest(cost: Reals, limit: float) -> tuple[Rows, Rows]:
    """The cheapest pairing, no pair dearer than ``limit``: rows, and the column of each."""
    if not cost.size:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    solved = cast("tuple[float, Rows, Rows]", _solve(cost, extend_cost=True, cost_limit=limit))
    to_column = solved[1]
    rows = (to_column >= 0).nonzero()[0]
    return rows, to_column[rows].astype(np.intp)


def lies_in(found: Detections, boxes: Reals, groups: NDArray[np.int16]) -> Bools:
    """Whether each of N detections is, by its place, a part of each of M boxes of its own group. (N, M)"""
    inside = box_math.overlaps(found.boxes, boxes)
    least = _INSIDE_SHARE * np.maximum(box_math.areas(found.boxes), np.float32(1))
    return (inside > least[:, None]) & (GROUP[found.classes][:, None] == groups)


def one_per_thing(found: Detections, least_score: float) -> Detections:
    """Drop faint detections and, of those that show one thing, all but the surest. Surest first."""
    order = np.argsort(-found.scores, kind="stable")
    order = order[: int((found.scores >= least_score).sum())]
    surest = found.take(order)
    if len(order) < 2:
        return surest
    same = box_math.ious(surest.boxes, surest.boxes) > _SAME_IOU
    if same.sum() <= len(order):  # each with itself
        return surest
    groups = GROUP[surest.classes]
    same &= groups[:, None] == groups
    kept = np.ones(len(order), np.bool_)
    for row in range(len(order)):
        if kept[row]:
            kept[row + 1 :] &= ~same[row, row + 1 :]
    return surest.take(kept)
