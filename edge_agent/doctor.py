"""What a technician would check on a box, in order, each with its cause and its way out."""

import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from enum import StrEnum
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from edge_agent.app import open_model, read_scene
from edge_agent.domain.scene import Scene
from edge_agent.errors import EdgeError, Refused
from edge_agent.inference.model import BUNDLED_MODEL
from edge_agent.inference.runtime import choose_runtime, open_detector
from edge_agent.link.credentials import read_credentials
from edge_agent.link.nats import NatsLink
from edge_agent.settings import CameraSettings, Settings, read_settings
from edge_agent.sources.address import parse_address
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from edge_agent.sources.lockdown import is_known_here

OUR_PACKAGES = ("shared", "edge_agent", "hub", "simulator", "firmware_hooks", "saqshy", "demo")
SLOW_SYNC_MS = 20.0
"""Each report waits for one of these; above it the disk, mostly a worn SD card, delays alarms."""
_SYNCS = 20
_FIRST_PICTURE_S = 8.0
_SAME_SHAPE = 0.02
"""A picture's width to its height may differ by so much: sizes are rounded to the codec's blocks."""


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Finding(NamedTuple):
    """What one check found."""

    name: str
    state: State
    found: str
    """The figure, version or cause."""
    way_out: str = ""


def examine(config: Path | None) -> Iterator[Finding]:
    """Check the machine, then, with a configuration, the box that it describes."""
    yield from map(_run, (_python, _packages, _names, _decoder_server))
    if config is None:
        yield _run(_bundled_model)
        return
    try:
        settings = read_settings(config)
    except Refused as error:
        yield _refusal("configuration", error)
        return
    yield Finding("configuration", State.OK, str(settings.path))
    for check in (_model, _disk, _hub):
        yield _run(check, settings)
    for refused in settings.refused:
        yield _refusal(f"camera {refused.id}", refused.error)
    yield from _cameras(settings)


def _run(check: Callable[..., Finding], *arguments: Settings) -> Finding:
    name = check.__name__.strip("_").replace("_", " ")
    try:
        return check(*arguments)
    except Refused as error:
        return _refusal(name, error)
    except (EdgeError, OSError) as error:
        return Finding(name, State.FAILED, str(error), "see the cause")


def _refusal(name: str, error: Refused) -> Finding:
    return Finding(name, State.FAILED, f"{error.where}: {error.reason}", error.way_out)


# --- the machine --------------------------------------------------------------------------------------------


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.platform != "linux":
        return Finding("python", State.FAILED, found, "a box runs Linux")
    return Finding("python", State.OK, found)


def _packages() -> Finding:
    import av
    import cv2

    runtime = choose_runtime("auto")
    decoders = [name for name in ("h264", "hevc") if name in av.codecs_available]
    found = f"opencv {cv2.__version__}, av {av.__version__}, numpy {version('numpy')}, runtime {runtime}"
    if "h264" not in decoders:
        return Finding("packages", State.FAILED, f"{found}; no H.264 decoder", "install av from PyPI")
    return Finding("packages", State.OK, f"{found}; decodes {', '.join(decoders)}")


def _names() -> Finding:
    """``shared`` and ``hub`` are names of other projects too."""
    installed = packages_distributions()
    clashes = {name: others for name in OUR_PACKAGES if (others := set(installed.get(name, [])) - {"saqshy"})}
    root = Path(__file__).resolve().parents[1]
    for name in OUR_PACKAGES:
        spec = find_spec(name)
        if spec is not None and spec.origin and not Path(spec.origin).resolve().is_relative_to(root):
            clashes.setdefault(name, {spec.origin})
    if clashes:
        text = "; ".join(f"{name} also comes from {', '.join(sorted(who))}" for name, who in clashes.items())
        return Finding("names", State.FAILED, text, "install saqshy into an environment of its own")
    return Finding("names", State.OK, "no other package uses ours")


def _decoder_server() -> Finding:
    with closing(DecoderServer()) as server:
        server.start()
        decoder = server.decoder()
        try:
            user = "nobody" if os.geteuid() == 0 else "the agent's user"
            if not is_known_here():
                found = f"start as {user}, but this kernel or processor cannot lock them down"
                way_out = "run Linux 5.9 or later on x86-64 or ARM64; else a firewall must keep cameras apart"
                return Finding("decoders", State.WARNING, found, way_out)
            return Finding("decoders", State.OK, f"start, confined and locked down, as {user}")
        finally:
            decoder.end()


