"""The hub's key for evidence: boxes seal their clips to its public half, and only this hub opens them."""

import base64
import os
from pathlib import Path

from nacl.public import PrivateKey

from hub.bus.keys import write_private
from hub.errors import StartRefused

_FILE = "evidence-key"
_KEY_BYTES = 32


def open_evidence_key(folder: Path) -> PrivateKey:
    """Read the key under ``folder``, or make it (mode 0600) at the first start. Raises ``StartRefused``."""
    path = folder / _FILE
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, base64.b64encode(os.urandom(_KEY_BYTES)))
    try:
        secret = base64.b64decode(path.read_bytes(), validate=True)
        return PrivateKey(secret)
    except (ValueError, TypeError) as error:
        raise StartRefused(
            f"{path}: not an evidence key ({error})",
            "restore this file from a backup; without it no clip that was sealed so far can be opened",
        ) from error


def public_text(key: PrivateKey) -> str:
    """The public half as boxes get it at their enrolment: base 64."""
    return base64.b64encode(bytes(key.public_key)).decode()
