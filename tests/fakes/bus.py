"""A real bus in a folder of its own: nats-server, the hub's connection, and boxes signed in by its keys."""

import asyncio
import base64
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from nats.aio.client import Client

from hub.bus.accounts import BusAccounts, Login, device_jwt, hub_login, make_accounts
from hub.bus.connection import HubBus
from hub.bus.embedded import EmbeddedNats
from hub.bus.keys import open_keys
from hub.bus.streams import make_streams
from shared.nkey import KeyKind, make_key
from shared.subjects import inbox_prefix

SITE = "kosshy"


def now_s() -> int:
    return int(time.time())


class RunningBus:
    """The server, what it is meant to hold, and the hub's connection to it."""

    def __init__(self, folder: Path) -> None:
        self.keys = open_keys(folder / "keys")
        self.accounts: BusAccounts = make_accounts(self.keys, now_s())
        self.server = EmbeddedNats(folder / "nats", self.accounts)
        self.hub = HubBus(self._url, lambda: hub_login(self.keys, now_s()))
        self.hub.on_connect(make_streams)

    def _url(self) -> str:
        return self.server.url

    def login(self, box: str, site: str = SITE) -> Login:
        """A new key for ``box`` and the hub's signature on it."""
        key = make_key(KeyKind.USER, os.urandom(32))
        return Login(device_jwt(self.keys, box=box, site=site, public_key=key.public, now_s=now_s()), key)

    async def sign_in(self, login: Login, box: str, said: list[str] | None = None) -> Client:
        """Connect as ``box``; what the server complains about is added to ``said``."""

        async def complain(error: Exception) -> None:
            if said is not None:
                said.append(str(error))

        client = Client()
        try:
            await client.connect(
                self.server.url,
                user_jwt_cb=lambda: bytearray(login.jwt.encode()),
                signature_cb=lambda nonce: base64.b64encode(login.key.sign(nonce.encode())),
                inbox_prefix=inbox_prefix(box).encode(),
                error_cb=complain,
                allow_reconnect=False,
                max_reconnect_attempts=1,
            )
        except BaseException:
            await client.close()
            raise
        return client

    async def events_stored(self) -> int:
        client = await self.hub.client()
        return (await client.jetstream().stream_info("EVT")).state.messages


@contextlib.asynccontextmanager
async def running_bus(folder: Path) -> AsyncIterator[RunningBus]:
    """Start the bus in ``folder``, wait for the hub's connection, and end all of it afterwards."""
    bus = RunningBus(folder)
    await bus.server.start()
    connection = asyncio.create_task(bus.hub.run())
    try:
        await bus.hub.client()
        yield bus
    finally:
        connection.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connection
        await bus.server.stop()
