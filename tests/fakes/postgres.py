"""A PostgreSQL of its own for a test: a private folder, a private port, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """Yield the address of an empty database; skip the test where there is no PostgreSQL."""
    if not _PLACES:
        pytest.skip("no PostgreSQL: apt install postgresql")
    programs, user = _PLACES[-1].parent, _user()
    folder = Path(tempfile.mkdtemp(prefix="saqshy-pg-"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    try:
        command = [
            programs / "initdb",
            "-D",
            folder / "db",
            "-U",
            "saqshy",
            "--auth=trust",
            "-N",
            "-E",
            "UTF8",
        ]
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, timeout=60)
        with _server(programs, folder, user) as port:
            yield f"postgresql+asyncpg://saqshy@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


@contextlib.contextmanager
def _server(programs: Path, folder: Path, user: str | None) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [programs / "postgres", "-D", folder / "db", "-k", folder, "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, user=user, cwd=folder, stdout=log, stderr=log)
    try:
        _until_ready(programs, port, server)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def _until_ready(programs: Path, port: int, server: "subprocess.Popen[bytes]") -> None:
    command = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(300):
        assert server.poll() is None, "postgres ended by itself"
        if subprocess.run(command, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError("postgres did not become ready")
