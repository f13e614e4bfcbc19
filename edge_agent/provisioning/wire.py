"""What a box and the technician's program say to each other during set-up.

Plain HTTP: nothing secret crosses. The box's key stays on it, and what the hub grants is worth nothing
without that key. What counts is that the answer comes from this box: each is signed with its key over the
asker's nonce, and the technician compares the key's fingerprint.
"""

import base64
import binascii
import re
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from edge_agent.link.credentials import Grant
from shared.identity import Identity
from shared.nkey import Key, is_signed_by

SERVICE = "_saqshy-edge._tcp.local."
API = "1"
CARD_PATH = "/v1/card"
GRANT_PATH = "/v1/grant"
SIGNATURE_HEADER = "Saqshy-Signature"
MAX_BODY_BYTES = 16_384
_PURPOSE = b"saqshy box set-up 1\0"

NONCE = re.compile(r"[0-9a-f]{32}\Z")
Text = Annotated[str, Meta(max_length=128)]


class SetupState(StrEnum):
    """What a box says of itself before anybody knows it."""

    NEW = "new"
    """It waits for its enrolment."""
    OK = "ok"
    """It is enrolled."""
    FAULT = "fault"
    """It cannot work; its log says why."""


class Card(Struct, frozen=True):
    """Who a box is."""

    id: Identity
    site: Identity | None
    serial: Text
    nkey_public: Text
    state: SetupState
    agent_version: Text


class Kept(Struct, frozen=True):
    """The box has stored a grant: the SHA-256 (hex) of the bytes that it got."""

    digest: Text


class Fault(Struct, frozen=True):
    """The box refuses, and says why."""

    detail: Annotated[str, Meta(max_length=512)]


def sign(key: Key, nonce: str, body: bytes) -> str:
    """Sign an answer for the asker who sent ``nonce`` (32 hex digits)."""
    return base64.b64encode(key.sign(_PURPOSE + bytes.fromhex(nonce) + body)).decode()


def is_from(nkey_public: str, nonce: str, body: bytes, signature: str) -> bool:
    """Whether the box with this key gave this answer to this nonce."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return is_signed_by(nkey_public, _PURPOSE + bytes.fromhex(nonce) + body, raw)


def grant_fault(grant: Grant, box: str, nkey_public: str) -> str | None:
    """Why these credentials are not this box's, or None."""
    try:
        body = grant.jwt.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Claims)
    except (IndexError, ValueError) as error:
        return f"jwt: cannot be read ({error})"
    if claims.sub != nkey_public:
        return "jwt: it is made for another key"
    if claims.name != box:
        return f"jwt: it is made for box {claims.name!r}, this is {box!r}"
    if claims.nats.tags != [f"site:{grant.site}"]:
        return f"jwt: it is not made for site {grant.site!r}"
    if not grant.bus_urls or not all(re.match(r"(nats|tls)://[^\s/@]+:\d+\Z", url) for url in grant.bus_urls):
        return "bus_urls: addresses like nats://hub:4222 are wanted"
    return None


class _UserClaims(Struct, frozen=True):
    tags: list[str]


class _Claims(Struct, frozen=True):
    sub: str
    name: str
    nats: _UserClaims
