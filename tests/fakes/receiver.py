"""A real HTTP receiver that keeps what it got, and that fails, dawdles or breaks off as its script says."""

import hashlib
import hmac
import json
import socket
import struct
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


@dataclass
class Answer:
    """How to answer one request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    wait_s: float = 0.0
    breaks_off: bool = False
    """Take the message, then reset the connection: the sender cannot know."""


class Delivery(NamedTuple):
    """One request as it came."""

    at_s: float
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Check the signature as a receiver's documentation tells it to."""
        fields = dict(part.split("=", 1) for part in self.headers["saqshy-signature"].split(","))
        signed = f"{fields['t']}.".encode() + self.body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(fields["v1"], expected)


class Receiver:
    """Answers by its script, then with ``otherwise``."""

    def __init__(self, script: Iterable[Answer] = (), otherwise: Answer | None = None) -> None:
        self.deliveries: list[Delivery] = []
        self.script = list(script)
        self.otherwise = otherwise or Answer()
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def keys(self) -> list[str]:
        return [delivery.key for delivery in self.deliveries]

    def wait_for(self, count: int, within_s: float = 30) -> list[Delivery]:
        """Return as soon as ``count`` requests have come."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.deliveries) >= count, within_s)
            assert enough, f"{len(self.deliveries)} of {count} deliveries came in {within_s} s"
            return list(self.deliveries)

    def _take(self, delivery: Delivery) -> Answer:
        with self._changed:
            self.deliveries.append(delivery)
            self._changed.notify_all()
            return self.script.pop(0) if self.script else self.otherwise

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = receiver._take(Delivery(time.time(), headers, body))
                time.sleep(answer.wait_s)
                if answer.breaks_off:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    self.connection.close()
                    return
                self._say(answer)

            def _say(self, answer: Answer) -> None:
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:
                    self.close_connection = True

            def finish(self) -> None:
                try:
                    super().finish()
                except (OSError, ValueError):
                    self.close_connection = True

            def log_message(self, *args: object) -> None:
                return

        return Handler
