"""Frames through the whole pipeline of one camera, and the command around it; the model is a stand-in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge_agent.cli.edge import app
from edge_agent.domain.attention import IDLE_RECHECK_S, RECHECK_S
from edge_agent.domain.detection import Detections, Frame
from edge_agent.domain.scene import Scene
from edge_agent.domain.scene_file import parse_scene
from edge_agent.errors import SettingsRefused
from edge_agent.pipeline import CameraPipeline
from edge_agent.watching import Records, watch_frames
from shared.codec import decode, encode
from shared.kinds import Kind, Lane, ObjectClass
from shared.messages import EventReport

WIDTH, HEIGHT, FPS = 320, 240, 5
START_US = 1_767_225_600_000_000
SCENE = """
[camera]
id = "yard"
size_px = [320, 240]

[calibration]
points = [
  { px = [40, 100], lat = 50.937200, lon = 71.365000 },
  { px = [280, 100], lat = 50.937200, lon = 71.365300 },
  { px = [300, 230], lat = 50.937050, lon = 71.365220 },
  { px = [20, 230], lat = 50.937050, lon = 71.365080 },
]

[[zone]]
id = "closed"
polygon_px = [[100, 90], [310, 90], [310, 235], [100, 235]]

[[rule]]
kind = "intrusion"
zone = "closed"
"""


def walker_px(number: int) -> int | None:
    """Where the walker's middle is: he comes in at 2 s, walks to the middle, stands, and leaves at 16 s."""
    t_s = number / FPS
    if not 2 <= t_s < 18:
        return None
    return round(20 + 40 * min(t_s - 2, 4) + 60 * max(0, t_s - 16))


