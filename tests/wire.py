"""Hypothesis strategies and one typical report for tests of the wire."""

import math
import random
import struct

from hypothesis import strategies as st

from shared.codec import MAX_BODY_BYTES
from shared.identity import time_ordered_id
from shared.kinds import Kind, ObjectClass
from shared.messages import Batch, Clock, ClockSource, EventReport, Evidence, Phase, Position

TYPICAL = EventReport(
    version=1,
    event_id=time_ordered_id(1_795_000_000_000, bytes(range(10))),
    revision=1,
    phase=Phase.UPDATE,
    kind=Kind.ILLEGAL_PARKING,
    camera="abay-corner-north",
    observed_at_us=1_795_000_000_123_456,
    clock=Clock(ClockSource.HUB, 12),
    position=Position.of(50.9371234, 71.3651234, 1.4),
    image_point=(512, 871),
    score=874,
    track_count=1,
    zone="no-stopping-1",
    subject=ObjectClass.CAR,
    rule_version=1,
    reason={"stood_s": 312.0, "limit_s": 300.0},
    evidence_digest=bytes(range(32)),
)

identities = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
reasons = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,23}", fullmatch=True),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    max_size=8,
)
positions = st.builds(
    Position,
    st.integers(-900_000_000, 900_000_000),
    st.integers(-1_800_000_000, 1_800_000_000),
    st.integers(0, 65_535),
)
reports = st.builds(
    EventReport,
    version=st.just(1),
    event_id=st.binary(min_size=16, max_size=16),
    revision=st.integers(0, 65_535),
    phase=st.sampled_from(Phase),
    kind=st.sampled_from(Kind),
    camera=st.none() | identities,
    observed_at_us=st.integers(0, (1 << 53) - 1),
    clock=st.builds(Clock, st.sampled_from(ClockSource), st.integers(0, (1 << 32) - 1)),
    position=st.none() | positions,
    image_point=st.none() | st.tuples(st.integers(0, 1000), st.integers(0, 1000)),
    score=st.integers(0, 1000),
    track_count=st.integers(0, (1 << 32) - 1),
    zone=st.none() | identities,
    subject=st.sampled_from(ObjectClass),
    rule_version=st.integers(0, (1 << 32) - 1),
    reason=reasons,
    evidence_digest=st.none() | st.binary(min_size=32, max_size=32),
)
batches = st.builds(
    Batch,
    version=st.just(1),
    batch_id=st.binary(min_size=16, max_size=16),
    epoch=st.binary(min_size=8, max_size=8),
    entries=st.lists(st.tuples(st.integers(1, (1 << 63) - 1), reports), min_size=1, max_size=5),
)


def typical_batch(count: int) -> Batch:
    """A batch of ``count`` typical reports."""
    return Batch(1, bytes(16), bytes(8), [(seq, TYPICAL) for seq in range(1, count + 1)])


def typical_evidence() -> Evidence:
    """A small evidence message with a picture's first and last bytes."""
    return Evidence(
        1,
        bytes(8),
        7,
        TYPICAL.event_id,
        "abay-corner-north",
        1_795_000_000_123_456,
        bytes(32),
        b"\xff\xd8\xff\xd9",
    )


def hostile(seed: int, body: bytes) -> bytes:
    """One hostile body: cut, nested, huge headers, bad UTF-8, NaN, trailing or random bytes."""
    rng = random.Random(seed)
    at = rng.randrange(len(body))
    huge = rng.choice([b"\xdd", b"\xdb", b"\xc6", b"\xdf", b"\xc9"]) + b"\xff\xff\xff\xff"
    return rng.choice(
        [
            body[:at],
            body + rng.randbytes(rng.randint(1, 40)),
            body[:at] + huge + body[at:],
            b"\x91" * rng.randint(1, 5000) + body,
            b"\x81\xa1a" * rng.randint(1, 5000),
            body[:at] + rng.randbytes(1) + body[at + 1 :],
            body[:at] + b"\xa4\xff\xfe\xc0\x80" + body[at:],
            body[:at] + b"\xcb" + struct.pack(">d", rng.choice([math.nan, math.inf])) + body[at:],
            rng.randbytes(rng.randint(0, 300)),
            body * rng.randint(2, 50),
            b"\xc1" + body,
            body + b"\0" * MAX_BODY_BYTES,
        ]
    )
