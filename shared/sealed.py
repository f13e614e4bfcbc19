"""Sealed clips: layout, signed manifest, and opening. Making one draws chance and is the box's matter.

::

    "EVS1" | u32 header length | header (JSON) | 24 bytes | { u32 length | chunk }*      numbers big-endian

The header names the recipients and holds the file's key once for each, in a libsodium sealed box (X25519).
The chunks are a libsodium secretstream (XChaCha20-Poly1305) that authenticates the header with each of them
and ends in a chunk marked as the last. The manifest names the SHA-256 of it all and is signed by the box.

What was sealed is the video (``Manifest.video_bytes``), and after it, in an original, what the box needs to
make a redacted one of it.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    crypto_secretstream_xchacha20poly1305_init_pull,
    crypto_secretstream_xchacha20poly1305_pull,
    crypto_secretstream_xchacha20poly1305_state,
    crypto_secretstream_xchacha20poly1305_TAG_FINAL,
)
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from shared.identity import Identity
from shared.nkey import is_signed_by

MAGIC = b"EVS1"
LENGTH = struct.Struct(">I")
CHUNK_BYTES = 65_536
FILE_KEY_BYTES = 32
STREAM_HEADER_BYTES = crypto_secretstream_xchacha20poly1305_HEADERBYTES
MAX_HEADER_BYTES = 2_048
MAX_MANIFEST_BYTES = 4_096
MAX_EVENTS = 16
"""As many events share one clip at most."""
_CHUNK_OVERHEAD = 17
_MANIFEST_PURPOSE = b"saqshy evidence manifest 1\0"

Hex16 = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Hex32 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Micros = Annotated[int, Meta(ge=0, lt=1 << 53)]
Size = Annotated[int, Meta(ge=0, lt=1 << 40)]
Read = Callable[[int], bytes]


class SealBroken(ValueError):
    """A sealed clip is not what its box sealed; the text says where it shows."""


class Form(IntEnum):
    """What of a clip is meant."""

    ORIGINAL = 0
    """As the camera sent it."""
    REDACTED = 1
    """Made anew, picture by picture, heads and plates unreadable."""


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a box says of a clip that it has sealed."""

    version: Annotated[int, Meta(ge=1, le=1)]
    box: Identity
    camera: Identity
    form: Form
    events: Annotated[list[Hex16], Meta(min_length=1, max_length=MAX_EVENTS)]
    """All that the clip shows; the first is the one that it was begun for."""
    lane: Annotated[int, Meta(ge=0, le=15)]
    """The most important event's: 0 is SOS."""
    begins_at_us: Micros
    ends_at_us: Micros
    is_whole: bool
    """False when the camera or its decoder went away before the end."""
    sealed_sha256: Hex32
    sealed_bytes: Size
    header_sha256: Hex32
    video_sha256: Hex32
    video_bytes: Size
    plain_bytes: Size
    """The video and the regions after it."""
    chunks: Size


class SignedManifest(Struct, frozen=True, forbid_unknown_fields=True):
    """A manifest's exact text with the box's signature over it."""

    manifest: Annotated[str, Meta(max_length=MAX_MANIFEST_BYTES)]
    signature: Annotated[str, Meta(max_length=88)]


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands before the chunks."""

    version: Annotated[int, Meta(ge=1, le=1)]
    to: Annotated[dict[Annotated[str, Meta(max_length=32)], str], Meta(min_length=1, max_length=4)]
    """Recipient → the file's key, sealed to it, base 64."""


def recipient_id(public_key: bytes) -> str:
    """Name a recipient by its X25519 public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def to_be_signed(manifest: str) -> bytes:
    """What the box's signature covers."""
    return _MANIFEST_PURPOSE + manifest.encode()


