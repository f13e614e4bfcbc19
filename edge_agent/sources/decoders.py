"""The agent's side of the decoder processes: asks the lean server for them, and ends them."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading

from edge_agent.errors import EdgeError, SourceFailed, SourceFault
from edge_agent.sources.dialogue import AgentEnd

_START_LIMIT_S = 15.0
_FORK_LIMIT_S = 2.0
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "LC_ALL": "C.UTF-8"}
"""All that a decoder knows of the agent's environment."""


class Decoder:
    """One decoder process: the talk with it, and its life."""

    def __init__(self, end: AgentEnd, pid: int, pidfd: int) -> None:
        self.talk = end
        self.pid = pid
        self._lock = threading.Lock()
        self._pidfd: int | None = pidfd

    def kill(self) -> None:
        """From any thread. The descriptor names this process and no later one."""
        with self._lock, contextlib.suppress(ProcessLookupError):
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def end(self) -> None:
        """Kill it and wait until it is gone."""
        self.kill()
        with self._lock:
            if self._pidfd is not None:
                select.select([self._pidfd], [], [], _FORK_LIMIT_S)
                os.close(self._pidfd)
                self._pidfd = None
        self.talk.close()


class DecoderServer:
    """Keeps the lean process; starts it anew when it is gone. Used by all feeds' threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the lean process now, so that an environment without PyAV is told at once."""
        with self._lock:
            self._ensure()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def decoder(self) -> Decoder:
        """A new decoder process that waits for its order. Raises ``SourceFailed``."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self._lock:
            try:
                control = self._ensure()
                socket.send_fds(control, [b"+"], [theirs.fileno()])
                message, fds, _, _ = socket.recv_fds(control, 4, 1)
            except (OSError, EdgeError):
                message, fds = b"", []
            if not fds:
                self._drop()
                ours.close()
                raise SourceFailed(SourceFault.CRASHED, "the decoders' server is gone")
        return Decoder(AgentEnd(ours), int.from_bytes(message, "little"), fds[0])

    def _ensure(self) -> socket.socket:
        if self._control is not None:
            return self._control
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-I", "-m", "edge_agent.sources.server", str(theirs.fileno())]
            self._process = subprocess.Popen(
                command,
                env=_ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        ours.settimeout(_START_LIMIT_S)
        with contextlib.suppress(OSError):
            if ours.recv(16):
                ours.settimeout(_FORK_LIMIT_S)
                self._control = ours
                return ours
        ours.close()
        self._drop()
        raise EdgeError("the decoders' server did not start; run `saqshy edge doctor`")

    def _drop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End the server and with it every decoder."""
        with self._lock:
            self._drop()
