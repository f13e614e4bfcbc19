"""``saqshy edge teach``: the file it makes, what a scene then reads from it, and each way it can fail."""

import hashlib
import json
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edge_agent.cli.edge import app
from edge_agent.domain.detection import Frame
from edge_agent.domain.scene_file import SceneError, parse_scene
from edge_agent.domain.states import UNKNOWN, ZoneStates
from edge_agent.errors import StatesRefused
from edge_agent.inference.model import BUNDLED_MODEL
from edge_agent.inference.state_file import MAX_BYTES, StatesFolder, read_states
from tests.fakes.bins import SIZE_PX, STATES, ZONE_PX, bin_picture, write_lessons

SCENE = f"""
[camera]
id = "pad"
size_px = [{SIZE_PX[0]}, {SIZE_PX[1]}]

[[zone]]
id = "bin"
polygon_px = {[list(corner) for corner in ZONE_PX]}

[[rule]]
kind = "container_overflow"
zone = "bin"
states = "bin.states"
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["teach", *map(str, arguments)])


def frame_of(state: str, seed: int, light: float = 1.0) -> Frame:
    picture = bin_picture(state, seed, light=light)
    i420 = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
    return Frame("pad", 0, 0, i420, *SIZE_PX, True)


def recognised(states: ZoneStates) -> list[str]:
    """States that pictures which were never shown are taken for: 10 of each, brighter and darker ones."""
    zone = np.array(ZONE_PX, np.float64)
    return [
        states.read(frame_of(state, 5000 + number, 0.55 + 0.08 * number), zone).state
        for state in STATES
        for number in range(10)
    ]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taught")
    done = run(write_lessons(folder / "lessons"), "--out", folder / "bin.states")
    assert done.exit_code == 0, done.output
    return folder / "bin.states"


def test_it_says_how_well_each_state_is_recognised(tmp_path: Path) -> None:
    done = run(write_lessons(tmp_path / "lessons"), "--out", tmp_path / "bin.states", "--json")
    answer = json.loads(done.stdout)
    assert set(answer["accuracy"]) == set(STATES)
    assert all(0.8 <= accuracy <= 1 for accuracy in answer["accuracy"].values())
    assert answer["warnings"] == []
    assert all(state["pictures"] == 8 for state in answer["states"])


def test_pictures_that_were_never_shown_are_recognised(taught: Path) -> None:
    states = StatesFolder(taught.parent, BUNDLED_MODEL).open(taught.name)
    found = recognised(states)
    wanted = [state for state in STATES for _ in range(10)]
    assert sum(a == b for a, b in zip(found, wanted, strict=True)) >= 27
    strange = [states.read(frame_of("strange", n), np.array(ZONE_PX, np.float64)).state for n in range(5)]
    assert strange == [UNKNOWN] * 5


def test_whole_pictures_and_a_zone_teach_the_same(taught: Path, tmp_path: Path) -> None:
    (tmp_path / "pad.toml").write_text(SCENE)
    lessons = write_lessons(tmp_path / "lessons", is_cropped=False)
    done = run(lessons, "--scene", tmp_path / "pad.toml", "--zone", "bin", "--out", tmp_path / "bin.states")
    assert done.exit_code == 0, done.output
    found = recognised(StatesFolder(tmp_path, BUNDLED_MODEL).open("bin.states"))
    same = recognised(StatesFolder(taught.parent, BUNDLED_MODEL).open(taught.name))
    assert sum(a == b for a, b in zip(found, same, strict=True)) >= 28


def test_a_detectors_features_teach_too_and_only_with_that_detector(tmp_path: Path, data_dir: Path) -> None:
    lessons = write_lessons(tmp_path / "lessons")
    done = run(lessons, "--model", BUNDLED_MODEL, "--out", tmp_path / "bin.states")
    assert done.exit_code == 0, done.output
    found = recognised(StatesFolder(tmp_path, BUNDLED_MODEL).open("bin.states"))
    wanted = [state for state in STATES for _ in range(10)]
    assert sum(a == b for a, b in zip(found, wanted, strict=True)) >= 27
    other = data_dir / "models" / "coco_ssd_mobilenet_v1_quant"
    with pytest.raises(ValueError, match="another model than this box has; teach it again"):
        StatesFolder(tmp_path, other).open("bin.states")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: [p.rename(f / "full" / p.name) for p in (f / "ok").iterdir()], "ok: holds 0 pictures"),
        (lambda f: [p.unlink() for p in sorted((f / "ok").iterdir())[2:]], "ok: holds 2 pictures"),
        (lambda f: (f / "ok" / "3.png").write_bytes(b"\x89PNG no more"), "3.png: is no whole picture"),
        (lambda f: (f / "ok" / "3.png").write_bytes(b""), "3.png: is no whole picture"),
        (lambda f: (f / "ok").rename(f / "O K"), "O K: is no name of a state"),
        (lambda f: (f / "ok").rename(f / "unknown"), "unknown: no picture teaches what is unknown"),
        (
            lambda f: cv2.imwrite(str(f / "ok" / "3.png"), np.zeros((4, 300, 3), np.uint8)),
            "3.png: is a picture of 300 x 4",
        ),
    ],
)
def test_what_cannot_be_taught_from_is_named(tmp_path: Path, spoil: object, told: str) -> None:
    lessons = write_lessons(tmp_path / "lessons", count=4)
    spoil(lessons)  # type: ignore[operator]
    done = run(lessons, "--out", tmp_path / "bin.states")
    assert done.exit_code == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "bin.states").exists()


def test_one_state_only_and_no_folder(tmp_path: Path) -> None:
    done = run(write_lessons(tmp_path / "one", states=("ok",)), "--out", tmp_path / "bin.states")
    assert done.exit_code == 2
    assert "holds 1 states (ok); make 2 to 12 sub-folders" in done.stderr
    assert "cannot be read" in run(tmp_path / "none", "--out", tmp_path / "bin.states").stderr
    lost = run(write_lessons(tmp_path / "lessons"), "--out", tmp_path / "none" / "bin.states")
    assert "cannot be written" in lost.stderr


def test_states_that_look_the_same_are_warned_of(tmp_path: Path) -> None:
    lessons = write_lessons(tmp_path / "lessons", count=6, states=("ok",))
    (lessons / "full").mkdir()
    for number in range(4):
        cv2.imwrite(str(lessons / "full" / f"{number}.png"), bin_picture("ok", 300 + number)[40:160, 100:220])
    done = run(lessons, "--out", tmp_path / "bin.states", "--json")
    assert done.exit_code == 0
    warnings = json.loads(done.stdout)["warnings"]
    assert any(text.startswith("full: 4 pictures only") for text in warnings)
    assert any("recognised" in text for text in warnings)


def test_pictures_of_another_size_than_the_scene(tmp_path: Path) -> None:
    (tmp_path / "pad.toml").write_text(SCENE)
    lessons = write_lessons(tmp_path / "lessons")
    done = run(lessons, "--scene", tmp_path / "pad.toml", "--zone", "bin", "--out", tmp_path / "bin.states")
    assert "is of 120 x 120 px, the scene of 320 x 180" in done.stderr
    done = run(lessons, "--scene", tmp_path / "pad.toml", "--zone", "bun", "--out", tmp_path / "bin.states")
    assert "has no zone 'bun'; defined there: bin" in done.stderr
    assert "one is given without the other" in run(lessons, "--zone", "bin", "--out", "x").stderr


def damaged(content: bytes) -> dict[str, bytes]:
    head, body = content[:46], content[46:]
    fields = msgspec.msgpack.decode(body)

    def sealed(**changes: object) -> bytes:
        fresh = msgspec.msgpack.encode(fields | changes)
        return head[:14] + hashlib.sha256(fresh).digest() + fresh

    return {
        "its digest does not fit": content[:-1] + bytes([content[-1] ^ 1]),
        "is damaged": content[:200],
        "is no file of taught states": b"PK" + content,
        "is larger than": content + bytes(MAX_BYTES),
        "is of another version": sealed(version=2),
        "examples is not of the size": sealed(pictures=fields["pictures"] - 1),
        "weights holds what is no number": sealed(weights=b"\xff" * len(fields["weights"])),
        "unknown field": sealed(code="import os"),
        "no names of their own": sealed(names=["ok", "ok", "full"]),
    }


def test_a_damaged_file_is_refused_with_its_fault(taught: Path, tmp_path: Path) -> None:
    for told, content in damaged(taught.read_bytes()).items():
        (tmp_path / "bin.states").write_bytes(content)
        with pytest.raises(StatesRefused, match="make it anew with saqshy edge teach") as caught:
            read_states(tmp_path / "bin.states")
        assert told in str(caught.value)


@pytest.mark.parametrize("seed", range(4))
def test_no_damaged_copy_is_read(taught: Path, tmp_path: Path, seed: int) -> None:
    content, chance = taught.read_bytes(), np.random.default_rng(seed)
    for _ in range(50):
        spoilt = bytearray(content)
        for at in chance.integers(0, len(content), int(chance.integers(1, 9))):
            spoilt[at] ^= int(chance.integers(1, 256))
        if bytes(spoilt) == content:
            continue
        (tmp_path / "bin.states").write_bytes(spoilt)
        with pytest.raises(StatesRefused):
            read_states(tmp_path / "bin.states")


def test_a_scene_reads_it_from_its_own_folder_only(taught: Path, tmp_path: Path) -> None:
    opener = StatesFolder(taught.parent, BUNDLED_MODEL).open
    assert parse_scene(SCENE, "pad.toml", opener).rules[0].states is not None
    (taught.parent / "inner").mkdir(exist_ok=True)
    (taught.parent / "inner" / "link.states").symlink_to(taught)
    inner = StatesFolder(taught.parent / "inner", BUNDLED_MODEL).open
    for name in ("../bin.states", str(taught), "link.states"):
        with pytest.raises(SceneError, match="leads out of the scene's folder") as caught:
            parse_scene(SCENE.replace("bin.states", name), "pad.toml", inner)
        assert caught.value.key == "rule[1].states"
    with pytest.raises(SceneError, match="cannot be read"):
        parse_scene(SCENE.replace("bin.states", "none.states"), "pad.toml", opener)


def test_a_file_without_the_states_that_a_rule_is_about(tmp_path: Path) -> None:
    lessons = write_lessons(tmp_path / "lessons", states=("ok", "full"))
    assert run(lessons, "--out", tmp_path / "bin.states").exit_code == 0
    with pytest.raises(SceneError, match="knows full, ok, but not overflow; teach a state called overflow"):
        parse_scene(SCENE, "pad.toml", StatesFolder(tmp_path, BUNDLED_MODEL).open)
