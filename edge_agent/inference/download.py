"""Fetching a model from a pinned address: the file is the one whose sha256 was given, or there is no file."""

import hashlib
import ipaddress
import time
from pathlib import Path
from typing import BinaryIO

import httpx

from edge_agent.errors import DownloadFailed, ModelRefused
from edge_agent.inference.model import LARGEST_MODEL_BYTES

SILENCE_LIMIT_S = 15.0
"""How long a server may say nothing."""
WHOLE_LIMIT_S = 900.0
"""How long all of it may take: 200 MB over a slow mobile uplink, but not for ever."""
_REDIRECT_LIMIT = 3
_CHUNK_BYTES = 65_536


def fetch(
    url: str,
    sha256: str,
    target: Path,
    *,
    limit_bytes: int = LARGEST_MODEL_BYTES,
    whole_limit_s: float = WHOLE_LIMIT_S,
) -> None:
    """Stream a file to ``target``, which is written only when its size and sha256 are right.

    Only ``https`` is followed, and ``http`` to this machine; redirects only on the same host and port.

    Raises:
        ModelRefused: an address that may not be followed, or another file than ``sha256`` means.
        DownloadFailed: nobody answers in time, an error answer, a cut or an over-long file.
    """
    address = _checked_address(url)
    partial = target.with_name(target.name + ".partial")
    try:
        with partial.open("wb") as out, _client(address) as client:
            found = _stream(client, address, out, limit_bytes, time.monotonic() + whole_limit_s)
        if found != sha256.lower():
            raise ModelRefused(
                url, f"sha256 is {found}, not {sha256}", "ask who gave you the sum; do not use the file"
            )
        partial.replace(target)
    except httpx.HTTPError as fault:
        raise DownloadFailed(
            f"{url}: {str(fault) or type(fault).__name__}; check the network and try again"
        ) from fault
    finally:
        partial.unlink(missing_ok=True)


def _checked_address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as fault:
        raise ModelRefused(url, f"not an address ({fault})", "give an https:// address") from fault
    if address.userinfo:
        raise ModelRefused(
            str(address.copy_with(userinfo=b"")), "holds a password", "give an address without one"
        )
    if address.scheme == "https" and address.host:
        return address
    if address.scheme == "http" and _is_this_machine(address.host):
        return address
    raise ModelRefused(url, "only https is followed (http only to this machine)", "give an https:// address")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _client(address: httpx.URL) -> httpx.Client:
    # A proxy of the environment must not stand between this machine and itself.
    return httpx.Client(timeout=SILENCE_LIMIT_S, trust_env=not _is_this_machine(address.host))


def _stream(client: httpx.Client, address: httpx.URL, out: BinaryIO, limit_bytes: int, until: float) -> str:
    """The body into ``out``; returns its sha256."""
    for _ in range(_REDIRECT_LIMIT + 1):
        with client.stream("GET", address) as answer:
            if not answer.has_redirect_location:
                return _take(answer, out, limit_bytes, until)
            onward = address.join(answer.headers["location"])
        if (onward.scheme, onward.host, onward.port) != (address.scheme, address.host, address.port):
            raise ModelRefused(
                str(address), f"redirects to another place ({onward})", "give the final address"
            )
        address = onward
    raise DownloadFailed(f"{address}: redirects without end; give the final address")


def _take(answer: httpx.Response, out: BinaryIO, limit_bytes: int, until: float) -> str:
    if answer.status_code != httpx.codes.OK:
        raise DownloadFailed(f"{answer.url}: the server answers {answer.status_code}; check the address")
    digest, taken = hashlib.sha256(), 0
    for chunk in answer.iter_bytes(_CHUNK_BYTES):
        taken += len(chunk)
        if taken > limit_bytes:
            raise DownloadFailed(f"{answer.url}: larger than {limit_bytes} bytes; this is no model for a box")
        if time.monotonic() > until:
            raise DownloadFailed(f"{answer.url}: takes too long; try again on a faster network")
        digest.update(chunk)
        out.write(chunk)
    return digest.hexdigest()
