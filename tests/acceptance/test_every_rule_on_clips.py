"""Every real clip with every rule that needs no calibrated ground and no taught file, over the whole of it.

``docs/ref/accuracy.md`` says what a person sees in each clip, and which of these reports are right. The scene
and the rendered clip stay in the folder of ``--basetemp``, to be looked at.
"""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from edge_agent.cli.edge import app

SSD, YOLOX = "coco_ssd_mobilenet_v1_quant", "yolox_nano"
# In turn with the kill test, which needs most of the machine to prove anything.
pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.xdist_group("test_kill_nine.py")]

RULES = {
    "intrusion": 'classes = ["person"]',
    "loitering": "limit_s = 60",
    "wrong_way": 'heading = "arrow"',
    "illegal_parking": "limit_s = 15",
    "stopped_on_carriageway": "limit_s = 15",
    "congestion": "vehicles = 6",
    "pedestrian_on_carriageway": "",
    "crowd": "high = 5\nlow = 3\non_s = 10",
    "agitation": 'mode = "on"',
    "person_down": "",
    "stray_animals": "",
    "abandoned_object": "",
    "dumping_act": "stay_s = 5\nconfirm_s = 20",
    "littering": 'mode = "on"',
    "road_obstruction": "limit_s = 20",
    "asset_removed": "",
    "open_burning": "",
}
"""The limits are short enough for a clip."""
Line = tuple[tuple[int, int], tuple[int, int]]


class Clip(NamedTuple):
    """A clip, where a line and an arrow lie in it, and what is reported with either model."""

    file: str
    size: tuple[int, int]
    line: Line
    arrow: Line
    ssd: dict[str, int]
    yolox: dict[str, int]
    fps: float = 5

    def scene(self) -> str:
        """The scene file."""
        width, height = self.size
        polygon = [[0, 0], [width, 0], [width, height], [0, height]]
        camera = f'id = "clip"\nname = "Clip"\nsize_px = [{width}, {height}]\ntimezone = "Asia/Almaty"'
        parts = [f"[camera]\n{camera}"]
        parts.append(f'[[zone]]\nid = "ground"\npolygon_px = {polygon}')
        for name, (start, end) in (("line", self.line), ("arrow", self.arrow)):
            parts.append(f'[[tripwire]]\nid = "{name}"\nfrom_px = {list(start)}\nto_px = {list(end)}')
        parts += [f'[[rule]]\nkind = "{kind}"\nzone = "ground"\n{more}' for kind, more in RULES.items()]
        return "\n\n".join([*parts, '[[rule]]\nkind = "line_crossed"\ntripwire = "line"\n'])


ROOM = {"intrusion": 6, "road_obstruction": 4}
ACROSS, UP = ((0, 180), (480, 180)), ((240, 260), (240, 150))
CLIPS = [
    Clip(
        "one-by-one-person-detection.mp4", (768, 432), ((200, 300), (700, 300)), ((400, 400), (400, 300)),
        ssd=ROOM, yolox=ROOM,
    ),
    Clip(
        "car-detection.mp4", (768, 432), ((200, 100), (200, 432)), ((100, 330), (400, 330)), ssd={}, yolox={}
    ),
    Clip(
        "udacity_solidWhiteRight_960x540.mp4", (960, 540), ((0, 400), (960, 400)), ((480, 500), (480, 350)),
        ssd={}, yolox={},
    ),
    Clip(
        "traffic_frames.mp4", (960, 540), ((620, 280), (620, 500)), ((800, 400), (200, 400)),
        ssd={"line_crossed": 1}, yolox={"line_crossed": 2}, fps=15,
    ),
    Clip("store-aisle-detection.preview.gif", (480, 270), ACROSS, UP, {"intrusion": 1}, {"intrusion": 1}),
    Clip("people-detection.preview.gif", (480, 270), ACROSS, UP, {}, {}),
]  # fmt: skip


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.file.partition(".")[0])
@pytest.mark.parametrize("model", [SSD, YOLOX])
def test_a_clip_gives_the_reports_that_were_judged(
    data_dir: Path, tmp_path: Path, clip: Clip, model: str
) -> None:
    scene, events = tmp_path / "scene.toml", tmp_path / "events.jsonl"
    scene.write_text(clip.scene())
    arguments = ["watch", "--source", str(data_dir / "videos" / clip.file), "--scene", str(scene)]
    arguments += ["--model", str(data_dir / "models" / model), "--fps", str(clip.fps), "--json"]
    arguments += ["--events", str(events), "--render", str(tmp_path / "seen.mp4")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    told = [json.loads(line) for line in events.read_text().splitlines()]
    begun = Counter(event["kind"] for event in told if event["phase"] == "begin")
    assert begun == (clip.ssd if model == SSD else clip.yolox)
