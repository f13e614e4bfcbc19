"""The child process of a model's trial: loads the model from stdin, runs it, says in one line how it went."""

import resource
import statistics
import sys
import time
from pathlib import Path

import cv2
import msgspec
import numpy as np

from edge_agent.errors import ModelRefused
from edge_agent.inference.model import Manifest, ModelFile
from edge_agent.inference.runtime import TfliteDetector
from edge_agent.inference.trial import Trial

_MEMORY_LIMIT_BYTES = 6 << 30
"""Of address space: a damaged shape that asks for more ends here, not with the machine's memory killer."""
_RUNS = 5


def main() -> None:
    """Read a manifest (one line of JSON) and the model's bytes from stdin; print a ``Trial``."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT_BYTES, _MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cv2.setNumThreads(1)
    head, _, content = sys.stdin.buffer.read().partition(b"\n")
    model = ModelFile(Path("model"), content, msgspec.json.decode(head, type=Manifest))
    try:
        trial = _run(TfliteDetector(model, threads=1, runtime=sys.argv[1]))
    except ModelRefused as refusal:
        trial = Trial(refusal.reason, refusal.way_out)
    sys.stdout.buffer.write(b"\n" + msgspec.json.encode(trial) + b"\n")


def _run(detector: TfliteDetector) -> Trial:
    """Grey and noisy pictures: a noisy one makes most boxes, so that the decoder is tried too."""
    noise = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    took_ms = []
    for number in range(_RUNS):
        picture = np.full_like(noise, 128) if number == 0 else noise
        begun = time.perf_counter()
        detector.detect(picture, min_score=0.01)
        took_ms.append((time.perf_counter() - begun) * 1000)
    inputs, outputs = detector.signature()
    return Trial(inputs=inputs, outputs=outputs, infer_ms=round(statistics.median(took_ms), 2))


if __name__ == "__main__":
    main()
