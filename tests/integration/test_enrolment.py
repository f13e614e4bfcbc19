"""A box is found, enrolled by a technician at a real hub, signs in, and is revoked again."""

import asyncio
import contextlib
import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from msgspec import structs
from typer.testing import CliRunner

from edge_agent.cli.field import app
from edge_agent.errors import LinkFailed, SettingsRefused
from edge_agent.link.credentials import Credentials, open_key
from edge_agent.link.nats import NatsLink
from edge_agent.outbox.envelope import Envelope
from edge_agent.provisioning.endpoint import Answer, Endpoint, Request
from edge_agent.provisioning.setup import SetupMode
from edge_agent.settings import Settings, read_settings
from shared.nkey import KeyKind, fingerprint, make_key
from tests.fakes.hub import PASSWORD, RunningHub
from tests.wire import TYPICAL


@pytest.fixture
def hub(shared_hub: RunningHub) -> RunningHub:
    """One hub for all; each test enrols a box of another name."""
    return shared_hub


class RunningBox:
    """A box's set-up mode in a thread of its own."""

    def __init__(self, folder: Path, box: str = "box-7", site: str | None = "kosshy") -> None:
        folder.mkdir(exist_ok=True)
        lines = [f'id = "{box}"', 'setup_host = "127.0.0.1"', "setup_port = 0"]
        lines += [f'site = "{site}"'] if site else []
        path = folder / "box.toml"
        path.write_text("[box]\n" + "\n".join(lines) + "\n")
        self.settings: Settings = read_settings(path)
        self.credentials: Credentials | None = None
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> "RunningBox":
        self._thread.start()
        assert self._up.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    @property
    def key_print(self) -> str:
        return fingerprint(open_key(self.settings.state_dir / "credentials").public)

    def wait_enrolled(self) -> Credentials:
        for _ in range(500):
            if self.credentials:
                return self.credentials
            self._stop_soon.wait(0.02)
        raise AssertionError("not enrolled")

    async def _run(self) -> None:
        self._loop, self._stop, self._stop_soon = (
            asyncio.get_running_loop(),
            asyncio.Event(),
            threading.Event(),
        )
        async with SetupMode(self.settings) as setup:
            self.host = f"127.0.0.1:{setup._endpoint._server.sockets[0].getsockname()[1]}"
            self._up.set()
            waiting = asyncio.create_task(self._wait(setup))
            await self._stop.wait()
            waiting.cancel()

    async def _wait(self, setup: SetupMode) -> None:
        self.credentials = await setup.credentials()


def field(*words: str, password: str = PASSWORD, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), env={"SAQSHY_PASSWORD": password}, input=answer)


def enrol(hub: RunningHub, box: str, *more: str, user: str = "technician", **how: Any) -> Result:
    return field("enrol", box, "--hub", hub.ready.url, "--user", user, *more, **how)


def error(result: Result) -> str:
    assert result.exit_code != 0, result.output
    assert "Traceback" not in result.output
    return re.sub(r"\s+", " ", result.stderr)


async def _publish(credentials: Credentials) -> None:
    link = NatsLink(credentials)
    try:
        await link.open()
        subject = Envelope(credentials.site, credentials.box, bytes(8))._subject("std", [TYPICAL])
        assert not await link.publish(subject, b"not a batch, but stored", os.urandom(8).hex())
    finally:
        await link.close()


def test_a_box_is_enrolled_speaks_and_is_revoked(tmp_path: Path, hub: RunningHub) -> None:
    with RunningBox(tmp_path / "box") as box:
        result = enrol(hub, "box-7", "--host", box.host, "--yes", "--json")
        assert result.exit_code == 0, result.output
        said = json.loads(result.stdout.splitlines()[-1])
        assert (said["box"], said["site"], said["fingerprint"]) == ("box-7", "kosshy", box.key_print)
        credentials = box.wait_enrolled()
    asyncio.run(_publish(credentials))
    for path in (box.settings.state_dir / "credentials").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
        assert credentials.key.seed not in path.read_text() or path.name == "box-key.json"
    with hub.client("admin") as admin:
        [row] = [r for r in admin.get("/api/v1/devices").json()["devices"] if r["id"] == "box-7"]
        assert (row["id"], row["state"], row["enrolled_by"]) == ("box-7", "enrolled", "technician")
        assert admin.delete("/api/v1/devices/box-7").json()["state"] == "revoked"
    with pytest.raises(LinkFailed, match=r"(?i)authorization"):
        asyncio.run(_publish(credentials))


