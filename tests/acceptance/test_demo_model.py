"""The bundled model is the one its manifest and quality sheet mean, and it sees what the simulator films."""

import hashlib
import itertools
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from edge_agent.inference.model import BUNDLED_MODEL, read_model
from edge_agent.inference.runtime import TfliteDetector, choose_runtime, open_detector
from training.measure import held_out, summary, tally
from training.pictures import LABELS

QUALITY = json.loads((BUNDLED_MODEL / "quality.json").read_text("utf-8"))
FRESH_SEED = 4711
"""Neither trained on, nor used to set scores, nor to state the quality."""
FRESH_STREETS = 2


def test_file_manifest_and_quality_sheet_speak_of_one_model() -> None:
    model = read_model(BUNDLED_MODEL)
    sha256 = hashlib.sha256((BUNDLED_MODEL / "demo.tflite").read_bytes()).hexdigest()
    assert model.manifest.sha256 == sha256 == QUALITY["sha256"]
    assert model.manifest.licence == "Apache-2.0"
    assert model.manifest.labels == LABELS == tuple(QUALITY["labels"])
    assert (model.manifest.recipe, model.manifest.seed) == (QUALITY["recipe"], QUALITY["training_seed"])
    assert len(model.content) < 1_000_000
    assert QUALITY["measured_on"]["seed"] not in (QUALITY["training_seed"], FRESH_SEED)


def test_it_is_int8_with_weights_per_channel() -> None:
    detector = TfliteDetector(read_model(BUNDLED_MODEL), 1, choose_runtime("auto"))
    assert detector.signature() == (
        ("int8 [1, 192, 320, 3]",),
        ("int8 [1, 48, 80, 5]", "int8 [1, 48, 80, 4]"),
    )
    scales = [
        len(tensor["quantization_parameters"]["scales"])
        for tensor in detector._interpreter.get_tensor_details()
        if tensor["dtype"] == np.int8 and len(tensor["shape"]) == 4
    ]
    assert sum(count > 1 for count in scales) >= 20


@pytest.mark.timeout(300)
def test_it_finds_what_is_plain_to_see_in_fresh_pictures(tmp_path: Path) -> None:
    """The stated recall holds on streets made for this test, within what so few pictures can tell."""
    detector = open_detector(BUNDLED_MODEL, state_dir=tmp_path)
    fresh = summary(tally(detector, itertools.islice(held_out(FRESH_SEED, FRESH_STREETS), 64)))
    for label in ("person", "car", "bag"):
        figures, stated = fresh[label], QUALITY["labels"][label]
        assert figures["plain_things"] >= 10, label
        assert figures["plain_recall"] >= stated["plain_recall"] - 0.1, (label, figures)
        assert figures["precision"] >= stated["precision"] - 0.1, (label, figures)


def test_the_project_depends_on_nothing_of_the_training() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["project"]["dependencies"], *(name for extra in extras for name in extra)]
    assert not [name for name in wanted if "tensorflow" in name or "keras" in name]
