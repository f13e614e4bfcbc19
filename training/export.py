"""From trained weights to the shipped int8 model and its manifest: ``export WEIGHTS PICTURES OUT SEED``."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edge_agent.inference.model import MANIFEST_NAME, Manifest, ModelFile, write_manifest
from edge_agent.inference.runtime import TfliteDetector
from training.measure import MIN_SCORE, best_threshold, held_out, tally
from training.network import HEIGHT, WIDTH, build
from training.pictures import INPUT, LABELS
from training.train import load

RECIPE = 1
"""Counts up with every change of pictures, network or training."""
_EXAMPLES = 128
_SCORING_SEED_OFFSET = 1
_SCORING_STREETS = 2
"""Streets that set the scores; neither trained on nor used for the stated quality."""


def to_int8(model: keras.Model, pictures: Path, seed: int) -> bytes:
    """An int8 model, weights per channel; ranges of values taken from pictures it was trained on."""

    @tf.function(input_signature=[tf.TensorSpec((1, HEIGHT, WIDTH, 3), tf.float32, name="picture")])
    def answer(picture: tf.Tensor) -> list[tf.Tensor]:
        return model(picture, training=False)

    def examples() -> Iterator[list[np.ndarray]]:
        rng = np.random.default_rng([seed, 3])
        streets, _ = load(pictures, seed)
        for _ in range(_EXAMPLES):
            street = streets[rng.integers(len(streets))]
            yield [street[rng.integers(len(street))][None].astype(np.float32) / 255]

    frozen = convert_variables_to_constants_v2(answer.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = examples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def level_scores(model: keras.Model, content: bytes, seed: int) -> None:
    """Shift each label's logits so that the score of its best threshold (by F1) is ``MIN_SCORE``.

    Then one threshold serves all labels, and it is the agent's default.
    """
    detector = TfliteDetector(ModelFile(Path("demo.tflite"), content, _manifest(content, seed)), 2, "litert")
    layer = model.get_layer("logits")
    kernel, bias = layer.get_weights()
    tallies = tally(detector, held_out(seed + _SCORING_SEED_OFFSET, _SCORING_STREETS))
    best = np.clip([best_threshold(entry) for entry in tallies], 0.05, 0.8)
    sys.stdout.write(f"best thresholds before levelling: {best.round(3).tolist()}\n")
    layer.set_weights([kernel, bias + _logit(MIN_SCORE) - _logit(best)])


def _logit(score: float | np.ndarray) -> float | np.ndarray:
    return np.log(score / (1 - score))


def _manifest(content: bytes, seed: int) -> Manifest:
    return Manifest(
        sha256=hashlib.sha256(content).hexdigest(),
        name="Saqshy demo detector",
        decoder="centre_grid",
        input=INPUT,
        labels=LABELS,
        licence="Apache-2.0",
        source="trained by this project on its simulator, see training/README.md",
        recipe=RECIPE,
        seed=seed,
    )


def main() -> None:
    """Write ``demo.tflite`` and ``manifest.toml``."""
    weights, pictures, out, seed = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    model = build(len(LABELS))
    model.load_weights(weights)
    level_scores(model, to_int8(model, pictures, seed), seed)
    content = to_int8(model, pictures, seed)
    manifest = _manifest(content, seed)
    out.mkdir(parents=True, exist_ok=True)
    (out / "demo.tflite").write_bytes(content)
    (out / MANIFEST_NAME).write_text(write_manifest(manifest), "utf-8")
    sys.stdout.write(f"{len(content)} bytes, sha256 {manifest.sha256}\n")


if __name__ == "__main__":
    main()
