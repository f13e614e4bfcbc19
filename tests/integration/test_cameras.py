"""Cameras with real decoder processes: what happens to one is nothing to the others."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_agent.domain.load import Ease
from edge_agent.errors import SourceFault
from edge_agent.sources.address import parse_address
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.dialogue import Watch
from edge_agent.sources.feed import Arrival, CameraFeed
from edge_agent.sources.file import read_frames
from shared.messages import CameraState
from tests.fakes.clips import write_clip
from tests.fakes.hostile_camera import HostileCamera, h264

SECRET = "gehe1m"
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "long.mp4", seconds=20, fps=10, size=(320, 180), moves=lambda _: True)
    write_clip(folder / "short.mp4", seconds=2, fps=10, size=(320, 180), moves=lambda _: True)
    return folder


@pytest.fixture
def camera(
    clips: Path, server: DecoderServer, keep: Callable[[CameraFeed], CameraFeed]
) -> Callable[..., CameraFeed]:
    def start(name: str, url: str = "file:long.mp4", chance: float = 0.0) -> CameraFeed:
        return keep(CameraFeed(name, parse_address(url, clips), 5, server, chance=lambda: chance))

    return start


def take(feed: CameraFeed) -> Arrival:
    arrival = feed.mailbox.take(PATIENCE_S)
    assert arrival is not None, f"{feed.camera}: {feed.last_failure}"
    return arrival


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Dead, be it buried or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_pictures_cross_whole(camera: Callable[..., CameraFeed], clips: Path) -> None:
    truth = [frame.i420 for frame in read_frames(clips / "long.mp4", 10, 0)]
    feed = camera("cam-1")
    for _ in range(5):
        frame = take(feed).frame
        assert any(np.array_equal(frame.i420, picture) for picture in truth)
        assert (frame.width, frame.height, frame.camera) == (320, 180, "cam-1")


def test_a_clip_goes_on_at_its_end(camera: Callable[..., CameraFeed]) -> None:
    feed = camera("cam-1", "file:short.mp4")
    arrivals = [take(feed) for _ in range(24)]
    times = [arrival.frame.captured_at_us for arrival in arrivals]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))
    assert 4.0e6 < times[-1] - times[0] < 5.5e6
    assert [arrival.is_seam for arrival in arrivals].count(True) == 2
    assert not arrivals[0].is_seam
    assert feed.faults == {}


@pytest.mark.parametrize(
    ("blow", "fault"),
    [
        (signal.SIGKILL, SourceFault.CRASHED),
        (signal.SIGSEGV, SourceFault.CRASHED),
        (signal.SIGSTOP, SourceFault.HUNG),
    ],
)
def test_one_decoders_end_is_nothing_to_the_other(
    camera: Callable[..., CameraFeed], blow: signal.Signals, fault: SourceFault
) -> None:
    struck, other = camera("cam-1"), camera("cam-2")
    take(struck)
    take(other)
    struck_pid, other_pid = struck.decoder_pid, other.decoder_pid
    assert struck_pid
    received = other.received
    os.kill(struck_pid, blow)
    until(lambda: struck.state is CameraState.STALE)
    until(lambda: struck.faults == {fault: 1})
    arrival = take(struck)
    while not arrival.is_seam:
        arrival = take(struck)
    until(lambda: is_gone(struck_pid))
    assert struck.decoder_pid not in (None, struck_pid)
    assert struck.state is CameraState.LIVE
    assert (other.decoder_pid, other.faults) == (other_pid, {})
    assert other.received > received


def test_a_silent_camera_is_given_up_and_the_others_go_on(camera: Callable[..., CameraFeed]) -> None:
    """F21: it accepts the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        opens_s: list[float] = []

        def accept() -> None:
            """How long the decoder holds the connection: as long as its opening takes."""
            connection, _ = silent.accept()
            accepted_s = time.monotonic()
            with connection:
                while connection.recv(4096):
                    pass
            opens_s.append(time.monotonic() - accepted_s)

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        other = camera("cam-2")
        times_s: list[float] = []
        watching = threading.Event()

        def watch() -> None:
            while not watching.is_set():
                times_s.append(take(other).decoded_at_s)

        watcher = threading.Thread(target=watch)
        watcher.start()
        begun_s = time.monotonic()
        feed = camera("cam-1", f"rtsp://admin:{SECRET}@127.0.0.1:{port}/x")
        until(lambda: SourceFault.SILENT in feed.faults)
        took_s = time.monotonic() - begun_s
        watching.set()
        watcher.join()
        accepting.join(10)
    assert opens_s[0] <= 3.5
    assert took_s < 4.5
    assert max(later - earlier for earlier, later in itertools.pairwise(times_s)) < 1.0
    assert SECRET not in str(feed.last_failure)


def test_a_camera_that_falls_silent_is_stale(camera: Callable[..., CameraFeed], clips: Path) -> None:
    with HostileCamera(h264(clips / "long.mp4"), falls_silent=True) as silent:
        feed = camera("cam-1", silent.url)
        take(feed)
        assert feed.state is CameraState.LIVE
        last_s = time.monotonic()
        until(lambda: feed.state is CameraState.STALE)
        assert time.monotonic() - last_s < 30
        assert SourceFault.SILENT in feed.faults


