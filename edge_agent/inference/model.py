"""What a model file is: its manifest, the catalogue of known public models, and the check before any load.

A model is one ``.tflite`` file. What it wants and what it says is written in a manifest: ``manifest.toml``
beside it, or the catalogue of this package, which knows public models by their sha256. Nothing here runs one.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge_agent.errors import ModelRefused
from shared.kinds import CLASS_BY_SLUG, ObjectClass

LARGEST_MODEL_BYTES = 200_000_000
SMALLEST_MODEL_BYTES = 256
MANIFEST_NAME = "manifest.toml"
BUNDLED_MODEL = Path(__file__).with_name("models") / "demo"
_FLATBUFFER_IDENTIFIER = b"TFL3"
_NAMES_IDENTITY = re.compile(r"(?<![a-z])face|plates?(?![a-z])|licen[cs]e|identity")
_COMMON_LABELS = {
    "backpack": ObjectClass.BAG,
    "handbag": ObjectClass.BAG,
    "suitcase": ObjectClass.BAG,
    "motorbike": ObjectClass.MOTORCYCLE,
    "flame": ObjectClass.FIRE,
} | {slug: found for slug, found in CLASS_BY_SLUG.items() if found is not ObjectClass.UNKNOWN}

Side = Annotated[int, msgspec.Meta(ge=32, le=2048, multiple_of=2)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class InputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The picture that a model wants."""

    width: Side
    """In pixels, even."""
    height: Side
    layout: Literal["nhwc", "nchw"] = "nhwc"
    colour: Literal["rgb", "bgr"] = "rgb"
    range: Literal["bytes", "0..255", "0..1", "-1..1"] = "bytes"
    """What pixel values 0 to 255 become; ``bytes``: they go into a uint8 tensor as they are."""
    fit: Literal["stretch", "letterbox"] = "stretch"
    """``letterbox``: the picture keeps its shape, lies top left, and grey fills the rest."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything one must know to use a model, and whose it is."""

    sha256: Sha256
    name: ShortText
    decoder: ShortText
    input: InputSpec
    labels: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=1000)]
    """By the number that the model gives a class, from 0."""
    licence: ShortText
    source: ShortText
    classes: dict[str, str] = {}
    """Label to class of ours, where the label's name is not already one (``backpack`` and such are known)."""
    recipe: int | None = None
    """Version of the training recipe, for models that this project trains."""
    seed: int | None = None

    def class_numbers(self) -> tuple[int, ...]:
        """For each label the number of its ``ObjectClass``; -1 where we have none and drop what is found."""
        return tuple(_class_number(label, self.classes) for label in self.labels)


