"""When the model looks at a frame, which costs more than all else together, and why. Pure.

It looks at once where something new moves, where a track waits to be confirmed or was just lost. What has
been looked at a moment ago and only goes on moving is looked at a few times a second; the tracker carries it
in between. Where nothing moves it looks now and then.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Track
from edge_agent.domain.motion import CELL_PX, LEAST_CELLS, Motion

RECHECK_S = 4.0
"""With tracks and no motion, the picture is looked at again so often."""
IDLE_RECHECK_S = 10.0
"""Without either, so often: something may have come while the gate was blind."""
LONGEST_S = 20.0
"""As long as nothing moves each next look waits twice as long, up to this."""
STEADY_S = 0.35
"""What only goes on moving is looked at so often: every second frame of five a second."""
UNSURE_LOOKS = 3
"""So many looks in a row for a doubt, which confirm a thing; then the next frame is carried, doubt or not."""
_NEAR_CELLS = 4
"""Motion so near to where there was motion at the last look is the same."""
_RIM_SHARE = 0.2
"""Motion of a track's own, its shadow included: so much of its box around it."""
_LONG_WAY = 0.6
"""What goes farther than this many of its sizes between two looks is not left to the tracker."""


class Look(StrEnum):
    """Why the model looks at a frame, or does not."""

    FIRST = "first"
    NEW_MOTION = "new_motion"
    UNSURE = "unsure"
    STEADY = "steady"
    RECHECK = "recheck"
    CARRIED = "carried"
    """Not now: what moves is known, and was just looked at."""
    STILL = "still"
    """Not now: nothing moves."""

    @property
    def is_now(self) -> bool:
        return self not in (Look.CARRIED, Look.STILL)


class Attention:
    """Decides for each frame of one camera. ``longest_s`` is the time between looks at a picture at rest."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._looked_us: int | None = None
        self._known: NDArray[np.bool_] | None = None
        self._unsure_looks = 0
        self._rechecks = 0

    def judge(self, at_us: int, motion: Motion, tracks: Sequence[Track], is_unsure: bool) -> Look:
        """Whether to look at the frame of ``at_us``; ``tracks`` are as they stood at the last one."""
        look = self._judge(at_us, motion, tracks, is_unsure)
        self._unsure_looks = self._unsure_looks + 1 if look is Look.UNSURE else 0
        if look is not Look.STILL:
            self._rechecks = self._rechecks + 1 if look is Look.RECHECK else 0
        if look.is_now:
            self._looked_us = at_us
            self._known = _grown(motion.cells)
        return look

    def _judge(self, at_us: int, motion: Motion, tracks: Sequence[Track], is_unsure: bool) -> Look:
        if self._looked_us is None:
            return Look.FIRST
        since_s = (at_us - self._looked_us) / 1e6
        if is_unsure and self._unsure_looks < UNSURE_LOOKS:
            return Look.UNSURE
        if motion.is_still:
            recheck_s = min((RECHECK_S if tracks else IDLE_RECHECK_S) * 2**self._rechecks, self._longest_s)
            return Look.RECHECK if since_s >= recheck_s else Look.STILL
        if not 0 <= since_s < STEADY_S:
            return Look.STEADY
        return Look.NEW_MOTION if self._is_new(motion, tracks) else Look.CARRIED

    def _is_new(self, motion: Motion, tracks: Sequence[Track]) -> bool:
        """Whether something moves where nothing did at the last look, or a thing goes too far in one step."""
        if self._known is None or self._known.shape != motion.cells.shape or any(map(_is_fast, tracks)):
            return True
        new = motion.cells & ~self._known
        if int(new.sum()) < LEAST_CELLS:
            return False
        for track in tracks:
            left, top, right, bottom = track.box.tolist()
            across, down = _RIM_SHARE * (right - left), _RIM_SHARE * (bottom - top)
            rows = slice(max(0, int(top - down) // CELL_PX), int(bottom + down) // CELL_PX + 1)
            new[rows, max(0, int(left - across) // CELL_PX) : int(right + across) // CELL_PX + 1] = False
        return int(new.sum()) >= LEAST_CELLS


def _is_fast(track: Track) -> bool:
    left, top, right, bottom = track.box.tolist()
    way_px = STEADY_S * max(abs(speed) for speed in track.velocity_px_s)
    return way_px**2 > _LONG_WAY**2 * max(1.0, (right - left) * (bottom - top))


def _grown(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The cells and those near them, (H // 8, W // 8)."""
    grown = cells.copy()
    for _ in range(_NEAR_CELLS):
        wide = grown.copy()
        wide[1:] |= grown[:-1]
        wide[:-1] |= grown[1:]
        grown = wide.copy()
        grown[:, 1:] |= wide[:, :-1]
        grown[:, :-1] |= wide[:, 1:]
    return grown
