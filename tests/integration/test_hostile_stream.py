"""F22: 10,000 mutated RTP packets each of H.264 and AV1: only the decoder dies, the agent does not grow."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from edge_agent.errors import SourceFault
from edge_agent.sources import backoff
from edge_agent.sources.address import parse_address
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from tests.fakes.clips import write_clip
from tests.fakes.hostile_camera import HostileCamera, Media, av1, h264, mutated

SAMPLES = 10_000
"""Of each codec."""
GROWTH_MIB = 10.0
RESTART_S = 5.0


def _av1_clip(path: Path) -> Path:
    chance = np.random.default_rng(3)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libsvtav1", rate=10, options={"preset": "12", "g": "20"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(60):
            picture = chance.integers(90, 110, (180, 320, 3), np.uint8)
            picture[60:120, number * 4 : number * 4 + 40] = 230
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return path


def media(name: str, folder: Path) -> Media:
    if name == "av1":
        return av1(_av1_clip(folder / "clip.mp4"))
    moves = {"seconds": 12, "fps": 10, "gop_s": 1, "noise": 12}
    return h264(write_clip(folder / "clip.mp4", size=(320, 180), moves=lambda _: True, **moves))


def rss_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)


def until(condition: Callable[[], bool], seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.02)


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_the_fake_camera_speaks_the_codec(
    codec: str, tmp_path: Path, server: DecoderServer, keep: Callable[[CameraFeed], CameraFeed]
) -> None:
    """Else mutations of it would prove nothing."""
    with HostileCamera(media(codec, tmp_path)) as camera:
        feed = keep(CameraFeed("cam-1", parse_address(camera.url, tmp_path), 5, server))
        arrival = feed.mailbox.take(20)
        assert arrival is not None, feed.last_failure
        assert (arrival.frame.width, arrival.frame.height) == (320, 180)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_only_the_decoder_dies(
    codec: str,
    tmp_path: Path,
    server: DecoderServer,
    keep: Callable[[CameraFeed], CameraFeed],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A neighbour goes on undisturbed; afterwards a sound stream is seen within five seconds."""
    monkeypatch.setattr(backoff, "FIRST_S", 0.05)
    monkeypatch.setattr(backoff, "AT_MOST_S", 0.1)
    write_clip(tmp_path / "sound.mp4", seconds=5, fps=10, size=(320, 180), moves=lambda _: True)
    sound = parse_address("file:sound.mp4", tmp_path)
    neighbour = keep(CameraFeed("cam-2", sound, 5, server))
    assert neighbour.mailbox.take(20)
    chance = np.random.default_rng(22)
    with HostileCamera(media(codec, tmp_path), lambda packet: mutated(packet, chance)) as camera:
        feed = CameraFeed("cam-1", parse_address(camera.url, tmp_path), 5, server)
        feed.start()
        try:
            until(lambda: camera.sent >= SAMPLES // 10, 120)
            before_mib = rss_mib()
            until(lambda: camera.sent >= SAMPLES, 600)
            grown_mib = rss_mib() - before_mib
        finally:
            feed.stop()
    assert camera.clients > 3, "no decoder ever ended"
    assert set(feed.faults) <= set(SourceFault)
    assert grown_mib < GROWTH_MIB
    assert neighbour.faults == {}
    healed = CameraFeed("cam-1", sound, 5, server)
    begun_s = time.monotonic()
    keep(healed)
    assert healed.mailbox.take(RESTART_S), "a new decoder did not come"
    assert time.monotonic() - begun_s < RESTART_S
