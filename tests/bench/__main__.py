"""Measures what docs/ref/performance.md states, by the commands it names, and compares with the budgets.

``python -m tests.bench`` prints a Markdown table and ends with exit code 1 when a budget is missed. Run it on
an idle machine: costs are CPU time and bear company, lags do not.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tests.fakes.clips import write_clip

SECONDS = os.environ.get("SAQSHY_BENCH_SECONDS", "60")
DATA = Path(os.environ.get("SAQSHY_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
BUSY = (
    "one-by-one-person-detection.mp4",
    "udacity_solidWhiteRight_960x540.mp4",
    "car-detection.mp4",
)


class Budget(NamedTuple):
    """What a key of the answer may at most (or, with ``is_least``, must at least) be."""

    key: str
    limit: float
    is_least: bool = False

    def is_kept(self, answer: dict[str, Any]) -> bool:
        value = answer[self.key]
        return value is not None and (value >= self.limit if self.is_least else value <= self.limit)


class Bench(NamedTuple):
    name: str
    arguments: list[str]
    budgets: list[Budget]


def edge(name: str, sources: list[Path], budgets: list[Budget], cameras: int = 4) -> Bench:
    model = DATA / "models" / "coco_ssd_mobilenet_v1_quant"
    arguments = ["edge", *(word for source in sources for word in ("--source", str(source)))]
    arguments += ["--cameras", str(cameras), "--seconds", SECONDS, "--model", str(model), "--json"]
    return Bench(name, arguments, budgets)


def hub(name: str, *more: str, least: float) -> Bench:
    budgets = [Budget("events_per_s", least, is_least=True)]
    return Bench(name, ["hub", "--events", "40000", *more, "--json"], budgets)


def benches(folder: Path) -> list[Bench]:
    busy = [DATA / "videos" / name for name in BUSY]
    still = write_clip(folder / "still.mp4", seconds=60, gop_s=2)
    memory = Budget("pss_mib", 250)
    return [
        edge(
            "busy",
            busy,
            [
                Budget("cpu_s_per_camera_s", 0.08),
                Budget("cpu_s_without_inference", 0.025),
                memory,
                Budget("lag_ms_p50", 60),
                Budget("lag_ms_p99", 120),
            ],
        ),
        edge("still", [still], [Budget("cpu_s_per_camera_s", 0.006), memory]),
        edge(
            "32 still",
            [still],
            [Budget("cpu_s_per_camera_s", 1 / 32), Budget("pss_mib", 250 + 28 * 25)],
            cameras=32,
        ),
        hub("hub, 50 reports a message", "--per-message", "50", least=8_000),
        hub("hub, one report a message", "--per-message", "1", least=3_000),
    ]


def run(bench: Bench) -> dict[str, Any]:
    command = [sys.executable, "-m", "saqshy", "bench", *bench.arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    missed = 0
    sys.stdout.write("| bench | figure | measured | budget | |\n|---|---|---|---|---|\n")
    with tempfile.TemporaryDirectory(prefix="saqshy-bench-") as folder:
        for bench in benches(Path(folder)):
            answer = run(bench)
            for budget in bench.budgets:
                is_kept = budget.is_kept(answer)
                missed += not is_kept
                sign, verdict = ("≥" if budget.is_least else "≤"), ("kept" if is_kept else "MISSED")
                cells = (
                    bench.name,
                    f"`{budget.key}`",
                    answer[budget.key],
                    f"{sign} {budget.limit:g}",
                    verdict,
                )
                sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
            sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
