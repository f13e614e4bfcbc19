"""Following things from frame to frame: two-stage association by score, after ByteTrack (Zhang et al., 2022).

Differences for a camera at 5 pictures a second: time comes from the frames' timestamps and not from their
count; a match is judged by distance, buffered overlap and size together, since boxes of moving things no
longer overlap; a thing that stands still is kept for long and by a tight gate, one that moves for a short
time and by a wide one; where the picture did not change, a track needs no detection.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import lap  # pyright: ignore[reportMissingTypeStubs]  # the package has none
import numpy as np
from numpy.typing import NDArray

from edge_agent.domain import boxes as box_math
from edge_agent.domain import kalman
from edge_agent.domain.detection import Detections, Reals, Track
from edge_agent.domain.motion import Motion
from edge_agent.domain.stillness import Stillness
from shared.kinds import ObjectClass

Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]
Micros = NDArray[np.int64]

CONFIRM_HITS = 3
"""A track is shown to the rules after so many detections."""
TENTATIVE_S = 0.45
"""An unconfirmed track that is not seen for longer is forgotten: two pictures at 5 a second."""
LOST_MOVING_S = 2.0
LOST_STILL_S = 30.0
"""A parked car behind a bus: at least the 20 s of EVENTS."""
LOST_LEAVING_S = 0.45
"""A thing last seen at the picture's edge on its way out is not waited for."""
RESTED_S = 1.0
"""What has not moved for so long may be there unseen; what moved was elsewhere by now."""
HOLD_S = 60.0
"""How long an unchanged picture may stand in for detections."""
LOW_SHARE = 0.4
"""Detections below this share of the score limit are ignored; those between carry known tracks only."""

_solve = cast("Callable[..., Any]", lap.lapjv)  # pyright: ignore[reportUnknownMemberType]

_GROUP = np.zeros(len(ObjectClass), np.int16)
"""Class to group; a model may change its mind within a group from frame to frame, never across."""
_TOP_SPEED = np.array([8, 5, 10, 14, 12, 10, 8], np.float32)
"""By group, in sizes per second: people 6 m/s, cars 120 km/h seen from the side."""
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
    _GROUP[list(_classes)] = _group

_SAME_IOU = 0.6
"""Two detections of one group that overlap more are one thing."""
_INSIDE_SHARE = 0.65
"""A new thing that lies so far inside one already followed is a part of it."""
_SIZE_JUMP = 2.5
_COST_LIMIT = 0.95
_LOW_COST_LIMIT = 0.6
_REFUSED = 10.0


class _Table(NamedTuple):
    """All tracks, one row each."""

    id: NDArray[np.int64]
    votes: Reals
    """(N, classes): sums of scores."""
    score: Reals
    first_seen_us: Micros
    last_seen_us: Micros
    """Last supported, by a detection or by an unchanged picture."""
    last_detected_us: Micros
    hits: NDArray[np.int64]

    def take(self, rows: Rows | Bools) -> "_Table":
        return self._make(column[rows] for column in self)

    def joined(self, other: "_Table") -> "_Table":
        return self._make(np.concatenate(pair) for pair in zip(self, other, strict=True))


