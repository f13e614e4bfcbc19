"""Things followed across track ids, with their way in metres: what was lost for a while is the same thing.

A tracker that loses someone behind a bus gives a new number to whoever comes out. A rule that counts minutes
would begin anew each time. Here a new track that begins where another was lost goes on with its visit.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Track
from edge_agent.domain.geometry import Point
from edge_agent.domain.rules.sighting import Sighting, View, metres_per_px
from shared.kinds import ObjectClass

WINDOW_S = 1.2
"""Speed and place are taken over so long: a box jitters, a thing does not."""
ENTER_FRAMES = 3
"""Something is so only after so many frames in a row [Frigate]."""
REACH_M = 1.2
"""A thing that comes into view again is so near to where it is expected, and a little more each second."""
HANDOVER_S = 0.6
"""A new track may begin so long before the old one is given up: it takes three detections to be shown."""
SIZE_CHANGE = 2.2
"""Who is so much larger or smaller is somebody else."""


@dataclass(slots=True)
class Spell:
    """How long something has been so. Gaps count once it is so again, unless they are too long."""

    most_gap_s: float
    lasted_s: float = 0.0
    frames: int = 0
    _gap_s: float = 0.0

    def observe(self, is_so: bool, step_s: float) -> float:
        """Note one look, ``step_s`` after the last; gives how long it has been so."""
        if not is_so:
            self._gap_s += step_s
            if self._gap_s > self.most_gap_s or self.frames < ENTER_FRAMES:
                self.reset()
            return 0.0
        self.lasted_s += self._gap_s + step_s if self.frames else 0.0
        self.frames, self._gap_s = self.frames + 1, 0.0
        return self.lasted_s if self.frames >= ENTER_FRAMES else 0.0

    def reset(self) -> None:
        self.lasted_s, self.frames, self._gap_s = 0.0, 0, 0.0


class _Step(NamedTuple):
    at_us: int
    x_m: float
    y_m: float


@dataclass(slots=True)
class Way:
    """A thing's way in metres: on the ground where the camera is calibrated, else by its own height.

    x points east or right, y south or down: as in the picture, so that left stays left.
    """

    steps: deque[_Step] = field(default_factory=deque[_Step])
    start: Point | None = None
    """Where it was first, smoothed."""
    farthest_m: float = 0.0
    """The farthest that it has been from its start."""
    _foot_px: Point = (0.0, 0.0)
    _scale: float = 0.0

    def go(self, view: View, track: Track) -> None:
        """Move on to where the track is now."""
        place = view.spot(track).place
        if view.ground is not None:
            if place is not None:
                self._add(_Step(view.at_us, place.east_m, -place.north_m))
            return
        scale = metres_per_px(track)
        self._scale = self._scale + 0.15 * (scale - self._scale) if self.steps else scale
        last = self.steps[-1] if self.steps else _Step(view.at_us, 0.0, 0.0)
        x_px, y_px = (now - before for now, before in zip(track.foot_px, self._foot_px, strict=True))
        if not self.steps:
            x_px = y_px = 0.0
        self._foot_px = track.foot_px
        self._add(_Step(view.at_us, last.x_m + x_px * self._scale, last.y_m + y_px * self._scale))

    def _add(self, step: _Step) -> None:
        self.steps.append(step)
        while len(self.steps) > ENTER_FRAMES and step.at_us - self.steps[0].at_us > WINDOW_S * 1e6:
            self.steps.popleft()
        if len(self.steps) >= ENTER_FRAMES:
            here = self.place
            self.start = here if self.start is None else self.start
            self.farthest_m = max(self.farthest_m, math.dist(here, self.start))

    @property
    def place(self) -> Point:
        """Where it is, the mean of the window."""
        count = max(1, len(self.steps))
        return sum(s.x_m for s in self.steps) / count, sum(s.y_m for s in self.steps) / count

    @property
    def velocity_m_s(self) -> Point:
        """The slope through the window by least squares."""
        return self.velocity_over_m_s(WINDOW_S)

    def velocity_over_m_s(self, window_s: float) -> Point:
        """The same over a shorter time: quicker, and less sure."""
        since_us = self.steps[-1].at_us - window_s * 1e6 if self.steps else 0
        steps = [step for step in self.steps if step.at_us >= since_us]
        if len(steps) < ENTER_FRAMES:
            return 0.0, 0.0
        times = [(step.at_us - steps[0].at_us) / 1e6 for step in steps]
        middle = sum(times) / len(times)
        spread = sum((t - middle) ** 2 for t in times)
        if spread < 0.01:
            return 0.0, 0.0
        x = sum((t - middle) * step.x_m for t, step in zip(times, steps, strict=True)) / spread
        y = sum((t - middle) * step.y_m for t, step in zip(times, steps, strict=True)) / spread
        return x, y


@dataclass(slots=True)
class Visit:
    """One thing before the camera, whatever its tracks are called."""

    thread: int
    track: Track
    """As last seen."""
    seen_at_us: int
    spell: Spell
    way: Way = field(default_factory=Way)
    step_s: float = 0.0
    """How long ago it was seen before: what this look adds."""
    unseen_s: float = 0.0
    is_told: bool = False
    numbers: set[int] = field(default_factory=set[int])
    """Of the tracks that it has been: one may come back, when the tracker finds that it was misled."""

    def see(self, view: View, track: Track) -> None:
        self.step_s, self.unseen_s = self.unseen_s, 0.0
        self.track, self.seen_at_us = track, view.at_us
        self.numbers.add(track.id)
        self.way.go(view, track)


class Visits:
    """Everyone of some classes whom a rule follows. ``gap_s``: who is lost for longer is somebody new;
    ``pace_m_s``: how far in a second who is not seen may stray from where he is expected."""

    def __init__(self, classes: Iterable[ObjectClass], gap_s: float, pace_m_s: float = 1.5) -> None:
        self._classes = frozenset(classes)
        self._gap_s = gap_s
        self._pace_m_s = pace_m_s
        self._visits: dict[int, Visit] = {}
        self._by_track: dict[int, Visit] = {}
        self._next_thread = 1

    def step(self, view: View) -> list[Visit]:
        """Follow one frame; gives those that are seen in it."""
        for visit in self._visits.values():
            visit.unseen_s += view.elapsed_s
        seen: list[Visit] = []
        tracks = [track for track in view.of(self._classes) if view.is_seen(track)]
        here = {track.id for track in tracks}
        for track in tracks:
            visit = (
                self._by_track.get(track.id) or self._resume(track, here, view) or self._begin(track, view)
            )
            visit.see(view, track)
            seen.append(visit)
        self._forget({track.id for track in view.tracks}, view.at_us)
        return seen

    @property
    def all(self) -> list[Visit]:
        """Those that are hidden too."""
        return list(self._visits.values())

    def retract(self, sighting: Sighting) -> None:
        """Let it be told of again."""
        if sighting.thread in self._visits:
            self._visits[sighting.thread].is_told = False

    def _begin(self, track: Track, view: View) -> Visit:
        visit = Visit(self._next_thread, track, view.at_us, Spell(self._gap_s))
        self._next_thread += 1
        self._visits[visit.thread] = self._by_track[track.id] = visit
        return visit

    def _resume(self, track: Track, here: set[int], view: View) -> Visit | None:
        """The visit that a new track goes on with: the nearest of those lost, if it could be there by now."""
        best: tuple[float, Visit] | None = None
        for visit in self._visits.values():
            distance_m = self._miss_m(visit, track, view) if visit.track.id not in here else math.inf
            if distance_m < (best[0] if best else math.inf):
                best = distance_m, visit
        if best is None:
            return None
        del self._by_track[best[1].track.id]
        self._by_track[track.id] = best[1]
        return best[1]

    def _miss_m(self, visit: Visit, track: Track, view: View) -> float:
        """How far a track began from where a lost thing is expected; endless when it can't be that."""
        gap_s = (view.at_us - visit.seen_at_us) / 1e6
        began_s = (track.first_seen_us - visit.seen_at_us) / 1e6
        # Whoever lies down keeps his area, not his height.
        likeness = float(np.sqrt(box_math.areas(visit.track.box[None]) / box_math.areas(track.box[None]))[0])
        is_other = began_s < -HANDOVER_S and track.id not in visit.numbers
        if gap_s > self._gap_s or is_other or not 1 / SIZE_CHANGE <= likeness <= SIZE_CHANGE:
            return math.inf
        # Who is long out of sight may have stopped.
        going_s = min(gap_s, 2.0)
        x, y = visit.way.velocity_m_s
        before, now = view.spot(visit.track), view.spot(track)
        if before.place is not None and now.place is not None:
            x_m = now.place.east_m - before.place.east_m
            y_m = before.place.north_m - now.place.north_m
        else:
            scale = metres_per_px(visit.track)
            x_m, y_m = (scale * (a - b) for a, b in zip(now.foot_px, before.foot_px, strict=True))
        miss_m = min(math.hypot(x_m - x * going_s, y_m - y * going_s), math.hypot(x_m, y_m))
        return miss_m if miss_m <= REACH_M + self._pace_m_s * gap_s else math.inf

    def _forget(self, alive: set[int], at_us: int) -> None:
        for thread, visit in list(self._visits.items()):
            if visit.track.id not in alive and at_us - visit.seen_at_us > self._gap_s * 1e6:
                del self._visits[thread]
                del self._by_track[visit.track.id]


def direction(start: Point, end: Point, view: View) -> Point:
    """A unit vector from one pixel to another, on the same plane as a ``Way``."""
    if view.ground is not None:
        a, b = view.ground.locate(*start), view.ground.locate(*end)
        if a is not None and b is not None:
            x, y = b.east_m - a.east_m, a.north_m - b.north_m
            return x / math.hypot(x, y), y / math.hypot(x, y)
    x, y = end[0] - start[0], end[1] - start[1]
    return x / math.hypot(x, y), y / math.hypot(x, y)
