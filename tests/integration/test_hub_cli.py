"""``saqshy hub`` as a person calls it: what it prints, its exit codes, and how it starts and stops."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from hub.cli.hub import app
from hub.services.evidence import picture_path
from tests import reports
from tests.fakes.hub import PASSWORD, RunningHub

COMMAND = [sys.executable, "-m", "saqshy", "hub"]
CHEAP = "[password]\ntime_cost = 1\nmemory_kib = 64\nparallelism = 1\n"


def call(*given: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *given], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def serving(folder: Path, *given: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A hub process, and what it said when it was ready."""
    command = [*COMMAND, "serve", "--data", str(folder), "--bus-port", "0", "--json", *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            yield process, json.loads(line)
        finally:
            process.kill()


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_way_of_an_administrator(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "hub.toml").write_text(CHEAP)
    made = call("init", "--data", str(folder), "--json")
    assert made.returncode == 0, made.stderr
    assert "/#/setup/" in json.loads(made.stdout)["setup_link"]
    weak = call("user", "add", "omar", "--password-stdin", "--data", str(folder), stdin="omar\n")
    assert (weak.returncode, weak.stderr) == (2, "error: password: use 10 to 256 characters\n")
    wrong = call("user", "add", "omar", "--role", "king", "--data", str(folder))
    assert wrong.returncode == 2
    assert "use one of operator, supervisor, admin, technician" in wrong.stderr
    added = call(
        "user", "add", "omar", "--role", "admin", "--password-stdin", "--data", str(folder), stdin=PASSWORD
    )
    assert added.returncode == 0, added.stderr
    twice = call("user", "add", "omar", "--password-stdin", "--data", str(folder), stdin=PASSWORD)
    assert twice.returncode == 1
    assert "choose another name" in twice.stderr
    with serving(folder, "--port", "0") as (process, ready):
        assert ready["setup_link"] is None
        body = {"username": "omar", "password": PASSWORD}
        answer = httpx.post(f"{ready['url']}/api/v1/session", json=body, trust_env=False)
        assert answer.json()["user"]["role"] == "admin"
        second = call("serve", "--data", str(folder), "--port", "0")
        assert second.returncode == 2
        assert "another hub runs on it" in second.stderr
        assert PASSWORD not in "".join(Path(f"/proc/{process.pid}/cmdline").read_text())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_good_order_with_a_page_open(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "hub.toml").write_text(CHEAP)
    with serving(tmp_path, "--port", "0") as (process, ready):
        person = {"username": "aliya", "password": PASSWORD, "display_name": "A", "locale": "ru"}
        with httpx.Client(base_url=ready["url"], trust_env=False) as client:
            token = ready["setup_link"].rpartition("/")[2]
            assert client.post("/api/v1/setup", json=person | {"token": token}).status_code == 200
            with client.stream("GET", "/api/v1/stream") as page:
                lines = page.iter_lines()
                assert next(lines) == "event: beat"
                servers = children(process.pid)
                assert len(servers) == 1
                process.send_signal(number)
                for _ in lines:
                    pass
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert "Traceback" not in said
        assert '"level":"critical"' not in said
        assert not any(Path(f"/proc/{pid}").exists() for pid in servers)
    verified = call("verify", "--data", str(tmp_path), "--json")
    assert json.loads(verified.stdout)["ok"] is True


def test_its_nats_server_dies_with_it_even_by_kill_9(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "0") as (process, _):
        servers = children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{pid}/exe").exists() for pid in servers) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(Path(f"/proc/{pid}/exe").exists() for pid in servers)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_taken_port_is_said_so_or_another_is_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = call("serve", "--data", str(tmp_path), "--port", port)
        assert refused.returncode == 2
        assert f"port {port} of 127.0.0.1 is taken; stop the program that has it" in refused.stderr
        with serving(tmp_path, "--port", port, "--any-port") as (_, ready):
            assert ready["port"] != int(port)
            assert httpx.get(f"{ready['url']}/", trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("port = 70000", "<= 65535 - at `$.port`"),
        ("prot = 1", "unknown field `prot`"),
        ("port = ", "Invalid value"),
        ("[dispatch]\nmax_attempts = 0", "$.dispatch.max_attempts"),
        ('public_url = "saqshy.kz"', "$.public_url"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "hub.toml").write_text(text)
    refused = CliRunner().invoke(app, ["serve", "--data", str(tmp_path)])
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"error: {tmp_path / 'hub.toml'}: ")
    assert words in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for command in ("serve", "verify"):
        refused = call(command, "--data", str(tmp_path / "file"))
        assert refused.returncode == 2, refused.stderr
        assert refused.stderr.startswith(f"error: {tmp_path / 'file'}: ")


def test_the_description_of_the_api_is_written(tmp_path: Path) -> None:
    out = tmp_path / "openapi.json"
    assert CliRunner().invoke(app, ["export-openapi", "--out", str(out)]).exit_code == 0
    assert json.loads(out.read_text())["openapi"].startswith("3.1")
    refused = CliRunner().invoke(app, ["export-openapi", "--out", str(tmp_path / "none" / "x")])
    assert refused.exit_code == 2
    assert "error: " in refused.stderr


def test_verify_names_what_is_damaged(tmp_path: Path) -> None:
    with RunningHub(tmp_path) as hub:
        pictures = [
            reports.evidence(n, jpeg=reports.JPEG[:-2] + bytes([n]) + b"\xff\xd9", seq=n + 1) for n in (1, 2)
        ]
        hub.report(*[reports.report(n, digest=p.digest) for n, p in zip((1, 2), pictures, strict=True)])
        deliveries = [reports.picture_delivery(picture) for picture in pictures]
        outcome = hub.call(hub.desk.ingest.take_pictures(deliveries, hub.desk.parts.now_us()))
        assert outcome.stored == 2
        with hub.client() as client:
            assert client.get("/api/v1/health").status_code == 200
        well = json.loads(call("verify", "--data", str(tmp_path), "--json").stdout)
        assert (well["ok"], well["checked"]["pictures"], well["checked"]["streams"]) == (True, 2, 2)
    changed, missing = (picture_path(tmp_path / "evidence", picture.digest) for picture in pictures)
    changed.write_bytes(b"something else")
    missing.unlink()
    (tmp_path / "keys" / "bus-keys.json").write_text("{}")
    damaged = call("verify", "--data", str(tmp_path), "--json")
    assert damaged.returncode == 1
    faults = " ".join(fault["what"] for fault in json.loads(damaged.stdout)["faults"])
    assert f"{changed}: its content is not what the event named" in faults
    assert f"{missing}: missing" in faults
    assert "not the bus's keys" in faults
    told = call("verify", "--data", str(tmp_path))
    assert "restore" in told.stdout


def test_verify_finds_a_torn_database(tmp_path: Path) -> None:
    with RunningHub(tmp_path):
        pass
    path = tmp_path / "hub.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    body = bytearray(path.read_bytes())
    body[8192:40_960] = b"\xa5" * (40_960 - 8192)
    path.write_bytes(body)
    damaged = call("verify", "--data", str(tmp_path), "--json")
    assert damaged.returncode == 1
    assert json.loads(damaged.stdout.splitlines()[-1])["ok"] is False
    assert "Traceback" not in damaged.stderr
