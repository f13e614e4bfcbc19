"""The child process of a model's trial: loads the model from stdin, runs it, says in one line how it went.

For LiteRT it also tries the model recast, and gives that back when it is faster on this machine.
"""

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
from edge_agent.inference.recast import recast
from edge_agent.inference.runtime import TfliteDetector
from edge_agent.inference.trial import Trial, sha256_of

_MEMORY_LIMIT_BYTES = 6 << 30
"""Of address space: a damaged shape that asks for more ends here, not with the machine's memory killer."""
_RUNS = 5
_FASTER_SHARE = 0.9
"""What takes more than this share of the time is not worth another model than the file's."""


def main() -> None:
    """Read a manifest (one line of JSON) and the model's bytes from stdin; print a ``Trial``."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT_BYTES, _MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cv2.setNumThreads(1)
    head, _, content = sys.stdin.buffer.read().partition(b"\n")
    model = ModelFile(Path("model"), content, msgspec.json.decode(head, type=Manifest))
    try:
        trial = _run(TfliteDetector(model, threads=1, runtime=sys.argv[1]))
        if sys.argv[1] == "litert":
            trial = _recast(model, trial) or trial
    except ModelRefused as refusal:
        trial = Trial(refusal.reason, refusal.way_out)
    sys.stdout.buffer.write(b"\n" + msgspec.json.encode(trial) + b"\n")


def _recast(model: ModelFile, plain: Trial) -> Trial | None:
    """The same trial of the recast model, when there is one and it is faster."""
    try:
        content = recast(model.content)
    except Exception:  # noqa: BLE001  # a file that runs but that the schema's reader does not take stays as it is
        return None
    if content is None:
        return None
    trial = _run(TfliteDetector(msgspec.structs.replace(model, content=content), threads=1, runtime="litert"))
    if trial.infer_ms > _FASTER_SHARE * plain.infer_ms:
        return None
    return msgspec.structs.replace(trial, recast=content, recast_sha256=sha256_of(content))


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
