"""One scene file for each mistake that people make; its first line is what they are told."""

from pathlib import Path

import pytest

from edge_agent.domain.scene_file import SceneError, parse_scene

FOLDER = Path(__file__).with_name("scenes")
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_mistake_is_named_with_its_way_out(path: Path) -> None:
    expected, _, text = path.read_text("utf-8").partition("\n")
    with pytest.raises(SceneError) as caught:
        parse_scene(text, path.name)
    assert f"# {caught.value}" == expected
    assert caught.value.way_out


def test_there_are_such_files() -> None:
    assert len(FILES) > 30
