"""Plays all trials of all kinds, several at a time, and adds up how well the box did."""

import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from shared.kinds import TRAITS, Kind, Programme
from simulator.trials.player import Played, play, ruled_kinds
from simulator.trials.setting import OutOfView
from simulator.trials.stand import NoStand
from simulator.trials.table import BUILDERS, QUIET
from simulator.trials.trial import CONDITIONS, Builder, Trial, Variant, draw_variant

TRIALS_PER_KIND = 3 * len(CONDITIONS)
TRIALS_PER_QUIET = len(CONDITIONS)
_DRAWS = 20


class Order(NamedTuple):
    """One trial to be played: of a kind, or of a quiet scene by its name."""

    name: str
    is_quiet: bool
    number: int
    seed: int


class Result(NamedTuple):
    """What came of it, in little."""

    order: Order
    condition: str
    found: list[tuple[str, float, float | None]]
    """Kind, delay and position error of each."""
    missed: list[tuple[str, float]]
    """Kind and when due."""
    false: list[tuple[str, float]]
    """Kind and when told, second tellings among them."""
    hours: float


class TrialFailed(RuntimeError):
    """A trial could not be played at all."""


def make(order: Order) -> tuple[Trial, Variant, np.random.Generator]:
    """The trial of an order; the same order gives the same one."""
    kinds = {kind.slug: kind for kind in BUILDERS}
    builder = QUIET[order.name] if order.is_quiet else BUILDERS[kinds[order.name]]
    stream = 1000 + list(QUIET).index(order.name) if order.is_quiet else int(kinds[order.name])
    rng = np.random.default_rng([order.seed, stream, order.number])
    variant = draw_variant(rng, order.number)
    trial = _drawn(builder, rng, variant)
    return trial, trial.variant or variant, rng


def _drawn(builder: Builder, rng: np.random.Generator, variant: Variant) -> Trial:
    """A trial whose camera sees what it is to watch: a place with no clear view is drawn anew."""
    for _ in range(_DRAWS - 1):
        try:
            return builder(rng, variant)
        except (OutOfView, NoStand):
            continue
    return builder(rng, variant)


def run_one(order: Order) -> Result:
    """Play one trial; raises ``TrialFailed`` that names it."""
    try:
        trial, variant, rng = make(order)
        return _result(order, trial, variant, play(trial, variant, rng))
    except Exception as error:  # noqa: BLE001  # whatever it is, the trial must be named
        last = traceback.format_exc().strip().splitlines()[-9:]
        raise TrialFailed(
            f"{order.name} --seed {order.seed} --trial {order.number}: {error}\n" + "\n".join(last)
        ) from None


def _result(order: Order, trial: Trial, variant: Variant, played: Played) -> Result:
    score = played.score
    wrong = sorted([*score.false, *score.duplicates], key=lambda c: c.t_s)
    shown_s = sum(s.to_s - s.from_s for s in trial.pace) or trial.seconds
    return Result(
        order,
        variant.condition,
        [(m.claim.kind, m.delay_s, m.position_error_m) for m in score.matches],
        [(e.kind, e.due_s) for e in score.missed],
        [(c.kind, c.t_s) for c in wrong],
        shown_s / 3600,
    )


def orders(kind: str | None, seed: int, trial: int | None = None) -> list[Order]:
    """What is to be played: one kind or quiet scene, or all of them, the long ones first."""
    listed = [Order(name, True, n, seed) for name in QUIET for n in range(TRIALS_PER_QUIET)]
    ruled = ruled_kinds()
    tried = [k for k in BUILDERS if k.slug in ruled or TRAITS[k].programme is Programme.PLATFORM]
    listed += [Order(k.slug, False, n, seed) for k in tried for n in range(TRIALS_PER_KIND)]
    return [o for o in listed if kind in (None, o.name) and trial in (None, o.number)]


def run(listed: Sequence[Order], jobs: int) -> Iterator[Result]:
    """Play trials in ``jobs`` processes; results come in the orders' order."""
    if jobs == 1 or len(listed) == 1:
        yield from map(run_one, listed)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run_one, listed, chunksize=1)


def reasons(order: Order) -> list[str]:
    """What the box said in one trial, report by report, and what was expected: for whoever looks for a
    fault."""
    trial, variant, rng = make(order)
    played = play(trial, variant, rng)
    lines = [trial.scene_toml, f"{variant}; {played.pictures} pictures of {trial.seconds:g} s"]
    for e in played.expected:
        asked = "" if e.is_required else ", not asked for: badly seen, or in a blackout"
        lines.append(f"expected {e.kind} from {e.begin_s:.1f} s, due {e.due_s:.1f} s{asked}")
    for t_s, told in played.reports:
        lines.append(f"{t_s:7.1f} s {told.kind.slug} {told.phase.name.lower()} {told.zone} {told.reason}")
    return lines


def without(kinds: Sequence[str]) -> dict[str, str]:
    """Why some kinds have no figures."""
    tried, ruled = {kind.slug for kind in BUILDERS}, ruled_kinds()
    platform = {kind.slug for kind in Kind if TRAITS[kind].programme is Programme.PLATFORM}
    told = {kind: "no rule yet" for kind in kinds if kind not in ruled | platform}
    return told | {kind: "no trials" for kind in kinds if kind not in tried and kind not in told}


def report(results: Sequence[Result], kinds: Sequence[str]) -> dict[str, Any]:
    """The figures of all: by kind, those without a trial among them, and of the quiet scenes."""
    tried = [r for r in results if not r.order.is_quiet]
    quiet = [r for r in results if r.order.is_quiet]
    hours = sum(r.hours for r in quiet)
    false = sum(len(r.false) for r in quiet)
    return {
        "kinds": {kind: _figures(kind, tried) for kind in kinds},
        "quiet": {
            "camera_hours": round(hours, 2),
            "false_per_camera_hour": round(false / hours, 3) if hours else None,
        },
    }


def _figures(kind: str, results: Sequence[Result]) -> dict[str, Any]:
    found = [f for r in results for f in r.found if f[0] == kind]
    missed = sum(1 for r in results for m in r.missed if m[0] == kind)
    false = sum(1 for r in results for f in r.false if f[0] == kind)
    errors = [e for _, _, e in found if e is not None]
    return {
        "scenes": sum(r.order.name == kind for r in results),
        "true": len(found) + missed,
        "found": len(found),
        "missed": missed,
        "false": false,
        "recall": _share(len(found), missed),
        "precision": _share(len(found), false),
        "delay_s": round(median(d for _, d, _ in found), 2) if found else None,
        "position_error_m": round(median(errors), 2) if errors else None,
    }


def _share(right: int, wrong: int) -> float | None:
    return round(right / (right + wrong), 4) if right + wrong else None


def names() -> list[str]:
    """Whatever ``--kind`` takes."""
    return [*(kind.slug for kind in BUILDERS), *QUIET]


def seen_kinds() -> list[str]:
    """Every kind that a fixed camera or its box tells of; the hub and the box's hardware tell the others."""
    others = {Kind.SOS, Kind.BOX_LOST, Kind.BOX_OPENED, Kind.SOS_LINE_FAULT}
    return [kind.slug for kind in Kind if kind not in others]
