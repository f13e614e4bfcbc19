"""``edge watch`` on a camera of the network: until Ctrl-C, then the sum of what was seen."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.clips import write_clip
from tests.fakes.rtsp import RtspCamera, demand_gstreamer

pytestmark = [pytest.mark.rtsp, pytest.mark.timeout(120)]

SCENE = """
[camera]
id = "cam-1"
size_px = [{width}, {height}]

[[zone]]
id = "all"
polygon_px = [[0, 0], [{width}, 0], [{width}, {height}], [0, {height}]]

[[rule]]
kind = "intrusion"
zone = "all"
"""


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_camera_is_watched_until_ctrl_c(tmp_path: Path) -> None:
    demand_gstreamer()
    camera = RtspCamera(write_clip(tmp_path / "clip.mp4", seconds=20, gop_s=1))
    camera.start()
    scene, tracks = tmp_path / "cam-1.toml", tmp_path / "tracks.jsonl"
    scene.write_text(SCENE.format(width=768, height=432))
    command = [sys.executable, "-m", "saqshy", "edge", "watch", "--source", camera.url]
    command += ["--scene", str(scene), "--tracks", str(tracks), "--json"]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
            until = time.monotonic() + 60
            while len(_lines(tracks)) < 5 and watch.poll() is None and time.monotonic() < until:
                time.sleep(0.1)
            watch.send_signal(signal.SIGINT)
            out, err = watch.communicate(timeout=20)
    finally:
        camera.kill()
    assert watch.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["frames"] >= 5
    assert "Traceback" not in err
