"""How right is the box? ``python -m tests.bench.accuracy --seed A --seed B --seed C`` plays all that
``sim score --all`` plays at each seed and prints the tables of docs/ref/accuracy.md; ``--write`` puts them
into that page.

A seed takes ten to fifteen minutes on two cores, most of it the quiet scenes; ``--quiet-at`` plays these at
some of the seeds only. What came of each trial is kept in the folder ``--keep``, and what lies there is not
played again: an interrupted run goes on.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from simulator.trials import run
from simulator.trials.run import Result
from simulator.trials.tables import GOAL

PAGE = Path(__file__).parents[2] / "docs" / "ref" / "accuracy.md"
BEGIN, END = "<!-- tests.bench.accuracy -->\n", "<!-- end -->\n"
_COUNTS = ("scenes", "true", "found", "missed", "false")
_TITLES = ("kind", "trials", *_COUNTS[1:], "recall", "precision", "delay, s", "off, m")


def played(seed: int, jobs: int, keep: Path, *, has_quiet: bool = True) -> list[Result]:
    """All trials of a seed; those that lie in the folder are taken from there."""
    file = keep / f"{seed}.json"
    kept = msgspec.json.decode(file.read_bytes(), type=list[Result]) if file.exists() else []
    known = {result.order: result for result in kept}
    wanted = [order for order in run.orders(None, seed) if has_quiet or not order.is_quiet]
    missing = [order for order in wanted if order not in known]
    try:
        for number, result in enumerate(run.run(missing, jobs), 1):
            known[result.order] = result
            sys.stderr.write(f"\rseed {seed}: {number} of {len(missing)} trials")
    finally:
        keep.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.encode(list(known.values())))
    sys.stderr.write("\n")
    return [known[order] for order in wanted]


def kinds_table(by_seed: dict[int, list[Result]]) -> list[str]:
    """A row a kind: summed over the seeds, then recall / precision of each."""
    kinds = run.seen_kinds()
    each = [run.report(results, kinds)["kinds"] for results in by_seed.values()]
    summed = run.report([r for results in by_seed.values() for r in results], kinds)["kinds"]
    titles = [
        "kind",
        "trials",
        "true",
        "found",
        "missed",
        "false",
        "recall",
        "precision",
        "delay, s",
        "off, m",
    ]
    lines = _head([*titles, *(f"seed {seed}" for seed in by_seed)])
    for kind, row in summed.items():
        if row["scenes"]:
            counts = [str(row[key]) for key in _COUNTS]
            shares = [_share(row["recall"]), _share(row["precision"])]
            rest = [_number(row["delay_s"]), _number(row["position_error_m"])]
            seeds = [f"{_share(one[kind]['recall'])} / {_share(one[kind]['precision'])}" for one in each]
            lines.append(_row([f"`{kind}`", *counts, *shares, *rest, *seeds]))
    return [*lines, "", *_sums(summed)]


def _sums(summed: dict[str, dict]) -> list[str]:
    tried = {kind: row for kind, row in summed.items() if row["scenes"]}
    short = {k: r for k, r in tried.items() if min(r["recall"] or 0, r["precision"] or 0) < GOAL}
    named = ", ".join(f"`{k}` {_share(r['recall'])} / {_share(r['precision'])}" for k, r in short.items())
    reached = f"{len(tried) - len(short)} of {len(tried)} kinds are at or above {GOAL} both ways."
    return [f"{reached} Short of it: {named}." if short else reached]


def quiet_table(results: Sequence[Result]) -> list[str]:
    """A row a quiet scene, all seeds together."""
    quiet = [r for r in results if r.order.is_quiet]
    lines = _head(["quiet scene", "camera-hours", "false", "an hour", "of them"])
    for name in dict.fromkeys(r.order.name for r in quiet):
        lines.append(_quiet_row(f"`{name}`", [r for r in quiet if r.order.name == name]))
    return [*lines, _quiet_row("all", quiet)] if quiet else []


def _quiet_row(name: str, results: Sequence[Result]) -> str:
    hours = sum(r.hours for r in results)
    false = Counter(kind for r in results for kind, _ in r.false)
    told = ", ".join(f"{count} `{kind}`" for kind, count in false.most_common()) or "–"
    return _row([name, f"{hours:.1f}", str(false.total()), f"{false.total() / hours:.3f}", told])


def _head(titles: Sequence[str]) -> list[str]:
    return [_row(titles), "|" + "---|" * len(titles)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def tables(by_seed: dict[int, list[Result]]) -> str:
    """Both tables, as the page has them."""
    everything = [r for results in by_seed.values() for r in results]
    return "\n".join([*kinds_table(by_seed), "", *quiet_table(everything), ""])


def put_into(page: str, text: str) -> str:
    """The page with what stands between its two marks replaced. Raises ``ValueError`` without them."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page has no {BEGIN.strip()} … {END.strip()}")
    return f"{before}{BEGIN}{text}{END}{after}"


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--seed", type=int, action="append", required=True, help="may be given several times")
    words.add_argument(
        "--quiet-at", type=int, action="append", help="the seeds of the quiet scenes [default: all]"
    )
    words.add_argument("--jobs", type=int, default=2)
    words.add_argument("--keep", type=Path, default=Path.home() / ".cache" / "saqshy" / "accuracy")
    words.add_argument("--write", action="store_true", help="put the tables into docs/ref/accuracy.md")
    chosen = words.parse_args()
    quiet_at = chosen.quiet_at or chosen.seed
    by_seed = {
        seed: played(seed, chosen.jobs, chosen.keep, has_quiet=seed in quiet_at) for seed in chosen.seed
    }
    text = tables(by_seed)
    sys.stdout.write(text)
    if chosen.write:
        PAGE.write_text(put_into(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
