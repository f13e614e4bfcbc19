"""A camera's server is killed for ten seconds and comes back. The world in front of the camera went on.

Two cameras: one films the six visitors of a real clip, the other a visitor who does not move. As a timetable,
in seconds of the first camera's clip:

    24    both start; visitor 2 stands in the zone since second 23
    32    both servers are killed
    42    both are back, with what the cameras see then; the first frames are here by 47
    51    visitor 3 comes, and stays until 70
    64    done
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from edge_agent.app import Agent
from edge_agent.settings import read_settings
from edge_agent.sources.feed import Arrival
from edge_agent.supervisor import Outcome
from shared.messages import Phase
from tests.fakes.rtsp import RtspCamera, demand_gstreamer

SCENE = Path(__file__).parents[1] / "scenes" / "one-by-one-person.toml"
LOGIN = "viewer:gehe1m"
BEGIN_S, KILL_S, BACK_S, END_S = 24, 32, 42, 64
VISITS = {2: (23, 45), 3: (51, 70)}
AGAIN_WITHIN_S = 5.0

pytestmark = [pytest.mark.data, pytest.mark.rtsp, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def cameras(data_dir: Path, tmp_path: Path) -> Iterator[dict[str, RtspCamera]]:
    demand_gstreamer()
    clip = data_dir / "videos" / "one-by-one-person-detection.mp4"
    cameras = {
        "visitors": RtspCamera(clip, LOGIN),
        "standing": RtspCamera(write_frozen(clip, 30, tmp_path / "standing.mp4"), LOGIN),
    }
    yield cameras
    for camera in cameras.values():
        camera.kill()


def write_frozen(clip: Path, at_s: float, path: Path) -> Path:
    """Twenty seconds of one moment of a clip, with a sensor's noise."""
    with av.open(str(clip)) as container:
        moment = next(p for p in container.decode(video=0) if (p.time or 0) >= at_s).to_ndarray(
            format="rgb24"
        )
    chance = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264",
            rate=10,
            options={"preset": "veryfast", "tune": "zerolatency", "x264-params": "sliced-threads=0"},
        )
        stream.height, stream.width, stream.pix_fmt = *moment.shape[:2], "yuv420p"
        stream.gop_size = 10
        for _ in range(200):
            noisy = np.clip(moment + chance.normal(0, 2, moment.shape), 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, "rgb24")))
        container.mux(stream.encode(None))
    return path


def write_box(folder: Path, data_dir: Path, cameras: dict[str, RtspCamera]) -> Path:
    model = data_dir / "models" / "coco_ssd_mobilenet_v1_quant"
    lines = ['[box]\nid = "box-1"\nsite = "kosshy"\n', f'[model]\npath = "{model}"\n']
    scene = SCENE.read_text()
    name = scene.split('id = "', 1)[1].split('"', 1)[0]
    for camera, server in cameras.items():
        (folder / f"{camera}.toml").write_text(scene.replace(f'id = "{name}"', f'id = "{camera}"', 1))
        lines.append(f'[[camera]]\nid = "{camera}"\nurl = "{server.url}"\nscene = "{camera}.toml"\n')
    (folder / "box.toml").write_text("\n".join(lines))
    return folder / "box.toml"


class Diary:
    """What was reported of each camera, in seconds of the clip."""

    def __init__(self) -> None:
        self.begun: dict[str, list[float]] = {"visitors": [], "standing": []}
        self.zero_s = 0.0

    def stored(self, arrival: Arrival, outcomes: Sequence[Outcome]) -> None:
        begun = [outcome for outcome in outcomes if outcome.report.phase is Phase.BEGIN]
        self.begun[arrival.frame.camera] += [o.report.observed_at_us / 1e6 - self.zero_s for o in begun]


async def reach(diary: Diary, second: float) -> None:
    await asyncio.sleep(max(0.0, diary.zero_s + second - time.time()))


async def act(agent: Agent, cameras: dict[str, RtspCamera], diary: Diary) -> dict[str, float]:
    """Follow the timetable; give for each camera how long after the server's return its frames were back."""
    feeds = {watch.feed.camera: watch.feed for watch in agent.supervisor.watches}
    await reach(diary, KILL_S)
    assert all(feed.received > 10 for feed in feeds.values()), "frames came before"
    for camera in cameras.values():
        camera.kill()
    await reach(diary, BACK_S)
    before = {name: feed.received for name, feed in feeds.items()}
    for name, camera in cameras.items():
        await asyncio.to_thread(camera.start, BACK_S if name == "visitors" else 0)
    back_s = time.monotonic()
    again_s: dict[str, float] = {}
    while len(again_s) < len(feeds) and time.monotonic() - back_s < 20:
        for name, feed in feeds.items():
            if feed.received > before[name]:
                again_s.setdefault(name, time.monotonic() - back_s)
        await asyncio.sleep(0.02)
    await reach(diary, END_S)
    return again_s


async def run(config: Path, cameras: dict[str, RtspCamera], diary: Diary) -> dict[str, float]:
    cameras["visitors"].start(BEGIN_S)
    cameras["standing"].start()
    agent = Agent(read_settings(config), stored=diary.stored)
    diary.zero_s = time.time() - BEGIN_S
    watching = asyncio.ensure_future(agent.watch_only())
    try:
        return await act(agent, cameras, diary)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await asyncio.to_thread(agent.close)


def test_frames_are_back_at_once_and_nothing_is_told_twice(
    cameras: dict[str, RtspCamera], data_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    diary = Diary()
    again_s = asyncio.run(run(write_box(tmp_path, data_dir, cameras), cameras, diary))
    assert set(again_s) == {"visitors", "standing"}
    assert max(again_s.values()) < AGAIN_WITHIN_S
    visits = [
        number
        for at_s in diary.begun["visitors"]
        for number, (from_s, to_s) in VISITS.items()
        if from_s <= at_s <= to_s
    ]
    assert visits == [2, 3]
    assert len(diary.begun["visitors"]) == 2
    assert len(diary.begun["standing"]) == 1, "the one who stands there was told of before"
    assert "gehe1m" not in caplog.text
