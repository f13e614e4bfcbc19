"""``saqshy edge replay``: the same rules change nothing, others say what they would change."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from edge_agent.cli.edge import app
from edge_agent.domain.detection import Track
from edge_agent.domain.scene_file import parse_scene
from edge_agent.tracks.log import TrackLog, recordings
from edge_agent.tracks.record import Header, Moment
from shared.kinds import ObjectClass

START_US = 1_767_225_600_000_000
SCENE = """
[camera]
id = "gate"
size_px = [1000, 600]
[[zone]]
id = "yard"
polygon_px = [[0, 0], [1000, 0], [1000, 600], [0, 600]]
[[rule]]
kind = "intrusion"
zone = "yard"
dwell_s = 2
cooldown_s = 0
"""


def keep(folder: Path, scene_text: str, first_frame: int, frames: int = 600) -> None:
    """Every twenty seconds somebody comes for five seconds."""
    log = TrackLog(folder, Header("gate", scene_text), 7, 1 << 20)
    for n in range(first_frame, first_frame + frames):
        visit, step = divmod(n, 100)
        at_us = START_US + n * 200_000
        box = np.array([300 + step, 200, 340 + step, 300], np.float32)
        came_us = at_us - step * 200_000
        track = Track(visit + 1, ObjectClass.PERSON, box, 0.9, came_us, at_us, step + 1, (5, 0), at_us)
        tracks = [track] if step < 25 else []
        log.add(Moment(at_us, tracks, n == first_frame, is_global=False, is_switch=False))
    log.flush()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    keep(tmp_path / "gate", SCENE, 0)
    return tmp_path / "gate"


def run(tracks: Path, scene: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["replay", "--tracks", str(tracks), "--scene", str(scene), *more])


def answer(tracks: Path, scene: Path) -> dict:
    result = run(tracks, scene, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_same_rules_give_an_empty_difference(kept: Path, tmp_path: Path) -> None:
    scene = tmp_path / "same.toml"
    scene.write_text(SCENE)
    found = answer(kept, scene)
    assert (found["frames"], found["same"]) == (600, 5), "the first visit falls into the blackout"
    assert found["only_old"] == found["only_new"] == found["not_judged"] == []


def test_stricter_rules_lose_events_and_looser_ones_gain(kept: Path, tmp_path: Path) -> None:
    scene = tmp_path / "new.toml"
    scene.write_text(SCENE.replace("dwell_s = 2", "dwell_s = 10"))
    assert len(answer(kept, scene)["only_old"]) == 5
    keep(kept, SCENE.replace("dwell_s = 2", "dwell_s = 10"), 100_000)
    scene.write_text(SCENE)
    found = answer(kept, scene)
    assert (found["same"], len(found["only_new"]), found["only_old"]) == (5, 5, [])
    event = found["only_new"][0]
    assert (event["kind"], event["place"], event["reason"]["limit_s"]) == ("intrusion", "yard", 2)
    text = run(kept, scene).output
    assert "5 events stay as they were" in text
    assert "+ 2026-01-01 10:" in text


def test_clear_refusals(kept: Path, tmp_path: Path) -> None:
    scene = tmp_path / "new.toml"
    scene.write_text(SCENE.replace("1000", "800"))
    assert "draw the scene on a picture of the tracks' size" in run(kept, scene).output
    scene.write_text(SCENE.replace('"gate"', '"yard"'))
    assert "holds tracks of gate, the scene is of yard" in run(kept, scene).output
    scene.write_text(SCENE)
    assert "holds no tracks" in run(tmp_path, scene).output
    recordings(kept)[0].write_bytes(b"nonsense of some length")
    result = run(kept, scene)
    assert result.exit_code == 2
    assert "is no file of tracks" in result.output


def test_the_kept_scene_is_the_one_that_was_read() -> None:
    assert parse_scene(SCENE, "x").text == SCENE
