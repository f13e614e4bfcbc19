"""Keeps every camera's work going, each in a thread of its own, and says so when one cannot go on."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from edge_agent.domain.conditions import Conditions
from edge_agent.domain.detection import Detections, Frame, Track
from edge_agent.domain.fields import SceneError
from edge_agent.domain.motion import Motion
from edge_agent.domain.rules.duty import Pause, Tally
from edge_agent.domain.scene import RuleSpec
from edge_agent.errors import EdgeError, OutboxFault, SettingsRefused
from edge_agent.machine import read_clock
from edge_agent.outbox.store import Outbox, Snapshot
from edge_agent.sources.feed import Arrival, CameraFeed
from edge_agent.tracks.log import TrackLog
from edge_agent.tracks.record import Moment
from shared.kinds import Lane
from shared.messages import Clock, EventReport

log = logging.getLogger(__name__)

_TAKE_S = 4.0
"""A feed whose thread died is noticed within this; all else wakes whoever waits for a frame."""
_STOP_S = 5.0


class Outcome(Protocol):
    """Something to be sent; see ``edge_agent.pipeline.Outcome``."""

    @property
    def report(self) -> EventReport: ...
    @property
    def snapshot_jpeg(self) -> bytes | None: ...
    @property
    def lane(self) -> Lane: ...


class Pipeline(Protocol):
    """What judges a camera's frames; ``edge_agent.pipeline.CameraPipeline`` is the real one."""

    clock: Clock

    @property
    def counters(self) -> Any: ...
    @property
    def is_quiet(self) -> bool: ...
    @property
    def tracks(self) -> Sequence[Track]: ...
    @property
    def seen(self) -> Detections: ...
    @property
    def motion(self) -> Motion | None: ...
    @property
    def conditions(self) -> Conditions: ...
    @property
    def pause(self) -> Pause | None: ...
    @property
    def tallies(self) -> Sequence[tuple[RuleSpec, Tally]]: ...
    def reconnected(self, at_us: int) -> None: ...
    def memory(self) -> dict[str, Any]: ...
    def recall(self, memory: dict[str, Any]) -> None: ...
    def step(self, frame: Frame, now_us: int) -> Sequence[Outcome]: ...


class Memory(Protocol):
    """Where a pipeline's memory is kept; see ``edge_agent.memory.MemoryFile``."""

    def recall(self, pipeline: Pipeline) -> None: ...
    def keep(self, pipeline: Pipeline, *, is_urgent: bool = False) -> None: ...


class Witness(Protocol):
    """Who looks on; see ``edge_agent.clips.ClipKeeper`` and ``edge_agent.commands.LiveViews``."""

    def saw(self, feed: CameraFeed, frame: Frame, tracks: Sequence[Track], seen: Detections) -> None: ...


Began = Callable[[CameraFeed, Frame, Sequence[Outcome]], None]
Stored = Callable[[Arrival, Sequence[Outcome]], None]


class CameraWatch:
    """One camera: takes the newest frame, has the pipeline judge it, stores what it reports."""

    def __init__(
        self,
        feed: CameraFeed,
        pipeline: Pipeline,
        outbox: Outbox,
        now_us: Callable[[], int],
        stored: Stored | None = None,
        track_log: TrackLog | None = None,
        memory: Memory | None = None,
        witnesses: Sequence[Witness] = (),
        began: Began | None = None,
        read_clock: Callable[[], Clock] = read_clock,
    ) -> None:
        self.feed = feed
        self.pipeline = pipeline
        self.reports = 0
        self.outbox_s = 0.0
        self.lags_ms: deque[float] = deque(maxlen=1_000)
        """From the decoded frame to the end of its judging, its reports stored."""
        self._outbox = outbox
        self._now_us = now_us
        self._stored = stored
        self._track_log = track_log
        self._memory = memory
        self._witnesses = witnesses
        self._began = began
        self._read_clock = read_clock
        if memory:
            memory.recall(pipeline)

    def run_once(self) -> None:
        """Wait for a frame and work through it."""
        arrival = self.feed.mailbox.take(_TAKE_S)
        if arrival is None:
            if not (self.feed.is_alive or self.feed.mailbox.is_closed):
                raise EdgeError("its feed died")
            return
        if arrival.is_seam:
            self.pipeline.reconnected(arrival.frame.captured_at_us)
        # With each frame: a clock that was set a moment ago must not be called a good one.
        self.pipeline.clock = self._read_clock()
        outcomes = self.pipeline.step(arrival.frame, self._now_us())
        if outcomes:
            self._store(outcomes)
            if self._stored:
                self._stored(arrival, outcomes)
        for witness in self._witnesses:
            witness.saw(self.feed, arrival.frame, self.pipeline.tracks, self.pipeline.seen)
        if outcomes and self._began:
            self._began(self.feed, arrival.frame, outcomes)
        self._keep_tracks(arrival)
        if self._memory:
            self._memory.keep(self.pipeline, is_urgent=bool(outcomes))
        self.feed.watch(is_close=not self.pipeline.is_quiet)
        self.lags_ms.append((time.monotonic() - arrival.decoded_at_s) * 1e3)

    def stop(self) -> None:
        """After the last frame: write what still waits."""
        if self._track_log:
            self._track_log.flush()
        if self._memory:
            self._memory.keep(self.pipeline, is_urgent=True)

    def _keep_tracks(self, arrival: Arrival) -> None:
        motion = self.pipeline.motion
        if self._track_log is None or motion is None:
            return
        self._track_log.add(
            Moment(
                arrival.frame.captured_at_us,
                self.pipeline.tracks,
                arrival.is_seam,
                motion.is_global,
                motion.is_switch,
            )
        )

    def _store(self, outcomes: Sequence[Outcome]) -> None:
        begun_s = time.thread_time()
        reports = [(outcome.lane, outcome.report) for outcome in outcomes]
        camera = self.feed.camera
        snapshots = [
            Snapshot(outcome.report.event_id, camera, outcome.report.observed_at_us, outcome.snapshot_jpeg)
            for outcome in outcomes
            if outcome.snapshot_jpeg is not None
        ]
        try:
            self._outbox.put(reports, snapshots)
        except OutboxFault as fault:
            log.error("%s", fault)
        self.reports += len(outcomes)
        self.outbox_s += time.thread_time() - begun_s


class Supervisor:
    """All cameras of a box."""

    def __init__(
        self,
        watches: Sequence[CameraWatch],
        refused: Callable[[str, SettingsRefused], None],
        died: Callable[[str], None],
    ) -> None:
        """``refused`` hears of a camera whose scene does not fit its pictures; the others go on.

        ``died`` hears what stopped and why: the agent must not go on. Both are called from any thread.
        """
        self.watches = watches
        self._refused = refused
        self._died = died
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[watch], name=f"watch-{watch.feed.camera}", daemon=True)
            for watch in watches
        ]

    def start(self) -> None:
        for watch in self.watches:
            watch.feed.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Signal all, then wait for each."""
        self._stopping.set()
        for watch in self.watches:
            watch.feed.signal_stop()
        for watch in self.watches:
            watch.feed.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_STOP_S)
        for watch in self.watches:
            watch.stop()

    def _run(self, watch: CameraWatch) -> None:
        try:
            while not self._stopping.is_set():
                watch.run_once()
        except SceneError as error:
            watch.feed.signal_stop()
            self._refused(
                watch.feed.camera, SettingsRefused(error.file, f"{error.key} {error.fault}", error.way_out)
            )
        except Exception as error:
            log.exception("camera %s: its watch died", watch.feed.camera)
            self._died(f"the watch of camera {watch.feed.camera} died: {error!r}")