def test_it_is_found_without_an_address_and_goes_on_by_itself(tmp_path: Path, hub: RunningHub) -> None:
    with RunningBox(tmp_path / "box", "box-found") as box:
        listed = field("discover", "--seconds", "2", "--json")
        found = [b for b in json.loads(listed.stdout)["boxes"] if b["id"] == "box-found"]
        if not found:
            pytest.skip("multicast does not work on this machine")
        assert found == [
            {"id": "box-found", "state": "new", "address": box.host, "fingerprint": box.key_print}
        ]
        result = enrol(hub, "box-found", "--seconds", "2", answer="y\ny\n")
        assert result.exit_code == 0, result.output
        assert box.key_print in result.stderr
        assert box.wait_enrolled().site == "kosshy"
        listed = field("discover", "--seconds", "2", "--json")
        assert [b["state"] for b in json.loads(listed.stdout)["boxes"] if b["id"] == "box-found"] == ["ok"]


def test_nothing_happens_before_the_technician_says_yes(tmp_path: Path, hub: RunningHub) -> None:
    with RunningBox(tmp_path / "box", "box-asked") as box:
        assert "stopped" in error(enrol(hub, "box-asked", "--host", box.host, answer="n\n"))
        assert box.credentials is None
    with hub.client("admin") as admin:
        assert "box-asked" not in admin.get("/api/v1/devices").text


def test_refusals_name_the_way_out(tmp_path: Path, hub: RunningHub) -> None:
    with RunningBox(tmp_path / "box", "box-refused", site=None) as box:
        here = ("--host", box.host, "--yes")
        assert "no site; give --site" in error(enrol(hub, "box-refused", *here))
        here = (*here, "--site", "kosshy")
        assert "this is box box-refused, not box-8; check --host" in error(enrol(hub, "box-8", *here))
        assert "nothing was changed on the box" in error(
            enrol(hub, "box-refused", *here, password="wrong password")
        )
        assert "the role operator may not do this" in error(enrol(hub, "box-refused", *here, user="operator"))
        assert "site: " in error(
            enrol(hub, "box-refused", "--host", box.host, "--yes", "--site", "Not A Site")
        )
        gone = field("enrol", "box-refused", "--hub", "http://127.0.0.1:1", "--user", "technician", *here)
        assert "the hub does not answer" in error(gone)
        assert "HOST:PORT" in error(enrol(hub, "box-refused", "--host", "nowhere"))
        assert "no box answers" in error(enrol(hub, "box-refused", "--host", "127.0.0.1:1", "--yes"))
        assert box.credentials is None
        assert enrol(hub, "box-refused", *here).exit_code == 0
        assert "enrolled already; delete" in error(enrol(hub, "box-refused", *here))


def test_another_box_cannot_take_the_name(tmp_path: Path, hub: RunningHub) -> None:
    with RunningBox(tmp_path / "first", "box-taken") as box:
        assert enrol(hub, "box-taken", "--host", box.host, "--yes").exit_code == 0
    with RunningBox(tmp_path / "second", "box-taken") as other:
        refused = error(enrol(hub, "box-taken", "--host", other.host, "--yes"))
        assert (
            f"enrolled with another key ({box.key_print}); if it was replaced or reset, revoke it first"
            in refused
        )
        with hub.client("admin") as admin:
            admin.delete("/api/v1/devices/box-taken")
        assert enrol(hub, "box-taken", "--host", other.host, "--yes").exit_code == 0
    (tmp_path / "first" / "state" / "credentials" / "grant.json").unlink()
    with RunningBox(tmp_path / "first", "box-taken") as box:
        assert "enrolled with another key" in error(enrol(hub, "box-taken", "--host", box.host, "--yes"))


def test_a_revoked_key_is_never_taken_again(tmp_path: Path, hub: RunningHub) -> None:
    with RunningBox(tmp_path / "box", "box-stolen") as box:
        assert enrol(hub, "box-stolen", "--host", box.host, "--yes").exit_code == 0
    with hub.client("admin") as admin:
        admin.delete("/api/v1/devices/box-stolen")
    (tmp_path / "box" / "state" / "credentials" / "grant.json").unlink()
    with RunningBox(tmp_path / "box", "box-stolen") as box:
        refused = error(enrol(hub, "box-stolen", "--host", box.host, "--yes"))
        assert (
            "the key of box box-stolen was revoked; delete it on the box, which then makes a new one"
            in refused
        )


