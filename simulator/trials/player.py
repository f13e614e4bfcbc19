"""Plays a trial to the box: the real pipeline from the motion gate to the report, with a stand-in for the
model alone. The one place where the simulator meets the box."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Detections, Frame
from edge_agent.domain.rules.table import RULES
from edge_agent.domain.scene_file import OpenStates, parse_scene
from edge_agent.domain.states import ZoneStates, fit_states
from edge_agent.domain.zone_picture import cut_zone, describe
from edge_agent.pipeline import CameraPipeline
from shared.geo import LatLon
from shared.kinds import KIND_BY_SLUG, TRAITS
from shared.messages import EventReport, Phase
from simulator.camera import Array
from simulator.score import Claim, Expected, Score, Tolerance, judge
from simulator.trials.eye import Eye
from simulator.trials.picture import Painter
from simulator.trials.sight import Sight, look
from simulator.trials.trial import Due, Stretch, Trial, Variant
from simulator.world import to_latlon

QUIET_FPS = 1.0
"""Where nothing moves the box looks at key frames only: about one picture a second."""
_TIMING_S = 0.012
"""How much a picture's time wavers, standard deviation."""
_BLACKOUT_S = 16.0
"""After a change between colour and infrared nothing is judged; a brief act then is not asked for."""
_LONG_S = 20.0
_CLEAR_SHARE, _CLEAR_PX, _CLEAR_PICTURES = 0.4, 10.0, 0.7
_DAY_STARTS, _NIGHT_STARTS = "2026-05-20T06:00:00+00:00", "2026-05-20T17:00:00+00:00"


def ruled_kinds() -> set[str]:
    """The kinds that the box has a rule for."""
    return {kind.slug for kind in RULES}


class Played(NamedTuple):
    """What came of a trial."""

    score: Score
    expected: list[Expected]
    reports: list[tuple[float, EventReport]]
    """With the second of the trial in which each was made."""
    pictures: int


class _Model:
    """In the model's place: gives the boxes that the eye saw in the picture of the moment."""

    def __init__(self, eye: Eye) -> None:
        self._eye = eye
        self.boxes: Array = np.zeros((0, 4))
        self.visible: Array = np.zeros(0)

    def detect_i420(
        self,
        i420: NDArray[np.uint8],  # noqa: ARG002  # this model looks at the truth
        look_px: tuple[int, int, int, int],
        *,
        min_score: float,
    ) -> Detections:
        """What lies in ``look_px``, at or above ``min_score``."""
        boxes, scores, classes = self._eye.see(self.boxes, self.visible)
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        kept = (scores >= min_score) & (middle >= look_px[:2]).all(1) & (middle <= look_px[2:]).all(1)
        return Detections(boxes[kept].astype(np.float32), scores[kept].astype(np.float32), classes[kept])


class Screening:
    """One camera's pipeline before a trial's pictures; ``show`` plays them to it, as often as wanted."""

    def __init__(self, trial: Trial, variant: Variant, rng: np.random.Generator) -> None:
        self.times_s = _times(trial, rng)
        self.sight = look(trial.camera, trial.actors, self.times_s)
        self.painter = Painter(rng, trial, variant)
        self._seen = [n for n, actor in enumerate(trial.actors) if actor.id not in trial.unseen]
        eye = Eye(rng, trial.camera, [trial.actors[n].object_class for n in self._seen], variant.miss)
        self._model: Any = _Model(eye)
        scene = parse_scene(trial.scene_toml, "trial.toml", _taught(trial, self.painter))
        self.pipeline = CameraPipeline(scene, self._model, randomness=rng.bytes)
        if trial.setup:
            trial.setup(self.pipeline)
        self.start_us = _start_us(trial, variant)
        self.pictures = 0

    def show(self, after_s: float = 0.0) -> list[tuple[float, EventReport]]:
        """All pictures, ``after_s`` later than the trial has them; gives the reports with their seconds."""
        reports: list[tuple[float, EventReport]] = []
        shown_s = float("-inf")
        for row, t_s in enumerate(self.times_s.tolist()):
            if self.pipeline.is_quiet and t_s - shown_s < 1 / QUIET_FPS:
                continue
            shown_s, self.pictures = t_s, self.pictures + 1
            boxes, visible = self.sight.boxes[row], self.sight.visible[row]
            moved = self.painter.paint(t_s, boxes, visible, self.sight.depth_m[row])
            self._model.boxes, self._model.visible = (
                boxes[self._seen] + np.tile(moved, 2),
                visible[self._seen],
            )
            frame = _frame(self.painter, row, self.start_us + round((after_s + t_s) * 1e6))
            told = self.pipeline.step(frame, frame.captured_at_us)
            reports += [(after_s + t_s, outcome.report) for outcome in told]
        return reports


