"""One camera's work, from a frame to what is to be reported."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from edge_agent.domain.detection import Detections, Frame, Track
from edge_agent.domain.fields import SceneError
from edge_agent.domain.motion import Motion, MotionGate
from edge_agent.domain.reporting import Reporter
from edge_agent.domain.rules.duty import Duty, Found, Tally
from edge_agent.domain.scene import RuleSpec, Scene
from edge_agent.domain.tracking import LOW_SHARE, Tracker
from edge_agent.evidence.snapshot import make_snapshot
from edge_agent.inference.runtime import Detector
from shared.kinds import TRAITS, Lane
from shared.messages import Clock, ClockSource, EventReport, Phase

RECHECK_S = 4.0
"""With tracks and no motion, the picture is looked at again so often."""
IDLE_RECHECK_S = 10.0
"""Without either, so often: something may have come while the gate was blind."""


QUIET_S = 3.0
"""Nothing has moved for so long: fewer frames will do."""


class Outcome(NamedTuple):
    """Something to be sent."""

    report: EventReport
    snapshot_jpeg: bytes | None
    lane: Lane


@dataclass(slots=True)
class StageCounters:
    """What a camera's work came to, since start."""

    frames: int = 0
    frames_inferred: int = 0
    detections: int = 0
    """At or above the scene's score limit."""
    reports: int = 0
    motion_s: float = 0.0
    infer_s: float = 0.0
    track_s: float = 0.0
    rules_s: float = 0.0
    report_s: float = 0.0


class CameraPipeline:
    """Motion gate, model, tracker, rules and reporting of one camera. Shares nothing but the detector.

    ``randomness`` gives random bytes for event ids. ``clock`` says how good the frames' times are; whoever
    sets the clock replaces it.
    """

    def __init__(
        self,
        scene: Scene,
        detector: Detector,
        *,
        randomness: Callable[[int], bytes],
        clock: Clock = Clock(ClockSource.UNVERIFIED, 0),  # noqa: B008  # frozen
    ) -> None:
        self.scene = scene
        self.clock = clock
        self.counters = StageCounters()
        self.tracks: list[Track] = []
        """As they stood after the last frame."""
        self.motion: Motion | None = None
        """Of the last frame."""
        self.infer_times_s: deque[float] = deque(maxlen=4096)
        """Of the latest inferences."""
        self._detector = detector
        self._gate = MotionGate()
        self._tracker = Tracker(scene.look_px, scene.min_score)
        self._duty = Duty(scene)
        self._reporter = Reporter(scene, randomness)
        self._inferred_us: int | None = None
        self._at_us = 0
        self._restless_us = 0
        self._seen = Detections.empty()

    def step(self, frame: Frame, now_us: int) -> list[Outcome]:
        """Work one frame; ``now_us`` (UTC) is the present, which orders event ids.

        Raises ``SceneError`` when the picture has another size than the scene was drawn on.
        """
        self._check_size(frame)
        at_us, counters = frame.captured_at_us, self.counters
        started_s = perf_counter()
        motion = self.motion = self._gate.observe(frame.i420, frame.height, at_us)
        moved_s = perf_counter()
        detections = self._detect(frame, motion)
        inferred_s = perf_counter()
        if detections is None:
            self.tracks = self._tracker.hold(at_us)
        else:
            self.tracks = self._tracker.update(detections, at_us, motion)
            self.infer_times_s.append(inferred_s - moved_s)
        tracked_s = perf_counter()
        self._note_rest(motion, at_us)
        found = self._duty.step(self.tracks, motion, at_us, frame)
        ruled_s = perf_counter()
        outcomes = [self._outcome(one, frame, now_us) for one in found]
        counters.frames += 1
        counters.reports += len(outcomes)
        counters.motion_s += moved_s - started_s
        counters.infer_s += inferred_s - moved_s
        counters.track_s += tracked_s - inferred_s
        counters.rules_s += ruled_s - tracked_s
        counters.report_s += perf_counter() - ruled_s
        return outcomes

    @property
    def seen(self) -> Detections:
        """All that the model saw when it last looked, faint things included."""
        return self._seen

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has moved and nothing was uncertain for a while: fewer frames would do."""
        return self._at_us - self._restless_us >= QUIET_S * 1e6

    def reconnected(self, at_us: int) -> None:
        """The camera was away before the frame of ``at_us``, or its clip starts over."""
        self._gate = MotionGate()
        self._duty.black_out(at_us)

    @property
    def tallies(self) -> list[tuple[RuleSpec, Tally]]:
        """What became of each rule's sightings."""
        return list(zip(self.scene.rules, self._duty.tallies, strict=True))

    def memory(self) -> dict[str, Any]:
        """What must outlive a restart of the box, in JSON's own types; empty when no rule remembers."""
        rules = self._duty.memory()
        return {"rules": rules, "events": self._reporter.memory(rules)} if rules else {}

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on from what ``memory`` gave, before the first frame.

        Raises ``LookupError``, ``TypeError`` or ``ValueError`` when it is not what ``memory`` gives.
        """
        self._reporter.recall(memory["events"])
        self._duty.recall(memory["rules"])

    def _note_rest(self, motion: Motion, at_us: int) -> None:
        self._at_us = at_us
        if not motion.is_still or self._tracker.is_unsure or not self._restless_us:
            self._restless_us = at_us

    def _check_size(self, frame: Frame) -> None:
        if (frame.width, frame.height) != (self.scene.width, self.scene.height):
            raise SceneError(
                f"scene of {self.scene.camera}",
                "camera.size_px",
                f"[{self.scene.width}, {self.scene.height}] is not the picture's size",
                f"draw the scene on a picture of [{frame.width}, {frame.height}]",
            )

    def _detect(self, frame: Frame, motion: Motion) -> Detections | None:
        """Look at a frame when there is a reason to; None when there is none."""
        if not self._is_due(frame.captured_at_us, motion):
            return None
        least_score = LOW_SHARE * self.scene.min_score
        self._seen = self._detector.detect_i420(frame.i420, self.scene.look_px, min_score=least_score)
        self._inferred_us = frame.captured_at_us
        self.counters.frames_inferred += 1
        self.counters.detections += int((self._seen.scores >= self.scene.min_score).sum())
        return self._seen

    def _is_due(self, at_us: int, motion: Motion) -> bool:
        if self._inferred_us is None or not motion.is_still or self._tracker.is_unsure:
            return True
        recheck_s = RECHECK_S if self._tracker.has_tracks else IDLE_RECHECK_S
        return at_us - self._inferred_us >= recheck_s * 1e6

    def _outcome(self, found: Found, frame: Frame, now_us: int) -> Outcome:
        snapshot = self._snapshot(found, frame) if found.sighting.phase is Phase.BEGIN else None
        report = self._reporter.report(found, frame.captured_at_us, now_us, self.clock, snapshot)
        return Outcome(report, snapshot, TRAITS[report.kind].lane)

    def _snapshot(self, found: Found, frame: Frame) -> bytes:
        """The one picture of an event, with all that might be a person or vehicle made unreadable."""
        boxes = np.array([track.box for track in self.tracks], np.float32).reshape(-1, 4)
        classes = np.array([track.object_class for track in self.tracks], np.int16)
        things = Detections(
            np.concatenate([self._seen.boxes, boxes]),
            np.concatenate([self._seen.scores, np.ones(len(boxes), np.float32)]),
            np.concatenate([self._seen.classes, classes]),
        )
        return make_snapshot(
            frame, things, found.sighting.subject.box, self.scene.rules[found.rule].outline_px
        )
