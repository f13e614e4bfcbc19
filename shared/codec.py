"""Bytes to messages and back. All that can be wrong with bytes ends in ``WireError``."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeVar, cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]  # the package has none
import msgspec

from shared.identity import BatchId, Epoch
from shared.messages import (
    MAX_EVIDENCE_BYTES,
    MAX_REPORTS,
    Batch,
    ClipReply,
    ClipRequest,
    EventReport,
    Evidence,
    Health,
    LivePicture,
    LiveRequest,
    Seq,
    SyncReply,
    SyncRequest,
    Version,
)
from shared.reasons import REASON_NAMES, REASON_NUMBERS

Message = (
    Batch
    | ClipReply
    | ClipRequest
    | EventReport
    | Evidence
    | Health
    | LivePicture
    | LiveRequest
    | SyncReply
    | SyncRequest
)
M = TypeVar("M", bound=Message)

MAX_BODY_BYTES = 65_536
_MAX_ARRAY = 10_000
_MAX_STR = 256
_MAX_MAP = 16
_REASON = EventReport.__struct_fields__.index("reason")
_ENTRIES = Batch.__struct_fields__.index("entries")
_FIELD_NUMBER = re.compile(r"`\$\[(\d+)\]")
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
    plain = msgspec.to_builtins(message, builtin_types=(bytes,))
    if isinstance(message, EventReport):
        _number_reason(plain)
    elif isinstance(message, Batch):
        for _, report in plain[_ENTRIES]:
            _number_reason(report)
    return _pack(plain)


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


def _pack(plain: Any) -> bytes:
    return cast("bytes", msgpack.packb(plain, use_single_float=True))  # pyright: ignore[reportUnknownMemberType]


def _number_reason(report: list[Any]) -> None:
    reason = report[_REASON]
    report[_REASON] = {REASON_NUMBERS.get(name, name): _short(value) for name, value in reason.items()}


def _short(value: float) -> float:
    """Whole numbers, as limits mostly are, take one to three bytes instead of five."""
    whole = int(value)
    return whole if whole == value and -32_768 <= whole <= 65_535 else value


def _name_reason(found: dict[Any, Any]) -> dict[Any, Any]:
    """Every map on the wire is a reason."""
    return {REASON_NAMES.get(name, name): value for name, value in found.items()}


def encode_entry(seq: int, report: EventReport) -> bytes:
    """Encode one entry of a batch on its own, as ``RefusedEntry.body`` holds it."""
    plain = msgspec.to_builtins(report, builtin_types=(bytes,))
    _number_reason(plain)
    return _pack([seq, plain])


def decode_entry(body: bytes) -> tuple[int, EventReport]:
    """Decode one entry of a batch that stands alone, or raise ``WireError``."""
    raw = _unpack(body)
    try:
        seq, report = msgspec.convert(raw, tuple[Seq, Any])
    except _FOREIGN_ERRORS as error:
        raise WireError(f"entry: {error}") from error
    return seq, _convert(report, EventReport)


def _unpack(body: bytes) -> Any:
    if len(body) > MAX_BODY_BYTES:
        raise WireError(f"body: {len(body)} bytes, at most {MAX_BODY_BYTES} are taken")
    try:
        return cast(
            "Any",
            msgpack.unpackb(  # pyright: ignore[reportUnknownMemberType]
                body,
                max_array_len=_MAX_ARRAY,
                max_str_len=_MAX_STR,
                max_bin_len=MAX_EVIDENCE_BYTES,
                max_map_len=_MAX_MAP,
                max_ext_len=0,
                strict_map_key=False,
                object_hook=_name_reason,
            ),
        )
    except _FOREIGN_ERRORS as error:
        raise WireError(f"not MessagePack within the limits: {error or type(error).__name__}") from error


def _convert(raw: Any, kind: type[M]) -> M:
    try:
        return msgspec.convert(raw, kind)
    except _FOREIGN_ERRORS as error:
        raise WireError(f"{kind.__name__}: {_name_field(kind, str(error))}") from error


def _name_field(kind: type[msgspec.Struct], text: str) -> str:
    """Say a field's name where msgspec gives its number in the array."""
    return _FIELD_NUMBER.sub(lambda found: f"`{kind.__struct_fields__[int(found[1])]}", text)


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    """A batch whose entries have not been looked at yet."""

    version: Version
    batch_id: BatchId
    epoch: Epoch
    entries: Annotated[list[Any], msgspec.Meta(min_length=1, max_length=MAX_REPORTS)]


def _salvage(raw: Any, reason: str) -> BatchContents:
    try:
        envelope = msgspec.convert(raw, _Envelope)
    except _FOREIGN_ERRORS:
        raise WireError(f"Batch: {reason}") from None
    entries: list[tuple[int, EventReport]] = []
    refused: list[RefusedEntry] = []
    for number, item in enumerate(envelope.entries):
        try:
            seq, report = msgspec.convert(item, tuple[Seq, Any])
            entries.append((seq, _convert(report, EventReport)))
        except _FOREIGN_ERRORS as error:
            refused.append(RefusedEntry(_seq_of(item), _pack(item), f"entry {number}: {error}"))
    return BatchContents(envelope.batch_id, envelope.epoch, entries, refused)


def _seq_of(item: Any) -> int | None:
    try:
        return msgspec.convert(cast("list[Any]", item)[0], Seq)
    except (*_FOREIGN_ERRORS, LookupError):
        return None
