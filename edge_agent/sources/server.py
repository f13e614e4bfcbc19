"""The lean process from which every decoder is forked.

It imports PyAV and numpy and nothing else of weight, so that decoders share that memory; it never sees an
address, a password or a file of the agent. It ends when the agent's end of its socket closes, however the
agent died, and its decoders die with it.
"""

import contextlib
import os
import select
import signal
import socket
import sys

import av.logging
import av.subtitles.stream  # PyAV would load it when it meets a stream, and a locked decoder opens no file

from edge_agent.sources import decoder


def main(control_fd: int) -> None:
    """Fork a decoder for each socket that arrives, until the agent goes away."""
    av.logging.set_level(av.logging.PANIC)
    control = socket.socket(fileno=control_fd)
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    control.send(b"ready")
    while True:
        readable, _, _ = select.select([control, woken], [], [])
        if woken in readable:
            woken.recv(64)
            _reap()
        if control in readable and not _serve(control, [woken, waker]):
            return


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _serve(control: socket.socket, ours: list[socket.socket]) -> bool:
    """Take one request; False when the agent is gone."""
    message, fds, _, _ = socket.recv_fds(control, 1, 1)
    if not message or not fds:
        return False
    server_pid = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_decoder(server_pid, fds[0], [control, *ours])
    os.close(fds[0])
    pidfd = os.pidfd_open(pid)
    socket.send_fds(control, [pid.to_bytes(4, "little")], [pidfd])
    os.close(pidfd)
    return True


def _become_decoder(server_pid: int, fd: int, not_mine: list[socket.socket]) -> None:
    """Never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in not_mine:
            end.close()
        decoder.main(socket.socket(fileno=fd), server_pid)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
