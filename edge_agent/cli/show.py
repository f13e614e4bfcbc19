"""``saqshy edge show``: one picture of a clip or camera with the scene on it, to read corners off."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.cli.outcome import plain_errors, show
from edge_agent.cli.watch import read_scene_file

if TYPE_CHECKING:
    from edge_agent.domain.detection import Frame
    from edge_agent.domain.scene import Scene

_WAIT_S = 20.0


def show_picture(
    source: Annotated[str, typer.Option(help="A clip's path, or rtsp://host/path.")],
    out: Annotated[Path, typer.Option(help="Write the picture here, PNG or JPEG.")],
    scene: Annotated[Path | None, typer.Option(help="Draw this scene's zones and lines onto it.")] = None,
    at: Annotated[float, typer.Option(min=0, help="How far into the clip, seconds.")] = 0,
    plain: Annotated[bool, typer.Option("--plain", help="Without grid and scene, to teach from.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write one picture with the scene and a grid. Corners of zones can be read off it."""
    with plain_errors():
        what = read_scene_file(scene) if scene else None
        frame = _camera_picture(source) if "://" in source else _clip_picture(source, at)
        _write(frame, what, out, plain)
    size = f"{frame.width} x {frame.height}"
    show({"out": str(out), "size_px": [frame.width, frame.height]}, as_json, f"{out}: {size}")


def _clip_picture(source: str, at_s: float) -> "Frame":
    from edge_agent.errors import SettingsRefused
    from edge_agent.sources.file import read_frames

    for frame in read_frames(Path(source), 5.0, 0):
        if frame.captured_at_us >= at_s * 1e6:
            return frame
    raise SettingsRefused(source, f"has no picture at {at_s:g} s", "give a smaller --at")


def _camera_picture(source: str) -> "Frame":
    """The first picture that a camera gives."""
    from edge_agent.errors import SourceFailed, SourceFault
    from edge_agent.sources.address import parse_address
    from edge_agent.sources.decoders import DecoderServer
    from edge_agent.sources.feed import CameraFeed

    address = parse_address(source, Path.cwd(), "--source")
    with ExitStack() as parts:
        server = DecoderServer()
        parts.callback(server.close)
        server.start()
        feed = CameraFeed("camera", address, 5.0, server)
        parts.callback(feed.stop)
        feed.start()
        until_s = time.monotonic() + _WAIT_S
        while feed.is_alive and time.monotonic() < until_s:
            arrival = feed.mailbox.take(0.5)
            if arrival is not None:
                return arrival.frame
    raise SourceFailed(SourceFault.SILENT, f"the camera gave no picture in {_WAIT_S:g} s")


def _write(frame: "Frame", scene: "Scene | None", out: Path, is_plain: bool) -> None:
    import cv2

    from edge_agent.errors import SettingsRefused
    from edge_agent.evidence.rendering import as_bgr, draw_grid, draw_scene

    if scene and (scene.width, scene.height) != (frame.width, frame.height):
        raise SettingsRefused(
            f"scene of {scene.camera}",
            f"camera.size_px [{scene.width}, {scene.height}] is not the picture's size",
            f"draw the scene on a picture of [{frame.width}, {frame.height}]",
        )
    picture = draw_scene(frame, scene) if scene and not is_plain else as_bgr(frame)
    if not is_plain:
        draw_grid(picture)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        is_written = cv2.imwrite(str(out), picture)
    except (cv2.error, OSError):
        is_written = False
    if not is_written:
        raise SettingsRefused(out, "cannot be written", "give a path that ends in .png or .jpg")
