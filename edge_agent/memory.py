"""What a camera's slow rules know, kept in a file over a restart of the box."""

import json
import logging
import time
from pathlib import Path
from typing import Any, Protocol

from edge_agent.link.credentials import write_private

log = logging.getLogger(__name__)

KEEP_S = 300.0
"""So much of what was learned since the last report may be lost when the power fails."""
MAX_BYTES = 4 << 20


class Rememberer(Protocol):
    """What has a memory; ``edge_agent.pipeline.CameraPipeline`` is the real one."""

    def memory(self) -> dict[str, Any]: ...
    def recall(self, memory: dict[str, Any]) -> None: ...


class MemoryFile:
    """One camera's memory on the disk. A file that cannot be read or written is told of and left: the rules
    then begin anew, the camera goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._due_s = time.monotonic() + KEEP_S
        self._kept = ""

    def recall(self, pipeline: Rememberer) -> None:
        """Give the pipeline back what it knew, before its first frame."""
        try:
            if self._path.stat().st_size > MAX_BYTES:
                raise ValueError(f"over {MAX_BYTES} bytes")
            pipeline.recall(json.loads(self._path.read_text("utf-8")))
        except FileNotFoundError:
            return
        except (OSError, LookupError, TypeError, ValueError) as error:
            log.error("%s: cannot be used (%s); slow rules begin anew", self._path, error)

    def keep(self, pipeline: Rememberer, *, is_urgent: bool = False) -> None:
        """Write it when it is due, or at once."""
        if not is_urgent and time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + KEEP_S
        memory = pipeline.memory()
        text = json.dumps(memory, separators=(",", ":")) if memory else ""
        if text == self._kept:
            return
        try:
            write_private(self._path, text.encode())
            self._kept = text
        except OSError as error:
            log.error("%s: cannot be written (%s); a restart forgets what rules learned", self._path, error)
