"""``saqshy sim``: film a street, and judge what was reported of it."""

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(help="Film a simulated street and score what was reported of it.", no_args_is_help=True)


def _refuse(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        _refuse(f"--size {text!r} is not a picture size; write it as 640x360")
    w, h = int(width), int(height)
    if not (160 <= w <= 3840 and 90 <= h <= 2160) or w % 2 or h % 2:
        _refuse(f"--size {text} is out of range; use even numbers from 160x90 to 3840x2160")
    return w, h


@app.command()
def film(
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
    scene: Annotated[str, typer.Option(help="What happens.")] = "street",
    seconds: Annotated[float, typer.Option(min=2, max=3600, help="How long.")] = 90,
    cameras: Annotated[int, typer.Option(min=1, max=8, help="How many cameras film it.")] = 4,
    weather: Annotated[str, typer.Option(help="Light and weather.")] = "clear",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same film.")] = 1,
    fps: Annotated[int, typer.Option(min=1, max=60, help="Pictures a second.")] = 10,
    size: Annotated[str, typer.Option(help="Picture size.")] = "640x360",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many processes film at once.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Film a scene: one mp4 and one scene file a camera, truth.json, cameras.json, base.geojson."""
    from simulator import reel
    from simulator.scenes import SCENE_NAMES
    from simulator.weather import WEATHERS

    if scene not in SCENE_NAMES:
        _refuse(f"--scene {scene!r} is not known; use one of {', '.join(SCENE_NAMES)}")
    if weather not in WEATHERS:
        _refuse(f"--weather {weather!r} is not known; use one of {', '.join(WEATHERS)}")
    order = reel.Order(scene, seed, seconds, weather, fps, _size(size), cameras)
    try:
        truth_path = reel.film(order, out, jobs)
    except OSError as error:
        _refuse(f"--out {out}: {error.strerror or error}; choose a folder that can be written")
    truth = json.loads(truth_path.read_text(encoding="utf-8"))
    typer.echo(f"{len(truth['cameras'])} films of {seconds:g} s in {out}", err=True)
    for event in truth["events"]:
        seen_by = ", ".join(event["cameras"]) or "nobody"
        begins = f"from {event['begin_s']:6.1f} s, due {event['due_s']:6.1f} s"
        typer.echo(f"  {event['kind']:16} {begins}, seen by {seen_by}", err=True)
    if as_json:
        typer.echo(
            json.dumps(
                {"truth": str(truth_path), "cameras": truth["cameras"], "events": len(truth["events"])}
            )
        )
    sys.stdout.flush()


@app.command()
def score(
    truth: Annotated[Path | None, typer.Argument(help="A film's truth.json.")] = None,
    events: Annotated[
        Path | None, typer.Argument(help="What was reported: JSONL of reports, or of a hub's incidents.")
    ] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Score these cameras only.")] = None,
    started_at: Annotated[
        str | None, typer.Option(help="When the film began, for incidents; ISO 8601.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Play the trials of all kinds to the box.")] = False,
    kind: Annotated[str | None, typer.Option(help="Play one kind's trials, or one quiet scene.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the trials; all is drawn anew for each.")] = 1,
    trial: Annotated[int | None, typer.Option(min=0, help="Play this one of the kind's trials.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many trials are played at once.")] = 2,
    verbose: Annotated[bool, typer.Option("--verbose", help="Tell each trial's outcome.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare reports with the truth, of a film or of trials: found, missed, false, delay and distance."""
    if (every or kind is not None) == (truth is not None or events is not None):
        _refuse("give a film's TRUTH and EVENTS, or --all, or --kind with a kind's name")
    if truth is None or events is None:
        if not every and kind is None:
            _refuse("TRUTH alone tells nothing; give the EVENTS that were reported too")
        _trials(kind, seed, trial, jobs, verbose, as_json)
        return
    from simulator import verdict

    try:
        document, numbers = verdict.of_files(truth, events, camera, started_at)
    except verdict.FileRefused as error:
        _refuse(str(error))
    for line in verdict.table(document, numbers):
        typer.echo(line, err=as_json)
    if as_json:
        typer.echo(json.dumps(numbers))


def _trials(
    kind: str | None, seed: int, trial: int | None, jobs: int, is_verbose: bool, as_json: bool
) -> None:
    """Play the trials and print what came of them; the JSON goes to standard output alone."""
    from simulator.trials import run, tables

    listed = run.orders(kind, seed, trial)
    if not listed and kind is not None and kind not in run.seen_kinds():
        _refuse(f"--kind {kind!r} is no kind or quiet scene; use one of {', '.join(run.names())}")
    results: list[run.Result] = []
    try:
        for result in run.run(listed, jobs):
            results.append(result)
            if is_verbose:
                typer.echo(tables.line_of(result), err=True)
            if is_verbose and trial is not None:
                for line in run.reasons(result.order):
                    typer.echo(line, err=True)
    except run.TrialFailed as error:
        typer.echo(f"error: the trial could not be played: {error}", err=True)
        raise typer.Exit(1) from None
    figures = run.report(results, [k for k in run.seen_kinds() if kind in (None, k)])
    for line in tables.table(figures, results):
        typer.echo(line, err=as_json)
    if as_json:
        typer.echo(json.dumps(figures))
