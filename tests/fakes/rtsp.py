"""Starts and ends ``rtsp_server.py``, a camera on the network."""

import socket
import subprocess
from pathlib import Path

import pytest

_SYSTEM_PYTHON = Path("/usr/bin/python3")
_SERVER = Path(__file__).with_name("rtsp_server.py")
_PROBE = "import gi; gi.require_version('GstRtspServer', '1.0')"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def demand_gstreamer() -> None:
    """Skip, saying so, where Debian's GStreamer is missing."""
    probe = [str(_SYSTEM_PYTHON), "-c", _PROBE]
    if not _SYSTEM_PYTHON.exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no GStreamer RTSP server; tests/install-system.sh lists the Debian packages")


class RtspCamera:
    """A camera that loops ``clip``; it keeps its port over ``kill`` and ``start``."""

    def __init__(self, clip: Path, login: str | None = None) -> None:
        self.clip = clip
        self.port = free_port()
        self._login = login
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://{self._login + '@' if self._login else ''}127.0.0.1:{self.port}/clip"

    def start(self, from_s: float = 0.0) -> None:
        """Serve from ``from_s`` on; returns when it listens."""
        command = [str(_SYSTEM_PYTHON), str(_SERVER), str(self.clip)]
        command += ["--port", str(self.port), "--from-s", str(from_s)]
        command += ["--login", self._login] if self._login else []
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        assert self._process.stdout.readline().startswith("ready")

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout
            self._process.stdout.close()
            self._process = None
