"""box.toml: one mistake each, and the exact words about it."""

from pathlib import Path

import pytest

from edge_agent.errors import SettingsRefused
from edge_agent.settings import read_settings

SECRET = "gehe1m"
NAME = "not a name of 1 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends"
NOT_TOML = "Expected ']' at the end of a table declaration (at end of document)"
BOX = "known here: id, site, state_dir, clips_dir, setup_host, setup_port"
METRICS = "known here: port, host"
KNOWN = "known here: id, url, scene, evidence_url, fps, rank"
WHOLE_FILE = {
    "[box": f"is not TOML ({NOT_TOML}); correct that line",
    "": '[box] is missing; write [box] and below it id = "box-1"',
    '[bux]\nid = "a"': (
        "[bux] is not known; known here: box, budget, camera, evidence, health, metrics, model, tracks"
    ),
    '[box]\nid = "Box 1"': f"box.id: {NAME}; {BOX}",
    '[box]\nid = "a"\n[model]\nthreads = 0': "model.threads: Expected `int` >= 1; known here: path, threads",
    '[box]\nid = "a"\n[metrics]\nport = 70000': f"metrics.port: Expected `int` <= 65535; {METRICS}",
    'camera = 3\n[box]\nid = "a"': "camera: not a list of cameras; begin each of at most 64 with [[camera]]",
}
CAMERA = f'id = "cam-2"\nurl = "rtsp://u:{SECRET}@h/x"\nscene = "a.toml"\n'
ONE_CAMERA = {
    CAMERA.replace("cam-2", "cam_2"): f"camera[2].id: {NAME}; {KNOWN}",
    CAMERA + "fps = 99": f"camera[2].fps: Expected `float` <= 30.0; {KNOWN}",
    CAMERA + "fsp = 5": f"camera[2]: Object contains unknown field `fsp`; {KNOWN}",
    'id = "cam-2"\nscene = "a.toml"': f"camera[2]: Object missing required field `url`; {KNOWN}",
    CAMERA.replace("cam-2", "cam-1"): "camera[2].id: 'cam-1' is given twice; give it another name",
}


def write(folder: Path, text: str) -> Path:
    path = folder / "box.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("text", "message"), WHOLE_FILE.items())
def test_a_mistake_about_the_box_refuses_the_file(text: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsRefused) as caught:
        read_settings(path)
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize(("text", "message"), ONE_CAMERA.items())
def test_a_mistake_about_a_camera_refuses_that_camera(text: str, message: str, tmp_path: Path) -> None:
    good = CAMERA.replace("cam-2", "cam-1")
    path = write(tmp_path, f'[box]\nid = "box-1"\n[[camera]]\n{good}\n[[camera]]\n{text}')
    settings = read_settings(path)
    assert [camera.id for camera in settings.cameras] == ["cam-1"]
    assert [str(one.error) for one in settings.refused] == [f"{path}: {message}"]
    assert SECRET not in repr(settings)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, '[box]\nid = "box-1"\nclips_dir = "clips"'))
    assert settings.state_dir == tmp_path / "state"
    assert settings.clips_dir == tmp_path / "clips"
    assert settings.path_of("/x/y") == Path("/x/y")


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"cannot be read \(No such file or directory\)"):
        read_settings(tmp_path / "box.toml")