def play(trial: Trial, variant: Variant, rng: np.random.Generator) -> Played:
    """Play it once and judge what was reported."""
    screening = Screening(trial, variant, rng)
    reports = screening.show()
    sight, times_s, switch_s = screening.sight, screening.times_s, screening.painter.switch_s
    expected = [_expected(n, due, trial, sight, times_s, switch_s) for n, due in enumerate(trial.due)]
    return Played(judge(expected, _claims(reports)), expected, reports, screening.pictures)


def _taught(trial: Trial, painter: Painter) -> OpenStates:
    """The files of taught states that the scene names, taught as a technician would: by pictures."""
    files: dict[str, ZoneStates] = {}
    zones = parse_scene(trial.scene_toml, "trial.toml").zones if trial.lessons else {}
    for lesson in trial.lessons:
        vectors: list[NDArray[Any]] = []
        for number, (_, t_s) in enumerate(lesson.pictures):
            painter.paint(t_s, np.zeros((0, 4)), np.zeros(0), np.zeros(0))
            polygon_px = zones[lesson.zone].polygon_px
            vectors.append(describe(cut_zone(_frame(painter, number, 0), polygon_px)))
        model = fit_states(np.stack(vectors), [state for state, _ in lesson.pictures])
        files[lesson.file] = ZoneStates(model, describe)
    return files.__getitem__


def _times(trial: Trial, rng: np.random.Generator) -> Array:
    """The instants of the pictures, each a little off its beat, (T,)."""
    pace = trial.pace or (Stretch(0.0, trial.seconds),)
    beats = np.concatenate([np.arange(s.from_s, s.to_s, 1 / s.fps) for s in pace])
    return np.sort(beats + rng.normal(0, _TIMING_S, len(beats)).clip(-0.05, 0.05))


def _start_us(trial: Trial, variant: Variant) -> int:
    text = trial.starts_at or (_NIGHT_STARTS if variant.is_dark else _DAY_STARTS)
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1e6)


def _frame(painter: Painter, number: int, at_us: int) -> Frame:
    width, height = painter.canvas.camera.size_px
    return Frame("trial", number, at_us, painter.canvas.i420.copy(), width, height, number % 5 == 0)


def _expected(number: int, due: Due, trial: Trial, sight: Sight, times_s: Array, switch_s: float) -> Expected:
    """What is asked for of a happening: nothing that could not be seen, no act in a blackout."""
    is_blacked_out = due.begin_s - 1 <= switch_s + _BLACKOUT_S and due.due_s >= switch_s - 1
    goes_on = TRAITS[KIND_BY_SLUG[due.kind]].is_state or due.due_s - due.begin_s >= _LONG_S
    due_s = due.due_s + (_BLACKOUT_S if is_blacked_out else 0.0)
    is_over = due.end_s is not None and due_s >= due.end_s
    is_asked = _is_clear(due, trial, sight, times_s) and not is_over
    is_asked &= not is_blacked_out or goes_on
    tolerance = Tolerance(1.0, due.late_s, due.far_m)
    return Expected(
        number, due.kind, due.begin_s, due_s, due.latlon, trial.camera.id, bool(is_asked), tolerance,
        _way(due, trial),
    )  # fmt: skip


def _way(due: Due, trial: Trial) -> Callable[[float], LatLon] | None:
    """Where the one who does it is at an instant."""
    actor = next((actor for actor in trial.actors if actor.id == due.actor_id), None)
    return None if actor is None else lambda t_s: to_latlon(actor.place_at(t_s)[:2])


def _is_clear(due: Due, trial: Trial, sight: Sight, times_s: Array) -> bool:
    """Whether who did it was seen well enough, for most of the time, to be asked for it."""
    if due.actor_id is None:
        return True
    row = next(n for n, actor in enumerate(trial.actors) if actor.id == due.actor_id)
    span = (times_s >= due.begin_s) & (times_s <= max(due.due_s, due.begin_s + 0.5))
    tall = sight.boxes[span, row, 3] - sight.boxes[span, row, 1] >= _CLEAR_PX
    clear = (sight.visible[span, row] >= _CLEAR_SHARE) & tall
    return bool(len(clear)) and float(clear.mean()) >= _CLEAR_PICTURES


def _claims(reports: list[tuple[float, EventReport]]) -> list[Claim]:
    """What was claimed: the beginning of each event."""
    claims: list[Claim] = []
    for t_s, report in reports:
        if report.phase is Phase.BEGIN:
            place = report.position
            where = LatLon(place.lat_deg, place.lon_deg) if place else None
            claims.append(Claim(report.event_id.hex(), report.kind.slug, t_s, where, report.camera))
    return claims
