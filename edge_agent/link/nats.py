"""One connection of a box to the bus. It never comes back by itself: when it is closed, build a new one."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from edge_agent.errors import HubBusy, LinkDenied, LinkFailed, MessageRefused
from edge_agent.link.credentials import Credentials
from shared.subjects import inbox_prefix

_CONNECT_WITHIN_S = 10.0
_ACK_WITHIN_S = 5.0
_PING_EVERY_S = 10
_PINGS_AWAY = 2
"""So many pings without an answer, and the link is given up: half-open, it lives three intervals at most."""
_HEARD_AT_ONCE = 64
"""Commands that wait; the hub asks again for what was dropped."""
_NEVER = {10054, 10060}
"""JetStream: larger than the stream takes; not the expected stream."""


class NatsLink:
    """``closed`` is set when it ended; ``denied`` says what the bus refused, if it did."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._client = Client()
        self.closed = asyncio.Event()
        self.denied: str | None = None

    async def open(self) -> None:
        """Connect and sign in. Raises ``LinkDenied`` or ``LinkFailed``."""
        mine = self._credentials
        try:
            async with _heeding_cancellation(), asyncio.timeout(_CONNECT_WITHIN_S):
                await self._client.connect(
                    list(mine.bus_urls),
                    user_jwt_cb=lambda: bytearray(mine.jwt.encode()),
                    signature_cb=lambda nonce: base64.b64encode(mine.key.sign(nonce.encode())),
                    inbox_prefix=inbox_prefix(mine.box).encode(),
                    pending_size=-1,  # keep nothing: what was not written now is still in the outbox
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    connect_timeout=3,
                    ping_interval=_PING_EVERY_S,
                    max_outstanding_pings=_PINGS_AWAY,
                    closed_cb=self._on_closed,
                    error_cb=self._on_error,
                )
        except (OSError, TimeoutError, NatsError, ValueError) as error:
            raise self._failure(error) from error

    async def publish(self, subject: str, body: bytes, message_id: str) -> bool:
        """Have the bus store a message; return whether it had it already.

        Raises ``MessageRefused`` (bury it), ``HubBusy`` (keep it, pause), ``LinkFailed`` (it may or may not
        have arrived: send it again with the same id over a new link).
        """
        reply = await self._request(subject, body, {"Nats-Msg-Id": message_id})
        answer = json.loads(reply)
        if "error" not in answer:
            return bool(answer.get("duplicate"))
        error = answer["error"]
        text = f"{error.get('description')} ({error.get('err_code')})"
        raise MessageRefused(text) if error.get("err_code") in _NEVER else HubBusy(text)

    async def ask(self, subject: str, body: bytes) -> bytes:
        """Ask the hub something. Raises ``HubBusy`` when it is not there, else ``LinkFailed``."""
        return await self._request(subject, body, None)

    async def tell(self, subject: str, body: bytes) -> None:
        """Say something that nobody stores. Raises ``LinkFailed``."""
        try:
            await self._client.publish(subject, body)
        except (OSError, TimeoutError, NatsError) as error:
            raise self._failure(error) from error

    async def hear(self, subject: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        """Have ``take`` called, one after the other, with what the hub sends. Raises ``LinkFailed``."""

        async def taken(message: Msg) -> None:
            await take(message.data)

        try:
            await self._client.subscribe(subject, cb=taken, pending_msgs_limit=_HEARD_AT_ONCE)
        except (OSError, TimeoutError, NatsError) as error:
            raise self._failure(error) from error

    async def close(self) -> None:
        """End the connection, in two seconds at most."""
        with contextlib.suppress(OSError, TimeoutError, NatsError):
            async with _heeding_cancellation(), asyncio.timeout(2):
                await self._client.close()

    async def _request(self, subject: str, body: bytes, headers: dict[str, str] | None) -> bytes:
        try:
            # A loop that asks again and again would outlive its link, and the link's end never be told.
            async with _heeding_cancellation():
                return (
                    await self._client.request(subject, body, timeout=_ACK_WITHIN_S, headers=headers)
                ).data
        except NoRespondersError as error:
            raise HubBusy(f"{subject}: nobody takes it") from error
        except (OSError, TimeoutError, NatsError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> LinkFailed:
        if self.denied:
            return LinkDenied(self.denied)
        return LinkFailed(str(error) or type(error).__name__)

    async def _on_closed(self) -> None:
        self.closed.set()

    async def _on_error(self, error: Exception) -> None:
        text = str(error).lower()
        if "permissions violation" in text or "authorization violation" in text or "authentication" in text:
            # A refused publish gets no reply at all: without this it would look like a slow hub for ever.
            self.denied = str(error)
            self.closed.set()


@contextlib.asynccontextmanager
async def _heeding_cancellation() -> AsyncIterator[None]:
    """The client's own waits can swallow a cancellation (``wait_for`` before Python 3.12)."""
    task = asyncio.current_task()
    assert task
    before = task.cancelling()
    try:
        yield
    finally:
        if task.cancelling() > before:
            raise asyncio.CancelledError
