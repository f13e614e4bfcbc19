"""Reading pictures, checked against the digest that the event named."""

import asyncio
import hashlib
from pathlib import Path

from hub.db.tables import Evidence
from hub.errors import HubError, NotFound
from hub.services.evidence import picture_path
from hub.services.parts import Parts


class PictureDamaged(HubError):
    """A picture's file is not what its event named."""


async def read(parts: Parts, evidence_id: str) -> bytes:
    """The picture's bytes. Raises ``NotFound``, and ``PictureDamaged``: a changed file is never shown."""
    async with parts.database.reading() as db:
        row = await db.get(Evidence, evidence_id)
    if row is None:
        raise NotFound(f"there is no picture {evidence_id[:64]!r}")
    path = picture_path(parts.evidence_dir, row.digest)
    try:
        return await asyncio.to_thread(read_checked, path, row.digest)
    except FileNotFoundError as error:
        raise NotFound("this picture's file is missing; 'saqshy hub verify' lists such") from error


def read_checked(path: Path, digest: bytes) -> bytes:
    """Read a file whose SHA-256 is known. Raises ``PictureDamaged`` and ``OSError``."""
    jpeg = path.read_bytes()
    if hashlib.sha256(jpeg).digest() != digest:
        raise PictureDamaged(f"{path}: its content is not what the event named; restore it from a backup")
    return jpeg
