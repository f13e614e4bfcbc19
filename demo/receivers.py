"""The demo's agencies: two small web servers that take the hub's web hooks, check them and keep them."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

_MAX_BODY_BYTES = 256 * 1024


class Delivery(NamedTuple):
    """One web hook that arrived and was signed with the agency's secret."""

    agency: str
    idempotency_key: str
    body: dict[str, Any]


def signature_holds(secret: str, header: str, body: bytes) -> bool:
    """Check a ``Saqshy-Signature: t=<unix>,v1=<hex>`` header against the body."""
    parts = {name: value for name, _, value in (part.partition("=") for part in header.split(","))}
    signed = parts.get("t", "").encode() + b"." + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts.get("v1", ""))


class Receiver:
    """An agency's end of the line. ``on_delivery`` is called from the server's thread, once per key."""

    def __init__(self, agency: str, secret: str, on_delivery: Callable[[Delivery], None]) -> None:
        self.agency, self.secret = agency, secret
        self._on_delivery = on_delivery
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length", 0)), _MAX_BODY_BYTES)
                self.send_response(receiver.take(dict(self.headers), self.rfile.read(length)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """The demo prints deliveries itself."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/incidents"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name=f"receiver-{agency}", daemon=True
        )

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Take one request; returns the HTTP status to answer with."""
        lower = {name.lower(): value for name, value in headers.items()}
        if not signature_holds(self.secret, lower.get("saqshy-signature", ""), body):
            return 401
        key = lower.get("idempotency-key", "")
        with self._lock:
            is_new = key not in self._seen
            self._seen.add(key)
        if is_new:
            self._on_delivery(Delivery(self.agency, key, json.loads(body)))
        return 204

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
