"""The technician's side of an enrolment: see which box it is, have the hub grant it, hand the grant over."""

import contextlib
import hashlib
import os
from typing import Any, TypeVar

import httpx
import msgspec

from edge_agent.errors import EnrolmentFailed
from edge_agent.link.credentials import Grant
from edge_agent.provisioning.wire import (
    CARD_PATH,
    GRANT_PATH,
    MAX_BODY_BYTES,
    SIGNATURE_HEADER,
    Card,
    Fault,
    Kept,
    is_from,
)
from shared.nkey import fingerprint

_WITHIN_S = 10.0
T = TypeVar("T", Card, Kept)


class BoxLine:
    """Talks to one box. Every answer must be signed with the key that its card shows."""

    def __init__(self, host: str) -> None:
        """``host`` is HOST:PORT."""
        self._host = host
        self._http = httpx.Client(
            base_url=f"http://{host}", timeout=_WITHIN_S, follow_redirects=False, trust_env=False
        )

    def close(self) -> None:
        self._http.close()

    def card(self) -> Card:
        """Who the box is, proved with its key. Raises ``EnrolmentFailed``."""
        nonce = os.urandom(16).hex()
        body, signature = self._ask("GET", CARD_PATH, nonce)
        card = self._decode(body, Card)
        if not is_from(card.nkey_public, nonce, body, signature):
            raise EnrolmentFailed(f"{self._host}: it does not have the key that it shows", "do not enrol it")
        return card

    def hand_over(self, card: Card, grant: Grant) -> None:
        """Give the box what the hub granted it, and see that exactly this arrived there."""
        nonce = os.urandom(16).hex()
        sent = msgspec.json.encode(grant)
        body, signature = self._ask("POST", GRANT_PATH, nonce, sent)
        kept = self._decode(body, Kept)
        is_signed = is_from(card.nkey_public, nonce, body, signature)
        if not is_signed or kept.digest != hashlib.sha256(sent).hexdigest():
            raise EnrolmentFailed(
                f"{self._host}: another machine answered, or changed what was sent",
                f"revoke box {card.id} at the hub and look for who sits between",
            )

    def _ask(self, method: str, path: str, nonce: str, body: bytes = b"") -> tuple[bytes, str]:
        try:
            with self._http.stream(method, path, params={"nonce": nonce}, content=body) as response:
                raw = _bounded(response)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise EnrolmentFailed(
                f"{self._host}: no box answers ({error})", "check its power, its cable and the address"
            ) from error
        if response.status_code != 200:
            raise EnrolmentFailed(f"{self._host}: {_detail(raw)}", "nothing was changed on the box")
        return raw, response.headers.get(SIGNATURE_HEADER, "")

    def _decode(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EnrolmentFailed(
                f"{self._host}: this is no Saqshy box ({error})", "check the address"
            ) from error


class HubLine:
    """Talks to the hub as a signed-in technician."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=_WITHIN_S, follow_redirects=False)

    def close(self) -> None:
        """End the session there and the connection."""
        with contextlib.suppress(httpx.HTTPError):
            self._http.delete("/api/v1/session")
        self._http.close()

    def sign_in(self, username: str, password: str) -> None:
        """Begin a session. Raises ``EnrolmentFailed``."""
        self._post("/api/v1/session", {"username": username, "password": password})

    def enrol(self, card: Card, site: str) -> Grant:
        """Have the hub let the box in. Raises ``EnrolmentFailed``."""
        wanted = {
            "box": card.id,
            "site": site,
            "nkey_public": card.nkey_public,
            "serial": card.serial,
            "fingerprint": fingerprint(card.nkey_public),
        }
        body = self._post("/api/v1/devices", wanted)
        try:
            return msgspec.json.decode(body, type=Grant)
        except ValueError as error:
            raise EnrolmentFailed(
                f"{self._url}: not a hub of this version ({error})", "upgrade both"
            ) from error

    def _post(self, path: str, body: dict[str, Any]) -> bytes:
        try:
            response = self._http.post(path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EnrolmentFailed(
                f"{self._url}: the hub does not answer ({error})", "check --hub and the network"
            ) from error
        if response.status_code not in (200, 201):
            what = _detail(response.content)
            raise EnrolmentFailed(f"{self._url}: {what}", "nothing was changed on the box")
        return response.content


def _bounded(response: httpx.Response) -> bytes:
    raw = b""
    for chunk in response.iter_bytes():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise ValueError("its answer is too long")
    return raw


def _detail(body: bytes) -> str:
    """What the other side says is wrong; both say it in ``detail``."""
    try:
        text = msgspec.json.decode(body, type=Fault).detail
    except ValueError:
        return "it refuses without a reason"
    return "".join(c if c.isprintable() else "?" for c in text)
