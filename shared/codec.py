"""Bytes to messages and back. All that can be wrong with bytes ends in ``WireError``."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

import msgpack
import msgspec

from shared.identity import BatchId, Epoch
from shared.messages import (
    MAX_EVIDENCE_BYTES,
    MAX_REPORTS,
    Batch,
    EventReport,
    Evidence,
    Health,
    Seq,
    SyncReply,
    SyncRequest,
    Version,
)

Message = Batch | EventReport | Evidence | Health | SyncReply | SyncRequest
M = TypeVar("M", Batch, EventReport, Evidence, Health, SyncReply, SyncRequest)

MAX_BODY_BYTES = 65_536
_MAX_ARRAY = 10_000
_MAX_STR = 256
_MAX_MAP = 16
_FOREIGN_ERRORS = (
    msgpack.exceptions.UnpackException,
    msgspec.ValidationError,
    UnicodeDecodeError,
    RecursionError,
    OverflowError,
    MemoryError,
    ValueError,
    TypeError,
)


class WireError(ValueError):
    """The bytes are not a message of this contract."""


class RefusedEntry(NamedTuple):
    """One entry of a batch that could not be taken, with all that is known of it."""

    seq: int | None
    body: bytes
    reason: str


class BatchContents(NamedTuple):
    """What a batch held: the entries that are well formed, and those that are not."""

    batch_id: bytes
    epoch: bytes
    entries: Sequence[tuple[int, EventReport]]
    refused: Sequence[RefusedEntry]


def encode(message: Message) -> bytes:
    """Encode a message. Floats become 32 bits wide: reasons are shown to people, not summed."""
    return msgpack.packb(msgspec.to_builtins(message, builtin_types=(bytes,)), use_single_float=True)


def decode(kind: type[M], body: bytes) -> M:
    """Decode ``body`` as one message of ``kind`` or raise ``WireError``."""
    return _convert(_unpack(body), kind)


def decode_batch(body: bytes) -> BatchContents:
    """Decode a batch so that one bad entry does not hold back the good ones beside it."""
    raw = _unpack(body)
    try:
        batch = msgspec.convert(raw, Batch)
    except _FOREIGN_ERRORS as error:
        return _salvage(raw, str(error))
    return BatchContents(batch.batch_id, batch.epoch, batch.entries, ())


def _unpack(body: bytes) -> Any:
    if len(body) > MAX_BODY_BYTES:
        raise WireError(f"body: {len(body)} bytes, at most {MAX_BODY_BYTES} are taken")
    try:
        raw = msgpack.unpackb(
            body,
            max_array_len=_MAX_ARRAY,
            max_str_len=_MAX_STR,
            max_bin_len=MAX_EVIDENCE_BYTES,
            max_map_len=_MAX_MAP,
            max_ext_len=0,
        )
    except _FOREIGN_ERRORS as error:
        raise WireError(f"not MessagePack within the limits: {error or type(error).__name__}") from error
    return raw


def _convert(raw: Any, kind: type[M]) -> M:
    try:
        return msgspec.convert(raw, kind)
    except _FOREIGN_ERRORS as error:
        raise WireError(f"{kind.__name__}: {error or type(error).__name__}") from error


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    """A batch whose entries have not been looked at yet."""

    version: Version
    batch_id: BatchId
    epoch: Epoch
    entries: Annotated[list[Any], msgspec.Meta(min_length=1, max_length=MAX_REPORTS)]


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    seq: Seq
    report: EventReport


def _salvage(raw: Any, reason: str) -> BatchContents:
    try:
        envelope = msgspec.convert(raw, _Envelope)
    except _FOREIGN_ERRORS:
        raise WireError(f"Batch: {reason}") from None
    entries: list[tuple[int, EventReport]] = []
    refused: list[RefusedEntry] = []
    for number, item in enumerate(envelope.entries):
        try:
            entry = msgspec.convert(item, _Entry)
        except _FOREIGN_ERRORS as error:
            refused.append(RefusedEntry(_seq_of(item), _repack(item), f"entry {number}: {error}"))
        else:
            entries.append((entry.seq, entry.report))
    return BatchContents(envelope.batch_id, envelope.epoch, entries, refused)


def _seq_of(item: Any) -> int | None:
    first = item[0] if isinstance(item, list) and item else None
    return first if type(first) is int and 1 <= first < 1 << 63 else None


def _repack(item: Any) -> bytes:
    return msgpack.packb(item)