def _bundled_model() -> Finding:
    with closing(open_detector(BUNDLED_MODEL)) as detector:
        return Finding("model", State.OK, f"{detector.manifest.name} (bundled)")


# --- the box ------------------------------------------------------------------------------------------------


def _model(settings: Settings) -> Finding:
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(open_model(settings)) as detector:
        return Finding("model", State.OK, detector.manifest.name)


def _disk(settings: Settings) -> Finding:
    """The cost of one durable write where the outbox lies."""
    costs_ms: list[float] = []
    with tempfile.TemporaryFile(dir=settings.state_dir, buffering=0) as file:
        for _ in range(_SYNCS):
            begun_s = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            costs_ms.append((time.perf_counter() - begun_s) * 1e3)
    median_ms = statistics.median(costs_ms)
    found = f"a durable write takes {median_ms:.1f} ms, {max(costs_ms):.1f} ms at worst"
    if median_ms > SLOW_SYNC_MS:
        way_out = f"put {settings.state_dir} on a disk below {SLOW_SYNC_MS:g} ms, such as an SSD"
        return Finding("disk", State.WARNING, found, way_out)
    return Finding("disk", State.OK, found)


def _hub(settings: Settings) -> Finding:
    credentials = read_credentials(settings.state_dir / "credentials", settings.box.id)
    if credentials is None:
        way_out = f"start `saqshy edge run`, then `saqshy field enrol {settings.box.id}`"
        return Finding("hub", State.WARNING, "the box is not enrolled", way_out)

    async def sign_in() -> None:
        link = NatsLink(credentials)
        try:
            await link.open()
        finally:
            await link.close()

    try:
        asyncio.run(sign_in())
    except EdgeError as error:
        return Finding("hub", State.FAILED, str(error), "check the network, or enrol the box again")
    return Finding("hub", State.OK, f"signed in at site {credentials.site}")


def _cameras(settings: Settings) -> Iterator[Finding]:
    with closing(DecoderServer()) as server:
        for camera in settings.cameras:
            yield from _streams(settings, camera, server)


def _streams(settings: Settings, camera: CameraSettings, server: DecoderServer) -> Iterator[Finding]:
    """The stream that is looked at, and the one that clips are cut of where that is another."""
    name = f"camera {camera.id}"
    try:
        scene = read_scene(settings, camera)
        yield _opened(name, settings, camera.url, "url", scene, server)
        if camera.evidence_url is not None:
            yield _opened(f"{name}, clips", settings, camera.evidence_url, "evidence_url", scene, server)
    except Refused as error:
        yield _refusal(name, error)
    except EdgeError as error:
        yield Finding(name, State.FAILED, str(error), "see the cause")


def _opened(
    name: str, settings: Settings, url: str, key: str, scene: Scene, server: DecoderServer
) -> Finding:
    address = parse_address(url, settings.clips_dir, key)
    feed = CameraFeed(scene.camera, address, 5.0, server)
    begun_s = time.monotonic()
    feed.start()
    try:
        arrival = feed.mailbox.take(_FIRST_PICTURE_S)
    finally:
        feed.stop()
    if arrival is None:
        cause = feed.last_failure or f"no picture within {_FIRST_PICTURE_S:g} s"
        return Finding(name, State.FAILED, f"{address.shown}: {cause}", "check its power, address and login")
    frame, took_s = arrival.frame, time.monotonic() - begun_s
    if key == "evidence_url":
        return _same_view(name, scene, frame.width, frame.height, took_s)
    return _fit(name, scene, frame.width, frame.height, took_s)


def _same_view(name: str, scene: Scene, width: int, height: int, took_s: float) -> Finding:
    """Redaction follows from the small picture to the large one: both must have the same shape."""
    seen = f"{width} x {height}, the first picture after {took_s:.1f} s"
    if abs(width / height * scene.height / scene.width - 1) <= _SAME_SHAPE:
        return Finding(name, State.OK, seen)
    text = f"{seen}; the scene's pictures are {scene.width} x {scene.height}, of another shape"
    return Finding(name, State.FAILED, text, "set both streams to the same shape, or leave evidence_url out")


def _fit(name: str, scene: Scene, width: int, height: int, took_s: float) -> Finding:
    found = f"a picture of {width} x {height} after {took_s:.1f} s"
    if (width, height) != (scene.width, scene.height):
        found += f", but its scene was drawn on {scene.width} x {scene.height}"
        return Finding(name, State.FAILED, found, "draw the scene on this camera's picture")
    return Finding(name, State.OK, found)
