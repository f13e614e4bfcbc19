"""The clips and the model that benches run on: those of the reference figures, and a dearer one."""

import os
from pathlib import Path

DATA = Path(os.environ.get("SAQSHY_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
MODEL = DATA / "models" / "coco_ssd_mobilenet_v1_quant"
_VIDEOS = DATA / "videos"
BUSY = (_VIDEOS / "one-by-one-person-detection.mp4", _VIDEOS / "car-detection.mp4")
"""768 x 432, at which the peer and the bare loop were measured too: people, and cars from above."""
DASH = _VIDEOS / "udacity_solidWhiteRight_960x540.mp4"
"""960 x 540 at 25 a second, every picture new: decoding it costs six times as much."""
