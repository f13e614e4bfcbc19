"""Ed25519 keys in the text form of the bus (NATS nkeys): base 32 of kind, key and checksum.

Signing and checking only compute; where a secret comes from and where it lies is the caller's matter.
"""

import base64
import binascii
import hashlib
from enum import IntEnum

from msgspec import Struct
from nacl.exceptions import BadSignatureError
from nacl.public import PrivateKey, PublicKey
from nacl.signing import SigningKey, VerifyKey


class KeyKind(IntEnum):
    """What a key stands for; its first letter in text."""

    OPERATOR = 14 << 3
    ACCOUNT = 0
    USER = 20 << 3


_SEED = 18 << 3
_PUBLIC_LENGTH = 56


class Key(Struct, frozen=True):
    """A key pair; ``seed`` is the secret."""

    public: str
    seed: str

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over ``message``."""
        return SigningKey(_unchecked(self.seed)[2:34]).sign(message).signature

    def unsealing_key(self) -> PrivateKey:
        """The same key for opening what was sealed with ``sealing_key`` (Ed25519 → X25519)."""
        return SigningKey(_unchecked(self.seed)[2:34]).to_curve25519_private_key()

    def __repr__(self) -> str:
        return f"Key({self.public})"


def make_key(kind: KeyKind, secret: bytes) -> Key:
    """Make a key from 32 secret bytes, which the caller drew at random."""
    public = bytes([kind]) + bytes(SigningKey(secret).verify_key)
    seed = bytes([_SEED | kind >> 5, (kind & 31) << 3]) + secret
    return Key(_text(public), _text(seed))


def check_key(public: str, seed: str) -> Key:
    """Read a stored key pair; raise ``ValueError`` when the halves do not belong together."""
    try:
        key = make_key(KeyKind.USER, _unchecked(seed)[2:34])
    except ValueError:
        raise ValueError("seed: not the secret half of a key") from None
    if key != Key(public, seed):
        raise ValueError("seed: it does not belong to the public key")
    return key


def public_key_bytes(text: str) -> bytes:
    """Return the 32 raw bytes of a box's public key (``U…``, 56 characters) or raise ``ValueError``."""
    raw = _unchecked(text) if len(text) == _PUBLIC_LENGTH and text.isascii() else b""
    if len(raw) != 35 or raw[0] != KeyKind.USER or _text(raw[:33]) != text:
        raise ValueError(
            "nkey_public: not a public key; 56 capital letters and digits that begin with 'U' are wanted"
        )
    return raw[1:33]


def sealing_key(text: str) -> PublicKey:
    """What can be sealed to a box's public key. Raises ``ValueError`` when it is none."""
    return VerifyKey(public_key_bytes(text)).to_curve25519_public_key()


def fingerprint(public_key: str) -> str:
    """Shorten a public key for people to compare: 80 bits of its SHA-256, ``ABCD-EFGH-IJKL-MNOP``."""
    digest = base64.b32encode(hashlib.sha256(public_key.encode()).digest()[:10]).decode()
    return "-".join(digest[i : i + 4] for i in range(0, 16, 4))


def is_signed_by(public_key: str, message: bytes, signature: bytes) -> bool:
    """Say whether ``signature`` (64 bytes) over ``message`` was made with the secret half of the key."""
    try:
        VerifyKey(public_key_bytes(public_key)).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def _text(raw: bytes) -> str:
    checksum = binascii.crc_hqx(raw, 0).to_bytes(2, "little")  # CRC-16/XMODEM
    return base64.b32encode(raw + checksum).decode().rstrip("=")


def _unchecked(text: str) -> bytes:
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return b""
