"""A slow state through the whole pipeline: pictures before and after, over a restart of the box."""

import hashlib
import json
from itertools import count
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Detections, Frame
from edge_agent.domain.scene_file import parse_scene
from edge_agent.pipeline import CameraPipeline, Outcome
from shared.kinds import ObjectClass
from shared.messages import Phase
from tests.ground import SIZE_PX, START_US, Paint, road, rubbish

SCENE = f"""
[camera]
id = "road"
size_px = [{SIZE_PX[0]}, {SIZE_PX[1]}]

[[zone]]
id = "road"
polygon_px = [[80, 50], [260, 50], [260, 160], [80, 160]]

[[rule]]
kind = "dump"
zone = "road"
zone_m2 = 40
sample_s = 10
"""
MAN_BOX = (10.0, 60.0, 40.0, 150.0)


class Model:
    """Sees one man beside the zone, always."""

    def detect_i420(self, i420: Any, region: Any, *, min_score: float) -> Detections:
        boxes = np.array([MAN_BOX], np.float32)
        return Detections(boxes, np.array([0.9], np.float32), np.array([ObjectClass.PERSON], np.int16))


def new_pipeline() -> CameraPipeline:
    numbers = count(1)
    model: Any = Model()
    scene = parse_scene(SCENE, "road.toml")
    return CameraPipeline(scene, model, randomness=lambda size: bytes([next(numbers)]) * size)


def play(pipeline: CameraPipeline, from_s: int, seconds: int, paint: Paint | None = None) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for second in range(from_s, from_s + seconds):
        picture = road(paint, seed=second)
        # What identifies the man: stripes that no blurring by chance would keep.
        picture[60:92:4, 10:40] = 255
        i420 = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        at_us = START_US + second * 1_000_000
        frame = Frame("road", second, at_us, i420, *SIZE_PX, True)
        outcomes += pipeline.step(frame, at_us)
    return outcomes


def test_before_and_after_belong_to_one_event_over_a_restart() -> None:
    pipeline = new_pipeline()
    assert play(pipeline, 0, 50) == []
    begun = play(pipeline, 50, 70, rubbish)
    memory = json.loads(json.dumps(pipeline.memory()))
    again = new_pipeline()
    again.recall(memory)
    ended = play(again, 120, 80)
    assert [one.report.phase for one in begun + ended] == [Phase.BEGIN, Phase.END]
    before, after = begun[0], ended[0]
    assert before.report.event_id == after.report.event_id
    assert after.report.revision == before.report.revision + 1
    for outcome in (before, after):
        assert outcome.snapshot_jpeg is not None
        assert hashlib.sha256(outcome.snapshot_jpeg).digest() == outcome.report.evidence_digest
    assert before.snapshot_jpeg is not None
    assert after.snapshot_jpeg is not None
    assert spread(before.snapshot_jpeg) > 2 * spread(after.snapshot_jpeg)


def test_both_pictures_are_redacted() -> None:
    pipeline = new_pipeline()
    outcomes = play(pipeline, 0, 50) + play(pipeline, 50, 70, rubbish) + play(pipeline, 120, 80)
    pictures = [one.snapshot_jpeg for one in outcomes if one.snapshot_jpeg is not None]
    assert len(pictures) == 2
    for jpeg in pictures:
        head = grey(jpeg)[62:88, 14:36]
        assert np.abs(np.diff(head, axis=0)).mean() < 20


def grey(jpeg: bytes) -> NDArray[np.float64]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE), np.float64)


def spread(jpeg: bytes) -> float:
    """How varied the ground is where the heap lay."""
    return float(grey(jpeg)[95:115, 150:180].std())
