"""Train the demo model on drawn pictures: ``train.py FOLDER OUT SEED``."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import queue
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.network import build
from training.pictures import LABELS
from training.targets import encode, loss

BATCH = 16
PEAK_RATE = 2e-3
WARM_UP_STEPS = 50
ROUND_STEPS = (500, 1500, 450, 1000, 2600)
"""The learning rate falls to almost nothing in each round; each begins where the last one ended."""
EDGE_WEIGHT = 5.0


def load(folder: Path, seed: int) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.float32]]]:
    """All streets drawn with a seed: pictures (N, 192, 320, 3), left on disk, and boxes (N, 32, 6)."""
    files = sorted(folder.glob(f"boxes-{seed}-*.npy"))
    pictures = [
        np.load(file.with_name(file.name.replace("boxes", "pictures")), mmap_mode="r") for file in files
    ]
    return pictures, [np.load(file) for file in files]


def augmented(
    rng: np.random.Generator, picture: NDArray[np.uint8], boxes: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mirrored half of the time; brightness, contrast and tint as other cameras would have them."""
    image, boxes = picture.astype(np.float32) / 255, boxes.copy()
    if rng.random() < 0.5:
        image = image[:, ::-1]
        boxes[:, [0, 2]] = image.shape[1] - boxes[:, [2, 0]]
    contrast, tint = rng.uniform(0.75, 1.3), rng.uniform(0.92, 1.08, 3)
    image = (image - 0.45) * contrast + 0.45 + rng.uniform(-0.1, 0.1)
    if rng.random() < 0.1:
        image = np.repeat(image.mean(-1, keepdims=True), 3, -1)
    return np.clip(image * tint, 0, 1).astype(np.float32), boxes


def batches(folder: Path, seed: int, number: int, steps: int) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Pictures, maps and edges of a round, in an order that the seed fixes."""
    pictures, boxes = load(folder, seed)
    index = [(street, row) for street, rows in enumerate(boxes) for row in range(len(rows))]
    rng = np.random.default_rng([seed, 2, number])
    order: list[int] = []
    for _ in range(steps):
        if len(order) < BATCH:
            order += rng.permutation(len(index)).tolist()
        images, maps, edges = [], [], []
        for number in order[:BATCH]:
            street, row = index[number]
            image, truth = augmented(rng, pictures[street][row], boxes[street][row])
            said = encode(truth, len(LABELS))
            images.append(image)
            maps.append(said[0])
            edges.append(said[1])
        del order[:BATCH]
        yield np.stack(images), np.stack(maps), np.stack(edges)


def ahead(source: Iterator, depth: int = 4) -> Iterator:
    """The same items, made by a thread while the last ones are used."""
    ready: queue.Queue = queue.Queue(depth)

    def work() -> None:
        for item in source:
            ready.put(item)
        ready.put(None)

    threading.Thread(target=work, daemon=True).start()
    while (item := ready.get()) is not None:
        yield item


def rate_at(step: int, steps: int, peak: float) -> float:
    """The learning rate: up in a line, then down in half a cosine."""
    fallen = max(0, step - WARM_UP_STEPS) / (steps - WARM_UP_STEPS)
    return peak * min((step + 1) / WARM_UP_STEPS, 0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * fallen))))


def run_round(model: keras.Model, source: Iterator, number: int, steps: int) -> None:
    """One round; leaves the average of the last steps' weights in the model, better than the last."""
    peak = PEAK_RATE * 0.8**number
    optimizer = keras.optimizers.AdamW(
        peak, weight_decay=1e-4, use_ema=True, ema_momentum=0.99, clipnorm=10.0
    )

    @tf.function
    def learn(images: tf.Tensor, maps: tf.Tensor, edges: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits, roots = model(images, training=True)
            label_loss, edge_loss = loss(logits, roots, maps, edges)
            whole = label_loss + EDGE_WEIGHT * edge_loss
        slopes = tape.gradient(whole, model.trainable_variables)
        optimizer.apply_gradients(zip(slopes, model.trainable_variables, strict=True))
        return label_loss, edge_loss

    begun, recent = time.monotonic(), []
    for step, batch in enumerate(source):
        optimizer.learning_rate = rate_at(step, steps, peak)
        recent.append([float(value) for value in learn(*map(tf.constant, batch))])
        if step % 50 == 49:
            losses, took_s = np.mean(recent[-50:], 0).round(3).tolist(), time.monotonic() - begun
            sys.stdout.write(f"round {number} step {step + 1}  labels, edges {losses}  {took_s:.0f} s\n")
            sys.stdout.flush()
    optimizer.finalize_variable_values(model.trainable_variables)


def main() -> None:
    """Train in rounds; the seed fixes first weights, order, augmentation. Rounds already in OUT stay."""
    folder, out, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")  # a third less time on CPUs that have it
    model = build(len(LABELS))
    for number, steps in enumerate(ROUND_STEPS):
        done = out / f"round-{number}.weights.h5"
        if done.exists():
            model.load_weights(done)
            continue
        run_round(model, ahead(batches(folder, seed, number, steps)), number, steps)
        model.save_weights(done)


if __name__ == "__main__":
    main()
