"""Bytes from the bus to arrivals. What cannot be read becomes a row for the parking place, never an error."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from hub.domain.situation import Arrival, arrival
from shared.codec import RefusedEntry, decode_batch, decode_entry, encode_entry
from shared.subjects import Address, parse

MAX_REASON = 500


class Delivery(NamedTuple):
    """A message as the bus gave it."""

    stream: str
    stream_seq: int
    subject: str
    body: bytes
    is_entry: bool = False
    """``body`` is one entry of a batch that was parked, not a whole message."""


class Entry(NamedTuple):
    """An arrival, and the delivery that it can be parked with."""

    arrival: Arrival
    delivery: Delivery


@dataclass(slots=True)
class Unpacked:
    """What a set of deliveries held."""

    entries: list[Entry] = field(default_factory=list[Entry])
    parked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    committed: dict[tuple[str, bytes], list[int]] = field(default_factory=dict[tuple[str, bytes], list[int]])
    """Numbers by box and epoch that are in the database, parked or not, once this is committed."""


def unpack(deliveries: Iterable[Delivery], received_at_us: int) -> Unpacked:
    """Decode and check deliveries of events."""
    unpacked = Unpacked()
    for delivery in deliveries:
        try:
            address = sender(delivery.subject)
            read = _read_entry if delivery.is_entry else _read_batch
            read(delivery, address, received_at_us, unpacked)
        except ValueError as error:
            unpacked.parked.append(parked_row(delivery, str(error), received_at_us))
    return unpacked


def park_refused(unpacked: Unpacked, refused: Iterable[tuple[Entry, str]]) -> None:
    """Park entries that were readable but contradict what is stored."""
    for entry, reason in refused:
        body = encode_entry(entry.arrival.seq, entry.arrival.report)
        parked = entry.delivery._replace(body=body, is_entry=True)
        unpacked.parked.append(parked_row(parked, reason, entry.arrival.received_at_us))


def parked_row(delivery: Delivery, reason: str, at_us: int) -> dict[str, Any]:
    """A row of the parking place."""
    key = f"{delivery.stream} {delivery.subject} {delivery.is_entry} ".encode("utf-8", "replace")
    return {
        "fingerprint": hashlib.sha256(key + delivery.body).digest(),
        **delivery._asdict(),
        "reason": reason[:MAX_REASON],
        "at_us": at_us,
    }


@lru_cache(maxsize=8192)
def sender(subject: str) -> Address:
    """Who spoke: the bus lets a box publish under its own name only. Raises ``ValueError``."""
    return parse(subject)


def _read_batch(delivery: Delivery, address: Address, received_at_us: int, unpacked: Unpacked) -> None:
    contents = decode_batch(delivery.body)
    numbers = unpacked.committed.setdefault((address.box, contents.epoch), [])
    for seq, report in contents.entries:
        numbers.append(seq)
        came = arrival(report, address.site, address.box, seq, received_at_us)
        unpacked.entries.append(Entry(came, delivery))
    for refused in contents.refused:
        _park_entry(delivery, refused, received_at_us, unpacked)
        if refused.seq is not None:
            numbers.append(refused.seq)


def _park_entry(delivery: Delivery, refused: RefusedEntry, received_at_us: int, unpacked: Unpacked) -> None:
    parked = delivery._replace(body=refused.body, is_entry=True)
    unpacked.parked.append(parked_row(parked, refused.reason, received_at_us))


def _read_entry(delivery: Delivery, address: Address, received_at_us: int, unpacked: Unpacked) -> None:
    seq, report = decode_entry(delivery.body)
    came = arrival(report, address.site, address.box, seq, received_at_us)
    unpacked.entries.append(Entry(came, delivery))
