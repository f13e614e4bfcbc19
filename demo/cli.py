"""``saqshy demo``."""

import json
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from demo.check import measure, render
from demo.processes import CommandFailed
from demo.street import Street
from demo.town import Town

app = typer.Typer(add_completion=False, rich_markup_mode=None)

FOLDER = Path("~/.local/share/saqshy/demo").expanduser()
FILM_S = 60


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where the console is served.")] = 8000,
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo keeps its data.")] = FOLDER,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an earlier start left.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="No browser: watch the scene, compare, end.")
    ] = False,
    seconds: Annotated[int, typer.Option(min=30, max=3600, help="How long to check.")] = FILM_S,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """A street of Kosshy on this machine: four cameras on two boxes, a hub, two agencies, the console.

    Ctrl-C ends every process. The next start goes on with the same data; --fresh begins anew.
    With --check the exit code is 1 when an incident was missed, doubled or lost.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    town = Town(folder / "check", film=folder / "film") if check else Town(folder)
    if fresh or check:
        town.clear()
    street = Street(town, port, _say)
    passed = True
    try:
        street.start(FILM_S)
        if check:
            figures = measure(street, seconds)
            passed = figures.passed
            typer.echo(json.dumps(figures.as_dict()) if as_json else render(figures))
        else:
            _welcome(street)
            _watch(street)
    except KeyboardInterrupt:
        _say("stopping …")
    except (CommandFailed, TimeoutError, OSError) as error:
        _say(f"error: {error}")
        passed = False
    finally:
        street.stop()
    raise typer.Exit(0 if passed else 1)


def _welcome(street: Street) -> None:
    link = street.setup_link()
    _say(f"\n  console   {link or street.address}")
    if link:
        _say("            the link works once: choose a name and a password there")
    _say(f"  folder    {street.town.folder}\n  Ctrl-C ends it all. What arrives at the agencies:")


def _watch(street: Street) -> None:
    while True:
        street.check()
        time.sleep(0.5)
