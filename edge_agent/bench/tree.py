"""What a process and all below it cost, from /proc."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def members(root_pid: int) -> list[int]:
    """The process and all its descendants that live now."""
    children: dict[int, list[int]] = {}
    for pid, fields in _all_stats():
        children.setdefault(int(fields[1]), []).append(pid)
    found, waiting = [], [root_pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_s(pid: int) -> float:
    """User and system time of a process and of the children that it has buried; 0 when it is gone."""
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / _TICKS_PER_S if fields else 0.0


def tree_cpu_s(root_pid: int) -> float:
    return sum(map(cpu_s, members(root_pid)))


class Descriptor(NamedTuple):
    """One open file of a process."""

    inode: int
    size_bytes: int
    is_memory: bool
    """A file that lies in memory only: a ring of pictures, POSIX shared memory."""


def descriptors(pid: int) -> list[Descriptor]:
    """What a process holds open; nothing when it is gone."""
    found: list[Descriptor] = []
    with contextlib.suppress(OSError):
        for entry in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                target, about = entry.readlink().as_posix(), entry.stat()
                is_memory = target.startswith(("/memfd:", "/dev/shm/"))  # noqa: S108  # only compared
                found.append(Descriptor(about.st_ino, about.st_size, is_memory))
    return found


def name(pid: int) -> str:
    """The command line's most telling word."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "gone"
    module = words[words.index(b"-m") + 1] if b"-m" in words else words[0].rsplit(b"/", 1)[-1]
    return module.decode("ascii", "replace")


def _all_stats() -> Iterator[tuple[int, list[str]]]:
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            yield int(entry.name), fields


def _stat(pid: int) -> list[str]:
    """The fields of ``stat`` after the name, from the state on; none when the process is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def pss_bytes(pid: int) -> int:
    """Proportional set size: shared pages are shared out among those who use them.

    0 when the process is gone, or another user's.
    """
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