def test_the_same_box_is_granted_again(tmp_path: Path, hub: RunningHub) -> None:
    for _ in range(2):
        with RunningBox(tmp_path / "box", "box-again") as box:
            assert enrol(hub, "box-again", "--host", box.host, "--yes").exit_code == 0
            credentials = box.wait_enrolled()
        asyncio.run(_publish(credentials))
        (box.settings.state_dir / "credentials" / "grant.json").unlink()


def test_an_enrolled_box_needs_nobody(tmp_path: Path, hub: RunningHub) -> None:
    with RunningBox(tmp_path / "box", "box-steady") as box:
        assert enrol(hub, "box-steady", "--host", box.host, "--yes").exit_code == 0
    with RunningBox(tmp_path / "box", "box-steady") as again:
        assert again.wait_enrolled().key.public == open_key(tmp_path / "box" / "state" / "credentials").public


def test_a_grant_for_another_site_is_not_used(tmp_path: Path, hub: RunningHub) -> None:
    with RunningBox(tmp_path / "box", "box-moved") as box:
        assert enrol(hub, "box-moved", "--host", box.host, "--yes").exit_code == 0
    moved = box.settings._replace(box=structs.replace(box.settings.box, site="astana"))
    with pytest.raises(SettingsRefused, match="belongs to site 'astana', not 'kosshy'; delete this file"):
        SetupMode(moved)


class _Liar:
    """Answers for a real box with a key of its own: what a machine between the two can do."""

    def __init__(self, box: RunningBox) -> None:
        import httpx

        self._real = httpx.Client(base_url=f"http://{box.host}", trust_env=False)
        self._endpoint = Endpoint(make_key(KeyKind.USER, os.urandom(32)), self._answer)

    def _answer(self, request: Request) -> Answer:
        from http import HTTPStatus

        import msgspec

        real = self._real.request(
            request.method, request.path, params={"nonce": request.nonce}, content=request.body
        )
        return Answer(HTTPStatus(real.status_code), msgspec.Raw(real.content))  # type: ignore[arg-type]


def test_whoever_sits_between_is_noticed(tmp_path: Path, hub: RunningHub) -> None:
    with RunningBox(tmp_path / "box", "box-lied") as box, _serving(_Liar(box)._endpoint) as host:
        assert "does not have the key that it shows; do not enrol it" in error(
            enrol(hub, "box-lied", "--host", host, "--yes")
        )
        assert box.credentials is None


@contextlib.contextmanager
def _serving(endpoint: Endpoint) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port = asyncio.run_coroutine_threadsafe(endpoint.start("127.0.0.1", 0), loop).result(10)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(endpoint.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


NONCE = "0" * 32


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /v1/card?nonce=%s HTTP/1.1\r\n\r\n" % NONCE.encode(), b"200"),
        (b"GET /v1/card HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /v1/card?nonce=short HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /../../etc/passwd?nonce=%s HTTP/1.1\r\n\r\n" % NONCE.encode(), b"404"),
        (b"POST /v1/grant?nonce=%s HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}" % NONCE.encode(), b"422"),
        (b"POST /v1/grant?nonce=%s HTTP/1.1\r\nContent-Length: 99999\r\n\r\n" % NONCE.encode(), b"400"),
        (b"POST /v1/grant?nonce=%s HTTP/1.1\r\nContent-Length: -1\r\n\r\n" % NONCE.encode(), b"422"),
        (b"\xff\xfe\x00\r\n\r\n", b"400"),
        (b"GET http://[ HTTP/1.1\r\n\r\n", b"400"),
        (b"A" * 20_000, b""),
        (b"GET /v1/card", b""),
    ],
)
def test_the_endpoint_bears_anything(tmp_path: Path, sent: bytes, status: bytes) -> None:
    with RunningBox(tmp_path / "box") as box:
        host, port = box.host.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while chunk := line.recv(65_536):
                    answer += chunk
        assert answer[9:12] == status
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(b"GET /v1/card?nonce=%s HTTP/1.1\r\n\r\n" % NONCE.encode())
            assert line.recv(12) == b"HTTP/1.1 200"
