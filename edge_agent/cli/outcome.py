"""How a command of the box ends: one line for people, an exit code for programs."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from edge_agent.errors import EdgeError, Refused


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the command with ``error: …`` and exit code 2 for bad input, 1 for what does not work now."""
    try:
        yield
    except EdgeError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2 if isinstance(error, Refused) else 1)


def show(answer: Mapping[str, Any], as_json: bool, text: str) -> None:
    """The command's answer on stdout: one JSON object on one line, or the text."""
    typer.echo(json.dumps(answer, ensure_ascii=False) if as_json else text)
