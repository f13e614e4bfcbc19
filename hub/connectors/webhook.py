"""A signed JSON message by HTTP POST.

    Saqshy-Signature: t=<UTC seconds>,v1=<hex of HMAC-SHA256(secret, "<t>.<body>")>
    Idempotency-Key: the same at each attempt
    {"version": 1, "type": "incident.opened", "id": …, "at": …, "incident": {…}, "text": {"kk", "ru", "en"}}

A receiver checks the signature, refuses a ``t`` more than 5 minutes old, and answers 2xx within 5 s.
"""

import asyncio
import contextlib
import hashlib
import hmac
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from hub.connectors import answers
from hub.connectors.letter import Letter
from hub.connectors.texts import in_words
from hub.domain.dispatch import Answer
from hub.domain.instants import instant

VERSION = 1
MAX_ANSWER_BYTES = 65_536


class Webhook:
    """Sends letters to HTTP receivers. Redirects are not followed, proxies of the environment not used."""

    def __init__(self, timeout_s: float, now_s: Callable[[], float]) -> None:
        self._timeout_s = timeout_s
        self._now_s = now_s
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            timeout=timeout_s,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
        )

    async def deliver(self, letter: Letter) -> Answer:
        """Try once, within the time-out as a whole."""
        body = compose(letter)
        headers = {
            "content-type": "application/json",
            "user-agent": "saqshy",
            "idempotency-key": letter.idempotency_key,
            "saqshy-signature": signature(letter.secret, body, int(self._now_s())),
        }
        try:
            async with asyncio.timeout(self._timeout_s):
                request = self._client.build_request("POST", letter.url, content=body, headers=headers)
                response = await self._client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as error:
            return answers.of_error(error)
        text = await self._words_of(response)
        return answers.of_response(
            response.status_code, response.headers.get("retry-after"), text, self._now_s()
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def _words_of(self, response: httpx.Response) -> str:
        """What the answer says. The status has decided already, so an answer that is too long, too slow or
        breaks off costs nothing but its words."""
        read = bytearray()
        with contextlib.suppress(httpx.HTTPError, TimeoutError, OSError):
            async with asyncio.timeout(self._timeout_s):
                async for chunk in response.aiter_raw():
                    read += chunk
                    if len(read) > MAX_ANSWER_BYTES:
                        break
        with contextlib.suppress(httpx.HTTPError, OSError):
            await response.aclose()
        return bytes(read[:1_000]).decode(errors="replace")


def compose(letter: Letter) -> bytes:
    """The body: the same bytes at each attempt."""
    incident = _readable(letter.notice["incident"])
    return msgspec.json.encode(
        {
            "version": VERSION,
            "type": f"incident.{letter.message}",
            "id": letter.idempotency_key,
            "at": instant(letter.notice["at_us"]),
            "incident": incident,
            "text": in_words(incident),
        }
    )


def signature(secret: str, body: bytes, at_s: int) -> str:
    """The value of the signature's header."""
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v1={mac.hexdigest()}"


def _readable(facts: dict[str, Any]) -> dict[str, Any]:
    """Instants as text: ``opened_at_us`` becomes ``opened_at``."""
    return {
        name.removesuffix("_us") if name.endswith("_at_us") else name: (
            instant(value) if name.endswith("_at_us") and value is not None else value
        )
        for name, value in facts.items()
    }