def read_manifest(signed: bytes, box_public_key: str) -> Manifest:
    """Read a signed manifest. Raises ``SealBroken`` when this box did not sign exactly this."""
    if len(signed) > 2 * MAX_MANIFEST_BYTES:
        raise SealBroken("manifest: too long")
    try:
        both = msgspec.json.decode(signed, type=SignedManifest)
        signature = base64.b64decode(both.signature, validate=True)
    except (ValueError, binascii.Error) as error:
        raise SealBroken(f"manifest: not one ({error})") from None
    if not is_signed_by(box_public_key, to_be_signed(both.manifest), signature):
        raise SealBroken("manifest: it is not signed by this box, or was changed afterwards")
    try:
        return msgspec.json.decode(both.manifest.encode(), type=Manifest)
    except ValueError as error:
        raise SealBroken(f"manifest: {error}") from None


def read_header(read: Read) -> tuple[Header, bytes]:
    """Read the beginning of a sealed clip; gives also the header's exact bytes."""
    if _exactly(read, len(MAGIC)) != MAGIC:
        raise SealBroken("file: not a sealed clip")
    (length,) = LENGTH.unpack(_exactly(read, LENGTH.size))
    if length > MAX_HEADER_BYTES:
        raise SealBroken("header: too long")
    raw = _exactly(read, length)
    try:
        return msgspec.json.decode(raw, type=Header), raw
    except ValueError as error:
        raise SealBroken(f"header: {error}") from None


def unseal_key(header: Header, secret: bytes) -> bytes:
    """The file's key, for a recipient's X25519 ``secret``. Raises ``SealBroken`` for anybody else."""
    mine = PrivateKey(secret)
    text = header.to.get(recipient_id(bytes(mine.public_key)))
    if text is None:
        raise SealBroken("header: this clip is sealed to another key than this hub's")
    try:
        key = SealedBox(mine).decrypt(base64.b64decode(text))
    except (CryptoError, ValueError):
        raise SealBroken("header: the clip's key does not open with this hub's") from None
    if len(key) != FILE_KEY_BYTES:
        raise SealBroken("header: the clip's key has the wrong length")
    return key


def open_chunks(read: Read, key: bytes, manifest: Manifest) -> Iterator[bytes]:
    """Give what was sealed, chunk by chunk, each proved genuine before it is given.

    ``read`` stands at the file's beginning. Raises ``SealBroken`` at the first chunk that is not genuine, and
    at the end when something is missing or left over.
    """
    digest = hashlib.sha256()
    size = 0

    def noted(count: int) -> bytes:
        nonlocal size
        piece = read(count)
        digest.update(piece)
        size += len(piece)
        return piece

    _, raw = read_header(noted)
    binding = hashlib.sha256(raw).digest()
    if binding.hex() != manifest.header_sha256:
        raise SealBroken("header: not the one of the manifest")
    count = 0
    for chunk in _pull(noted, key, binding):
        count += 1
        yield chunk
    if read(1):
        raise SealBroken("file: there are bytes after its end")
    if (digest.hexdigest(), size, count) != (manifest.sealed_sha256, manifest.sealed_bytes, manifest.chunks):
        raise SealBroken("file: not the one of the manifest")


def _pull(read: Read, key: bytes, binding: bytes) -> Iterator[bytes]:
    state = crypto_secretstream_xchacha20poly1305_state()
    crypto_secretstream_xchacha20poly1305_init_pull(state, _exactly(read, STREAM_HEADER_BYTES), key)
    number, tag = 0, -1
    while tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL:
        (length,) = LENGTH.unpack(_exactly(read, LENGTH.size))
        if not _CHUNK_OVERHEAD <= length <= CHUNK_BYTES + _CHUNK_OVERHEAD:
            raise SealBroken(f"chunk {number}: of an impossible length")
        sealed = _exactly(read, length)
        try:
            chunk, tag = crypto_secretstream_xchacha20poly1305_pull(state, sealed, binding)
        except (CryptoError, ValueError):
            raise SealBroken(f"chunk {number}: changed, moved, or sealed with another key") from None
        yield chunk
        number += 1


def _exactly(read: Read, count: int) -> bytes:
    piece = read(count)
    if len(piece) != count:
        raise SealBroken("file: it was cut off")
    return piece
