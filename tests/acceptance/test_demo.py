"""What a newcomer sees: the street comes alive, each deed is one incident, Ctrl-C ends it all."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

_LINK = re.compile(r"(http://127\.0\.0\.1:(\d+))/#/setup/(\S+)")
_READY = "What arrives at the agencies"
FIRST_ADMIN = {"username": "aigerim", "password": "a long enough one", "display_name": "A", "locale": "kk"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder, shared by the tests so that the street is filmed once."""
    return tmp_path_factory.mktemp("demo")


class RunningDemo:
    """``saqshy demo`` as a newcomer starts it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.log = folder.parent / f"demo-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "saqshy", "demo", f"--dir={folder}", *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, is_true: Callable[[], bool], within_s: float = 180) -> None:
        until = time.monotonic() + within_s
        while not is_true():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(0.2)

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: _READY in self.said())

    def tree(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> None:
        """Ctrl-C, and see that nothing it started is left."""
        started = self.tree()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(40) == 0, self.said()
        _, alive = psutil.wait_procs(started, timeout=5)
        assert alive == []


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., RunningDemo]]:
    demos: list[RunningDemo] = []

    def begin(*options: str) -> RunningDemo:
        demos.append(RunningDemo(folder, *options))
        return demos[-1]

    yield begin
    for demo in demos:
        if demo.process.poll() is None:
            os.killpg(demo.process.pid, signal.SIGTERM)
            demo.process.wait(40)


def test_each_deed_is_one_incident_and_arrives(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "saqshy",
        "demo",
        "--check",
        "--seconds",
        "60",
        "--json",
        f"--dir={folder}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    figures = json.loads(done.stdout.splitlines()[-1])
    print(figures)
    assert figures["incidents_expected"] == 3
    assert figures["incidents_opened"] == 3
    assert (figures["missed"], figures["duplicates"], figures["false"], figures["lost"]) == (0, 0, 0, 0)
    assert figures["dispatched"] == 3
    assert 0 < figures["event_bytes_p50"] <= figures["event_bytes_max"] <= 160
    assert 0 < figures["frame_to_incident_ms_p50"] <= figures["frame_to_incident_ms_p99"]


def test_a_newcomers_first_hour(start: Callable[..., RunningDemo]) -> None:
    """A taken port, the set-up link, Ctrl-C, a second start with the same data, and a fresh one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        first = start("--fresh", "--port", str(port))
        first.wait_until_ready()
        assert f"port {port} is taken; using" in first.said()
        found = _LINK.search(first.said())
        assert found, first.said()
        address, used, token = found.groups()
        assert int(used) != port
        client = httpx.Client(base_url=f"{address}/api/v1", headers={"origin": address}, trust_env=False)
        assert client.post("/setup", json={"token": token, **FIRST_ADMIN}).status_code == 200
        assert client.post("/setup", json={"token": token, **FIRST_ADMIN}).status_code == 403
        first.wait_for(lambda: bool(client.get("/incidents").json()["incidents"]), 90)
        incident = client.get("/incidents").json()["incidents"][-1]["id"]
        first.stop()

    second = start("--port", used)
    second.wait_until_ready()
    assert not _LINK.search(second.said()), "there is an admin already"
    signed_in = {name: FIRST_ADMIN[name] for name in ("username", "password")}
    client.cookies.clear()
    assert client.post("/session", json=signed_in).status_code == 200
    assert client.get(f"/incidents/{incident}").status_code == 200
    live = lambda: {camera["state"] for camera in client.get("/map").json()["cameras"]} == {"live"}  # noqa: E731
    second.wait_for(live, 60)
    client.close()
    second.stop()

    third = start("--fresh", "--port", used)
    third.wait_until_ready()
    assert _LINK.search(third.said()), "nothing is left of the first hour"
    third.stop()
