"""``/health`` and ``/metrics``: what the agent says about itself to whoever watches the box."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

_MAX_REQUEST_BYTES = 8_192
_REQUEST_LIMIT_S = 5.0


class Sample(NamedTuple):
    """One number. Names follow Prometheus: base units, counters end in ``_total``."""

    name: str
    kind: str
    """``counter`` or ``gauge``."""
    help: str
    labels: Mapping[str, str]
    value: float


def exposition(samples: Iterable[Sample]) -> str:
    """The text format of Prometheus, version 0.0.4. Samples of one name must follow each other."""
    lines: list[str] = []
    last = ""
    for sample in samples:
        if sample.name != last:
            lines += [f"# HELP {sample.name} {sample.help}", f"# TYPE {sample.name} {sample.kind}"]
            last = sample.name
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
        lines.append(
            f"{sample.name}{{{labels}}} {sample.value:.15g}"
            if labels
            else f"{sample.name} {sample.value:.15g}"
        )
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class MetricsServer:
    """Answers GET on two paths and nothing else; one request a connection."""

    def __init__(self, samples: Callable[[], Iterable[Sample]], health: Callable[[], dict[str, Any]]) -> None:
        """``health`` gives what ``/health`` says; its ``status`` is ``ok`` or not."""
        self._samples = samples
        self._health = health
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port: the given one, or any free one for 0. Raises ``OSError``."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=_MAX_REQUEST_BYTES)
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(_REQUEST_LIMIT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head.split(b"\r\n", 1)[0].split(b" ")))
                await writer.drain()
        writer.close()

    def _answer(self, request: list[bytes]) -> bytes:
        match request:
            case [b"GET", b"/metrics", *_]:
                return _response("200 OK", "text/plain; version=0.0.4", exposition(self._samples()))
            case [b"GET", b"/health", *_]:
                health = self._health()
                status = "200 OK" if health["status"] == "ok" else "503 Service Unavailable"
                return _response(status, "application/json", json.dumps(health))
            case [b"GET", *_]:
                return _response("404 Not Found", "text/plain", "there are /health and /metrics\n")
        return _response("405 Method Not Allowed", "text/plain", "GET only\n")


def _response(status: str, content_type: str, text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode() + body
