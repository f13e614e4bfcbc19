"""The demo's child processes: started together, stopped together, and gone when the demo is killed."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_STOP_S = 10.0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class CommandFailed(Exception):
    """A command of Saqshy ended with an error; the message is its own last words."""


def run_command(arguments: list[str], environment: dict[str, str] | None = None, stdin: str = "") -> str:
    """Run ``saqshy …`` to its end; returns the last line of what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "saqshy", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        last = said[-1] if said else f"exit code {done.returncode}"
        raise CommandFailed(f"saqshy {' '.join(arguments[:2])}: {last}")
    lines = done.stdout.strip().splitlines()
    return lines[-1] if lines else ""


class Child:
    """One part of Saqshy in a process of its own, its output in a log file."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name, self.log = name, log
        self._arguments = [sys.executable, "-m", "saqshy", *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    def add_arguments(self, *arguments: str) -> None:
        self._arguments += arguments

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = self._spawn(log)

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches the demo alone, which then stops its children in order.
        return subprocess.Popen(
            self._arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # no thread of ours holds a lock yet
        )

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def ask_to_stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def wait_until_stopped(self) -> None:
        """Wait for the end; a child that does not end in time is killed with all that it started."""
        if not self._process:
            return
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_lines(self, count: int = 8) -> str:
        """The end of its log, for an error that tells what happened."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
