"""A real bus for a bench: nats-server with JetStream, synced to disk as the hub's is, and a listener."""

import asyncio
import contextlib
import shutil
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from edge_agent.errors import EdgeError
from edge_agent.link.credentials import Credentials, Grant
from shared.codec import decode_batch
from shared.nkey import KeyKind, make_key
from shared.subjects import ALL_EVENTS, ALL_EVIDENCE, ALL_SOS

_READY_WITHIN_S = 10.0


class BenchBus:
    """``published`` is called with the id and revision of each report that the bus has."""

    def __init__(self, folder: Path, published: Callable[[bytes, int], None]) -> None:
        self._folder = folder
        self._published = published
        self._process: Process | None = None
        self._client: Client | None = None

    async def start(self) -> bool:
        """Start the server; False when nats-server is not installed."""
        beside = Path(sys.executable).parent / "nats-server"
        program = beside if beside.exists() else shutil.which("nats-server")
        if program is None:
            return False
        port = _free_port()
        self.url = f"nats://127.0.0.1:{port}"
        config = self._folder / "nats.conf"
        store = f'jetstream {{ store_dir: "{self._folder}/js", sync_interval: always }}'
        config.write_text(f'host: "127.0.0.1"\nport: {port}\nmax_payload: 1MB\n{store}\n')
        self._process = await asyncio.create_subprocess_exec(
            str(program), "-c", str(config), stdout=DEVNULL, stderr=DEVNULL
        )
        self._client = await self._connect()
        jetstream = self._client.jetstream()
        await jetstream.add_stream(name="EVT", subjects=[ALL_EVENTS, ALL_SOS])
        await jetstream.add_stream(name="EVID", subjects=[ALL_EVIDENCE])
        await self._client.subscribe(ALL_EVENTS, cb=self._hear)
        return True

    def credentials(self, box: str, site: str) -> Credentials:
        """This bus asks nobody who he is."""
        grant = Grant(jwt="", bus_urls=[self.url], site=site, hub_fingerprint="")
        return Credentials(box, make_key(KeyKind.USER, bytes(32)), grant)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def stop(self) -> None:
        if self._client:
            await self._client.close()
        if self._process:
            self._process.terminate()
            await self._process.wait()

    async def _connect(self) -> Client:
        deadline_s = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline_s:
            with contextlib.suppress(OSError, NatsError):
                return await nats.connect(
                    self.url, allow_reconnect=False, max_reconnect_attempts=1, error_cb=_ignore
                )
            await asyncio.sleep(0.05)
        raise EdgeError(f"nats-server did not answer within {_READY_WITHIN_S:g} s")

    async def _hear(self, message: Msg) -> None:
        for _, report in decode_batch(message.data).entries:
            self._published(report.event_id, report.revision)


async def _ignore(_: Exception) -> None:
    """The first attempts come before the server listens."""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
