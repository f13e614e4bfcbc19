"""An old uint8 model, made signed for a faster processor, sees what it saw before."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_agent.domain.detection import Detections
from edge_agent.inference.model import BUNDLED_MODEL, ModelFile, read_model
from edge_agent.inference.runtime import TfliteDetector, choose_runtime, open_detector
from edge_agent.inference.trial import Trial, pass_trial
from edge_agent.sources.file import read_frames

RUNTIME = choose_runtime("auto")
CLIPS = ("one-by-one-person-detection.mp4", "udacity_solidWhiteRight_960x540.mp4", "car-detection.mp4")
ONE_STEP = 1.5 / 256
"""Scores come in steps of 1/256; one step up or down is rounding."""

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(RUNTIME != "litert", reason="the older runtime is slower with signed models"),
]


@pytest.fixture(scope="module")
def old_model(data_dir: Path) -> ModelFile:
    return read_model(data_dir / "models" / "coco_ssd_mobilenet_v1_quant")


@pytest.fixture(scope="module")
def signed(old_model: ModelFile) -> ModelFile:
    from edge_agent.inference.recast import recast

    content = recast(old_model.content)
    assert content is not None
    return msgspec.structs.replace(old_model, content=content)


def overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    span = np.maximum(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0)
    both = span.prod(1)
    return both / ((box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - both)


def nearest(seen: Detections, row: int, others: Detections) -> tuple[float, float]:
    """Of the most alike box of the same class: the overlap, and by how much its score differs."""
    same = others.classes == seen.classes[row]
    if not same.any():
        return 0.0, 1.0
    likeness = overlap(seen.boxes[row], others.boxes[same])
    best = int(likeness.argmax())
    return float(likeness[best]), abs(float(others.scores[same][best] - seen.scores[row]))


def test_each_thing_of_the_clips_is_seen_where_it_was(
    data_dir: Path, old_model: ModelFile, signed: ModelFile
) -> None:
    before, after = (TfliteDetector(model, 1, RUNTIME) for model in (old_model, signed))
    likeness: list[float] = []
    changes: list[float] = []
    for clip in CLIPS:
        for frame in list(read_frames(data_dir / "videos" / clip, 5, 0))[::9]:
            seen = before.detect_i420(frame.i420, None, min_score=0.4)
            again = after.detect_i420(frame.i420, None, min_score=0.3)
            pairs = [nearest(seen, row, again) for row in range(len(seen.scores))]
            likeness += [pair[0] for pair in pairs]
            changes += [pair[1] for pair in pairs]
    assert len(likeness) > 80
    assert min(likeness) > 0.6
    assert np.mean(likeness) > 0.96
    assert np.mean(changes) < ONE_STEP
    assert max(changes) < 0.06


def test_inputs_and_outputs_stay_as_they_are(old_model: ModelFile, signed: ModelFile) -> None:
    before, after = (TfliteDetector(model, 1, RUNTIME).signature() for model in (old_model, signed))
    assert before == after


def test_only_an_old_model_is_recast(data_dir: Path, signed: ModelFile) -> None:
    from edge_agent.inference.recast import recast

    for path in (BUNDLED_MODEL, data_dir / "models" / "nxp_fastestdet_person"):
        assert recast(read_model(path).content) is None
    assert recast(signed.content) is None


def test_a_model_of_coarse_weights_is_left_alone(
    old_model: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One channel in a hundred of this one loses precision; where that is too many it stays unsigned."""
    from edge_agent.inference import recast

    monkeypatch.setattr(recast, "COARSER_SHARE", 0.001)
    assert recast.recast(old_model.content) is None


def test_a_recast_model_is_remembered_whole_or_tried_again(
    old_model: ModelFile, signed: ModelFile, tmp_path: Path
) -> None:
    trial = pass_trial(old_model, RUNTIME, tmp_path)
    (memory,) = tmp_path.iterdir()
    faster = msgspec.structs.replace(trial, recast=b"changed on the disk", recast_sha256="0" * 64)
    memory.write_bytes(msgspec.json.encode(faster))
    again = pass_trial(old_model, RUNTIME, tmp_path)
    # Another trial may find the other one faster.
    assert again.content_of(old_model) in (old_model.content, signed.content)
    assert msgspec.json.decode(memory.read_bytes(), type=Trial) == again


def test_a_box_runs_the_faster_one(old_model: ModelFile, signed: ModelFile, tmp_path: Path) -> None:
    """Which one is faster is this machine's to say; the detector runs what the trial gave."""
    trial = pass_trial(old_model, RUNTIME, tmp_path)
    assert trial.content_of(old_model) in (old_model.content, signed.content)
    opened = open_detector(old_model.path, state_dir=tmp_path)
    expected = TfliteDetector(
        msgspec.structs.replace(old_model, content=trial.content_of(old_model)), 1, RUNTIME
    )
    picture = np.random.default_rng(1).integers(0, 256, (360, 640, 3), np.uint8)
    one, other = (detector.detect(picture, min_score=0.05) for detector in (opened, expected))
    assert np.array_equal(one.scores, other.scores)
    assert np.array_equal(one.boxes, other.boxes)
