"""Stored bytes of every contract version must be read for ever, and written the same."""

from pathlib import Path
from typing import get_args

import pytest

from shared.codec import Message, decode, encode
from shared.messages import (
    CameraHealth,
    CameraState,
    ClipReply,
    ClipRequest,
    ClipState,
    ClipStep,
    Health,
    LivePicture,
    LiveRequest,
    SyncReply,
    SyncRequest,
)
from tests.wire import TYPICAL, typical_batch, typical_evidence

FOLDER = Path(__file__).parent / "wire"
GOLDEN: dict[str, Message] = {
    "event_report.v1": TYPICAL,
    "batch.v1": typical_batch(2),
    "evidence.v1": typical_evidence(),
    "health.v1": Health(
        1,
        1_795_000_000_000_000,
        3600,
        "0.1.0",
        3,
        0,
        [CameraHealth("abay-corner-north", CameraState.LIVE, 50, 2)],
    ),
    "sync_request.v1": SyncRequest(1, bytes(8)),
    "sync_reply.v1": SyncReply(1, bytes(8), [(1, 40), (42, 60)]),
    "clip_request.v1": ClipRequest(1, bytes(16), bytes(range(16)), 1, ClipStep.PART, 49_152, b"key"),
    "clip_reply.v1": ClipReply(1, bytes(16), ClipState.READY, 2_300_000, 49_152, b"part", b"{}", "why"),
    "live_request.v1": LiveRequest(1, "abay-corner-north", 10_000),
    "live_picture.v1": LivePicture(1, "abay-corner-north", 1_795_000_000_000_000, b"jpeg", ""),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_bytes_stay_as_they_are(name: str) -> None:
    assert encode(GOLDEN[name]).hex() == (FOLDER / f"{name}.hex").read_text().strip()


@pytest.mark.parametrize("name", GOLDEN)
def test_stored_bytes_are_read(name: str) -> None:
    message = GOLDEN[name]
    assert decode(type(message), bytes.fromhex((FOLDER / f"{name}.hex").read_text())) == message


def test_every_message_has_golden_bytes() -> None:
    assert {type(message) for message in GOLDEN.values()} == set(get_args(Message))
