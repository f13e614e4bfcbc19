"""Following things from frame to frame: two-stage association by score, after ByteTrack (Zhang et al., 2022).

Differences for a camera at 5 pictures a second: time comes from the frames' timestamps and not from their
count; a match is judged by distance, buffered overlap and size together, since boxes of moving things no
longer overlap; a thing that stands still is kept for long and by a tight gate, one that moves for a short
time and by a wide one; where the picture did not change, a track needs no detection.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain import boxes as box_math
from edge_agent.domain import kalman, matching
from edge_agent.domain.detection import Detections, Reals, Track
from edge_agent.domain.matching import COST_LIMIT, GROUP, LOW_COST_LIMIT, Bools, Rows
from edge_agent.domain.motion import Motion
from edge_agent.domain.stillness import Stillness
from shared.kinds import ObjectClass

Micros = NDArray[np.int64]

CONFIRM_HITS = 3
"""A track is shown to the rules after so many detections."""
SURE_HITS, SURE_SCORE = 2, 0.9
"""Or after these, when the model was on average so sure of them."""
TENTATIVE_S = 0.45
"""An unconfirmed track that is not seen for longer is forgotten: two pictures at 5 a second."""
LOST_MOVING_S = 2.0
LOST_STILL_S = 30.0
"""A parked car behind a bus: at least the 20 s of EVENTS."""
LOST_LEAVING_S = 0.45
"""A thing last seen at the picture's edge on its way out is not waited for."""
LOST_HIDDEN_S = 7.0
"""One who walks on behind a parked car, or waits there."""
HIDDEN_SHARE = 0.5
"""A lost thing of which others cover so much, where it should be, is behind them."""
HIDDEN_REACH = 1.6
"""Sizes from where it should be at which one who was hidden may come out."""
PART_SHARE, PART_S = 0.6, 2.0
"""A detection in a thing's place and below this share of its size shows a part of it, for so long at most."""
FARTHER_SHARE, SAME_SHAPE = 0.6, 0.85
"""Unless both its sides are at least so much of what they were, and shrank alike: then it is farther away."""
CALM_S = 1.0
"""What has not moved for so long may be there unseen; what moved was elsewhere by now."""
MISSED_S, KNOWN_S = 1.0, 2.0
"""What was last seen so shortly before all came to rest, and had been seen for so long, came to rest too."""
RETURN_S = 4.0
SAME_PLACE_IOU = 0.5
"""A thing that left its place and is seen there so shortly after never left: what passed took its track."""
HOLD_S = 60.0
"""How long an unchanged picture may stand in for detections."""
LOW_SHARE = 0.4
"""Detections below this share of the score limit are ignored; those between carry known tracks only."""

_CLASSES = tuple(ObjectClass)
_TOP_SPEED = np.array([8, 5, 10, 14, 12, 10, 8], np.float32)
"""By group, in sizes per second: people 6 m/s, cars 120 km/h seen from the side."""


