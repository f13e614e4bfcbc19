"""``saqshy edge watch``: try a model and a scene on a clip or a camera, without a hub."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.cli.outcome import plain_errors, show

if TYPE_CHECKING:
    from edge_agent.domain.scene import Scene
    from edge_agent.domain.scene_file import OpenStates
    from edge_agent.watching import Sight

CLIP_START = "2026-01-01T00:00:00+00:00"
"""When a clip began, if nobody says: fixed, so that the same clip always gives the same answer."""
_TAKE_S = 0.5


def watch(
    source: Annotated[str, typer.Option(help="A clip's path, or rtsp://host/path (until Ctrl-C).")],
    scene: Annotated[Path, typer.Option(help="The scene file (TOML): zones, lines, rules.")],
    model: Annotated[
        Path | None, typer.Option(help="A .tflite file, or its folder; the bundled model when left out.")
    ] = None,
    events: Annotated[Path | None, typer.Option(help="Write reports here, JSON lines.")] = None,
    tracks: Annotated[Path | None, typer.Option(help="Write each frame's tracks here, JSON lines.")] = None,
    render: Annotated[
        Path | None, typer.Option(help="Write the clip with all that was seen here, mp4.")
    ] = None,
    fps: Annotated[float, typer.Option(min=0.2, max=60, help="Frames a second.")] = 5,
    start: Annotated[str, typer.Option(help="When a clip began, ISO 8601 with its offset.")] = CLIP_START,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Try a model and a scene on a clip or camera. A clip always gives the same answer; a camera is watched
    until Ctrl-C."""
    from edge_agent.inference.model import BUNDLED_MODEL
    from edge_agent.inference.runtime import open_detector
    from edge_agent.inference.state_file import StatesFolder
    from edge_agent.watching import Records, watch_frames

    with plain_errors(), ExitStack() as parts:
        start_at_us = _parse_start(start)
        what = read_scene_file(scene, StatesFolder(scene.parent, model or BUNDLED_MODEL).open)
        detector = open_detector(model or BUNDLED_MODEL)
        parts.callback(detector.close)
        records = parts.enter_context(Records(what, events, tracks, render, fps))
        is_camera = source.partition("://")[0].lower() in ("rtsp", "rtsps")
        frames = (
            _live_frames(source, what, fps, parts) if is_camera else _clip(source, what, fps, start_at_us)
        )
        answer = watch_frames(frames, what, str(scene), detector, records, is_live=is_camera)
    show(answer, as_json, "\n".join(f"{key}: {value}" for key, value in answer.items()))


def read_scene_file(path: Path, open_states: "OpenStates | None" = None) -> "Scene":
    """Read a scene, its files of taught states by ``open_states``, or raise ``SettingsRefused``."""
    from edge_agent.domain.scene_file import SceneError, parse_scene
    from edge_agent.errors import SettingsRefused

    try:
        return parse_scene(path.read_text("utf-8"), str(path), open_states)
    except OSError as error:
        raise SettingsRefused(path, f"cannot be read ({error.strerror})", "give the scene's path") from None
    except UnicodeDecodeError:
        raise SettingsRefused(path, "is not UTF-8", "save it as UTF-8") from None
    except SceneError as error:
        raise SettingsRefused(path, f"{error.key} {error.fault}", error.way_out) from None


def _parse_start(text: str) -> int:
    from edge_agent.errors import SettingsRefused

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year < 1971:
        raise SettingsRefused("--start", f"{text[:40]!r} is no moment", f"write it as {CLIP_START}")
    return round(moment.timestamp() * 1e6)


def _clip(source: str, scene: "Scene", fps: float, start_at_us: int) -> "Iterator[Sight]":
    from edge_agent.sources.file import read_frames

    frames = read_frames(Path(source.removeprefix("file:")), fps, start_at_us, scene.camera)
    return ((frame, False) for frame in frames)


def _live_frames(source: str, scene: "Scene", fps: float, parts: ExitStack) -> "Iterator[Sight]":
    """A camera's frames as they come, through a confined decoder, until Ctrl-C."""
    from edge_agent.sources.address import parse_address
    from edge_agent.sources.decoders import DecoderServer
    from edge_agent.sources.feed import CameraFeed

    address = parse_address(source, Path.cwd(), "--source")
    server = DecoderServer()
    parts.callback(server.close)
    server.start()
    feed = CameraFeed(scene.camera, address, fps, server)
    parts.callback(feed.stop)
    feed.start()
    while feed.is_alive:
        arrival = feed.mailbox.take(_TAKE_S)
        if arrival is not None:
            yield arrival.frame, arrival.is_seam
