"""The one command line: mounts the parts' Typer apps and says which extra is missing.

A part is imported only when it is asked for, so ``--help`` is quick and a box needs nothing of the hub's.
"""

import sys
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class Part(NamedTuple):
    """Where a command lives, and the extra that brings what it needs."""

    module: str
    attribute: str
    extra: str
    summary: str


PARTS: dict[str, Part] = {
    "demo": Part("demo.cli", "app", "demo", "A street of Kosshy on this machine: boxes, hub and console."),
    "edge": Part("edge_agent.cli.edge", "app", "edge", "The program on a box beside cameras."),
    "model": Part("edge_agent.cli.model", "app", "edge", "Models: add, list, verify, pull."),
    "field": Part("edge_agent.cli.field", "app", "edge", "The technician's commands: find a box, enrol it."),
    "hub": Part("hub.cli.hub", "app", "hub", "The program in the operations centre."),
    "sim": Part("simulator.cli", "app", "edge", "Film a simulated town, and score what was seen."),
    "bench": Part("saqshy", "bench", "demo", "Measure the parts on this machine."),
}
BENCHES: dict[str, Part] = {
    "edge": Part("edge_agent.cli.bench", "edge", "edge", "Cost and lag of a box with N cameras."),
    "hub": Part("hub.cli.bench", "hub", "hub", "Events a second through the hub, bus and disk included."),
}
OURS = ("demo", "saqshy", "shared", "edge_agent", "hub", "simulator", "firmware_hooks")


def _load(name: str, part: Part) -> Any:
    target = getattr(import_module(part.module), part.attribute)
    if not isinstance(target, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command()(target)
        target = single
    command = typer.main.get_command(target)
    command.name = name
    command.help = command.help or part.summary
    return command


def _missing(package: str, words: list[str]) -> str:
    """What to say when a command's package is not installed."""
    part = PARTS.get(words[0]) if words else None
    if part is PARTS["bench"] and len(words) > 1:
        part = BENCHES.get(words[1], part)
    extra = part.extra if part else "demo"
    return (
        f"error: 'saqshy {' '.join(words[:2])}' needs the package {package!r}, which is not installed; "
        f"install the extra: pip install 'saqshy[{extra}]'"
    )


class _Lazy(TyperGroup):
    """A group that imports a command when it is looked up."""

    parts: dict[str, Part] = PARTS

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(self.parts)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        part = self.parts.get(cmd_name)
        return _load(cmd_name, part) if part else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, part.summary) for name, part in self.parts.items()])


class _LazyBench(_Lazy):
    parts = BENCHES


def _group(cls: type[TyperGroup], summary: str) -> typer.Typer:
    group = typer.Typer(
        cls=cls, help=summary, add_completion=False, no_args_is_help=True, rich_markup_mode=None
    )
    group.callback()(lambda: None)
    return group


app = _group(_Lazy, "Saqshy: city operations. What happens where, never who it is.")
bench = _group(_LazyBench, PARTS["bench"].summary)


def main() -> None:
    """Run the command line; a package of an extra that is not installed is said so."""
    try:
        app(prog_name="saqshy")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in OURS:
            raise
        typer.echo(_missing(package, sys.argv[1:]), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
