"""``saqshy edge``: run a box, check it, try a scene on a clip."""

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli.outcome import plain_errors
from edge_agent.cli.watch import watch

app = typer.Typer(
    help="The program on a box beside cameras.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

Config = Annotated[Path, typer.Option("--config", help="The box's configuration, box.toml.")]


@app.command()
def run(config: Config) -> None:
    """Watch the cameras and report to the hub, until SIGTERM or Ctrl-C."""
    from edge_agent.app import run_box
    from edge_agent.settings import read_settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with plain_errors():
        asyncio.run(run_box(read_settings(config)))


app.command()(watch)
