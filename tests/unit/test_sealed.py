"""A sealed clip opens for its hub and nobody else, and only as the box sealed it."""

import hashlib
import io
import os
from typing import NamedTuple

import msgspec
import pytest
from nacl.public import PrivateKey

from edge_agent.evidence.sealing import Sealer, sign_manifest
from shared.nkey import Key, KeyKind, make_key
from shared.sealed import (
    CHUNK_BYTES,
    Form,
    Manifest,
    SealBroken,
    SignedManifest,
    open_chunks,
    read_header,
    read_manifest,
    recipient_id,
    unseal_key,
)

HUB = PrivateKey(bytes(range(32)))
BOX, OTHER_BOX = (make_key(KeyKind.USER, bytes([n]) * 32) for n in (1, 2))
RECIPIENTS = {recipient_id(bytes(HUB.public_key)): bytes(HUB.public_key)}


class Sealed(NamedTuple):
    body: bytes
    manifest: Manifest
    signed: bytes


def seal(plain: bytes, *, key: Key = BOX, event: str = "0" * 32) -> Sealed:
    out = io.BytesIO()
    sealer = Sealer(out.write, RECIPIENTS)
    for at in range(0, len(plain), 50_000):
        sealer.add(plain[at : at + 50_000])
    manifest = Manifest(
        version=1, box="box-1", camera="cam-1", form=Form.ORIGINAL, events=[event], lane=2,
        begins_at_us=1, ends_at_us=2, is_whole=True, video_sha256=hashlib.sha256(plain).hexdigest(),
        video_bytes=len(plain), **sealer.finish()._asdict(),
    )  # fmt: skip
    return Sealed(out.getvalue(), manifest, sign_manifest(manifest, key))


def opened(body: bytes, signed: bytes, secret: PrivateKey = HUB, box: Key = BOX) -> bytes:
    manifest = read_manifest(signed, box.public)
    key = unseal_key(read_header(io.BytesIO(body).read)[0], bytes(secret))
    return b"".join(open_chunks(io.BytesIO(body).read, key, manifest))


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 7])
def test_what_was_sealed_comes_out(size: int) -> None:
    plain = os.urandom(size)
    sealed = seal(plain)
    assert opened(sealed.body, sealed.signed) == plain
    assert size < 64 or plain[:64] not in sealed.body


def test_every_flipped_bit_is_found() -> None:
    sealed = seal(os.urandom(900))
    for at in range(len(sealed.body)):
        changed = bytearray(sealed.body)
        changed[at] ^= 1 << (at % 8)
        with pytest.raises(SealBroken):
            opened(bytes(changed), sealed.signed)


def test_every_cut_is_found() -> None:
    sealed = seal(os.urandom(300))
    for length in range(len(sealed.body)):
        with pytest.raises(SealBroken):
            opened(sealed.body[:length], sealed.signed)


def test_a_cut_between_chunks_is_found() -> None:
    plain = os.urandom(2 * CHUNK_BYTES + 10)
    sealed = seal(plain)
    with pytest.raises(SealBroken, match="cut off"):
        opened(sealed.body[: -10 - 17 - 4], sealed.signed)


def test_chunks_that_changed_places_are_found() -> None:
    sealed = seal(os.urandom(3 * CHUNK_BYTES))
    whole = CHUNK_BYTES + 17 + 4
    end = len(sealed.body)
    swapped = (
        sealed.body[: end - 3 * whole]
        + sealed.body[end - 2 * whole : end - whole]
        + sealed.body[end - 3 * whole : end - 2 * whole]
        + sealed.body[end - whole :]
    )
    assert len(swapped) == end
    with pytest.raises(SealBroken, match="chunk 0: changed, moved"):
        opened(swapped, sealed.signed)


def test_bytes_after_the_end_are_found() -> None:
    sealed = seal(b"video")
    with pytest.raises(SealBroken, match="after its end"):
        opened(sealed.body + b"x", sealed.signed)


def test_another_clip_under_this_manifest_is_found() -> None:
    first, second = seal(b"first" * 100), seal(b"other" * 100)
    with pytest.raises(SealBroken, match="header: not the one of the manifest"):
        opened(second.body, first.signed)


def test_a_changed_manifest_is_found() -> None:
    sealed = seal(b"video")
    both = msgspec.json.decode(sealed.signed, type=SignedManifest)
    text = both.manifest.replace('"camera":"cam-1"', '"camera":"cam-2"')
    assert text != both.manifest
    changed = msgspec.json.encode(SignedManifest(text, both.signature))
    with pytest.raises(SealBroken, match="not signed by this box"):
        opened(sealed.body, changed)


def test_a_manifest_of_another_box_is_found() -> None:
    sealed = seal(b"video", key=OTHER_BOX)
    with pytest.raises(SealBroken, match="not signed by this box"):
        opened(sealed.body, sealed.signed)
    assert opened(sealed.body, sealed.signed, box=OTHER_BOX) == b"video"


def test_only_its_recipient_opens_it() -> None:
    sealed = seal(b"video")
    with pytest.raises(SealBroken, match="sealed to another key"):
        opened(sealed.body, sealed.signed, secret=PrivateKey.generate())


@pytest.mark.parametrize(
    "body", [b"", b"EVS1", b"EVS2" + bytes(100), b"EVS1\xff\xff\xff\xff", b"EVS1\0\0\0\2{}"]
)
def test_what_is_no_sealed_clip_is_refused(body: bytes) -> None:
    with pytest.raises(SealBroken):
        opened(body, seal(b"video").signed)


@pytest.mark.parametrize("signed", [b"", b"{}", b"\xff", b'{"manifest":"{}","signature":"?"}', b"1" * 10_000])
def test_what_is_no_manifest_is_refused(signed: bytes) -> None:
    with pytest.raises(SealBroken, match="manifest"):
        read_manifest(signed, BOX.public)


def test_a_header_edit_that_keeps_its_form_is_found() -> None:
    """The recipients' list is bound to every chunk: nobody can add or take one away."""
    sealed = seal(b"video")
    manifest = read_manifest(sealed.signed, BOX.public)
    header, raw = read_header(io.BytesIO(sealed.body).read)
    key = unseal_key(header, bytes(HUB))
    name = next(iter(header.to)).encode()
    changed = sealed.body.replace(name, b"0" * len(name))
    assert len(changed) == len(sealed.body)
    with pytest.raises(SealBroken, match="header: not the one"):
        list(open_chunks(io.BytesIO(changed).read, key, manifest))
    forged = msgspec.structs.replace(
        manifest, header_sha256=hashlib.sha256(raw.replace(name, b"0" * len(name))).hexdigest()
    )
    with pytest.raises(SealBroken, match="chunk 0"):
        list(open_chunks(io.BytesIO(changed).read, key, forged))
