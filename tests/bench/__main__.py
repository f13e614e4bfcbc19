"""Measures what docs/ref/performance.md states, by the commands it names, and compares with the budgets.

``python -m tests.bench`` prints two Markdown tables, medians against budgets and the cost as cameras grow,
and ends with exit code 1 when a budget is missed. Run it on an idle machine: costs are CPU time and bear
company, lags do not. Twenty minutes; ``--rounds 1`` for a first look.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.bench.places import BUSY, DASH, MODEL
from tests.fakes.clips import write_clip

CAMERAS = (1, 2, 4, 8, 16)
STAGES = ("decode", "infer", "motion", "track", "rules")


class Budget(NamedTuple):
    """What a key of the answer may at most (or, with ``is_least``, must at least) be."""

    key: str
    limit: float
    is_least: bool = False

    def is_kept(self, value: float | None) -> bool:
        return value is not None and (value >= self.limit if self.is_least else value <= self.limit)


class Bench(NamedTuple):
    name: str
    arguments: list[str]
    budgets: list[Budget]


def edge(name: str, sources: Sequence[Path], seconds: float, cameras: int, *budgets: Budget) -> Bench:
    arguments = ["edge", *(word for source in sources for word in ("--source", str(source)))]
    arguments += ["--cameras", str(cameras), "--seconds", str(seconds), "--model", str(MODEL), "--json"]
    return Bench(name, arguments, list(budgets))


def hub(name: str, *more: str, least: float) -> Bench:
    budgets = [Budget("events_per_s", least, is_least=True)]
    return Bench(name, ["hub", "--events", "40000", *more, "--json"], budgets)


def benches(still: Path, seconds: float) -> list[Bench]:
    memory = Budget("pss_mib", 250)
    lags = Budget("lag_ms_p50", 60), Budget("lag_ms_p99", 120)
    memory_32 = Budget("pss_mib", 250 + 28 * 25)
    whole, rest = Budget("cpu_s_per_camera_s", 0.08), Budget("cpu_s_without_inference", 0.025)
    return [
        edge("busy", BUSY, seconds, 4, whole, rest, memory, *lags),
        edge("busy, dash camera", [*BUSY, DASH], seconds, 4, whole, memory, *lags),
        edge("still", [still], seconds, 4, Budget("cpu_s_per_camera_s", 0.006), memory),
        edge("32 still", [still], seconds, 32, Budget("cpu_s_per_camera_s", 1 / 32), memory_32),
        hub("hub, 50 reports a message", "--per-message", "50", least=8_000),
        hub("hub, one report a message", "--per-message", "1", least=3_000),
    ]


def run(bench: Bench) -> dict[str, Any]:
    command = [sys.executable, "-m", "saqshy", "bench", *bench.arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def against_budgets(listed: Sequence[Bench], rounds: int) -> int:
    """Prints a row a budget; gives how many are missed. The benches take turns, so that each has its share of
    the machine's better and worse minutes."""
    answers = [[run(bench) for bench in listed] for _ in range(rounds)]
    missed = 0
    _write(["bench", "figure", "median", "all rounds", "budget", ""])
    _write(["---"] * 6)
    for number, bench in enumerate(listed):
        for budget in bench.budgets:
            values = sorted(one[number][budget.key] for one in answers if one[number][budget.key] is not None)
            middle = median(values) if values else None
            is_kept = budget.is_kept(middle)
            missed += not is_kept
            limit = f"{'≥' if budget.is_least else '≤'} {budget.limit:g}"
            verdict = "kept" if is_kept else "MISSED"
            span = f"{values[0]}–{values[-1]}" if values else "nothing measured"
            _write([bench.name, f"`{budget.key}`", middle, span, limit, verdict])
    return missed


def as_cameras_grow(seconds: float) -> None:
    """Prints a row for each number of cameras, with the stages."""
    _write(["cameras", "in all", "all but inference", *STAGES, "MiB", "lag, ms p50 / p99", "dropped"])
    _write(["---"] * (6 + len(STAGES)))
    for cameras in CAMERAS:
        a = run(edge("", BUSY, seconds, cameras))
        stages = [a["stages"][stage] for stage in STAGES]
        lag = f"{a['lag_ms_p50']} / {a['lag_ms_p99']}"
        whole, rest = a["cpu_s_per_camera_s"], a["cpu_s_without_inference"]
        _write([cameras, whole, rest, *stages, a["pss_mib"], lag, a["dropped"]])


def _write(cells: Sequence[object]) -> None:
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    words.add_argument("--seconds", type=float, default=30, help="of each run, after its warm-up")
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="saqshy-bench-") as folder:
        still = write_clip(Path(folder) / "still.mp4", seconds=60, gop_s=2)
        missed = against_budgets(benches(still, chosen.seconds), chosen.rounds)
    sys.stdout.write("\n")
    as_cameras_grow(chosen.seconds)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
