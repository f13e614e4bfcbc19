"""``saqshy edge teach``: teach the states of a zone by a few pictures of each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.cli.outcome import plain_errors, show

if TYPE_CHECKING:
    from edge_agent.domain.scene import Scene, Zone


def teach(
    folder: Annotated[Path, typer.Argument(help="A folder with one sub-folder of pictures for each state.")],
    out: Annotated[Path, typer.Option(help="Write the states here, beside the scene: containers.states.")],
    scene: Annotated[
        Path | None, typer.Option(help="The pictures are whole ones of this scene's camera.")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Which zone of the scene is taught.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="Look through this detector's features, not the built-in eye.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Teach the states of a zone by pictures. 5 to 20 of each state, in different light."""
    from edge_agent.inference.embedding import Backbone, BuiltIn
    from edge_agent.inference.state_file import summary, write_states
    from edge_agent.teaching import teach as teach_states

    with plain_errors():
        taught_scene, taught_zone = _find_zone(scene, zone)
        eye = Backbone(model) if model else BuiltIn()
        lesson = teach_states(folder, eye, taught_scene, taught_zone)
        write_states(out, lesson.taught)
    grades = lesson.taught.grades
    lines = [f"{'state':16} pictures  right  unknown  (each judged by a model that had not seen it)"]
    lines += [f"{g.state:16} {g.pictures:8}  {g.accuracy:5.0%}  {g.unknown:7}" for g in grades]
    lines += [f"warning: {text}" for text in lesson.warnings]
    lines += [f'written to {out}; name it in the rule: states = "{out.name}"']
    answer = {
        "path": str(out),
        "embedding": lesson.taught.embedding,
        "accuracy": summary(grades),
        "states": [grade._asdict() for grade in grades],
        "warnings": lesson.warnings,
    }
    show(answer, as_json, "\n".join(lines))


def _find_zone(path: Path | None, name: str | None) -> "tuple[Scene | None, Zone | None]":
    from edge_agent.cli.watch import read_scene_file
    from edge_agent.errors import SettingsRefused

    if path is None and name is None:
        return None, None
    if path is None or name is None:
        raise SettingsRefused("--zone and --scene", "one is given without the other", "give both or neither")
    # Without its files of states: the one to be taught need not be there yet.
    scene = read_scene_file(path)
    if name not in scene.zones:
        known = ", ".join(scene.zones) or "none"
        raise SettingsRefused("--zone", f"{path} has no zone {name!r}", f"defined there: {known}")
    return scene, scene.zones[name]
