"""The folder of models on a box: one folder per model, each with its file and its manifest."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edge_agent.errors import ModelRefused
from edge_agent.inference.model import (
    BUNDLED_MODEL,
    MANIFEST_NAME,
    Manifest,
    ModelFile,
    read_model,
    write_manifest,
)
from edge_agent.inference.runtime import choose_runtime
from edge_agent.inference.trial import Trial, pass_trial

MODEL_NAME = "model.tflite"


def default_folder() -> Path:
    """Where models live unless a command says otherwise."""
    return Path.home() / ".local" / "share" / "saqshy" / "models"


def add_model(path: Path, shelf: Path) -> tuple[Path, Manifest]:
    """Check a model, try it, and copy it to the shelf; it appears there whole or not at all.

    Returns its folder on the shelf and its manifest. Adding it again changes nothing.

    Raises:
        ModelRefused: see ``open_detector``.
    """
    model = read_model(path)
    pass_trial(model, choose_runtime("auto"))
    target = shelf / _folder_name(model.manifest)
    if not target.is_dir():
        _place(model, target)
    return target, model.manifest


def verify_model(path: Path) -> tuple[ModelFile, Trial, str]:
    """Check a model and try it anew, whatever was remembered. Returns it, how it did, and the runtime."""
    model, runtime = read_model(path), choose_runtime("auto")
    with tempfile.TemporaryDirectory() as nothing_remembered:
        return model, pass_trial(model, runtime, Path(nothing_remembered)), runtime


def models_on(shelf: Path) -> Iterator[tuple[Path, Manifest | None, str]]:
    """The bundled model, then those of the shelf: folder, manifest, and why it is refused or nothing."""
    folders = sorted(path for path in shelf.glob("*") if path.is_dir() and not path.name.startswith("."))
    for folder in (BUNDLED_MODEL, *folders):
        try:
            yield folder, read_model(folder).manifest, ""
        except ModelRefused as refusal:
            yield folder, None, f"{refusal.reason}; {refusal.way_out}"


def _folder_name(manifest: Manifest) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", manifest.name.lower()).strip("-")[:40]
    return f"{plain or 'model'}-{manifest.sha256[:8]}"


def _place(model: ModelFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    half_done = Path(tempfile.mkdtemp(prefix=".adding-", dir=target.parent))
    try:
        (half_done / MODEL_NAME).write_bytes(model.content)
        (half_done / MANIFEST_NAME).write_text(write_manifest(model.manifest), "utf-8")
        half_done.chmod(0o755)
        half_done.rename(target)
    finally:
        shutil.rmtree(half_done, ignore_errors=True)
