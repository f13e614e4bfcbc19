"""What a decoder can no longer do once its one connection stands, whatever code a camera makes it run.

A filter of system calls (seccomp): no file is opened or changed, no program is run, no other process is
touched, and no connection is made. The camera's own is made before, by our code, to the address that was
judged; when FFmpeg asks for a socket it is handed that one, once. So a camera that answers with a redirect
leads nowhere: not one packet goes there. No rights are needed for it, and it lasts until the process ends.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
import threading
from typing import NamedTuple

_PR_SET_NO_NEW_PRIVS, _SET_MODE_FILTER, _NEW_LISTENER = 38, 1, 8
_ALLOW, _NOTIFY, _ERRNO = 0x7FFF0000, 0x7FC00000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _HAS_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NR_AT, _ARCH_AT, _ARGS_AT = 0, 4, 16
_X32_FROM = 0x40000000
_CLONE_THREAD = 0x10000
_CLONE3 = 435
"""On every machine. The C library takes the older call where it is not there."""
_NOTICE, _ANSWER, _HANDED = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI"), struct.Struct("=QIIII")
_RECEIVE, _SEND, _HAND = 0xC0502100, 0xC0182101, 0x40182103
"""``SECCOMP_IOCTL_NOTIF_RECV``, ``_SEND``, ``_ADDFD``."""


class _Machine(NamedTuple):
    """Numbers of system calls."""

    arch: int
    seccomp: int
    socket: int
    connect: int
    sendto: int
    clone: int
    """For threads only."""
    signals: tuple[int, ...]
    """kill, tgkill: to itself only."""
    denied: tuple[int, ...]


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E, 317, 41, 42, 44, 56, (62, 234),
        # open creat openat openat2 open_by_handle_at; sendmsg sendmmsg bind listen accept accept4
        (2, 85, 257, 437, 304, 46, 307, 49, 50, 43, 288,
         # execve execveat fork vfork ptrace process_vm_readv process_vm_writev
         59, 322, 57, 58, 101, 310, 311,
         # io_uring_setup/enter/register bpf perf_event_open userfaultfd add_key request_key keyctl
         425, 426, 427, 321, 298, 323, 248, 249, 250,
         # unshare setns mount tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open/getfd/send_signal
         272, 308, 165, 200, 129, 297, 434, 438, 424,
         # unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat
         87, 263, 82, 264, 316, 86, 265, 88, 266,
         # chmod fchmodat truncate mkdir mkdirat mknod mknodat
         90, 268, 76, 83, 258, 133, 259),
    ),
    "aarch64": _Machine(
        0xC00000B7, 277, 198, 203, 206, 220, (129, 131),
        (56, 437, 265, 211, 269, 200, 201, 202, 242, 221, 281, 117, 270, 271, 425, 426, 427, 280, 241, 282,
         217, 218, 219, 97, 268, 40, 130, 138, 240, 434, 438, 424, 35, 38, 276, 37, 36, 53, 45, 34, 33),
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def lock_down(connected: socket.socket | None) -> bool:
    """Give up all but computing and the open descriptors; ``connected`` is handed out as the only socket.

    For the thread that calls and all that it starts. False, and nothing is changed, where the kernel or the
    processor is not known to do it.
    """
    machine = _MACHINES.get(os.uname().machine)
    if machine is None:
        return False
    # The doorkeeper is begun before the filter, which therefore does not bind it.
    doorkeeper = _Doorkeeper(connected) if connected is not None else None
    libc = ctypes.CDLL(None, use_errno=True)
    code = _filter_of(machine, os.getpid(), has_socket=connected is not None)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    flags = _NEW_LISTENER if doorkeeper else 0
    listener = libc.syscall(machine.seccomp, _SET_MODE_FILTER, flags, ctypes.byref(program))
    if doorkeeper:
        doorkeeper.serve(listener)
    return listener >= 0


def is_known_here() -> bool:
    """Whether the kernel has what ``lock_down`` needs."""
    try:
        with open("/proc/sys/kernel/seccomp/actions_avail", encoding="ascii") as file:  # noqa: PTH123
            return "user_notif" in file.read().split() and os.uname().machine in _MACHINES
    except OSError:
        return False


class _Doorkeeper:
    """Hands the connection to the first that asks for a socket, and is gone: who asks again gets ENOSYS."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected
        self._listener = -1
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def serve(self, listener: int) -> None:
        """``listener``: below 0 when there is nothing to serve."""
        self._listener = listener
        self._is_up.set()

    def _wait(self) -> None:
        self._is_up.wait()
        if self._listener < 0:
            return
        notice = bytearray(_NOTICE.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, notice)
            (number,) = struct.unpack_from("=Q", notice)
            handed = bytearray(_HANDED.pack(number, 0, self._connected.fileno(), 0, 0))
            fd = fcntl.ioctl(self._listener, _HAND, handed)
            fcntl.ioctl(self._listener, _SEND, _ANSWER.pack(number, fd, 0, 0))
        finally:
            self._connected.close()
            os.close(self._listener)


def _filter_of(machine: _Machine, pid: int, *, has_socket: bool) -> bytes:
    """The program: a step is code, where to go if so, where if not, and a number."""
    steps = [_at(_ARCH_AT), *_unless(machine.arch, errno.EPERM), _at(_NR_AT)]
    if machine.arch == _MACHINES["x86_64"].arch:
        steps += [(_AT_LEAST, 0, 1, _X32_FROM), _deny(errno.EPERM)]
    for number in machine.denied:
        steps += _if(number, [_deny(errno.EACCES)])
    steps += _if(machine.connect, [_deny(errno.EINPROGRESS)])  # it is handed out connected
    for number in machine.signals:
        steps += _if(number, [_arg(0), *_unless(pid, errno.EPERM), (_RETURN, 0, 0, _ALLOW)])
    steps += _if(_CLONE3, [_deny(errno.ENOSYS)])
    thread = [_arg(0), (_HAS_BIT, 1, 0, _CLONE_THREAD), _deny(errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
    steps += _if(machine.clone, thread)
    # An address: with it TCP connects too (fast open).
    low_high = [_arg(4), *_unless(0, errno.EPERM), _at(_ARGS_AT + 4 * 8 + 4), *_unless(0, errno.EPERM)]
    steps += _if(machine.sendto, [*low_high, (_RETURN, 0, 0, _ALLOW)])
    kinds = [_arg(0), *_if(socket.AF_INET, [_notify()]), *_if(socket.AF_INET6, [_notify()])]
    steps += _if(machine.socket, [*(kinds if has_socket else []), _deny(errno.EACCES)])
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


_Step = tuple[int, int, int, int]


def _at(offset: int) -> _Step:
    return _LOAD, 0, 0, offset


def _arg(number: int) -> _Step:
    return _at(_ARGS_AT + 8 * number)


def _deny(error: int) -> _Step:
    return _RETURN, 0, 0, _ERRNO | error


def _notify() -> _Step:
    return _RETURN, 0, 0, _NOTIFY


def _if(number: int, then: list[_Step]) -> list[_Step]:
    """``then`` must end by returning, or the number is gone for what follows."""
    return [(_EQUAL, 0, len(then), number), *then]


def _unless(number: int, error: int) -> list[_Step]:
    return [(_EQUAL, 1, 0, number), _deny(error)]
