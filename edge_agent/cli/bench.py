"""``saqshy bench edge``."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_agent.cli.outcome import plain_errors, show


def edge(
    source: Annotated[
        list[str], typer.Option(help="A clip, looped in real time, or rtsp://…; may be repeated.")
    ],
    cameras: Annotated[int, typer.Option(min=1, max=64, help="How many; the sources take turns.")] = 4,
    seconds: Annotated[float, typer.Option(min=1, help="How long, after a warm-up.")] = 60,
    fps: Annotated[float, typer.Option(min=0.2, max=30, help="Frames a second and camera.")] = 5,
    model: Annotated[Path | None, typer.Option(help="A model's folder [default: the bundled one].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run a whole agent on N cameras: cost of all its processes, and lag from frame to published report."""
    from edge_agent.bench.measure import measure

    with plain_errors():
        answer = asyncio.run(measure(source, cameras, seconds, fps, model))
    show(answer, as_json, "\n".join(f"{key}: {_as_text(value)}" for key, value in answer.items()))


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"\n  {key}: {each}" for key, each in value.items())
    return str(value)
