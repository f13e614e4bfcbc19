"""What the machine says of itself: its clock, its heat, its disk."""

import ctypes
import os
import time
from pathlib import Path
from typing import NamedTuple

from shared.messages import Clock, ClockSource

THERMAL = Path("/sys/class/thermal")
BUILT_AT_US = 1_767_225_600_000_000
"""2026-01-01 UTC: this program is younger, so a clock that says less is wrong."""
_STA_UNSYNC = 0x40
_MAXERROR_AT, _STATUS_AT = 24, 40
"""Offsets in ``struct timex`` of 64-bit Linux (adjtimex(2))."""
_TIMEX_BYTES = 256
_LIBC = ctypes.CDLL(None, use_errno=True)


class Moment(NamedTuple):
    """Both clocks at one instant."""

    wall_us: int
    mono_us: int

    @classmethod
    def now(cls) -> "Moment":
        return cls(time.time_ns() // 1000, time.monotonic_ns() // 1000)

    def jumped_s(self, before: "Moment") -> float:
        """By how much the wall clock was set since ``before``, above 0 when it was set forward."""
        return ((self.wall_us - before.wall_us) - (self.mono_us - before.mono_us)) / 1e6


def read_clock() -> Clock:
    """How good the system's clock is: set by a time service within what the kernel states, or unverified.

    Whoever sets the clock at once makes it unverified in the same call. Takes a few microseconds.
    """
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        failed = _LIBC.adjtimex(buffer) == -1
    except AttributeError:
        failed = True
    status = int.from_bytes(buffer.raw[_STATUS_AT : _STATUS_AT + 4], "little")
    if failed or status & _STA_UNSYNC:
        return Clock(ClockSource.UNVERIFIED, 0)
    error_us = int.from_bytes(buffer.raw[_MAXERROR_AT : _MAXERROR_AT + 8], "little", signed=True)
    return Clock(ClockSource.NTP, min(max(1, error_us // 1000), (1 << 32) - 1))


def hottest_c(folder: Path = THERMAL) -> float | None:
    """The hottest thermal zone, degrees Celsius; None where the machine tells of none."""
    degrees: list[float] = []
    for zone in folder.glob("thermal_zone*/temp"):
        try:
            degrees.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):
            continue  # a sensor that sleeps says EAGAIN, or nothing
    return max(degrees, default=None)


def try_disk(folder: Path) -> None:
    """Make a file and remove it: a file system that failed and turned read-only still takes what goes into
    open files, into nowhere. Raises ``OSError``."""
    probe = folder / ".probe"
    probe.touch(mode=0o600)
    probe.unlink()


def free_mib(folder: Path) -> float:
    """What is left for us on the disk of ``folder``. Raises ``OSError``."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize / (1 << 20)
