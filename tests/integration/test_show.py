"""``saqshy edge show``: a picture to read corners off."""

import json
from pathlib import Path

import cv2
from click.testing import Result
from typer.testing import CliRunner

from edge_agent.cli.edge import app
from tests.fakes.clips import write_clip

SCENE = '[camera]\nid = "yard"\nsize_px = [320, 240]\n'
ZONE = '[[zone]]\nid = "gate"\npolygon_px = [[60, 120], [260, 120], [260, 220], [60, 220]]\n'


def run(clip: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["show", "--source", str(clip), "--out", str(out), *more])


def test_the_scene_and_the_grid_are_drawn(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", seconds=2, size=(320, 240))
    scene = tmp_path / "scene.toml"
    scene.write_text(SCENE + ZONE)
    result = run(clip, tmp_path / "plain.png", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["size_px"] == [320, 240]
    assert run(clip, tmp_path / "zone.png", "--scene", str(scene), "--at", "1").exit_code == 0
    plain, drawn = (cv2.imread(str(tmp_path / name)) for name in ("plain.png", "zone.png"))
    assert plain.shape == drawn.shape == (240, 320, 3)
    assert (plain[:, 50] == 200).all(1).mean() > 0.9, "no grid"
    assert run(clip, tmp_path / "new" / "bare.png", "--scene", str(scene), "--plain").exit_code == 0
    bare = cv2.imread(str(tmp_path / "new" / "bare.png"))
    assert (bare[:, 50] == 200).all(1).mean() < 0.1
    edge, outside = drawn[120, 160:195], drawn[110, 160:195]
    assert abs(edge.astype(int) - (90, 200, 255)).max(1).mean() < 60, "no zone"
    assert abs(outside.astype(int) - (90, 200, 255)).max(1).mean() > 60


def test_clear_refusals(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", seconds=1, size=(320, 240))
    (tmp_path / "scene.toml").write_text(SCENE.replace("320", "640"))
    cases = {
        "draw the scene on a picture of [320, 240]": ("a.png", "--scene", str(tmp_path / "scene.toml")),
        "give a smaller --at": ("a.png", "--at", "60"),
        "give a path that ends in .png or .jpg": ("a.txt",),
    }
    for text, (out, *more) in cases.items():
        result = run(clip, tmp_path / out, *more)
        assert result.exit_code == 2
        assert text in result.output
    assert run(tmp_path / "none.mp4", tmp_path / "a.png").exit_code == 2
