"""What one picture costs with a model on this machine: preparing it, running the model, decoding."""

import resource
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import ModelRefused
from edge_agent.inference.runtime import TfliteDetector, open_detector
from shared.kinds import ObjectClass

_WARM_UP_RUNS = 3
_SCORE = 0.5
_BLANK_SIZE = (720, 1280)


def bench_model(path: Path, picture: Path | None, threads: int, seconds: float) -> dict[str, Any]:
    """Run the model on one picture over and over. Raises ``ModelRefused``."""
    frame = _frame(picture)
    detector = open_detector(path, threads)
    try:
        found = detector.detect_i420(frame, None, min_score=_SCORE)
        for _ in range(_WARM_UP_RUNS):
            detector.detect_i420(frame, None, min_score=_SCORE)
        wall_ms, cpu_s = _measure(detector, frame, seconds)
        return {
            "model": detector.manifest.name,
            "runtime": detector.runtime,
            "threads": threads,
            "picture": str(picture or "grey"),
            "runs": len(wall_ms),
            "picture_ms_p50": round(float(np.median(wall_ms)), 2),
            "picture_ms_p99": round(float(np.quantile(wall_ms, 0.99)), 2),
            "cpu_ms": round(1e3 * cpu_s / len(wall_ms), 2),
            "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "found": [
                {"class": ObjectClass(int(number)).slug, "score": round(float(score), 2)}
                for number, score in zip(found.classes, found.scores, strict=True)
            ],
        }
    finally:
        detector.close()


def _measure(detector: TfliteDetector, frame: NDArray[np.uint8], seconds: float) -> tuple[list[float], float]:
    wall_ms: list[float] = []
    began_s, cpu_began_s = time.monotonic(), time.process_time()
    while not wall_ms or time.monotonic() - began_s < seconds:
        before_s = time.perf_counter()
        detector.detect_i420(frame, None, min_score=_SCORE)
        wall_ms.append(1e3 * (time.perf_counter() - before_s))
    return wall_ms, time.process_time() - cpu_began_s


def _frame(picture: Path | None) -> NDArray[np.uint8]:
    """The picture as the pipeline would hand it over, (H * 3 // 2, W) I420."""
    if picture is None:
        high, wide = _BLANK_SIZE
        return np.full((high * 3 // 2, wide), 128, np.uint8)
    image = cv2.imread(str(picture))
    if image is None:
        raise ModelRefused(picture, "is not a picture", "give a JPEG or PNG file")
    even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    return np.asarray(cv2.cvtColor(even, cv2.COLOR_BGR2YUV_I420), np.uint8)
