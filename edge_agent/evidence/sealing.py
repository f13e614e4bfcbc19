"""Sealing a clip while it is recorded: what reaches the disk, this box can no longer read."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_init_push,
    crypto_secretstream_xchacha20poly1305_push,
    crypto_secretstream_xchacha20poly1305_state,
    crypto_secretstream_xchacha20poly1305_TAG_FINAL,
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
)
from nacl.public import PublicKey, SealedBox
from nacl.utils import random

from shared.nkey import Key
from shared.sealed import (
    CHUNK_BYTES,
    FILE_KEY_BYTES,
    LENGTH,
    MAGIC,
    Header,
    Manifest,
    SignedManifest,
    to_be_signed,
)


class Sums(NamedTuple):
    """What a manifest says of the sealed file; the names are its own."""

    sealed_sha256: str
    sealed_bytes: int
    header_sha256: str
    plain_bytes: int
    chunks: int


class Sealer:
    """Seals what is added, in pieces of any size. The file's key is never kept anywhere but in here."""

    def __init__(self, write: Callable[[bytes], object], recipients: Mapping[str, bytes]) -> None:
        """``recipients`` are X25519 public keys by their ``recipient_id``."""
        self._write = write
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._sealed_bytes = self._plain_bytes = self._chunks = 0
        key = random(FILE_KEY_BYTES)
        to = {
            name: base64.b64encode(SealedBox(PublicKey(public)).encrypt(key)).decode()
            for name, public in recipients.items()
        }
        header = msgspec.json.encode(Header(1, to))
        self._binding = hashlib.sha256(header).digest()
        self._state = crypto_secretstream_xchacha20poly1305_state()
        stream_header = crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        self._put(MAGIC + LENGTH.pack(len(header)) + header + stream_header)

    def add(self, piece: bytes) -> None:
        """Seal the next piece. Raises what ``write`` raises."""
        self._waiting += piece
        while len(self._waiting) > CHUNK_BYTES:
            chunk = bytes(self._waiting[:CHUNK_BYTES])
            del self._waiting[:CHUNK_BYTES]
            self._push(chunk, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)

    def finish(self) -> Sums:
        """Seal what is left and mark the end; without it the file does not open."""
        self._push(bytes(self._waiting), crypto_secretstream_xchacha20poly1305_TAG_FINAL)
        self._waiting.clear()
        return Sums(
            self._digest.hexdigest(), self._sealed_bytes, self._binding.hex(), self._plain_bytes, self._chunks
        )

    def _push(self, chunk: bytes, tag: int) -> None:
        sealed = crypto_secretstream_xchacha20poly1305_push(self._state, chunk, self._binding, tag)
        self._put(LENGTH.pack(len(sealed)) + sealed)
        self._plain_bytes += len(chunk)
        self._chunks += 1

    def _put(self, piece: bytes) -> None:
        self._digest.update(piece)
        self._sealed_bytes += len(piece)
        self._write(piece)


def sign_manifest(manifest: Manifest, key: Key) -> bytes:
    """The manifest's text and the box's signature over it, as they are stored and sent."""
    text = msgspec.json.encode(manifest).decode()
    signature = base64.b64encode(key.sign(to_be_signed(text))).decode()
    return msgspec.json.encode(SignedManifest(text, signature))
