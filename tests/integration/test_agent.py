"""A whole agent, real decoders and model: it goes on without a camera, and never without a part."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_agent import load_watch
from edge_agent.app import Agent
from edge_agent.domain import load
from edge_agent.domain.load import Ease
from edge_agent.errors import EdgeError
from edge_agent.metrics import exposition
from edge_agent.pipeline import CameraPipeline
from edge_agent.self_report import health_of, samples_of
from edge_agent.settings import read_settings
from edge_agent.sources.feed import CameraFeed
from shared.kinds import Kind
from shared.messages import CameraState
from tests.fakes.clips import write_clip

SCENE = '[camera]\nid = "{}"\nname = "x"\nsize_px = [{}, {}]\ntimezone = "Asia/Almaty"\nmin_score = 0.4\n'
pytestmark = pytest.mark.data


@pytest.fixture
def config(tmp_path: Path, data_dir: Path) -> Path:
    write_clip(tmp_path / "clip.mp4", seconds=2, fps=10, size=(320, 180), moves=lambda _: True)
    model = data_dir / "models" / "coco_ssd_mobilenet_v1_quant"
    text = f'[box]\nid = "box-1"\n[model]\npath = "{model}"\n'
    for camera, size in {"good": (320, 180), "other-size": (640, 360)}.items():
        text += f'[[camera]]\nid = "{camera}"\nurl = "file:clip.mp4"\nscene = "{camera}.toml"\n'
        (tmp_path / f"{camera}.toml").write_text(SCENE.format(camera, *size))
    (tmp_path / "box.toml").write_text(text)
    return tmp_path / "box.toml"


async def while_watching(config: Path, condition: Callable[[Agent], bool]) -> Agent:
    """Run an agent until ``condition`` holds, or it ends by itself; its error is ours."""
    agent = Agent(read_settings(config))
    watching = asyncio.ensure_future(agent.watch_only())
    try:
        for _ in range(1_500):
            if watching.done() or condition(agent):
                break
            await asyncio.sleep(0.02)
        if watching.done():
            watching.result()
        return agent
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await asyncio.to_thread(agent.close)


def test_a_scene_of_another_size_leaves_out_its_camera_and_no_other(config: Path) -> None:
    def is_seen(agent: Agent) -> bool:
        good = agent.supervisor.watches[0]
        return "other-size" in agent.refused and good.pipeline.counters.frames > 5

    agent = asyncio.run(while_watching(config, is_seen))
    assert "[640, 360] is not the picture's size" in str(agent.refused["other-size"])
    assert agent.supervisor.watches[0].pipeline.counters.frames > 5


def test_a_hot_box_looks_less_where_it_matters_least_and_says_so(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = config.read_text().replace('id = "good"', 'id = "good"\nrank = 1')
    (config.parent / "spare.toml").write_text(SCENE.format("spare", 320, 180))
    spare = '[[camera]]\nid = "spare"\nurl = "file:clip.mp4"\nscene = "spare.toml"\nrank = 9\n'
    config.write_text(f"{text}{spare}[budget]\nease_at_c = 70\n")
    monkeypatch.setattr(load_watch, "hottest_c", lambda: 75.0)
    monkeypatch.setattr(load_watch, "PERIOD_S", 0.05)
    monkeypatch.setattr(load, "OVER_LOOKS", 40)
    found: list[Any] = []

    def is_eased(agent: Agent) -> bool:
        found[:] = [health_of(agent), exposition(samples_of(agent))]
        return found[0]["load"]["eased"].get("spare") == "half"

    agent = asyncio.run(while_watching(config, is_eased))
    assert found[0]["load"] | {"cpu_percent": 0} == {
        "cpu_percent": 0, "degrees_c": 75.0, "eased": {"spare": "half"}, "why": "75 °C, eased from 70 °C on"
    }  # fmt: skip
    assert found[0]["status"] == "degraded"
    assert {watch.feed.camera: watch.feed.ease for watch in agent.supervisor.watches} == {
        "good": Ease.FULL, "other-size": Ease.FULL, "spare": Ease.HALF
    }  # fmt: skip
    assert 'saqshy_camera_eased{camera="spare"} 1\n' in found[1]


def test_the_profile_that_a_scene_says_is_used_and_shown(config: Path) -> None:
    scene = config.parent / "good.toml"
    scene.write_text(scene.read_text() + 'profile = "infrared"\n')
    found: list[Any] = []

    def is_seen(agent: Agent) -> bool:
        found[:] = [health_of(agent)["conditions"]["good"], exposition(samples_of(agent))]
        return agent.supervisor.watches[0].pipeline.counters.frames > 5

    asyncio.run(while_watching(config, is_seen))
    assert found[0] == {"light": "night", "infrared": True, "weather": "clear", "pause": None}
    assert '{camera="good",light="night",infrared="true",weather="clear"} 1\n' in found[1]


def test_the_heartbeat_names_every_camera_once(config: Path) -> None:
    found: list[Any] = []

    def is_told(agent: Agent) -> bool:
        found[:] = [agent.health()]
        states = {camera.camera: camera.state for camera in found[0].cameras}
        return states == {"good": CameraState.LIVE, "other-size": CameraState.REFUSED}

    asyncio.run(while_watching(config, is_told))
    assert sorted(camera.camera for camera in found[0].cameras) == ["good", "other-size"]


def test_a_watch_that_dies_ends_the_agent(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(*_: object) -> None:
        raise ZeroDivisionError("a fault in the program")

    monkeypatch.setattr(CameraPipeline, "step", step)
    with pytest.raises(EdgeError, match=r"the watch of camera .* died: ZeroDivisionError"):
        asyncio.run(while_watching(config, lambda _: False))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_feed_that_dies_ends_the_agent(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_once(*_: object) -> None:
        raise ZeroDivisionError("a fault in the program")

    monkeypatch.setattr(CameraFeed, "run_once", run_once)
    with pytest.raises(EdgeError, match="its feed died"):
        asyncio.run(while_watching(config, lambda _: False))


def test_a_refused_model_is_told_and_the_bundled_one_works(config: Path) -> None:
    (config.parent / "broken.tflite").write_bytes(b"TFL3 and nothing more")
    text = config.read_text()
    before, _, after = text.partition('path = "')
    config.write_text(f'{before}path = "broken.tflite"{after[after.index(chr(34)) + 1 :]}')

    def is_told(agent: Agent) -> bool:
        has_frames = agent.supervisor.watches[0].pipeline.counters.frames > 5
        return has_frames and (Kind.MODEL_REFUSED, None) in agent.box_watch.ailments.told

    agent = asyncio.run(while_watching(config, is_told))
    assert is_told(agent)
    assert "broken.tflite" in str(agent.refused_model)
