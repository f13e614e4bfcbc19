"""AC13, AC14, S10, S11: what a camera can make its decoder do, which is next to nothing."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.errors import SourceFault
from edge_agent.sources.address import parse_address
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from edge_agent.sources.lockdown import is_known_here, lock_down
from shared.messages import CameraState
from tests.fakes.clips import write_clip
from tests.fakes.hostile_camera import HostileCamera, h264

pytestmark = pytest.mark.skipif(not is_known_here(), reason="this kernel or processor cannot lock down")
Keep = Callable[[CameraFeed], CameraFeed]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lockdown")
    return write_clip(folder / "clip.mp4", seconds=6, fps=10, size=(320, 180), moves=lambda _: True)


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("host", "fault"), [("127.0.0.1", SourceFault.REDIRECTED), ("localhost", SourceFault.UNREACHABLE)]
)
def test_a_redirect_leads_nowhere(
    tmp_path: Path, server: DecoderServer, keep: Keep, host: str, fault: SourceFault
) -> None:
    """S10: not one packet reaches where the camera sends us, and the camera is marked. A name is not even
    looked up."""
    with socket.create_server(("127.0.0.1", 0)) as target:
        target.setblocking(False)
        elsewhere = f"rtsp://{host}:{target.getsockname()[1]}/stream"
        with HostileCamera(None, elsewhere=elsewhere) as camera:
            feed = keep(CameraFeed("cam-1", parse_address(camera.url, tmp_path), 5, server))
            until(lambda: fault in feed.faults)
            assert camera.clients >= 1
        with pytest.raises(BlockingIOError):
            target.accept()
    is_marked = fault is SourceFault.REDIRECTED
    assert (feed.state is CameraState.REFUSED) is is_marked
    assert ("redirect refused" in str(feed.last_failure)) is is_marked


def test_a_camera_that_behaves_is_seen_through_the_one_connection(
    clip: Path, server: DecoderServer, keep: Keep
) -> None:
    with HostileCamera(h264(clip)) as camera:
        feed = keep(CameraFeed("cam-1", parse_address(camera.url, clip.parent), 5, server))
        arrival = feed.mailbox.take(20)
        assert arrival is not None, feed.last_failure
        assert (arrival.frame.width, arrival.frame.height) == (320, 180)
        filters = Path(f"/proc/{feed.decoder_pid}/status").read_text().partition("Seccomp:\t")[2]
        assert filters.startswith("2"), "the decoder is not locked down"


def test_a_clips_decoder_is_locked_too(clip: Path, server: DecoderServer, keep: Keep) -> None:
    feed = keep(CameraFeed("cam-1", parse_address(f"file:{clip.name}", clip.parent), 5, server))
    assert feed.mailbox.take(20)
    assert "Seccomp:\t2" in Path(f"/proc/{feed.decoder_pid}/status").read_text()


def _tries(clip: Path, port: int, connected: socket.socket) -> dict[str, Callable[[], object]]:
    """What code that a camera brought along would try."""
    other = ("127.0.0.1", port)
    return {
        "another socket": lambda: socket.create_connection(other, 1),
        "UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "UNIX": lambda: socket.socket(socket.AF_UNIX),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "raw": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW),
        "fast open": lambda: connected.sendto(b"x", socket.MSG_FASTOPEN, other),
        "sendmsg": lambda: connected.sendmsg([b"x"], [], 0, other),
        "listen": connected.listen,
        "bind": lambda: connected.bind(("127.0.0.1", 0)),
        "read a file": lambda: os.open(clip, os.O_RDONLY),
        "read credentials": lambda: os.open("/etc/shadow", os.O_RDONLY),
        "write a file": lambda: os.open(clip.with_name("new"), os.O_WRONLY | os.O_CREAT),
        "remove a file": clip.unlink,
        "rename a file": lambda: clip.rename(clip.with_name("other")),
        "change a file": lambda: clip.chmod(0o777),
        "make a folder": lambda: clip.with_name("folder").mkdir(),
        "a program": lambda: os.execv("/bin/true", ["true"]),
        "a child": os.fork,
        "kill the agent": lambda: os.kill(os.getppid(), 0),
        "look at the agent": lambda: os.pidfd_open(os.getppid()),
    }


def _locked(clip: Path, port: int, connected: socket.socket, report: int) -> None:
    """In a child: lock down, try everything, tell what was possible."""
    assert lock_down(connected)
    with socket.socket() as handed:  # as FFmpeg does
        handed.setblocking(False)
        handed.connect_ex(("127.0.0.1", port))
        handed.send(b"through the one")
        for name, attempt in _tries(clip, port, handed).items():
            try:
                attempt()
            except OSError:
                continue
            os.write(report, f"{name}\n".encode())
    os.write(report, b"all tried\n")


def test_code_in_a_decoder_can_do_next_to_nothing(clip: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as camera, socket.create_server(("127.0.0.1", 0)) as hub:
        hub.setblocking(False)
        connected = socket.create_connection(camera.getsockname())
        accepted, _ = camera.accept()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                _locked(clip, hub.getsockname()[1], connected, writing)
            finally:
                os._exit(0)
        os.close(writing)
        connected.close()
        with os.fdopen(reading) as report, accepted:
            assert report.read() == "all tried\n", "these were possible"
            assert accepted.recv(100) == b"through the one"
        os.waitpid(pid, 0)
        with pytest.raises(BlockingIOError):
            hub.accept()
    assert clip.exists()
