"""One camera's work, from a frame to what is to be reported."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, thread_time
from typing import Any, NamedTuple

from edge_agent.domain.attention import RECHECK_S, Attention, Look
from edge_agent.domain.conditions import Conditions, ConditionsWatch, factors_of
from edge_agent.domain.detection import Detections, Frame, Track
from edge_agent.domain.fields import SceneError
from edge_agent.domain.motion import Motion, MotionGate
from edge_agent.domain.privacy import everything
from edge_agent.domain.reporting import Reporter
from edge_agent.domain.rules.duty import Duty, Found, Pause, Tally
from edge_agent.domain.rules.table import RULES
from edge_agent.domain.scene import RuleSpec, Scene
from edge_agent.domain.tiling import Seen, Sweep, merged, tiles_of
from edge_agent.domain.tracking import LOW_SHARE, Tracker
from edge_agent.evidence.snapshot import make_snapshot
from edge_agent.inference.runtime import Detector
from shared.kinds import TRAITS, Lane
from shared.messages import Clock, ClockSource, EventReport, Phase

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
    looks: Counter[Look] = field(default_factory=Counter)
    """Why frames were looked at, or were not."""
    detections: int = 0
    """At or above the scene's score limit."""
    reports: int = 0
    # Processor time of each stage.
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
        """Of the latest looks, by the clock: waiting for the one model included."""
        self._detector = detector
        self._gate = MotionGate()
        self._conditions = ConditionsWatch(scene.profile)
        self._tracker = Tracker(scene.look_px, scene.min_score)
        self._duty = Duty(scene)
        self._reporter = Reporter(scene, randomness)
        self._sweep = _sweep_of(scene, detector)
        self._attention = Attention(RECHECK_S) if self._sweep else Attention()
        self._at_us = 0
        self._restless_us = 0
        self._seen = Detections.empty()

    def step(self, frame: Frame, now_us: int) -> list[Outcome]:
        """Work one frame; ``now_us`` (UTC) is the present, which orders event ids.

        Raises ``SceneError`` when the picture has another size than the scene was drawn on.
        """
        self._check_size(frame)
        at_us, counters = frame.captured_at_us, self.counters
        started_s = thread_time()
        motion = self.motion = self._gate.observe(frame.i420, frame.height, at_us)
        self._adapt(self._conditions.observe(frame.luma, motion, at_us))
        moved_s = thread_time()
        look = self._attention.judge(at_us, motion, self.tracks, self._tracker.is_unsure)
        if look.is_now:
            self._detect(frame, motion)
        inferred_s = thread_time()
        if look.is_now:
            self.tracks = self._tracker.update(self._seen, at_us, motion)
        else:
            self.tracks = self._tracker.hold(at_us) if motion.is_still else self._tracker.carry(at_us)
        counters.looks[look] += 1
        tracked_s = thread_time()
        self._note_rest(motion, at_us)
        found = self._duty.step(self.tracks, motion, at_us, frame, self.conditions)
        ruled_s = thread_time()
        outcomes = [self._outcome(one, frame, now_us) for one in found]
        counters.frames += 1
        counters.reports += len(outcomes)
        counters.motion_s += moved_s - started_s
        counters.infer_s += inferred_s - moved_s
        counters.track_s += tracked_s - inferred_s
        counters.rules_s += ruled_s - tracked_s
        counters.report_s += thread_time() - ruled_s
        return outcomes

    @property
    def seen(self) -> Detections:
        """All that the model saw when it last looked, faint things included."""
        return self._seen

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has moved and nothing was uncertain for a while: fewer frames would do."""
        return self._at_us - self._restless_us >= QUIET_S * 1e6

    @property
    def conditions(self) -> Conditions:
        """Under what light and weather the camera sees."""
        return self._conditions.now

    @property
    def pause(self) -> Pause | None:
        """Why the rules did not judge the last frame."""
        return self._duty.pause

    def _adapt(self, conditions: Conditions) -> None:
        factors = factors_of(conditions)
        self._gate.threshold_factor = factors.motion
        self._tracker.score_limit = factors.score * self.scene.min_score

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

    def _detect(self, frame: Frame, motion: Motion) -> None:
        begun_s = perf_counter()
        least_score = LOW_SHARE * self.scene.min_score
        tiles = self._sweep.choose(motion, frame.captured_at_us) if self._sweep else [self.scene.look_px]
        seen = [Seen(t, self._detector.detect_i420(frame.i420, t, min_score=least_score)) for t in tiles]
        if self._sweep:
            seen = self._sweep.complete(seen, self.scene.min_score)
        self._seen = merged(seen, self.scene.look_px) if len(seen) > 1 else seen[0].found
        self.infer_times_s.append(perf_counter() - begun_s)
        self.counters.frames_inferred += 1
        self.counters.detections += int((self._seen.scores >= self.scene.min_score).sum())

    def _outcome(self, found: Found, frame: Frame, now_us: int) -> Outcome:
        phase, kind = found.sighting.phase, found.sighting.kind
        is_shown = phase is Phase.BEGIN or (phase is Phase.END and RULES[kind].form.shows_end)
        snapshot = self._snapshot(found, frame) if is_shown else None
        report = self._reporter.report(found, frame.captured_at_us, now_us, self.clock, snapshot)
        return Outcome(report, snapshot, TRAITS[report.kind].lane)

    def _snapshot(self, found: Found, frame: Frame) -> bytes:
        """The picture of an event, with all that might be a person or vehicle made unreadable."""
        things = everything(self.tracks, self._seen)
        return make_snapshot(
            frame, things, found.sighting.subject.box, self.scene.rules[found.rule].outline_px
        )


def _sweep_of(scene: Scene, detector: Detector) -> Sweep | None:
    """None where the model is shown the whole picture at once."""
    if scene.tile_px is None:
        return None
    spec = detector.manifest.input
    tiles = tiles_of(scene.look_px, scene.tile_px, (spec.width, spec.height))
    return Sweep(tiles) if len(tiles) > 1 else None