class Tracker:
    """Follows the things before one camera. Ids count up from 1 per instance and are never used again.

    ``score_limit`` (0 to 1): a detection must reach it to begin a track; raising it loses faint things and
    false ones. ``look_px``, left, top, right, bottom, is the part of the picture in which things are found.
    """

    def __init__(self, look_px: tuple[int, int, int, int], score_limit: float) -> None:
        self._low_px = np.array(look_px[:2], np.float32)
        self._high_px = np.array(look_px[2:], np.float32)
        self._score_limit = score_limit
        self._next_id = 1
        self._at_us: int | None = None
        self._table = _new_table(0, Detections.empty(), 1)
        self._motions = kalman.begin(np.empty((0, 4), np.float32))
        self._still = Stillness.empty()

    @property
    def is_unsure(self) -> bool:
        """Whether a track waits to be confirmed or was just lost: the next frame should be looked at."""
        if self._at_us is None or not len(self._table.id):
            return False
        fresh = self._at_us - self._table.last_detected_us < TENTATIVE_S * 1e6
        missing = self._table.last_seen_us < self._at_us
        return bool((fresh & ((self._table.hits < CONFIRM_HITS) | missing)).any())

    @property
    def has_tracks(self) -> bool:
        return len(self._table.id) > 0

    def hold(self, at_us: int) -> list[Track]:
        """Step to a frame in which nothing moved: what was there is there."""
        here = self._table.last_seen_us == self._at_us
        still_valid = here & (at_us - self._table.last_detected_us < HOLD_S * 1e6)
        self._motions.speed[still_valid] = 0
        self._table.last_seen_us[still_valid] = at_us
        self._at_us = at_us
        self._forget(at_us)
        return self._tracks()

    def update(self, detections: Detections, at_us: int, motion: Motion | None = None) -> list[Track]:
        """Step to a frame that was looked at; gives confirmed tracks, lost ones among them for a while."""
        found = _one_per_thing(detections, self._score_limit * LOW_SHARE)
        was_here = self._table.last_seen_us == self._at_us
        self._predict(at_us)
        self._at_us = at_us
        is_strong = found.scores >= self._score_limit
        is_confirmed = self._table.hits >= CONFIRM_HITS
        free_tracks, free_found = np.ones(len(self._table.id), np.bool_), np.ones(len(found.scores), np.bool_)
        for tracks, candidates, limit in (
            (is_confirmed, is_strong, _COST_LIMIT),
            (is_confirmed, ~is_strong, _LOW_COST_LIMIT),
            (~is_confirmed, is_strong, _COST_LIMIT),
        ):
            rows, columns = np.flatnonzero(tracks & free_tracks), np.flatnonzero(candidates & free_found)
            rows, columns = self._match(rows, columns, found, limit, at_us)
            self._correct(rows, columns, found, at_us)
            free_tracks[rows], free_found[columns] = False, False
        self._keep_unchanged(free_tracks & was_here, motion, at_us)
        self._begin(np.flatnonzero(is_strong & free_found), found, at_us)
        self._forget(at_us)
        return self._tracks()

    def _predict(self, at_us: int) -> None:
        if self._at_us is None or at_us <= self._at_us:
            return
        elapsed_s = (at_us - self._at_us) / 1e6
        unseen = self._table.last_seen_us < self._at_us
        self._motions = kalman.predict(self._motions, elapsed_s, unseen)
        # Where a still thing was lost, there it is.
        frozen = unseen & self._still.is_still(at_us)
        self._motions.speed[frozen] = 0

    def _match(
        self, rows: Rows, columns: Rows, found: Detections, limit: float, at_us: int
    ) -> tuple[Rows, Rows]:
        if not len(rows) or not len(columns):
            return rows[:0], columns[:0]
        cost = self._cost(rows, found.boxes[columns], _GROUP[found.classes[columns]], at_us)
        to_column = _assign(cost, limit)
        matched = to_column >= 0
        return rows[matched], columns[to_column[matched]]

    def _cost(self, rows: Rows, boxes: Reals, groups: NDArray[np.int16], at_us: int) -> Reals:
        """What it costs to say that each of N tracks is each of M boxes: 0 to 1, or refused. (N, M)"""
        places, seen = self._motions.place[rows], box_math.to_centre(boxes)
        distance = np.sqrt(((places[:, None, :2] - seen[:, :2]) ** 2).sum(2))
        reach = distance / self._reach_px(rows, at_us)
        ratio = places[:, None, 2:] / seen[:, 2:]
        likeness = np.minimum(ratio, 1 / ratio)
        overlap = box_math.ious(
            box_math.expand(box_math.to_corners(places), 0.25), box_math.expand(boxes, 0.25)
        )
        cost = 0.4 * np.minimum(reach, 1) + 0.4 * (1 - overlap) + 0.2 * (1 - likeness.prod(2))
        own_group = _GROUP[self._table.votes[rows].argmax(1)]
        refused = (reach > 1) | (likeness.min(2) < 1 / _SIZE_JUMP) | (own_group[:, None] != groups)
        return np.where(refused, _REFUSED, cost).astype(np.float64)

    def _reach_px(self, rows: Rows, at_us: int) -> Reals:
        """How far from where it is expected a thing may be found, (N, 1) pixels."""
        size = kalman.sizes(self._motions.place[rows])
        unseen_s = ((at_us - self._table.last_detected_us[rows]) / 1e6).astype(np.float32)[:, None]
        group = _GROUP[self._table.votes[rows].argmax(1)]
        by_speed = _TOP_SPEED[group][:, None] * unseen_s
        doubt = np.sqrt(self._motions.place_variance[rows, :2].max(1, keepdims=True)) / size
        reach = 0.4 + np.minimum(by_speed, 3 * doubt)
        # Long unseen, anything could have come near: only what is nearly there counts.
        is_long = unseen_s > 1.0
        cap = np.where(self._still.is_still(at_us)[rows][:, None], 0.6, 1.0)
        return size * np.where(is_long, np.minimum(reach, cap), np.minimum(reach, 3.0)).astype(np.float32)

    def _correct(self, rows: Rows, columns: Rows, found: Detections, at_us: int) -> None:
        if not len(rows):
            return
        measured = box_math.to_centre(found.boxes[columns])
        corrected = kalman.correct(self._motions.take(rows), measured)
        for field, new in zip(self._motions, corrected, strict=True):
            field[rows] = new
        table = self._table
        table.votes[rows, found.classes[columns]] += found.scores[columns]
        table.score[rows] = found.scores[columns]
        table.last_seen_us[rows] = at_us
        table.last_detected_us[rows] = at_us
        table.hits[rows] += 1
        self._still.observe(rows, found.boxes[columns], at_us)

    def _keep_unchanged(self, free: Bools, motion: Motion | None, at_us: int) -> None:
        """A still thing that the model missed is there all the same where the picture did not change.

        ``free`` are those that were there until the last frame and found no detection in this one.
        """
        if motion is None or motion.is_global:
            return
        calm = at_us - self._table.last_detected_us < HOLD_S * 1e6
        calm &= (at_us - self._still.since_us >= RESTED_S * 1e6) & ~self._is_leaving()
        for row in np.flatnonzero(free & calm & (self._table.hits >= CONFIRM_HITS)):
            if not motion.in_box(box_math.to_corners(self._motions.place[row : row + 1])[0]):
                self._table.last_seen_us[row] = at_us
                self._motions.speed[row] = 0

    def _begin(self, columns: Rows, found: Detections, at_us: int) -> None:
        """Begin a track for each detection that is no part of a thing already followed."""
        if not len(columns):
            return
        alive = self._table.last_seen_us == at_us
        known = box_math.to_corners(self._motions.place[alive])
        groups = _GROUP[self._table.votes[alive].argmax(1)]
        # Detections come surest first: a part of a surer one is no thing either.
        surer = np.tri(len(found.scores), k=-1, dtype=np.bool_)[columns]
        is_part = _lies_in(found.take(columns), known, groups).any(1)
        is_part |= (_lies_in(found.take(columns), found.boxes, _GROUP[found.classes]) & surer).any(1)
        columns = columns[~is_part]
        if not len(columns):
            return
        new = found.take(columns)
        self._table = self._table.joined(_new_table(at_us, new, self._next_id))
        self._motions = self._motions.joined(kalman.begin(box_math.to_centre(new.boxes)))
        self._still = self._still.joined(Stillness.begin(new.boxes, at_us))
        self._next_id += len(columns)

    def _forget(self, at_us: int) -> None:
        table = self._table
        if not len(table.id):
            return
        unseen_s = (at_us - table.last_seen_us) / 1e6
        patience_s = np.where(self._still.is_still(at_us), LOST_STILL_S, LOST_MOVING_S)
        patience_s = np.where(self._is_leaving(), LOST_LEAVING_S, patience_s)
        patience_s = np.where(table.hits < CONFIRM_HITS, TENTATIVE_S, patience_s)
        kept = unseen_s <= patience_s
        if not kept.all():
            self._table, self._motions = table.take(kept), self._motions.take(kept)
            self._still = self._still.take(kept)

    def _is_leaving(self) -> Bools:
        """Whether each track is outside the picture or touches an edge that it moves towards."""
        corners = box_math.to_corners(self._motions.place)
        speed, centre = self._motions.speed[:, :2], self._motions.place[:, :2]
        brisk = np.abs(speed) > 0.3 * kalman.sizes(self._motions.place)
        low, high = self._low_px, self._high_px
        outward = ((corners[:, :2] <= low + 2) & (speed < 0)) | ((corners[:, 2:] >= high - 2) & (speed > 0))
        outside = (centre < low) | (centre > high)
        return np.any(outside | (outward & brisk), axis=1)

    def _tracks(self) -> list[Track]:
        rows = np.flatnonzero(self._table.hits >= CONFIRM_HITS)
        corners = box_math.to_corners(self._motions.place[rows])
        low, high = self._low_px, self._high_px
        corners = np.concatenate([corners[:, :2].clip(low, high), corners[:, 2:].clip(low, high)], axis=1)
        table = self._table
        classes = table.votes[rows].argmax(1)
        return [
            Track(
                id=int(table.id[row]),
                object_class=ObjectClass(int(classes[n])),
                box=corners[n],
                score=float(table.score[row]),
                first_seen_us=int(table.first_seen_us[row]),
                last_seen_us=int(table.last_seen_us[row]),
                hits=int(table.hits[row]),
                velocity_px_s=(float(self._motions.speed[row, 0]), float(self._motions.speed[row, 1])),
                still_since_us=int(self._still.since_us[row]),
            )
            for n, row in enumerate(rows)
        ]


