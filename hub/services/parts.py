"""What the services and the API work with. Built once, in ``hub/app.py``, and handed on."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nacl.public import PrivateKey

from hub.db.engine import Database
from hub.domain.access import SignInThrottle
from hub.services.changes import Changes
from hub.services.passwords import Passwords
from hub.settings import Settings


def utc_now_us() -> int:
    """The wall clock, UTC in microseconds since 1970."""
    return time.time_ns() // 1_000


@dataclass(frozen=True)
class Parts:
    """The hub's parts, as far as use cases need them."""

    settings: Settings
    folder: Path
    database: Database
    passwords: Passwords
    changes: Changes = field(default_factory=Changes)
    dispatch_wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a dispatch was written, so that its worker looks at once."""
    throttle: SignInThrottle = field(default_factory=SignInThrottle)
    now_us: Callable[[], int] = utc_now_us
    evidence_key: PrivateKey = field(default_factory=PrivateKey.generate)
    """What boxes seal their clips to; the hub's own lies in its folder."""

    @property
    def evidence_dir(self) -> Path:
        return self.folder / "evidence"