class _KnownModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the catalogue: a manifest whose labels may be a shared list, or why it is refused."""

    sha256: Sha256
    name: ShortText
    licence: ShortText
    source: ShortText
    refused: str = ""
    decoder: str = ""
    input: InputSpec | None = None
    labels: tuple[str, ...] | str = ()
    classes: dict[str, str] = {}


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    labels: dict[str, tuple[str, ...]]
    model: tuple[_KnownModel, ...]


class ModelFile(msgspec.Struct, frozen=True):
    """A model that passed every check which needs no loading: its bytes are the ones the manifest means."""

    path: Path
    content: bytes
    manifest: Manifest


def read_model(path: Path) -> ModelFile:
    """Read a model from its ``.tflite`` file or the folder that holds exactly one.

    Raises:
        ModelRefused: nothing there, not a whole TFLite file, no manifest for it, or another file than the
            manifest's sha256 means.
    """
    file = _locate(path)
    content = _read_content(file)
    digest = hashlib.sha256(content).hexdigest()
    manifest = _manifest_of(file, digest)
    _check_labels(file, manifest)
    return ModelFile(file, content, manifest)


def read_manifest(text: str, where: Path) -> Manifest:
    """Parse and check a manifest.

    Raises:
        ModelRefused: not TOML, or a key is missing, unknown or out of range.
    """
    try:
        return msgspec.convert(tomllib.loads(text), Manifest)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise ModelRefused(where, str(fault), "correct the manifest") from fault


def write_manifest(manifest: Manifest) -> str:
    """The manifest as TOML text that ``read_manifest`` takes back."""
    plain = msgspec.to_builtins(manifest)
    tables = {key: value for key, value in plain.items() if isinstance(value, dict) and value}
    lines = [_toml_line(k, v) for k, v in plain.items() if not isinstance(v, dict) and v is not None]
    for table, entries in tables.items():
        lines += ["", f"[{table}]", *(_toml_line(k, v) for k, v in entries.items())]
    return "\n".join(lines) + "\n"


def known_models() -> Sequence[tuple[str, str, str]]:
    """Name, sha256 and reason of refusal (or nothing) of every model in the catalogue."""
    return [(known.name, known.sha256, known.refused) for known in _catalogue().model]


def _toml_line(key: str, value: object) -> str:
    # A JSON string, number or list of strings is the same text in TOML.
    plain = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
    return f"{plain} = {json.dumps(value, ensure_ascii=False)}"


def _class_number(label: str, classes: dict[str, str]) -> int:
    if label in classes:
        return int(CLASS_BY_SLUG[classes[label]])
    return int(_COMMON_LABELS.get(label.strip().lower(), -1))


def _locate(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise ModelRefused(path, "no such file or folder", "give a .tflite file or the folder that holds it")
    candidates = sorted(path.glob("*.tflite"))
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise ModelRefused(
            path, "no .tflite file in this folder", "give a .tflite file or the folder that holds it"
        )
    return _only_one_named(path, candidates)


def _only_one_named(folder: Path, candidates: list[Path]) -> Path:
    """Of several: the one called ``model.tflite``, or the first that the catalogue knows as usable."""
    preferred = folder / "model.tflite"
    if preferred in candidates:
        return preferred
    names = ", ".join(file.name for file in candidates)
    known = {entry.sha256 for entry in _catalogue().model if not entry.refused}
    usable = [file for file in candidates if _sha256_of(file) in known]
    if not usable:
        raise ModelRefused(
            folder, f"several models in this folder ({names})", "give the one file that you mean"
        )
    return usable[0]


def _sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _read_content(file: Path) -> bytes:
    try:
        size_bytes = file.stat().st_size
        if not SMALLEST_MODEL_BYTES <= size_bytes <= LARGEST_MODEL_BYTES:
            raise ModelRefused(file, f"{size_bytes} bytes are no model", "fetch the file again")
        content = file.read_bytes()
    except OSError as fault:
        raise ModelRefused(file, f"cannot be read ({fault.strerror})", "check the file's rights") from fault
    if content[4:8] != _FLATBUFFER_IDENTIFIER:
        raise ModelRefused(file, "not a TFLite file (no TFL3 mark)", "fetch the file again")
    return content


def _manifest_of(file: Path, digest: str) -> Manifest:
    beside = file.parent / MANIFEST_NAME
    if beside.is_file():
        manifest = read_manifest(beside.read_text("utf-8", "replace"), beside)
        if manifest.sha256 != digest:
            raise ModelRefused(
                file,
                f"sha256 is {digest}, the manifest says {manifest.sha256}",
                "fetch the file again, or its manifest",
            )
        return manifest
    for known in _catalogue().model:
        if known.sha256 == digest:
            return _manifest_from_catalogue(file, known)
    raise ModelRefused(
        file,
        f"nobody knows this file (sha256 {digest})",
        f"write a {MANIFEST_NAME} beside it, or fetch it again if damaged",
    )


def _manifest_from_catalogue(file: Path, known: _KnownModel) -> Manifest:
    if known.refused or known.input is None:
        raise ModelRefused(file, f"{known.name} cannot be used: {known.refused}", "choose another model")
    labels = _catalogue().labels[known.labels] if isinstance(known.labels, str) else known.labels
    return Manifest(
        sha256=known.sha256,
        name=known.name,
        decoder=known.decoder,
        input=known.input,
        labels=labels,
        licence=known.licence,
        source=known.source,
        classes=known.classes,
    )


def _check_labels(file: Path, manifest: Manifest) -> None:
    for label in manifest.labels:
        if _NAMES_IDENTITY.search(label.lower()):
            raise ModelRefused(
                file,
                f"label {label!r} names a face, a plate or an identity",
                "choose a model that cannot tell who",
            )
    for label, slug in manifest.classes.items():
        if label not in manifest.labels:
            raise ModelRefused(file, f"classes names {label!r}, which is no label", "correct the manifest")
        if slug not in CLASS_BY_SLUG or slug == ObjectClass.UNKNOWN.slug:
            raise ModelRefused(
                file, f"class {slug!r} does not exist", f"use one of {', '.join(CLASS_BY_SLUG)}"
            )
    if max(manifest.class_numbers(), default=-1) < 0:
        raise ModelRefused(file, "no label is a class of ours", "map its labels in the manifest's [classes]")


@cache
def _catalogue() -> _Catalogue:
    text = Path(__file__).with_name("catalogue.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _Catalogue)