def _assign(cost: Reals, limit: float) -> NDArray[np.intp]:
    """The cheapest pairing of rows with columns, no pair dearer than ``limit``: each row's column or -1."""
    solved = cast("tuple[float, Rows, Rows]", _solve(cost, extend_cost=True, cost_limit=limit))
    return np.asarray(solved[1], np.intp)


def _lies_in(found: Detections, boxes: Reals, groups: NDArray[np.int16]) -> Bools:
    """Whether each of N detections lies in each of M boxes of its own group. (N, M)"""
    inside = box_math.overlaps(found.boxes, boxes)
    inside = inside / np.maximum(box_math.areas(found.boxes), np.float32(1))[:, None]
    return (inside > _INSIDE_SHARE) & (_GROUP[found.classes][:, None] == groups)


def _new_table(at_us: int, found: Detections, first_id: int) -> _Table:
    count = len(found.scores)
    votes = np.zeros((count, len(ObjectClass)), np.float32)
    votes[np.arange(count), found.classes] = found.scores
    at = np.full(count, at_us, np.int64)
    ids = np.arange(first_id, first_id + count, dtype=np.int64)
    return _Table(ids, votes, found.scores.copy(), at, at.copy(), at.copy(), np.ones(count, np.int64))


def _one_per_thing(found: Detections, least_score: float) -> Detections:
    """Drop faint detections and, of those that show one thing, all but the surest."""
    order = np.argsort(-found.scores, kind="stable")
    order = order[found.scores[order] >= least_score]
    sorted_found = found.take(order)
    if len(order) < 2:
        return sorted_found
    groups = _GROUP[sorted_found.classes]
    same = box_math.ious(sorted_found.boxes, sorted_found.boxes) > _SAME_IOU
    same &= groups[:, None] == groups
    kept = np.ones(len(order), np.bool_)
    for row in range(len(order)):
        if kept[row]:
            kept[row + 1 :] &= ~same[row, row + 1 :]
    return sorted_found.take(kept)
