"""The box's small HTTP endpoint for its set-up: two routes, one request a connection, all of it bounded."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from edge_agent.errors import SettingsRefused
from edge_agent.provisioning.wire import MAX_BODY_BYTES, NONCE, SIGNATURE_HEADER, Fault, sign
from shared.nkey import Key

_log = logging.getLogger(__name__)

_MAX_HEAD_BYTES = 8_192
_REQUEST_WITHIN_S = 5.0
_MAX_CONNECTIONS = 16
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,6})[ \t]*\r\n", re.IGNORECASE)


class Request(NamedTuple):
    """What was asked."""

    method: str
    path: str
    nonce: str
    body: bytes


class Answer(NamedTuple):
    """What is answered, as JSON."""

    status: HTTPStatus
    body: msgspec.Struct


class RequestRefused(Exception):
    """The bytes are no request that is answered here."""


class Endpoint:
    """Answers with ``answer(request)``, signed with the box's key."""

    def __init__(self, key: Key, answer: Callable[[Request], Answer]) -> None:
        self._key = key
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._places = asyncio.Semaphore(_MAX_CONNECTIONS)

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port. Raises ``SettingsRefused`` when it is taken."""
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=_MAX_HEAD_BYTES)
        except OSError as error:
            raise SettingsRefused(
                "box.setup_port",
                f"{host}:{port} cannot be listened on ({error.strerror})",
                "give another, or 0",
            ) from error
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no longer."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self._places.locked():
                async with self._places, asyncio.timeout(_REQUEST_WITHIN_S):
                    writer.write(await self._respond(reader))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # who cannot ask gets no answer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _respond(self, reader: asyncio.StreamReader) -> bytes:
        nonce = ""
        try:
            request = await _read(reader)
            nonce = request.nonce
            status, body = self._answer(request)
        except RequestRefused as error:
            status, body = HTTPStatus.BAD_REQUEST, Fault(str(error))
        raw = msgspec.json.encode(body)
        signature = sign(self._key, nonce, raw) if nonce else ""
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(raw)}\r\n{SIGNATURE_HEADER}: {signature}\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + raw


async def _read(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    line = head.split(b"\r\n", 1)[0].decode("ascii", "replace").split(" ")
    if len(line) != 3 or not line[2].startswith("HTTP/1."):
        raise RequestRefused("this is not HTTP/1.1")
    method, target, _ = line
    try:
        url = urlsplit(target)
        nonce = parse_qs(url.query).get("nonce", [""])[0]
    except ValueError as error:
        raise RequestRefused("the address cannot be read") from error
    if not NONCE.match(nonce):
        raise RequestRefused("nonce: 32 hex digits are wanted")
    found = _LENGTH.search(head)
    length = int(found.group(1)) if found else 0
    if length > MAX_BODY_BYTES:
        raise RequestRefused(f"body: at most {MAX_BODY_BYTES} bytes are taken")
    return Request(method, url.path, nonce, await reader.readexactly(length))
