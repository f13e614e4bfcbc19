"""Does a box grow? ``python -m tests.bench.soak --hours 24`` runs busy cameras at double speed and says so.

Clips are re-timed, not re-encoded: half the time between pictures and twice the pictures a second asked for,
so that 24 hours of a camera's life pass in 12. Prints the bench's answer with the slopes of memory,
descriptors and shared memory, as the line of least squares has them; the first tenth fills caches and is left
out. Ends with exit code 1 when descriptors or shared memory grow, or memory by more than a MiB an hour.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

import av

from edge_agent.bench.measure import measure
from tests.bench.places import BUSY, DASH, MODEL

CAMERAS, FPS = 4, 5.0
MOST_MIB_PER_H = 1.0
"""In a run of hours; one of minutes is shorter than an allocator takes to settle."""


def retimed(clip: Path, folder: Path, speed: int) -> Path:
    """A copy whose pictures follow each other ``speed`` times as fast."""
    copy = folder / clip.name
    with av.open(str(clip)) as source, av.open(str(copy), "w") as target:
        video = source.streams.video[0]
        stream = target.add_stream_from_template(video, opaque=True)
        for packet in source.demux(video):
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            packet.time_base = packet.time_base / speed
            packet.stream = stream
            target.mux(packet)
    return copy


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--hours", type=float, default=24, help="of a camera's time")
    words.add_argument("--speed", type=int, default=2)
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="saqshy-soak-") as folder:
        clips = [str(retimed(name, Path(folder), chosen.speed)) for name in (*BUSY, DASH)]
        seconds = 3600 * chosen.hours / chosen.speed
        answer = asyncio.run(measure(clips, CAMERAS, seconds, chosen.speed * FPS, MODEL))
    sys.stdout.write(json.dumps(answer) + "\n")
    growth = answer["growth"]
    limits = {"pss_mib_per_h": MOST_MIB_PER_H, "descriptors_per_h": 0.1, "shared_mib_per_h": 0.01}
    return int(any(growth[key] > most for key, most in limits.items()))


if __name__ == "__main__":
    raise SystemExit(main())