class _Table(NamedTuple):
    """All tracks, one row each."""

    id: NDArray[np.int64]
    group: NDArray[np.int16]
    votes: Reals
    """(N, classes): sums of scores."""
    score: Reals
    first_seen_us: Micros
    last_seen_us: Micros
    """Last supported, by a detection or by an unchanged picture."""
    last_detected_us: Micros
    last_whole_us: Micros
    """Last detected in its whole size."""
    whole_px: Reals
    """(N, 2): width and height of its box as it was detected then."""
    hits: NDArray[np.int64]
    is_shown: Bools
    """Confirmed: told to the rules."""
    is_hidden: Bools
    """Lost, and something is before the place where it should be."""

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
        self.score_limit = score_limit
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
        return bool((fresh & (~self._table.is_shown | missing)).any())

    @property
    def has_tracks(self) -> bool:
        return len(self._table.id) > 0

    def hold(self, at_us: int) -> list[Track]:
        """Step to a frame in which nothing moved: what was there is there."""
        here = (self._table.last_seen_us == self._at_us) | self._came_to_rest()
        still_valid = here & (at_us - self._table.last_detected_us < HOLD_S * 1e6)
        self._motions.speed[still_valid] = 0
        self._table.last_seen_us[still_valid] = at_us
        self._at_us = at_us
        self._forget(at_us)
        return self._tracks()

    def _came_to_rest(self) -> Bools:
        """What the model missed just before all came to rest: had it gone, its place would still change. What
        was seen for a moment only may never have been there."""
        table = self._table
        lately = table.last_seen_us > (self._at_us or 0) - MISSED_S * 1e6
        lately &= table.last_detected_us - table.first_seen_us >= KNOWN_S * 1e6
        return lately & table.is_shown & ~table.is_hidden & ~self._is_leaving()

    def carry(self, at_us: int) -> list[Track]:
        """Step to a frame that nobody looked at though things move: what was there goes on as before."""
        was_here = self._table.is_shown & (self._table.last_seen_us == self._at_us)
        self._predict(at_us)
        self._table.last_seen_us[was_here] = at_us
        self._at_us = at_us
        self._forget(at_us)
        return self._tracks()

    def update(self, detections: Detections, at_us: int, motion: Motion | None = None) -> list[Track]:
        """Step to a frame that was looked at; gives confirmed tracks, lost ones among them for a while."""
        found = matching.one_per_thing(detections, self.score_limit * LOW_SHARE)
        was_here = self._table.last_seen_us == self._at_us
        self._predict(at_us)
        self._at_us = at_us
        is_strong = found.scores >= self.score_limit
        rows, columns = self._match(found, is_strong, at_us)
        self._correct(rows, columns, found, at_us)
        is_free = is_strong.copy()
        is_free[columns] = False
        was_here[rows] = False
        self._keep_unchanged(was_here, motion, at_us)
        self._note_hidden(at_us)
        self._begin(is_free.nonzero()[0], found, at_us)
        self._forget(at_us)
        return self._tracks()

    def _predict(self, at_us: int) -> None:
        if self._at_us is None or at_us <= self._at_us or not len(self._table.id):
            return
        elapsed_s = (at_us - self._at_us) / 1e6
        unseen = self._table.last_seen_us < self._at_us
        self._motions = kalman.predict(self._motions, elapsed_s, unseen & ~self._table.is_hidden)
        # Where a still thing was lost, there it is.
        if unseen.any():
            self._motions.speed[unseen & self._still.is_still(at_us)] = 0

    def _match(self, found: Detections, is_strong: Bools, at_us: int) -> tuple[Rows, Rows]:
        """Sure detections go to known tracks first, faint ones to what is then left of them."""
        table = self._table
        if not len(table.id) or not len(found.scores):
            return np.empty(0, np.intp), np.empty(0, np.intp)
        cost = matching.cost_of(self._motions.place, self._reach_px(at_us), table.group, found)
        free_rows, free_columns = np.ones(len(table.id), np.bool_), np.ones(len(found.scores), np.bool_)
        pairs: list[tuple[Rows, Rows]] = []
        for tracks, candidates, limit in (
            (table.is_shown, is_strong, COST_LIMIT),
            (table.is_shown, ~is_strong, LOW_COST_LIMIT),
            (~table.is_shown, is_strong, COST_LIMIT),
        ):
            rows, columns = (tracks & free_rows).nonzero()[0], (candidates & free_columns).nonzero()[0]
            if not len(rows) or not len(columns):
                continue
            matched, to = matching.cheapest(cost[rows[:, None], columns], limit)
            rows, columns = rows[matched], columns[to]
            free_rows[rows], free_columns[columns] = False, False
            pairs.append((rows, columns))
        if not pairs:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])

    def _reach_px(self, at_us: int) -> Reals:
        """How far from where it is expected each thing may be found, (N,) pixels."""
        place, variance = self._motions.place, self._motions.place_variance
        size = kalman.sizes(place)[:, 0]
        unseen_s = (at_us - self._table.last_detected_us).astype(np.float32) * np.float32(1e-6)
        doubt = np.sqrt(np.maximum(variance[:, 0], variance[:, 1])) / size
        reach = 0.4 + np.minimum(_TOP_SPEED[self._table.group] * unseen_s, 3 * doubt)
        # Long unseen, anything could have come near: only what is nearly there counts.
        cap = np.where(self._still.is_still(at_us), 0.6, np.where(self._table.is_hidden, HIDDEN_REACH, 1.0))
        cap = np.where(unseen_s > 1.0, cap, 3.0)
        return (size * np.minimum(reach, cap)).astype(np.float32)

    def _correct(self, rows: Rows, columns: Rows, found: Detections, at_us: int) -> None:
        if not len(rows):
            return
        boxes, scores = self._made_whole(rows, found.boxes[columns], at_us), found.scores[columns]
        kalman.correct(self._motions, rows, box_math.to_centre(boxes))
        table = self._table
        table.votes[rows, found.classes[columns]] += scores
        table.score[rows] = scores
        table.last_seen_us[rows] = at_us
        table.last_detected_us[rows] = at_us
        table.hits[rows] += 1
        self._confirm(rows)
        self._still.observe(rows, boxes, at_us)

    def _made_whole(self, rows: Rows, boxes: Reals, at_us: int) -> Reals:
        """The boxes, those that show a part of a thing in its place replaced by where it is expected."""
        expected = box_math.to_corners(self._motions.place[rows])
        area = box_math.areas(boxes)
        is_small = area < PART_SHARE * box_math.areas(expected)
        is_whole = np.ones(len(rows), np.bool_)
        if is_small.any():
            low, high = np.maximum(boxes[:, :2], expected[:, :2]), np.minimum(boxes[:, 2:], expected[:, 2:])
            is_part = is_small & (np.maximum(high - low, 0).prod(1) >= 0.8 * area)
            is_part &= self._table.is_shown[rows]
            is_part &= at_us - self._table.last_whole_us[rows] < PART_S * 1e6
            is_part &= ~self._is_farther(rows, boxes)
            boxes = np.where(is_part[:, None], expected, boxes)
            is_whole = ~is_part
        self._table.last_whole_us[rows[is_whole]] = at_us
        self._table.whole_px[rows[is_whole]] = (boxes[:, 2:] - boxes[:, :2])[is_whole]
        return boxes

    def _is_farther(self, rows: Rows, boxes: Reals) -> Bools:
        """Whether each box shows all of a thing that has gone away: it is as much lower as narrower than when
        it was last whole. What drives in over the picture's edge seems to grow and is expected too large."""
        shrunk = (boxes[:, 2:] - boxes[:, :2]) / np.maximum(self._table.whole_px[rows], np.float32(1))
        low, high = shrunk.min(1), shrunk.max(1)
        return (low >= FARTHER_SHARE) & (low >= SAME_SHAPE * high)

    def _confirm(self, rows: Rows) -> None:
        table = self._table
        if table.is_shown.all():
            return
        hits = table.hits[rows]
        is_sure = (hits >= SURE_HITS) & (table.votes[rows].sum(1) >= SURE_SCORE * hits)
        table.is_shown[rows] |= is_sure | (hits >= CONFIRM_HITS)

    def _keep_unchanged(self, free: Bools, motion: Motion | None, at_us: int) -> None:
        """A still thing that the model missed is there all the same where the picture did not change.

        ``free`` are those that were there until the last frame and found no detection in this one.
        """
        if motion is None or motion.is_global or not free.any():
            return
        calm = free & self._table.is_shown & (at_us - self._table.last_detected_us < HOLD_S * 1e6)
        calm &= at_us - self._still.since_us >= CALM_S * 1e6
        if not calm.any():
            return
        for row in (calm & ~self._is_leaving()).nonzero()[0]:
            if not motion.in_box(box_math.to_corners(self._motions.place[row : row + 1])[0]):
                self._table.last_seen_us[row] = at_us
                self._motions.speed[row] = 0

    def _note_hidden(self, at_us: int) -> None:
        table, place = self._table, self._motions.place
        lost = (table.is_shown & (table.last_seen_us < at_us)).nonzero()[0]
        table.is_hidden[:] = False
        if not len(lost):
            return
        here = (table.last_seen_us == at_us).nonzero()[0]
        own = box_math.to_corners(place[lost])
        covered = box_math.overlaps(own, box_math.to_corners(place[here])).max(1, initial=0)
        table.is_hidden[lost] = covered >= HIDDEN_SHARE * box_math.areas(own)

    def _begin(self, columns: Rows, found: Detections, at_us: int) -> None:
        """Begin a track for each detection that is no part of a thing already followed."""
        if not len(columns):
            return
        new = found.take(columns)
        alive = self._table.last_seen_us == at_us
        known = box_math.to_corners(self._motions.place[alive])
        # Detections come surest first: a part of a surer one is no thing either.
        surer = np.arange(len(found.scores)) < columns[:, None]
        is_part = np.any(matching.lies_in(new, known, self._table.group[alive]), axis=1)
        is_part |= np.any(matching.lies_in(new, found.boxes, GROUP[found.classes]) & surer, axis=1)
        new = new.take(~is_part)
        if not len(new.scores):
            return
        self._table = self._table.joined(_new_table(at_us, new, self._next_id))
        self._motions = self._motions.joined(kalman.begin(box_math.to_centre(new.boxes)))
        self._still = self._still.joined(Stillness.begin(new.boxes, at_us))
        self._next_id += len(new.scores)
        self._give_back(len(new.scores), at_us)

    def _give_back(self, new: int, at_us: int) -> None:
        """Where one of the ``new`` last rows is where a thing had rested until just now, it is that thing."""
        still, table = self._still, self._table
        begun = len(table.id) - new
        gone = ((at_us - still.left_us[:begun] < RETURN_S * 1e6) & (still.left_us[:begun] > 0)).nonzero()[0]
        if not len(gone):
            return
        is_same = box_math.ious(still.left[gone], still.anchor[begun:]) >= SAME_PLACE_IOU
        is_same &= table.group[gone][:, None] == table.group[begun:]
        for row, column in zip(*is_same.nonzero(), strict=True):
            thief, owner = gone[row], begun + column
            if still.left_us[thief] == 0:
                continue
            for field in (table.id, table.first_seen_us):
                field[[thief, owner]] = field[[owner, thief]]
            # Both were seen so often: the one goes by another number, the other is where it was.
            table.hits[owner] = table.hits[thief]
            table.is_shown[owner] = table.is_shown[thief]
            still.since_us[owner] = still.rested_us[thief]
            still.left_us[thief] = 0
            table.first_seen_us[thief] = still.since_us[thief]

    def _forget(self, at_us: int) -> None:
        table = self._table
        unseen_s = (at_us - table.last_seen_us) * 1e-6
        if unseen_s.max(initial=0) <= min(TENTATIVE_S, LOST_LEAVING_S):
            return
        patience_s = np.where(self._still.is_still(at_us), LOST_STILL_S, LOST_MOVING_S)
        patience_s = np.where(table.is_hidden, np.maximum(patience_s, LOST_HIDDEN_S), patience_s)
        patience_s = np.where(self._is_leaving(), LOST_LEAVING_S, patience_s)
        kept: Bools = np.less_equal(unseen_s, np.where(table.is_shown, patience_s, TENTATIVE_S))
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
        rows = self._table.is_shown.nonzero()[0]
        if not len(rows):
            return []
        corners: Reals = box_math.to_corners(self._motions.place[rows])
        np.clip(corners[:, :2], self._low_px, self._high_px, out=corners[:, :2])
        np.clip(corners[:, 2:], self._low_px, self._high_px, out=corners[:, 2:])
        table = self._table
        classes: list[int] = table.votes[rows].argmax(1).tolist()
        speeds: list[list[float]] = self._motions.speed[rows, :2].tolist()
        columns = (
            table.id[rows].tolist(),
            [_CLASSES[number] for number in classes],
            corners,
            table.score[rows].tolist(),
            table.first_seen_us[rows].tolist(),
            table.last_seen_us[rows].tolist(),
            table.hits[rows].tolist(),
            [(right, down) for right, down in speeds],
            self._still.since_us[rows].tolist(),
        )
        return list(map(Track, *columns))


def _new_table(at_us: int, found: Detections, first_id: int) -> _Table:
    count = len(found.scores)
    votes = np.zeros((count, len(ObjectClass)), np.float32)
    votes[np.arange(count), found.classes] = found.scores
    at = np.full(count, at_us, np.int64)
    ids = np.arange(first_id, first_id + count, dtype=np.int64)
    groups, hits = GROUP[found.classes], np.ones(count, np.int64)
    no = np.zeros(count, np.bool_)
    seen = (at.copy(), at.copy(), at.copy(), at.copy(), found.boxes[:, 2:] - found.boxes[:, :2])
    return _Table(ids, groups, votes, found.scores.copy(), *seen, hits, no, no.copy())
