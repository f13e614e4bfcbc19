"""What is encoded comes back; what is hostile ends in one error type."""

import math
from contextlib import suppress

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from shared.codec import WireError, decode, decode_batch, encode
from shared.messages import Batch, EventReport, Evidence, Health, SyncReply, SyncRequest
from shared.reasons import REASON_NUMBERS
from tests.wire import TYPICAL, batches, hostile, reports, typical_batch, typical_evidence

KINDS = (Batch, EventReport, Evidence, Health, SyncReply, SyncRequest)


@given(reports)
def test_a_report_comes_back(report: EventReport) -> None:
    assert decode(EventReport, encode(report)) == report


@given(batches)
def test_a_batch_comes_back(batch: Batch) -> None:
    contents = decode_batch(encode(batch))
    assert (contents.batch_id, contents.epoch) == (batch.batch_id, batch.epoch)
    assert list(contents.entries) == list(batch.entries)
    assert not contents.refused


def test_a_typical_event_is_at_most_160_bytes() -> None:
    assert len(encode(TYPICAL)) <= 160


def test_a_full_batch_fits_its_limit() -> None:
    assert len(encode(typical_batch(200))) <= 32 * 1024


def test_a_newer_boxs_extra_field_is_ignored() -> None:
    raw = msgpack.unpackb(encode(TYPICAL), strict_map_key=False)
    assert (
        decode(EventReport, msgpack.packb([*raw, "a field of the future"], use_single_float=True)) == TYPICAL
    )


@given(st.integers(0, 4), st.sampled_from([math.nan, math.inf, -math.inf]))
def test_one_bad_entry_does_not_hold_back_the_others(place: int, value: float) -> None:
    raw = msgpack.unpackb(encode(typical_batch(5)), strict_map_key=False)
    raw[3][place][1][15][REASON_NUMBERS["stood_s"]] = value
    contents = decode_batch(msgpack.packb(raw))
    assert [seq for seq, _ in contents.entries] == [seq for seq in range(1, 6) if seq != place + 1]
    (refused,) = contents.refused
    assert refused.seq == place + 1
    assert "reason.stood_s is not a finite number" in refused.reason


@pytest.mark.parametrize(
    ("index", "value", "says"),
    [
        (0, 2, "at `version`"),
        (1, b"short", "at `event_id`"),
        (4, 999, "Invalid enum value 999"),
        (5, "Abay", "at `camera`"),
        (5, "abay\n", "at `camera`"),
        (8, [910_000_000, 0, 1], r"at `position\[0\]`"),
        (10, 1001, "at `score`"),
        (15, {"Face": 1.0}, "in `reason`"),
        (15, {f"n{i}": 1.0 for i in range(9)}, "at `reason`"),
    ],
)
def test_a_refusal_names_what_is_wrong(index: int, value: object, says: str) -> None:
    raw = msgpack.unpackb(encode(TYPICAL), strict_map_key=False)
    raw[index] = value
    with pytest.raises(WireError, match=says):
        decode(EventReport, msgpack.packb(raw))


def test_ten_thousand_hostile_bodies_end_in_one_error_type() -> None:
    bodies = [encode(TYPICAL), encode(typical_batch(3)), encode(typical_evidence())]
    refused = 0
    for seed in range(10_000):
        body = hostile(seed, bodies[seed % 3])
        for kind in KINDS:
            try:
                decode(kind, body)
            except WireError:
                refused += 1
        try:
            decode_batch(body)
        except WireError:
            refused += 1
    assert refused > 60_000


@settings(max_examples=500)
@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_message_or_a_wire_error(body: bytes) -> None:
    with suppress(WireError):
        decode_batch(body)


def test_each_rules_report_is_at_most_160_bytes() -> None:
    """The longest reason of the rules that exist, all its names among the numbered ones."""
    reason = {
        "lay_s": 31.4, "limit_s": 20, "near_m": 0.57, "near_limit_m": 2, "away_m": 7.31, "away_limit_m": 5
    }  # fmt: skip
    assert set(reason) <= set(REASON_NUMBERS)
    assert len(encode(structs.replace(TYPICAL, reason=reason))) <= 160


def test_reason_numbers_are_single_bytes_and_unique() -> None:
    assert len(set(REASON_NUMBERS.values())) == len(REASON_NUMBERS)
    assert all(0 < number < 128 for number in REASON_NUMBERS.values())


def test_an_unknown_reason_number_is_refused() -> None:
    raw = msgpack.unpackb(encode(TYPICAL), strict_map_key=False)
    raw[15] = {99: 1.0}
    with pytest.raises(WireError, match="in `reason`"):
        decode(EventReport, msgpack.packb(raw))
