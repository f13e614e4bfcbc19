"""A configuration for a bench: clips looped as cameras, and a scene in which much happens."""

import json
from collections.abc import Sequence
from pathlib import Path

import av

from edge_agent.errors import SourceRefused
from edge_agent.settings import Settings, read_settings
from edge_agent.sources.failure import FFMPEG_ERRORS

_SCENE = """[camera]
id = "{camera}"
name = "{camera}"
size_px = [{width}, {height}]
timezone = "Asia/Almaty"
min_score = 0.4

[[zone]]
id = "all"
polygon_px = [[0, 0], [{width}, 0], [{width}, {height}], [0, {height}]]

[[tripwire]]
id = "left"
from_px = [{third}, 0]
to_px = [{third}, {height}]
direction = "both"

[[tripwire]]
id = "middle"
from_px = [{middle}, 0]
to_px = [{middle}, {height}]
direction = "both"

[[rule]]
kind = "line_crossed"
tripwire = "left"
cooldown_s = 0

[[rule]]
kind = "line_crossed"
tripwire = "middle"
cooldown_s = 0

[[rule]]
kind = "intrusion"
zone = "all"
classes = ["person", "car", "bus", "truck"]
dwell_s = 0.5
cooldown_s = 0
"""


def write_box(folder: Path, sources: Sequence[str], cameras: int, fps: float, model: Path | None) -> Settings:
    """Write ``box.toml`` and the scenes into ``folder``; the sources take turns. Raises ``Refused``."""
    # A budget would spare what is to be measured.
    lines = ['[box]\nid = "bench"\nsite = "bench"\nclips_dir = "/"\n', "[budget]\ncpu_percent = 0\n"]
    if model is not None:
        lines.append(f"[model]\npath = {json.dumps(str(model.absolute()))}\n")
    for number in range(cameras):
        source, camera = sources[number % len(sources)], f"cam-{number + 1}"
        width, height = picture_size(source)
        scene = folder / f"{camera}.toml"
        scene.write_text(
            _SCENE.format(camera=camera, width=width, height=height, third=width // 3, middle=width // 2)
        )
        url = source if "://" in source else f"file:{Path(source).resolve()}"
        lines.append(
            f'[[camera]]\nid = "{camera}"\nurl = {json.dumps(url)}\nscene = "{scene.name}"\nfps = {fps:g}\n'
        )
    config = folder / "box.toml"
    config.write_text("\n".join(lines))
    return read_settings(config)


def picture_size(source: str) -> tuple[int, int]:
    """Width and height of a source's pictures. Raises ``SourceRefused``."""
    try:
        with av.open(source, timeout=3.0) as container:
            video = container.streams.video[0]
            return video.width & ~1, video.height & ~1
    except (*FFMPEG_ERRORS, IndexError) as error:
        words = getattr(error, "strerror", None) or "no picture in it"
        raise SourceRefused("--source", f"it cannot be opened ({words})", "give a clip or rtsp://…") from None
