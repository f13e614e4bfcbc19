"""Pictures: checked against their digest, on the disk before the commit, and tied to their incident."""

import asyncio
import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hub.db.queries_evidence import Claim
from hub.domain.situation import believed_at_us
from hub.services.unpacking import Delivery, parked_row, sender
from shared.codec import decode
from shared.messages import Evidence

_JPEG_BEGIN = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"


class Picture(NamedTuple):
    """A picture whose bytes are what its box promised."""

    evidence: Evidence
    box: str
    received_at_us: int

    @property
    def id(self) -> str:
        """The same for the same picture of the same event, so that a repetition is seen as one."""
        return hashlib.sha256(self.evidence.event_id + self.evidence.digest).hexdigest()[:32]

    @property
    def claim(self) -> Claim:
        return Claim(self.evidence.event_id, self.evidence.digest, self.box)

    @property
    def observed_at_us(self) -> int:
        return believed_at_us(self.evidence.observed_at_us, self.received_at_us)


def read_pictures(
    deliveries: Sequence[Delivery], received_at_us: int
) -> tuple[list[Picture], list[dict[str, Any]]]:
    """The pictures that these messages hold, and rows to park for those that hold none."""
    pictures: list[Picture] = []
    parked: list[dict[str, Any]] = []
    for delivery in deliveries:
        try:
            box = sender(delivery.subject).box
            pictures.append(Picture(_check(decode(Evidence, delivery.body)), box, received_at_us))
        except ValueError as error:
            parked.append(parked_row(delivery, str(error), received_at_us))
    return pictures, parked


def _check(evidence: Evidence) -> Evidence:
    jpeg = evidence.jpeg
    if not (jpeg.startswith(_JPEG_BEGIN) and jpeg.endswith(_JPEG_END)):
        raise ValueError("jpeg: does not begin and end as a JPEG does")
    if hashlib.sha256(jpeg).digest() != evidence.digest:
        raise ValueError("digest: is not the SHA-256 of the picture")
    return evidence


def picture_path(folder: Path, digest: bytes) -> Path:
    """Where a picture lies under the evidence folder."""
    name = digest.hex()
    return folder / name[:2] / f"{name}.jpg"


async def keep_pictures(folder: Path, pictures: Sequence[Picture]) -> None:
    """Write pictures to the disk so that they survive a power cut."""
    await asyncio.to_thread(_keep_all, folder, pictures)


def _keep_all(folder: Path, pictures: Sequence[Picture]) -> None:
    for picture in pictures:
        _keep(picture_path(folder, picture.evidence.digest), picture.evidence.jpeg)


def _keep(path: Path, jpeg: bytes) -> None:
    """Write beside, sync, rename, sync the folder: the name never shows half a picture."""
    if path.exists():
        return
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync_folder(path.parent.parent)
    handle, beside = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(jpeg)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(beside).unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def evidence_row(picture: Picture, incident_id: str | None) -> dict[str, Any]:
    """The picture's row."""
    evidence = picture.evidence
    return {
        "id": picture.id,
        "digest": evidence.digest,
        "event_id": evidence.event_id,
        "incident_id": incident_id,
        "box": picture.box,
        "camera": evidence.camera,
        "observed_at_us": picture.observed_at_us,
        "received_at_us": picture.received_at_us,
        "size_bytes": len(evidence.jpeg),
    }
