"""The HTTP server, in the hub's own event loop.

Headers that claim another client address or host are not believed; a reverse proxy is told so in
``hub.toml`` (``public_url``). A client that stops reading is cut off by the kernel after half a minute.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator

import uvicorn
from litestar import Litestar

from hub.errors import StartRefused

_STALLED_MS = 30_000
_SEND_BUFFER_BYTES = 131_072
"""Left to itself the kernel would hold up to 4 MiB for a page that does not read."""
_STOP_WITHIN_S = 3
_BACKLOG = 512
_MAX_CONNECTIONS = 1_000


def listen(host: str, port: int) -> socket.socket:
    """Take the port, before anything else is started. Port 0 takes any. Raises ``StartRefused``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(host, port, error) from error
    return listener


class PortTaken(StartRefused):
    """Another program listens on the port."""


def _refusal(host: str, port: int, error: OSError) -> StartRefused:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(f"port {port} of {host} is taken", "stop the program that has it, or give --port 0")
    if error.errno == errno.EACCES:
        return StartRefused(f"port {port} may not be opened by this user", "use a port above 1023")
    return StartRefused(f"host {host!r}: {error.strerror}", "give an address of this machine with --host")


class Server(uvicorn.Server):
    """Serves until ``stop``. Signals are the hub's business, not the server's."""

    def __init__(self, app: Litestar) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=_BACKLOG,
                limit_concurrency=_MAX_CONNECTIONS,
                timeout_graceful_shutdown=_STOP_WITHIN_S,
            )
        )
        self.is_up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    def stop(self) -> None:
        """Take no new requests, and end when those in work are answered, at most 3 s later."""
        self.should_exit = True
