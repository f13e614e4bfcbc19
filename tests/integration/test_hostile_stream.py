"""F22: a camera that was taken over sends mutated RTP; only its decoder suffers, and comes back."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from edge_agent.sources.address import parse_address
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from shared.messages import CameraState
from tests.fakes.clips import write_clip
from tests.fakes.hostile_camera import HostileCamera

SAMPLES = 5_000
"""Of each encoding: ten thousand in all."""
MOST_GROWTH_MIB = 10

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def until(condition: Callable[[], bool], seconds: float) -> None:
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def rss_mib() -> float:
    return psutil.Process(os.getpid()).memory_info().rss / 2**20


@pytest.mark.parametrize("encoding", ["H264", "AV1"])
def test_only_the_decoder_of_a_hostile_stream_suffers(
    encoding: str, tmp_path: Path, server: DecoderServer, keep: Callable[[CameraFeed], CameraFeed]
) -> None:
    write_clip(tmp_path / "other.mp4", seconds=20, fps=10, size=(320, 180), moves=lambda _: True)
    other = keep(CameraFeed("good", parse_address("file:other.mp4", tmp_path), 5, server))
    until(lambda: other.received > 5, 30)
    camera = HostileCamera(encoding, seed=22)
    pid, other_pid, before_mib = server.pid, other.decoder_pid, rss_mib()
    try:
        feed = keep(CameraFeed("bad", parse_address(camera.url, tmp_path), 5, server, chance=lambda: 0.0))
        until(lambda: camera.sent >= SAMPLES, 240)
        grown_mib = rss_mib() - before_mib
        camera.is_hostile = False
        received = feed.received
        until(lambda: feed.state is CameraState.LIVE and feed.received > received + 5, 60)
    finally:
        camera.close()
    told = f"{camera.sent} samples in {camera.sessions} sessions, {received} pictures, faults {feed.faults}"
    print(f"{encoding}: {told}, grown by {grown_mib:.1f} MiB")
    assert grown_mib <= MOST_GROWTH_MIB
    assert (server.pid, other.decoder_pid, other.faults) == (pid, other_pid, {})