def frames(count: int) -> Iterator[Frame]:
    columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    room = (110 + 40 * np.sin(columns / 13) * np.cos(rows / 9)).astype(np.uint8)
    for number in range(count):
        i420 = np.full((HEIGHT * 3 // 2, WIDTH), 135, np.uint8)
        i420[:HEIGHT] = room
        x = walker_px(number)
        if x is not None:
            i420[120:200, max(0, x - 15) : x + 15] = 235
        yield Frame("yard", number, START_US + number * 1_000_000 // FPS, i420, WIDTH, HEIGHT, number == 0)


class BrightThings:
    """Finds what is nearly white: a stand-in that looks at the pixels it is given."""

    manifest: Any = None

    def __init__(self) -> None:
        self.calls = 0

    def detect_i420(self, frame_i420: np.ndarray, region: Any, *, min_score: float) -> Detections:
        self.calls += 1
        bright = (frame_i420[:HEIGHT] > 225).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(bright)
        boxes = [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:count] if area > 200]
        scores = np.full(len(boxes), 0.9, np.float32)
        classes = np.full(len(boxes), ObjectClass.PERSON, np.int16)
        return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, classes)

    def detect(self, image_bgr: np.ndarray, *, min_score: float) -> Detections:
        raise NotImplementedError

    def close(self) -> None: ...


@pytest.fixture
def scene() -> Scene:
    return parse_scene(SCENE, "yard.toml")


def test_one_walker_is_one_event_that_fits_the_wire(scene: Scene) -> None:
    pipeline = CameraPipeline(scene, BrightThings(), randomness=bytes)
    outcomes = [o for frame in frames(100) for o in pipeline.step(frame, frame.captured_at_us)]
    (outcome,) = outcomes
    report = outcome.report
    assert (report.kind, report.camera, report.zone) == (Kind.INTRUSION, "yard", "closed")
    assert outcome.lane is Lane.STANDARD
    assert report.reason["inside_s"] >= report.reason["limit_s"] == 1.5
    assert report.position is not None
    assert report.position.lat_deg == pytest.approx(50.9371, abs=2e-4)
    assert 0 < report.position.sigma_m < 5
    body = encode(report)
    assert len(body) <= 160
    assert decode(EventReport, body).event_id == report.event_id
    assert outcome.snapshot_jpeg is not None
    picture = cv2.imdecode(np.frombuffer(outcome.snapshot_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (HEIGHT, WIDTH, 3)


def test_a_still_room_is_looked_at_now_and_then_only(scene: Scene) -> None:
    detector = BrightThings()
    pipeline = CameraPipeline(scene, detector, randomness=bytes)
    still = next(frames(1))
    for number in range(60 * FPS):
        pipeline.step(still._replace(captured_at_us=START_US + number * 200_000), 0)
    assert detector.calls <= 60 / IDLE_RECHECK_S + 1
    assert pipeline.is_quiet


def test_one_who_stands_is_held_without_looking_at_each_frame(scene: Scene) -> None:
    detector = BrightThings()
    pipeline = CameraPipeline(scene, detector, randomness=bytes)
    shown = list(frames(70))
    for frame in shown:
        pipeline.step(frame, 0)
    before, last = detector.calls, shown[-1]
    for number in range(1, 40 * FPS):
        pipeline.step(last._replace(captured_at_us=last.captured_at_us + number * 200_000), 0)
        assert [track.id for track in pipeline.tracks] == [1]
    assert detector.calls - before <= 40 / RECHECK_S + 10 * FPS


def test_a_reconnect_keeps_who_stands_and_tells_nothing_twice(scene: Scene) -> None:
    pipeline = CameraPipeline(scene, BrightThings(), randomness=bytes)
    shown = list(frames(78))
    outcomes = [o for frame in shown for o in pipeline.step(frame, 0)]
    last = shown[-1]
    back_us = last.captured_at_us + 12_000_000
    pipeline.reconnected(back_us)
    for number in range(30 * FPS):
        outcomes += pipeline.step(last._replace(captured_at_us=back_us + number * 200_000), 0)
    assert len(outcomes) == 1
    assert [track.id for track in pipeline.tracks] == [1]


def test_the_same_frames_give_the_same_files(scene: Scene, tmp_path: Path) -> None:
    files: list[list[bytes]] = []
    for run in ("first", "second"):
        out = tmp_path / run
        out.mkdir()
        paths = [out / "events.jsonl", out / "tracks.jsonl", out / "seen.mp4"]
        with Records(scene, *paths, FPS) as records:
            answer = watch_frames(
                ((f, False) for f in frames(100)), scene, "yard.toml", BrightThings(), records, is_live=False
            )
        assert answer["events_by_kind"] == {"intrusion": 1}
        assert answer["tracks"] == 1
        assert answer["frames_inferred"] < answer["frames"] == 100
        files.append([path.read_bytes() for path in paths])
    assert files[0] == files[1]
    (event,) = [json.loads(line) for line in files[0][0].splitlines()]
    assert event["observed_at"].endswith("Z")
    assert event["t_s"] == pytest.approx(6, abs=2)
    with av.open(str(tmp_path / "first" / "seen.mp4")) as clip:
        assert clip.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in clip.decode(video=0)) == 100


def test_a_scene_of_another_size_is_refused(scene: Scene) -> None:
    small = [frame._replace(width=160) for frame in frames(1)]
    with Records(scene, None, None, None, FPS) as records, pytest.raises(SettingsRefused) as caught:
        watch_frames(((f, False) for f in small), scene, "yard.toml", BrightThings(), records, is_live=False)
    assert "yard.toml: camera.size_px" in str(caught.value)
    assert "[160, 240]" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--scene", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["--scene", "bad.toml"], "bad.toml: camera is missing"),
        (["--scene", "good.toml", "--start", "yesterday"], "--start: 'yesterday' is no moment"),
        (["--scene", "good.toml", "--start", "2026-01-01T00:00:00"], "is no moment"),
        (["--scene", "good.toml"], "model"),
    ],
)
def test_the_command_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.toml").write_text(SCENE)
    Path("bad.toml").write_text("")
    result = CliRunner().invoke(app, ["watch", "--source", "clip.mp4", "--model", "no-model", *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    assert told in result.stderr


def test_after_a_seam_the_rules_wait(scene: Scene) -> None:
    """A camera that was away: whoever stands there now may have stood there before."""
    events: list[int] = []
    for is_away in (False, True):
        sights = ((frame, is_away and number == 5) for number, frame in enumerate(frames(75)))
        with Records(scene, None, None, None, FPS) as records:
            answer = watch_frames(sights, scene, "yard.toml", BrightThings(), records, is_live=False)
        events.append(answer["events"])
    assert events == [1, 0]
