"""``saqshy model``: add, list, verify, bench, pull."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_agent.cli.outcome import plain_errors, show

if TYPE_CHECKING:
    from edge_agent.inference.model import Manifest

app = typer.Typer(
    help="Models: add, list, verify, bench, pull.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Models = Annotated[
    Path | None, typer.Option("--models", help="Folder of models [default: ~/.local/share/saqshy/models].")
]
ModelPath = Annotated[Path, typer.Argument(help="A .tflite file, or the folder that holds it.")]


@app.command()
def add(path: ModelPath, models: Models = None, as_json: AsJson = False) -> None:
    """Check a model, try it once, and copy it to the folder of models."""
    from edge_agent.inference.shelf import add_model, default_folder

    with plain_errors():
        folder, manifest = add_model(path, models or default_folder())
    answer = {"path": str(folder), **_summary(manifest)}
    show(answer, as_json, f"added {manifest.name}: {folder}")


@app.command("list")
def list_models(models: Models = None, as_json: AsJson = False) -> None:
    """The models of this box, and the public ones that are known."""
    from edge_agent.inference.model import known_models
    from edge_agent.inference.shelf import default_folder, models_on

    shelf = models or default_folder()
    found: list[dict[str, Any]] = [
        {"path": str(folder), "refused": refused, **(_summary(manifest) if manifest else {})}
        for folder, manifest, refused in models_on(shelf)
    ]
    known = [{"name": name, "sha256": sha256, "refused": refused} for name, sha256, refused in known_models()]
    lines = [f"{one['path']}: {one['refused'] or one['name']}" for one in found]
    lines += ["known public models:", *(f"  {one['sha256'][:12]}  {one['name']}" for one in known)]
    show({"models_dir": str(shelf), "models": found, "known": known}, as_json, "\n".join(lines))


@app.command()
def verify(path: ModelPath, as_json: AsJson = False) -> None:
    """Check a model and try it. Runs it in a child process; says what it is and how fast."""
    from edge_agent.inference.shelf import verify_model

    with plain_errors():
        model, trial, runtime = verify_model(path)
    answer = {
        "path": str(model.path),
        **_summary(model.manifest),
        "runtime": runtime,
        "inputs": trial.inputs,
        "outputs": trial.outputs,
        "infer_ms": trial.infer_ms,
        "recast": bool(trial.recast),
    }
    show(answer, as_json, "\n".join(f"{name}: {_as_text(value)}" for name, value in answer.items()))


@app.command()
def bench(
    path: ModelPath,
    picture: Annotated[Path | None, typer.Option(help="What it looks at [default: plain grey].")] = None,
    threads: Annotated[int, typer.Option(min=1, max=16, help="Threads of the runtime.")] = 1,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="How long.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Say what a picture costs with a model. Measured on this machine; also says what it sees in one."""
    from edge_agent.bench.model import bench_model

    with plain_errors():
        answer = bench_model(path, picture, threads, seconds)
    things = ", ".join(f"{one['class']} {one['score']:.2f}" for one in answer["found"]) or "nothing"
    lines = [f"{key}: {value}" for key, value in answer.items() if key != "found"]
    show(answer, as_json, "\n".join([*lines, f"found: {things}"]))


@app.command()
def pull(
    url: Annotated[str, typer.Argument(help="Where it is: https, or http on this machine.")],
    sha256: Annotated[str, typer.Option(help="The file's sha256, 64 hexadecimal digits.")],
    manifest: Annotated[Path | None, typer.Option(help="Its manifest, where nobody knows the file.")] = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a model from a pinned address. Checks and tries it, and keeps it in the folder of models."""
    from edge_agent.inference.download import fetch
    from edge_agent.inference.shelf import MODEL_NAME, add_model, default_folder

    with plain_errors(), tempfile.TemporaryDirectory() as fresh:
        _lay_manifest(manifest, Path(fresh))
        fetch(url, _checked_sum(sha256), Path(fresh) / MODEL_NAME)
        folder, found = add_model(Path(fresh), models or default_folder())
    show({"path": str(folder), **_summary(found)}, as_json, f"pulled {found.name}: {folder}")


def _lay_manifest(manifest: Path | None, folder: Path) -> None:
    from edge_agent.errors import ModelRefused
    from edge_agent.inference.model import MANIFEST_NAME

    if manifest is None:
        return
    try:
        (folder / MANIFEST_NAME).write_bytes(manifest.read_bytes())
    except OSError as fault:
        raise ModelRefused(manifest, f"cannot be read ({fault.strerror})", "give a manifest.toml") from fault


def _checked_sum(sha256: str) -> str:
    from edge_agent.errors import ModelRefused

    plain = sha256.strip().lower()
    if len(plain) != 64 or set(plain) - set("0123456789abcdef"):
        raise ModelRefused("--sha256", f"{sha256!r} is no sha256", "give its 64 hexadecimal digits")
    return plain


def _summary(manifest: "Manifest") -> dict[str, Any]:
    from shared.kinds import ObjectClass

    numbers = sorted({number for number in manifest.class_numbers() if number >= 0})
    return {
        "name": manifest.name,
        "sha256": manifest.sha256,
        "decoder": manifest.decoder,
        "licence": manifest.licence,
        "source": manifest.source,
        "classes": [ObjectClass(number).slug for number in numbers],
    }


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
