"""Manifests and the catalogue: what is accepted, what is refused, and that the refusal says why."""

import hashlib
from pathlib import Path

import pytest

from edge_agent.errors import ModelRefused
from edge_agent.inference.decoders import DECODERS
from edge_agent.inference.model import (
    InputSpec,
    Manifest,
    _catalogue,
    read_manifest,
    read_model,
    write_manifest,
)
from shared.kinds import ObjectClass

CONTENT = b"\x1c\0\0\0TFL3" + bytes(600)


def manifest(**changes: object) -> Manifest:
    fields: dict[str, object] = {
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "name": "test",
        "decoder": "yolox_grid",
        "input": InputSpec(64, 64),
        "labels": ("person", "bus"),
        "licence": "Apache-2.0",
        "source": "here",
    }
    return Manifest(**{**fields, **changes})  # type: ignore[arg-type]


def lay(folder: Path, content: bytes, said: Manifest | None) -> Path:
    (folder / "model.tflite").write_bytes(content)
    if said is not None:
        (folder / "manifest.toml").write_text(write_manifest(said), "utf-8")
    return folder


def test_a_manifest_survives_writing_and_reading() -> None:
    said = manifest(name='quoted "тест" \\', classes={"person": "bag"}, seed=7, recipe=2)
    assert read_manifest(write_manifest(said), Path("m.toml")) == said


def test_a_model_with_its_manifest_is_read(tmp_path: Path) -> None:
    model = read_model(lay(tmp_path, CONTENT, manifest()))
    assert model.content == CONTENT
    assert model.manifest.class_numbers() == (ObjectClass.PERSON, ObjectClass.BUS)


def test_labels_map_to_our_classes_or_to_nothing() -> None:
    said = manifest(labels=("handbag", "chair", "Person", "van"), classes={"van": "truck"})
    assert said.class_numbers() == (ObjectClass.BAG, -1, ObjectClass.PERSON, ObjectClass.TRUCK)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": ("person", "face")}, "names a face"),
        ({"labels": ("Face_Mask", "person")}, "names a face"),
        ({"labels": ("person", "license-plate")}, "names a face"),
        ({"labels": ("person", "LicensePlate")}, "names a face"),
        ({"labels": ("chair", "bowl")}, "no label is a class of ours"),
        ({"classes": {"van": "truck"}}, "'van', which is no label"),
        ({"classes": {"bus": "lorry"}}, "class 'lorry' does not exist"),
        ({"classes": {"bus": "unknown"}}, "class 'unknown' does not exist"),
        ({"sha256": "0" * 64}, "the manifest says 0000"),
    ],
)
def test_a_manifest_that_may_not_be_is_refused(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(ModelRefused, match=reason) as refused:
        read_model(lay(tmp_path, CONTENT, manifest(**changes)))
    assert str(tmp_path) in refused.value.where
    assert refused.value.way_out


def test_a_surface_is_no_face(tmp_path: Path) -> None:
    assert read_model(lay(tmp_path, CONTENT, manifest(labels=("person", "surface"))))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = ", "Invalid value"),
        ("name = 'x'", "missing required field"),
        (write_manifest(manifest()) + "\n[extra]\n", "unknown field"),
        (write_manifest(manifest()).replace("width = 64", "width = 65"), "multiple of 2"),
        (write_manifest(manifest()).replace("width = 64", "width = 4096"), "<= 2048"),
        (write_manifest(manifest()).replace('"nhwc"', '"hwc"'), "nvalid enum value"),
        (write_manifest(manifest()).replace(manifest().sha256, "abc"), "matching regex"),
    ],
)
def test_a_damaged_manifest_is_refused_with_the_field(text: str, reason: str) -> None:
    with pytest.raises(ModelRefused, match=reason):
        read_manifest(text, Path("manifest.toml"))


@pytest.mark.parametrize(
    ("content", "said", "reason"),
    [
        (CONTENT, False, "nobody knows this file"),
        (CONTENT[:100], True, "100 bytes are no model"),
        (b"", True, "0 bytes are no model"),
        (CONTENT[:4] + b"PNG!" + CONTENT[8:], True, "no TFL3 mark"),
        (CONTENT + b"x", True, "the manifest says"),
    ],
)
def test_a_file_that_is_not_the_model_is_refused(
    tmp_path: Path, content: bytes, said: bool, reason: str
) -> None:
    with pytest.raises(ModelRefused, match=reason):
        read_model(lay(tmp_path, content, manifest() if said else None))


def test_a_place_without_one_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="no such file"):
        read_model(tmp_path / "nowhere")
    with pytest.raises(ModelRefused, match=r"no \.tflite file"):
        read_model(tmp_path)
    for name in ("a.tflite", "b.tflite"):
        (tmp_path / name).write_bytes(CONTENT)
    with pytest.raises(ModelRefused, match=r"several models in this folder \(a.tflite, b.tflite\)"):
        read_model(tmp_path)


def test_every_model_of_the_catalogue_can_be_used_or_says_why_not() -> None:
    for known in _catalogue().model:
        if known.refused:
            continue
        labels = _catalogue().labels[known.labels] if isinstance(known.labels, str) else known.labels
        assert known.decoder in DECODERS, known.name
        assert known.input is not None, known.name
        assert "person" in labels, known.name


@pytest.mark.data
def test_the_catalogue_knows_every_model_of_the_collection(data_dir: Path) -> None:
    known = {entry.sha256: entry for entry in _catalogue().model}
    files = [file for file in data_dir.glob("models/*/*.tflite") if file.parent.name != "invalid"]
    assert len(files) >= 6
    for file in files:
        entry = known[hashlib.sha256(file.read_bytes()).hexdigest()]
        if entry.refused:
            with pytest.raises(ModelRefused, match=entry.refused):
                read_model(file)
        else:
            assert read_model(file).manifest.name == entry.name


@pytest.mark.data
def test_a_folder_with_two_known_models_gives_the_first(data_dir: Path) -> None:
    assert (
        read_model(data_dir / "models" / "yolox_nano").path.name == "yolox_nano_dynamic_range_quantize.tflite"
    )
