"""Keeps what each camera followed, so that changed rules can be tried on what really passed.

One folder per camera, one file per hour and start. The oldest go first when time or room is up. The log
serves the technician, not the city: a full disk costs its newest minutes and nothing else.
"""

import logging
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.tracks.record import Header, Moment, frames_block, header_block

log = logging.getLogger(__name__)

SUFFIX = ".tracks"
BLOCK_S = 10.0
FILE_S = 3600.0


class TrackLog:
    """One camera's log. Used by the camera's own thread; never raises.

    ``folder`` is the camera's own; ``keep_days`` and ``quota_bytes`` bound what it holds.
    """

    def __init__(self, folder: Path, header: Header, keep_days: float, quota_bytes: int) -> None:
        self._folder = folder
        self._header = header
        self._keep_us = round(keep_days * 86_400e6)
        self._quota_bytes = quota_bytes
        self._file: Path | None = None
        self._file_since_us = 0
        self._waiting: list[Moment] = []
        self._has_failed = False

    def add(self, moment: Moment) -> None:
        """Take one frame's tracks; they are written every ``BLOCK_S``."""
        if self._waiting and moment.at_us <= self._waiting[-1].at_us:
            return
        self._waiting.append(moment)
        if moment.at_us - self._waiting[0].at_us >= BLOCK_S * 1e6:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        moments, self._waiting = self._waiting, []
        if not moments:
            return
        try:
            file = self._file_for(moments[0].at_us)
            with file.open("ab") as opened:
                opened.write(frames_block(moments))
            self._has_failed = False
        except OSError as error:
            if not self._has_failed:
                log.error("tracks of camera %s are not kept: %s", self._header.camera, error)
            self._has_failed = True

    def _file_for(self, at_us: int) -> Path:
        is_over = abs(at_us - self._file_since_us) >= FILE_S * 1e6
        if self._file is None or is_over or not self._file.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            began = datetime.fromtimestamp(at_us / 1e6, UTC)
            self._file = self._folder / f"{began:%Y%m%dT%H%M%S}{at_us % 1_000_000:06}{SUFFIX}"
            self._file_since_us = at_us
            self._file.write_bytes(header_block(self._header))
            self._make_room(at_us)
        return self._file

    def _make_room(self, now_us: int) -> None:
        """Drop files by age and, the oldest first, by size; the one being written stays."""
        files = [file for file in recordings(self._folder) if file != self._file]
        sizes = {file: file.stat() for file in files}
        room = self._quota_bytes - sum(stat.st_size for stat in sizes.values())
        for file in files:
            is_old = sizes[file].st_mtime * 1e6 < now_us - self._keep_us
            if is_old or room < 0:
                file.unlink(missing_ok=True)
                room += sizes[file].st_size


def recordings(folder: Path) -> list[Path]:
    """The files of one camera's log, the oldest first: their names are their times."""
    return sorted(folder.glob(f"*{SUFFIX}"))
