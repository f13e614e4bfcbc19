"""Decoders on arrays written by hand: where boxes land, what is dropped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge_agent.inference.decoders import (
    DECODERS,
    OVERLAP_LIMIT,
    CentreGrid,
    FastestDetGrid,
    NanoDetGrid,
    SsdPostProcess,
    YoloV8Columns,
    YoloV8PixelColumns,
    YoloxGrid,
    suppress,
)
from edge_agent.inference.model import InputSpec, Manifest
from shared.kinds import ObjectClass


def manifest(decoder: str, labels: tuple[str, ...], width: int = 64, height: int = 64) -> Manifest:
    return Manifest("0" * 64, "test", decoder, InputSpec(width, height), labels, "none", "here")


def test_ssd_gives_left_top_right_bottom_and_drops_the_rest() -> None:
    decoder = SsdPostProcess(manifest("tflite_ssd_postprocess", ("person", "chair", "car")))
    boxes = np.array(
        [[[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], [0.5, 0.5, 0.6, 0.7], [0, 0, 1, 1], [0, 0, 1, 1]]], "f4"
    )
    labels = np.array([[0, 1, 2, 7, 2]], "f4")
    scores = np.array([[0.9, 0.8, 0.7, 0.6, 0.2]], "f4")
    found = decoder.decode([boxes, labels, scores, np.array([5], "f4")], 0.5)
    np.testing.assert_allclose(found.boxes, [[0.2, 0.1, 0.4, 0.3], [0.5, 0.5, 0.7, 0.6]], rtol=1e-6)
    assert found.classes.tolist() == [ObjectClass.PERSON, ObjectClass.CAR]
    np.testing.assert_allclose(found.scores, [0.9, 0.7])


def test_yolox_cells_of_each_stride_land_where_they_should() -> None:
    decoder = YoloxGrid(manifest("yolox_grid", ("chair", "person")))
    rows = np.zeros((1, 64 + 16 + 4, 7), "f4")
    rows[0, 9] = [0.5, 0.5, np.log(2), np.log(4), 0.9, 0.0, 1.0]  # stride 8, cell (1, 1)
    rows[0, 64 + 6] = [0.0, 1.0, 0.0, 0.0, 0.8, 0.1, 1.0]  # stride 16, cell (2, 1)
    rows[0, 80 + 3] = [0.0, 0.0, 0.0, 0.0, 0.9, 1.0, 0.5]  # stride 32: person with 0.45
    found = decoder.decode([rows], 0.5)
    np.testing.assert_allclose(found.boxes * 64, [[4, -4, 20, 28], [24, 24, 40, 40]], atol=1e-4)
    np.testing.assert_allclose(found.scores, [0.9, 0.8], rtol=1e-6)
    assert decoder.expected_shapes() == ((1, 84, 7),)


def test_nanodet_distances_are_the_mean_of_their_weights() -> None:
    decoder = NanoDetGrid(manifest("nanodet_grid", ("chair", "person", "car"), 96, 64))
    cells = 12 * 8 + 6 * 4 + 3 * 2 + 2 * 1
    rows = np.full((1, cells, 3 + 32), -30, "f4")
    rows[..., :3] = 0
    rows[0, 12 + 2, :3] = [0.95, 0.8, 0.1]  # stride 8, corner (16, 8): a chair is none of ours
    for side, distance in enumerate((1, 0, 3, 4)):
        rows[0, 12 + 2, 3 + 8 * side + distance] = 0
    rows[0, 96 + 24 + 4, :3] = [0, 0, 0.7]  # stride 32, corner (32, 32)
    rows[0, 96 + 24 + 4, 3:] = [0, 0, *[-30] * 6] * 4  # half way between 0 and 1 stride
    found = decoder.decode([rows], 0.5)
    size = np.array([96, 64, 96, 64])
    np.testing.assert_allclose(found.boxes * size, [[8, 8, 40, 40], [16, 16, 48, 48]], atol=1e-3)
    assert found.classes.tolist() == [ObjectClass.PERSON, ObjectClass.CAR]
    assert decoder.expected_shapes() == ((1, cells, 35),)


@pytest.mark.parametrize(
    ("decoder", "unit"),
    [(YoloV8Columns, (1, 1)), (YoloV8PixelColumns, (64, 32))],
    ids=["fractions", "pixels"],
)
def test_yolov8_columns(decoder: type[YoloV8Columns], unit: tuple[int, int]) -> None:
    columns = np.zeros((1, 4 + 2, 21), "f4")
    columns[0, :, 3] = [0.5 * unit[0], 0.5 * unit[1], 0.25 * unit[0], 0.5 * unit[1], 0.1, 0.9]
    columns[0, :, 9] = [0.1, 0.1, 0.1, 0.1, 0.99, 0.2]  # a chair
    found = decoder(manifest("yolov8_columns", ("chair", "dog"), 64, 32)).decode([columns], 0.5)
    np.testing.assert_allclose(found.boxes, [[0.375, 0.25, 0.625, 0.75]])
    assert found.classes.tolist() == [ObjectClass.DOG]
    assert found.scores.tolist() == pytest.approx([0.9])


def test_fastestdet_shift_and_size_follow_its_functions() -> None:
    decoder = FastestDetGrid(manifest("fastestdet_grid", ("person",)))
    grid = np.zeros((1, 4, 4, 6), "f4")
    grid[0, 2, 1] = [0.81, np.arctanh(0.5), 0, 0, np.log(1 / 3), 1]
    found = decoder.decode([grid], 0.5)
    np.testing.assert_allclose(
        found.boxes, [[0.375 - 0.25, 0.5 - 0.125, 0.375 + 0.25, 0.5 + 0.125]], rtol=1e-5
    )
    np.testing.assert_allclose(found.scores, [0.81**0.6], rtol=1e-5)


def test_a_peak_of_the_centre_map_is_one_thing() -> None:
    decoder = CentreGrid(manifest("centre_grid", ("person", "car")))
    logits, edges = np.full((1, 6, 10, 2), -8, "f4"), np.zeros((1, 6, 10, 4), "f4")
    logits[0, 2, 3, 1], logits[0, 2, 4, 1] = 3, 2
    edges[0, 2, 3] = np.sqrt([1.5, 0.5, 2.5, 1.5])
    found = decoder.decode([logits, edges], 0.3)
    np.testing.assert_allclose(found.boxes * [10, 6, 10, 6], [[2, 2, 6, 4]], rtol=1e-5)
    assert found.classes.tolist() == [ObjectClass.CAR]
    np.testing.assert_allclose(found.scores, [1 / (1 + np.exp(-3))], rtol=1e-5)


def test_twins_go_unless_their_classes_differ() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10], [20, 0, 30, 10]], "f4")
    scores = np.array([0.5, 0.9, 0.8, 0.1], "f4")
    person, car, bus = int(ObjectClass.PERSON), int(ObjectClass.CAR), int(ObjectClass.BUS)
    kept = suppress(boxes, scores, np.array([person, person, person, person], np.int16))
    assert kept.scores.tolist() == pytest.approx([0.9, 0.1])
    kept = suppress(boxes, scores, np.array([car, person, car, car], np.int16))
    assert kept.scores.tolist() == pytest.approx([0.9, 0.8, 0.1])
    kept = suppress(boxes, scores, np.array([person, car, bus, car], np.int16))
    assert kept.scores.tolist() == pytest.approx([0.9, 0.5, 0.1])


@given(
    hnp.arrays(np.float32, (30, 4), elements=st.floats(0, 1, width=32)),
    hnp.arrays(np.float32, 30, elements=st.floats(0, 1, width=32)),
)
def test_what_is_kept_never_overlaps_much(corners: np.ndarray, scores: np.ndarray) -> None:
    boxes = np.concatenate(
        [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], 1
    )
    kept = suppress(boxes, scores, np.full(30, int(ObjectClass.PERSON), np.int16))
    assert (np.diff(kept.scores) <= 0).all()
    assert len(kept.scores) >= 1
    for i, a in enumerate(kept.boxes):
        for b in kept.boxes[:i]:
            span = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
            both = float(span[0] * span[1])
            union = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - both
            assert both <= OVERLAP_LIMIT * union + 1e-5


@given(st.sampled_from(sorted(DECODERS)), st.integers(0, 2**32 - 1), st.floats(0.01, 0.99))
def test_noise_never_breaks_a_decoder(name: str, seed: int, min_score: float) -> None:
    """A model that fits in shape but answers nonsense gives boxes or none, never an error."""
    decoder = DECODERS[name](manifest(name, ("person", "car", "chair")))
    rng = np.random.default_rng(seed)
    outputs = []
    for shape in decoder.expected_shapes():
        real = [12 if side == -1 else side for side in shape]
        outputs.append((rng.standard_normal(real) * 10 ** rng.uniform(-2, 6)).astype(np.float32))
    found = decoder.decode(outputs, min_score)
    assert found.boxes.shape == (len(found.scores), 4) == (len(found.classes), 4)
    assert (found.scores >= min_score * 0.999).all()
    assert not set(found.classes.tolist()) - {ObjectClass.PERSON, ObjectClass.CAR}
