"""``saqshy edge run`` and ``doctor``, and ``saqshy bench edge``, as a technician calls them."""

import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.fakes.clips import write_clip

SECRET = "gehe1m"
SCENE = '[camera]\nid = "{}"\nname = "x"\nsize_px = [{}, {}]\ntimezone = "Asia/Almaty"\nmin_score = 0.4\n'


@pytest.fixture
def config(tmp_path: Path, data_dir: Path) -> Path:
    """One camera that works, and four that cannot, each for its own reason."""
    write_clip(tmp_path / "clip.mp4", seconds=2, fps=10, size=(320, 180))
    model = data_dir / "models" / "coco_ssd_mobilenet_v1_quant"
    text = f'[box]\nid = "box-1"\nsetup_host = "127.0.0.1"\nsetup_port = 0\n[model]\npath = "{model}"\n'
    cameras = {
        "good": ("file:clip.mp4", (320, 180)),
        "other-size": ("file:clip.mp4", (640, 360)),
        "outside": ("file:///etc/passwd", (320, 180)),
        "away": (f"rtsp://u:{SECRET}@127.0.0.1:1/x", (320, 180)),
        "no-scene": ("file:clip.mp4", None),
    }
    for camera, (url, size) in cameras.items():
        text += f'[[camera]]\nid = "{camera}"\nurl = "{url}"\nscene = "{camera}.toml"\n'
        if size:
            (tmp_path / f"{camera}.toml").write_text(SCENE.format(camera, *size))
    (tmp_path / "box.toml").write_text(text)
    return tmp_path / "box.toml"


def saqshy(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "saqshy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry.name), *children_of(int(entry.name))]
    return found


def get(port: int, path: str) -> str:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.read().decode()
    except HTTPError as error:
        with error:
            return error.read().decode()


@pytest.mark.data
def test_run_says_what_is_wrong_and_ends_in_good_order(config: Path) -> None:
    command = [sys.executable, "-m", "saqshy", "edge", "run", "--config", str(config)]
    agent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        assert agent.stderr
        for line in agent.stderr:
            said.append(line)
            if "set-up of box" in line:
                ready.set()
        agent.stderr.close()

    listener = threading.Thread(target=listen)
    listener.start()
    assert ready.wait(60), said
    port = int(re.search(r"127.0.0.1:(\d+)/metrics", "".join(said)).group(1))  # type: ignore[union-attr]
    health = json.loads(get(port, "/health"))
    assert health["status"] == "degraded"
    assert health["hub"] == "not enrolled"
    assert (health["cameras"]["outside"], health["cameras"]["no-scene"]) == ("refused", "refused")
    assert 'saqshy_camera_up{camera="good"} 0' in get(port, "/metrics")
    children = children_of(agent.pid)
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(10) == 0
    listener.join()
    text = "".join(said)
    assert "camera outside is left out: url: leads out of the folder of clips" in text
    assert "Traceback" not in text
    assert SECRET not in text
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


@pytest.mark.data
def test_doctor_opens_the_stream_that_clips_are_cut_of(config: Path) -> None:
    """Redaction goes from one stream's pictures to the other's: both must have the same shape."""
    for name, size in (("large", (640, 360)), ("square", (320, 320))):
        write_clip(config.parent / f"{name}.mp4", seconds=2, fps=10, size=size)
    scene = "good.toml"
    with config.open("a") as box:
        for camera in ("large", "square"):
            box.write(
                f'[[camera]]\nid = "{camera}"\nurl = "file:clip.mp4"\nevidence_url = "file:{camera}.mp4"\n'
            )
            box.write(f'scene = "{camera}.toml"\n')
            (config.parent / f"{camera}.toml").write_text(
                (config.parent / scene).read_text().replace("good", camera)
            )
    done = saqshy("edge", "doctor", "--config", str(config), "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout.splitlines()[-1])["checks"]}
    assert checks["camera large, clips"]["state"] == "ok"
    assert "640 x 360" in checks["camera large, clips"]["found"]
    assert checks["camera square, clips"]["state"] == "failed"
    assert "of another shape" in checks["camera square, clips"]["found"]
    assert "evidence_url" in checks["camera square, clips"]["way_out"]


@pytest.mark.data
def test_doctor_finds_each_fault_and_names_its_way_out(config: Path) -> None:
    done = saqshy("edge", "doctor", "--config", str(config), "--json")
    assert done.returncode == 1
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    checks = {check["name"]: check for check in answer["checks"]}
    assert [check["number"] for check in answer["checks"]] == list(range(1, len(checks) + 1))
    assert not answer["ok"]
    good = ("python", "packages", "names", "decoder server", "configuration", "model", "camera good")
    found = {
        "decoder server" if name == "decoders" else name: check["state"] for name, check in checks.items()
    }
    assert [name for name in good if found[name] != "ok"] == []
    assert checks["hub"]["state"] == "warning"
    assert "drawn on 640 x 360" in checks["camera other-size"]["found"]
    assert "leads out of the folder" in checks["camera outside"]["found"]
    assert "Connection refused" in checks["camera away"]["found"]
    assert "cannot be read" in checks["camera no-scene"]["found"]
    assert all(check["way_out"] for check in checks.values() if check["state"] != "ok")
    assert SECRET not in done.stdout + done.stderr


def test_a_configuration_that_is_not_there_ends_with_one_line(tmp_path: Path) -> None:
    done = saqshy("edge", "run", "--config", str(tmp_path / "box.toml"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.data
def test_bench_measures_the_whole_tree(tmp_path: Path, data_dir: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", seconds=4, fps=10, size=(320, 180), moves=lambda _: True)
    model = data_dir / "models" / "coco_ssd_mobilenet_v1_quant"
    arguments = ["--source", str(clip), "--cameras", "2", "--seconds", "5", "--model", str(model), "--json"]
    done = saqshy("bench", "edge", *arguments)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    names = "cpu_s_per_camera_s pss_mib fps dropped lag_ms_p50 lag_ms_p99 stages lag_to"
    assert set(names.split()) <= set(answer)
    assert answer["cameras"] == 2
    assert 0 < answer["stages"]["decode"] < answer["cpu_s_per_camera_s"] < 2
    assert 50 < answer["pss_mib"] < 1000
    assert len(answer["processes"]) >= 4
    assert 0 < answer["fps"] <= 5.5


def test_bench_says_what_is_wrong_with_a_source() -> None:
    done = saqshy("bench", "edge", "--source", f"rtsp://u:{SECRET}@127.0.0.1:1/x")
    assert done.returncode == 2
    assert (
        done.stderr == "error: --source: it cannot be opened (Connection refused); give a clip or rtsp://…\n"
    )
