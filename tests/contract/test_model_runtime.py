"""One contract for both TFLite runtimes: in the environment of either, it tests the one installed there."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import msgspec
import numpy as np
import pytest

from edge_agent.errors import ModelRefused
from edge_agent.inference.model import InputSpec, Manifest, ModelFile, read_model, write_manifest
from edge_agent.inference.runtime import TfliteDetector, choose_runtime, open_detector
from edge_agent.inference.trial import pass_trial
from shared.kinds import ObjectClass

RUNTIME = choose_runtime("auto")
SCORE_TOLERANCE = {"litert": 0.05, "tflite": 0.10}[RUNTIME]
"""Kernels of the two runtimes round differently; the figures below were taken with LiteRT."""
PERSON_AT = 160
"""A frame of the clip with one person, whose box a person would draw as (380, 12, 520, 402)."""
DAMAGED = 200
"""So many damaged copies of a model are tried."""
PERSON_BOX = np.array([380, 12, 520, 402])

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trials")


@pytest.fixture(scope="module")
def person_frame(data_dir: Path) -> np.ndarray:
    with av.open(str(data_dir / "videos" / "one-by-one-person-detection.mp4")) as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if number == PERSON_AT:
                return frame.to_ndarray(format="yuv420p")
    raise AssertionError("the clip is too short")


@pytest.fixture(scope="module")
def empty_frame(data_dir: Path) -> np.ndarray:
    with av.open(str(data_dir / "videos" / "one-by-one-person-detection.mp4")) as clip:
        return next(clip.decode(video=0)).to_ndarray(format="yuv420p")


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    span = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    both = float(span[0] * span[1])
    return both / float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


MODELS = {
    "coco_ssd_mobilenet_v1_quant/detect.tflite": 0.67,
    "yolox_nano/yolox_nano_dynamic_range_quantize.tflite": 0.88,
    "yolox_nano/yolox_nano_float16_quantize.tflite": 0.88,
    "nxp_fastestdet_person/dperson_shufflenetv2.tflite": 0.81,
}


@pytest.fixture(scope="module", params=sorted(MODELS))
def model_path(request: pytest.FixtureRequest, data_dir: Path) -> Path:
    return data_dir / "models" / request.param


@pytest.fixture(scope="module")
def detector(model_path: Path, state_dir: Path) -> Iterator[TfliteDetector]:
    opened = open_detector(model_path, state_dir=state_dir)
    yield opened
    opened.close()


def test_a_person_is_found_where_it_stands(
    detector: TfliteDetector, model_path: Path, person_frame: np.ndarray
) -> None:
    seen = detector.detect_i420(person_frame, None, min_score=0.5)
    assert seen.classes.tolist() == [ObjectClass.PERSON]
    assert overlap(seen.boxes[0], PERSON_BOX) > 0.6
    expected = MODELS[f"{model_path.parent.name}/{model_path.name}"]
    assert seen.scores[0] == pytest.approx(expected, abs=SCORE_TOLERANCE)
    assert (seen.boxes.dtype, seen.scores.dtype, seen.classes.dtype) == (np.float32, np.float32, np.int16)


def test_nothing_is_found_where_nothing_is(detector: TfliteDetector, empty_frame: np.ndarray) -> None:
    seen = detector.detect_i420(empty_frame, None, min_score=0.5)
    assert seen.boxes.shape == (0, 4)


def test_colours_first_and_planes_first_agree(detector: TfliteDetector, person_frame: np.ndarray) -> None:
    quick = detector.detect_i420(person_frame, None, min_score=0.5)
    slow = detector.detect(cv2.cvtColor(person_frame, cv2.COLOR_YUV2BGR_I420), min_score=0.5)
    assert overlap(quick.boxes[0], slow.boxes[0]) > 0.9
    assert quick.scores[0] == pytest.approx(slow.scores[0], abs=0.08)


def test_boxes_of_a_region_are_in_pixels_of_the_frame(
    detector: TfliteDetector, person_frame: np.ndarray
) -> None:
    region = (251.0, 0.0, 683.0, 432.0)
    seen = detector.detect_i420(person_frame, region, min_score=0.3)
    assert overlap(seen.boxes[0], PERSON_BOX) > 0.6
    assert (seen.boxes[:, [0, 2]] >= 250).all()
    assert (seen.boxes[:, [0, 2]] <= 684).all()


def test_two_threads_may_share_a_detector(detector: TfliteDetector, person_frame: np.ndarray) -> None:
    alone = detector.detect_i420(person_frame, None, min_score=0.5)
    answers: list[np.ndarray] = []

    def look() -> None:
        answers.extend(detector.detect_i420(person_frame, None, min_score=0.5).boxes for _ in range(5))

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 10
    assert all(np.array_equal(boxes, alone.boxes) for boxes in answers)


def vouched(folder: Path, content: bytes, like: Manifest) -> Path:
    """A model whose manifest swears that its (damaged) bytes are the right ones."""
    (folder / "model.tflite").write_bytes(content)
    sworn = msgspec.structs.replace(like, sha256=hashlib.sha256(content).hexdigest())
    (folder / "manifest.toml").write_text(write_manifest(sworn), "utf-8")
    return folder


def damaged(content: bytes, seed: int) -> bytes:
    """A truncation, or bits flipped in one of three densities; the structure begins in the first kilobyte."""
    rng = np.random.default_rng(seed)
    if seed % 4 == 0:
        return content[: int(rng.integers(300, len(content)))]
    broken = bytearray(content)
    reach = (1024, len(content), 20_000)[seed % 3]
    places = rng.integers(8, reach, (3, 300, 40)[seed % 3])
    for place in np.concatenate([places, len(content) - rng.integers(1, 4096, 8)]):
        broken[place] ^= 1 << int(rng.integers(8))
    return bytes(broken)


def test_damaged_copies_are_refused_before_they_are_loaded(data_dir: Path, tmp_path: Path) -> None:
    file = data_dir / "models" / "nxp_fastestdet_person" / "dperson_shufflenetv2.tflite"
    right = read_model(file)
    target = vouched(tmp_path, right.content, right.manifest)
    for seed in range(DAMAGED):
        (target / "model.tflite").write_bytes(damaged(right.content, seed))
        with pytest.raises(ModelRefused, match=r"sha256 is|no TFL3|are no model"):
            open_detector(target)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_damage_that_the_manifest_vouches_for_kills_a_child_at_most(data_dir: Path, tmp_path: Path) -> None:
    """Each copy is either refused with a reason or works: whatever the runtime does, this process goes on."""
    right = read_model(data_dir / "models" / "nxp_fastestdet_person" / "dperson_shufflenetv2.tflite")
    refused: list[str] = []
    for seed in range(DAMAGED):
        target = vouched(tmp_path, damaged(right.content, seed), right.manifest)
        try:
            open_detector(target, state_dir=tmp_path / "trials").close()
        except ModelRefused as refusal:
            refused.append(refusal.reason)
    assert len(refused) >= DAMAGED // 3
    assert all(refused)


def invalid_manifest(content: bytes) -> Manifest:
    return Manifest(
        hashlib.sha256(content).hexdigest(),
        "invalid",
        "tflite_ssd_postprocess",
        InputSpec(96, 96),
        ("person",),
        "Apache-2.0",
        "test",
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mobilenet_v1_0.25_128_quant_edgetpu.tflite", "does not take it|do not fit|input is|crashed"),
        ("model_invoking_error.tflite", "does not take it|do not fit|input is|crashed"),
        ("tflm_person_detect.tflite", "does not take it|do not fit|input is|crashed"),
    ],
)
def test_each_invalid_model_is_refused_even_with_a_manifest(
    data_dir: Path, tmp_path: Path, name: str, reason: str
) -> None:
    file = data_dir / "models" / "invalid" / name
    with pytest.raises(ModelRefused, match="nobody knows this file"):
        open_detector(file)
    content = file.read_bytes()
    with pytest.raises(ModelRefused, match=reason):
        open_detector(vouched(tmp_path, content, invalid_manifest(content)), state_dir=tmp_path / "trials")


def test_a_manifest_that_does_not_fit_the_model_is_refused(data_dir: Path, tmp_path: Path) -> None:
    right = read_model(data_dir / "models" / "nxp_fastestdet_person")
    for change, reason in (
        ({"input": InputSpec(224, 224, range="0..1")}, r"its input is \[\(1, 220, 220, 3\)\]"),
        ({"decoder": "yolox_grid"}, "do not fit the decoder yolox_grid"),
        ({"labels": ("person", "car")}, "do not fit the decoder fastestdet_grid"),
        ({"decoder": "magic"}, "decoder 'magic' is unknown"),
    ):
        said = msgspec.structs.replace(right.manifest, **change)
        with pytest.raises(ModelRefused, match=reason):
            open_detector(vouched(tmp_path, right.content, said), state_dir=tmp_path / "trials")


def test_a_trial_is_remembered_and_a_hang_is_not(data_dir: Path, tmp_path: Path) -> None:
    model = read_model(data_dir / "models" / "nxp_fastestdet_person")
    with pytest.raises(ModelRefused, match=r"did not finish its trial within 0\.001 s"):
        pass_trial(model, RUNTIME, tmp_path, limit_s=0.001)
    assert not list(tmp_path.iterdir())
    first = pass_trial(model, RUNTIME, tmp_path)
    assert first.infer_ms > 0
    assert pass_trial(model, RUNTIME, tmp_path, limit_s=0.001) == first
    other = ModelFile(model.path, model.content, msgspec.structs.replace(model.manifest, name="other"))
    with pytest.raises(ModelRefused, match="did not finish"):
        pass_trial(other, RUNTIME, tmp_path, limit_s=0.001)


def test_a_refusal_is_remembered_with_its_reason(tmp_path: Path) -> None:
    content = b"\x1c\0\0\0TFL3" + bytes(2000)
    model = ModelFile(tmp_path / "model.tflite", content, invalid_manifest(content))
    for limit_s in (30.0, 0.001):
        with pytest.raises(ModelRefused, match=r"does not take it|crashed|failed"):
            pass_trial(model, RUNTIME, tmp_path, limit_s=limit_s)


def test_a_damaged_memory_of_a_trial_is_forgotten(data_dir: Path, tmp_path: Path) -> None:
    model = read_model(data_dir / "models" / "nxp_fastestdet_person")
    pass_trial(model, RUNTIME, tmp_path)
    (memory,) = tmp_path.iterdir()
    memory.write_bytes(b"{")
    assert pass_trial(model, RUNTIME, tmp_path).infer_ms > 0
    assert memory.read_bytes() != b"{"


def test_the_runtime_that_is_missing_is_named() -> None:
    missing = "tflite" if RUNTIME == "litert" else "litert"
    with pytest.raises(ModelRefused, match=f"{missing} not installed"):
        choose_runtime(missing)  # type: ignore[arg-type]
