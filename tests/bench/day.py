"""Does a camera's work grow in a day? ``python -m tests.bench.day --hours 24`` plays a street with every rule
through the real pipeline, picture after picture, as fast as the machine can.

The clock in the pictures goes through the whole day, so what is kept for minutes, hours or until tomorrow is
kept and forgotten as on a pole. Prints one JSON object: memory, its slope as the line of least squares has it
(the first tenth fills caches and is left out), and what a picture cost in the first and the last lap. Ends
with exit code 1 when memory grows by more than a MiB in a simulated hour. ``tests.bench.soak`` asks the same
of the real processes, at double speed.
"""

import argparse
import json
import os
import sys
import time

from edge_agent.bench.growth import SETTLE_SHARE, slope_per_h
from edge_agent.bench.tree import pss_bytes
from simulator.trials.player import Screening
from simulator.trials.run import Order, make

SCENE = "cleaner_with_a_bag"
"""A quiet scene: all rules are set, and people, a bag and traffic keep them busy."""
MOST_MIB_PER_H = 1.0


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--hours", type=float, default=24, help="of the camera's time")
    words.add_argument("--seed", type=int, default=1)
    chosen = words.parse_args()
    trial, variant, rng = make(Order(SCENE, True, 0, chosen.seed))
    screening = Screening(trial, variant, rng)
    laps = round(chosen.hours * 3600 / trial.seconds)
    memory: list[tuple[float, float]] = []
    costs_ms: list[float] = []
    reports = 0
    for lap in range(laps):
        before_s, before = time.process_time(), screening.pictures
        reports += len(screening.show(lap * trial.seconds))
        costs_ms.append((time.process_time() - before_s) * 1e3 / (screening.pictures - before))
        memory.append((lap * trial.seconds, pss_bytes(os.getpid()) / 2**20))
    settled = memory[int(SETTLE_SHARE * laps) :]
    slope = slope_per_h(settled)
    answer = {
        "hours": round(laps * trial.seconds / 3600, 2),
        "pictures": screening.pictures,
        "rules": len(screening.pipeline.scene.rules),
        "reports": reports,
        "mib_first_settled": round(settled[0][1], 1),
        "mib_last": round(settled[-1][1], 1),
        "mib_per_h": slope,
        "ms_a_picture_first": round(costs_ms[0], 2),
        "ms_a_picture_last": round(costs_ms[-1], 2),
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    return int(slope > MOST_MIB_PER_H)


if __name__ == "__main__":
    raise SystemExit(main())
