"""The outcome of trials, for people."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from simulator.trials.run import Result, without

GOAL = 0.95
"""Recall and precision that each kind is to reach."""
_HEAD = ("kind", "scenes", "true", "found", "missed", "false", "recall", "precision", "delay s", "off m")


def table(figures: dict[str, Any], results: Sequence[Result]) -> list[str]:
    """A row a kind, the kinds that fall short, and the quiet scenes."""
    rows = figures["kinds"]
    lines = [_row(_HEAD)] if rows else []
    for kind, f in rows.items():
        if f["scenes"]:
            shown = [f[k] for k in ("scenes", "true", "found", "missed", "false")]
            shares = [_number(f[k]) for k in ("recall", "precision", "delay_s", "position_error_m")]
            lines.append(_row([kind, *shown, *shares]))
    short = [k for k, f in rows.items() if f["scenes"] and not _is_reached(f)]
    lines += [f"not reached: {kind}" for kind in short]
    lines += [f"{kind}: {why}" for kind, why in without(list(rows)).items()]
    quiet = [r for r in results if r.order.is_quiet]
    if quiet:
        hours, rate = figures["quiet"]["camera_hours"], figures["quiet"]["false_per_camera_hour"]
        lines.append(f"quiet: {hours:.1f} camera-hours, {rate:.3f} false events an hour")
        lines += [
            f"  {name} trial {n}: false {kind} x {count}"
            for (name, n, kind), count in sorted(_false(quiet).items())
        ]
    return lines


def _false(results: Sequence[Result]) -> Counter[tuple[str, int, str]]:
    return Counter((r.order.name, r.order.number, kind) for r in results for kind, _ in r.false)


def _is_reached(figures: dict[str, Any]) -> bool:
    return all(figures[k] is not None and figures[k] >= GOAL for k in ("recall", "precision"))


def line_of(result: Result) -> str:
    """One trial's outcome in a line."""
    said = [f"found {kind} {delay_s:+.1f} s" for kind, delay_s, _ in result.found]
    said += [f"missed {kind} due {t_s:.1f} s" for kind, t_s in result.missed]
    said += [f"false {kind} at {t_s:.1f} s" for kind, t_s in result.false]
    order = result.order
    return f"{order.name} trial {order.number} ({result.condition}): {', '.join(said) or 'silent'}"


def _row(cells: Sequence[object]) -> str:
    return f"{cells[0]!s:26}" + "".join(f"{cell!s:>10}" for cell in cells[1:])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
