"""The hub's own connection to the bus. A NATS client that was closed stays closed, so a new one is built."""

# pyright: reportUnknownMemberType=false
# nats-py leaves its keyword arguments untyped.

import asyncio
import base64
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.errors import Error as NatsError

from hub.bus.accounts import Login
from hub.bus.errors import BusAway

_log = logging.getLogger(__name__)

Prepare = Callable[[Client], Awaitable[None]]
_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_CONNECT_WITHIN_S = 10.0


async def connect(url: str, login: Login, closed: Callable[[], Awaitable[None]] | None = None) -> Client:
    """Build one client; it never comes back by itself. Raises ``BusAway``."""

    async def said(error: Exception) -> None:
        _log.warning("bus: %s", error)

    def sign(nonce: str) -> bytes:
        return base64.b64encode(login.key.sign(nonce.encode()))

    client = Client()
    try:
        async with asyncio.timeout(_CONNECT_WITHIN_S):
            await client.connect(
                url,
                user_jwt_cb=lambda: bytearray(login.jwt.encode()),
                signature_cb=sign,
                inbox_prefix=b"_INBOX_-hub",
                pending_size=-1,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                connect_timeout=3,
                ping_interval=10,
                max_outstanding_pings=2,
                closed_cb=closed,
                error_cb=said,
            )
    except (OSError, TimeoutError, NatsError) as error:
        await end(client)
        raise BusAway(f"{url}: {error or type(error).__name__}") from error
    return client


def end_if_cancelled() -> None:
    """The client's own waits can swallow a cancellation (``wait_for`` before Python 3.12)."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


async def end(client: Client) -> None:
    """Close a client, in two seconds at most, whatever state it is in."""
    with contextlib.suppress(NatsError, TimeoutError, OSError):
        async with asyncio.timeout(2):
            await client.close()


class HubBus:
    """Keeps one connected client as long as ``run`` runs.

    ``on_connect`` adds what every new client must do first (create streams, subscribe); a client counts as
    connected when all of it succeeded.
    """

    def __init__(self, url: Callable[[], str], login: Callable[[], Login]) -> None:
        self._url = url
        self._login = login
        self._prepare: list[Prepare] = []
        self._client: Client | None = None
        self._connected = asyncio.Event()
        self.connects = 0

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    def on_connect(self, prepare: Prepare) -> None:
        """Have ``prepare`` run with every new client; call it before ``run``."""
        self._prepare.append(prepare)

    async def client(self) -> Client:
        """The connected client; waits while there is none."""
        while True:
            await self._connected.wait()
            if self._client is not None and not self._client.is_closed:
                return self._client
            await asyncio.sleep(_PAUSE_S)

    async def run(self) -> None:
        """Connect, and connect again after each loss, until cancelled."""
        pause_s = _PAUSE_S
        while True:
            connects = self.connects
            try:
                await self.run_once()
            except (BusAway, NatsError, TimeoutError, OSError) as error:
                _log.warning("bus away: %s", error)
            end_if_cancelled()
            pause_s = _PAUSE_S if self.connects > connects else min(pause_s * 2, _LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 (spreads the attempts only)

    async def run_once(self) -> None:
        """One connection, from its beginning to its end."""
        closed = asyncio.Event()

        async def on_closed() -> None:
            closed.set()

        client = await connect(self._url(), self._login(), on_closed)
        try:
            for prepare in self._prepare:
                await prepare(client)
            end_if_cancelled()
            self._client = client
            self.connects += 1
            self._connected.set()
            await closed.wait()
        finally:
            self._connected.clear()
            self._client = None
            await end(client)
