"""What a decoder gives up before it reads its first byte from outside."""

import ctypes
import os
import resource
import signal
from pathlib import Path

_NOBODY = 65534
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
MAX_MEMORY_BYTES = 1 << 30
"""Address space beyond that at the start; a 4096 x 4096 stream with 16 references needs half of it."""
_MAX_FILES = 64


def confine(parent_pid: int) -> None:
    """Drop rights, set limits and die with the parent. As root, become nobody; else keep the user."""
    os.umask(0o077)
    _limit(resource.RLIMIT_AS, _address_space_bytes() + MAX_MEMORY_BYTES)
    _limit(resource.RLIMIT_NOFILE, _MAX_FILES)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    # The death signal is cleared by a change of user, so it comes after.
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        raise SystemExit(1)


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _address_space_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")