def test_the_network_is_tried_again(camera: Callable[..., CameraFeed]) -> None:
    feed = camera("cam-1", f"rtsp://admin:{SECRET}@127.0.0.1:1/x")
    until(lambda: feed.faults.get(SourceFault.UNREACHABLE, 0) >= 3)
    assert feed.state is CameraState.STARTING
    assert SECRET not in str(feed.last_failure)


def test_loosely_watched_a_camera_still_shows_itself(camera: Callable[..., CameraFeed]) -> None:
    feed = camera("cam-1")
    take(feed)
    feed.watch(is_close=False)
    assert feed._watch == Watch.LOOSELY
    received = feed.received
    take(feed)
    until(lambda: feed.received >= received + 2)
    feed.watch(is_close=True)
    until(lambda: feed.received >= received + 12)
    assert feed.faults == {}


@pytest.mark.parametrize(("ease", "fps"), [(Ease.FULL, 5.0), (Ease.HALF, 2.5), (Ease.RARELY, 0.5)])
def test_an_eased_camera_shows_itself_less(camera: Callable[..., CameraFeed], ease: Ease, fps: float) -> None:
    """By the pictures' own times, so that a slow machine changes nothing. A key frame comes every 2 s."""
    feed = camera("cam-1")
    feed.ease = ease
    times_us: list[int] = []
    while len(times_us) < 8:
        times_us.append(take(feed).frame.captured_at_us)
        feed.watch(is_close=True)
    spans_s = sorted((later - earlier) / 1e6 for earlier, later in itertools.pairwise(times_us[2:]))
    assert spans_s[len(spans_s) // 2] == pytest.approx(1 / fps, rel=0.15)
    assert feed.faults == {}


def test_a_decoder_has_nothing_to_steal(
    camera: Callable[..., CameraFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAQSHY_TEST_SECRET", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        feed = camera("cam-1", f"rtsp://admin:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/x")
        connection, _ = silent.accept()
        with connection:
            proc = Path(f"/proc/{feed.decoder_pid}")
            status = dict(
                line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line
            )
            assert status["NoNewPrivs"] == "1"
            if os.geteuid() == 0:
                assert status["Uid"].split() == ["65534"] * 4
                assert status["Groups"].split() == []
                assert int(status["CapEff"], 16) == 0
            assert SECRET.encode() not in (proc / "environ").read_bytes() + (proc / "cmdline").read_bytes()
            names = sorted(str(fd.readlink()).partition(":")[0] for fd in (proc / "fd").iterdir())
            assert names.count("/dev/null") == 3
            assert set(names) == {"/dev/null", "socket"}
            limits = (proc / "limits").read_text()
            assert limits.count("Max open files            64                   64") == 1


def test_no_process_outlives_an_agent_that_was_killed(clips: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from edge_agent.sources.address import parse_address
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
server = DecoderServer()
feeds = [CameraFeed(n, parse_address("file:long.mp4", Path(sys.argv[1])), 5, server) for n in ("a", "b")]
for feed in feeds:
    feed.start()
for feed in feeds:
    assert feed.mailbox.take(20)
print(server.pid, *[feed.decoder_pid for feed in feeds], flush=True)
time.sleep(60)
"""
    agent = subprocess.Popen([sys.executable, "-c", program, str(clips)], stdout=subprocess.PIPE, text=True)
    assert agent.stdout
    with agent.stdout:
        pids = [int(word) for word in agent.stdout.readline().split()]
    assert len(pids) == 3
    agent.kill()
    agent.wait()
    until(lambda: all(is_gone(pid) for pid in pids))


def test_the_server_of_decoders_is_started_anew(
    camera: Callable[..., CameraFeed], server: DecoderServer
) -> None:
    feed = camera("cam-1")
    take(feed)
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: SourceFault.CRASHED in feed.faults)
    arrival = take(feed)
    while not arrival.is_seam:
        arrival = take(feed)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hostile_files_end_their_decoder_at_most(
    clips: Path, server: DecoderServer, keep: Callable[[CameraFeed], CameraFeed]
) -> None:
    """Clips with flipped bytes are shown, refused, or fatal to FFmpeg; our own code fails at none of them."""
    whole = (clips / "short.mp4").read_bytes()
    chance = np.random.default_rng(22)
    feeds: list[CameraFeed] = []
    for number in range(25):
        body = bytearray(whole)
        for _ in range(int(chance.integers(1, 200))):
            body[int(chance.integers(0, len(body)))] = int(chance.integers(0, 256))
        clip = clips / f"hostile-{number}.mp4"
        clip.write_bytes(body)
        feeds.append(keep(CameraFeed(clip.stem, parse_address(f"file:{clip.name}", clips), 5, server)))
    until(lambda: all(feed.received > 0 or feed.fault is not None for feed in feeds))
    assert server.pid
    assert not is_gone(server.pid)
    assert any(feed.received for feed in feeds)
    assert any(SourceFault.NO_VIDEO in feed.faults for feed in feeds)
    failures = [str(feed.last_failure) for feed in feeds if SourceFault.CRASHED in feed.faults]
    assert [text for text in failures if ".py:" in text] == []
