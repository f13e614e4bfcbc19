"""Names of sites, boxes, cameras and zones, and the ids of events and batches."""

import re
from typing import Annotated

from msgspec import Meta

IDENTITY_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z"
"""One lower-case NATS token: never ``.``, ``*``, ``>``, white space or a trailing newline."""

Identity = Annotated[str, Meta(pattern=IDENTITY_PATTERN, max_length=63)]
EventId = Annotated[bytes, Meta(min_length=16, max_length=16)]
BatchId = Annotated[bytes, Meta(min_length=16, max_length=16)]
Epoch = Annotated[bytes, Meta(min_length=8, max_length=8)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]

_IDENTITY = re.compile(IDENTITY_PATTERN)


def check_identity(text: str, field: str) -> str:
    """Return ``text`` when it can name a thing, else raise ``ValueError`` that names ``field``."""
    if not _IDENTITY.match(text):
        raise ValueError(
            f"{field}: {text[:80]!r} is not a name; use 1 to 63 of a-z, 0-9 and '-', "
            "with a letter or digit at both ends"
        )
    return text


def time_ordered_id(unix_ms: int, randomness: bytes) -> bytes:
    """Make a 128-bit id that sorts by time: the layout of UUID version 7 (RFC 9562 §5.7).

    ``unix_ms`` is UTC in milliseconds, 0 to 2**48 - 1; ``randomness`` is 10 bytes from the caller, since
    nothing here may draw chance.
    """
    if not 0 <= unix_ms < 1 << 48:
        raise ValueError(f"unix_ms: {unix_ms} is outside 0 to 2**48 - 1")
    if len(randomness) != 10:
        raise ValueError(f"randomness: {len(randomness)} bytes given, 10 needed")
    head = bytearray(unix_ms.to_bytes(6, "big") + randomness)
    head[6] = (head[6] & 0x0F) | 0x70
    head[8] = (head[8] & 0x3F) | 0x80
    return bytes(head)
