"""``saqshy edge``: run a box, check it, try a scene on a clip."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli.outcome import plain_errors
from edge_agent.cli.replay import replay
from edge_agent.cli.show import show_picture
from edge_agent.cli.teach import teach
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
    """Watch the cameras and report to the hub. Ends on SIGTERM or Ctrl-C."""
    from edge_agent.app import run_box
    from edge_agent.settings import read_settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with plain_errors():
        asyncio.run(run_box(read_settings(config)))


@app.command()
def doctor(
    config: Annotated[
        Path | None, typer.Option("--config", help="Check this box too, and its cameras.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the machine and the box. Each finding comes with its cause and its way out."""
    from edge_agent.doctor import State, examine

    findings = []
    for number, finding in enumerate(examine(config), 1):
        findings.append({"number": number, **finding._asdict()})
        way_out = f"\n    → {finding.way_out}" if finding.way_out else ""
        typer.echo(f"{number:2}. {finding.state:8} {finding.name}: {finding.found}{way_out}", err=as_json)
    is_ok = all(finding["state"] != State.FAILED for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": is_ok, "checks": findings}, ensure_ascii=False))
    raise typer.Exit(0 if is_ok else 1)


app.command()(watch)
app.command("show")(show_picture)
app.command()(teach)
app.command()(replay)
