"""The hub as a whole: the only place where its parts are built and handed to each other."""

import asyncio
import contextlib
import fcntl
import logging
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from hub.api.application import Desk, create_api
from hub.api.console import Console
from hub.api.health import Probes
from hub.api.server import PortTaken, Server, listen
from hub.bus.accounts import BusAccounts, hub_login
from hub.bus.asking import BoxLine
from hub.bus.claims import assert_account, watch_account
from hub.bus.connection import HubBus
from hub.bus.embedded import EmbeddedNats
from hub.bus.errors import BusError, BusUnfit
from hub.bus.errors import PortTaken as BusPortTaken
from hub.bus.keys import open_keys
from hub.bus.listening import answer_sync, hear_health
from hub.bus.streams import make_streams
from hub.connectors.table import open_connectors
from hub.db.engine import Database, open_database, sqlite_url
from hub.db.migrate import migrate
from hub.db.queries_ingest import committed_ranges
from hub.db.queries_routing import seed_routing
from hub.errors import HubError, StartRefused
from hub.services import sessions
from hub.services.clips import Clips
from hub.services.devices import Devices, open_accounts
from hub.services.evidence_key import open_evidence_key, public_text
from hub.services.feed import Feed
from hub.services.live import Live
from hub.services.looks import Looks
from hub.services.metrics import Gauges
from hub.services.parts import Parts, utc_now_us
from hub.services.passwords import Passwords
from hub.settings import Settings
from hub.workers.dispatch import DispatchWorker
from hub.workers.ingest import IngestWorker, rest_the_collector

_log = logging.getLogger(__name__)

_STOP_PART_WITHIN_S = 8.0


class Ready(NamedTuple):
    """What the hub says when it serves."""

    url: str
    port: int
    bus_port: int
    setup_link: str | None
    """Makes the first account; None once there is one."""


class PartDied(HubError):
    """A part of the hub ended by itself. The hub stops; whoever runs it starts it again."""


class CleanUp:
    """What was started, to be ended in the reverse order. One that fails does not keep the others."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], Awaitable[object]]]] = []

    def add(self, name: str, step: Callable[[], Awaitable[object]]) -> None:
        self._steps.append((name, step))

    async def run(self) -> None:
        while self._steps:
            name, step = self._steps.pop()
            began = time.monotonic()
            try:
                await asyncio.wait_for(step(), _STOP_PART_WITHIN_S)
            except Exception:  # noqa: BLE001 - the other parts must be ended all the same
                _log.exception("%s did not end in good order", name)
            _log.debug("%s ended in %.2f s", name, time.monotonic() - began)


class Hub:
    """``run`` starts everything, serves until ``stop`` or until a part dies, and ends everything."""

    def __init__(self, folder: Path, settings: Settings, *, any_port: bool = False) -> None:
        self._folder = folder.absolute()
        self._settings = settings
        self._any_port = any_port
        self._clean_up = CleanUp()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self.desk: Desk | None = None
        """What the routes work with, once started."""

    def stop(self) -> None:
        """Have ``run`` end; may be called from a signal handler."""
        self._stopping.set()

    async def run(self, ready: Callable[[Ready], None]) -> None:
        """Raises ``StartRefused`` when it cannot start, ``PartDied`` when a part ended by itself."""
        try:
            ready(await self._start())
            await self._until_stopped()
        except BusUnfit as error:
            raise StartRefused(error.what, error.way_out) from error
        except BusError as error:
            raise HubError(str(error)) from error
        finally:
            await self._clean_up.run()

    async def _start(self) -> Ready:
        lock = lock_folder(self._folder)
        self._clean_up.add("folder lock", _closing(lock.close))
        listener = self._listen()
        self._clean_up.add("listener", _closing(listener.close))
        parts = await self._open_parts()
        nats, devices = await self._start_bus_server(parts)
        bus, line, ingest = self._start_bus(parts, nats, devices)
        looks = Looks(parts)
        clips = Clips(parts, line, looks)
        clips.resume()
        self._clean_up.add("clips", clips.close)
        dispatch = DispatchWorker(parts, open_connectors(self._settings.dispatch.timeout_s), random.random)
        self._spawn("dispatch worker", dispatch.run())
        feed = Feed(parts)
        self._spawn("live stream", feed.run())
        probes = _probes(bus, nats, ingest, dispatch, feed)
        live = Live(parts, line, looks)
        desk = Desk(parts, feed, devices, ingest.ingest, clips, live, looks, probes, Console(), nats.port)
        await self._serve(desk, listener)
        self.desk = desk
        return await self._ready(parts, listener, nats.port)

    def _listen(self) -> socket.socket:
        try:
            return listen(self._settings.host, self._settings.port)
        except PortTaken as error:
            if not self._any_port:
                raise
            _log.warning("%s; another one is used", error.what)
            return listen(self._settings.host, 0)

    async def _open_parts(self) -> Parts:
        database = await open_hub_database(self._folder)
        self._clean_up.add("database", database.close)
        key = open_evidence_key(self._folder / "keys")
        passwords = Passwords(self._settings.password)
        return Parts(self._settings, self._folder, database, passwords, evidence_key=key)

    async def _start_bus_server(self, parts: Parts) -> tuple[EmbeddedNats, Devices]:
        """Assert what the database means before any box may connect."""
        accounts = await open_accounts(parts.database, open_keys(self._folder / "keys"), parts.now_us())
        nats = await self._start_nats(accounts)
        self._clean_up.add("nats-server", nats.stop)

        async def push(accounts: BusAccounts) -> None:
            nats.set_accounts(accounts)
            await assert_account(nats.url, accounts, _now_s())

        evidence_key = public_text(parts.evidence_key)
        devices = Devices(parts.database, accounts, push, parts.now_us, evidence_key)
        alarm = _log.critical
        self._spawn("account watch", watch_account(lambda: nats.url, lambda: devices.accounts, _now_s, alarm))
        self._spawn("box health", devices.run())
        return nats, devices

    async def _start_nats(self, accounts: BusAccounts) -> EmbeddedNats:
        settings = self._settings
        folder = self._folder / "nats"
        nats = EmbeddedNats(folder, accounts, host=settings.bus_host, port=settings.bus_port)
        try:
            await nats.start()
        except BusPortTaken as error:
            if not self._any_port:
                raise
            _log.warning("%s; another one is used", error.what)
            nats = EmbeddedNats(folder, accounts, host=settings.bus_host)
            await nats.start()
        return nats

    def _start_bus(
        self, parts: Parts, nats: EmbeddedNats, devices: Devices
    ) -> tuple[HubBus, BoxLine, IngestWorker]:
        bus = HubBus(lambda: nats.url, lambda: hub_login(devices.accounts.keys, _now_s()))
        bus.on_connect(make_streams)

        async def ranges(box: str, epoch: bytes) -> Sequence[tuple[int, int]]:
            async with parts.database.reading() as db:
                return await committed_ranges(db, box, epoch)

        answer_sync(bus, ranges)
        hear_health(bus, devices.heard)
        line = BoxLine(bus)
        rest_the_collector()
        ingest = IngestWorker(
            bus, parts.database, parts.changes, parts.evidence_dir, parts.now_us, parts.dispatch_wake
        )
        self._spawn("bus connection", bus.run())
        self._spawn("ingest worker", ingest.run(), before_cancel=ingest.stop)
        return bus, line, ingest

    async def _serve(self, desk: Desk, listener: socket.socket) -> None:
        server = Server(create_api(desk))

        def stop() -> None:
            desk.feed.stop()
            server.stop()

        task = self._spawn("web server", server.serve([listener]), before_cancel=stop)
        up = asyncio.create_task(server.is_up.wait())
        await asyncio.wait((up, task), return_when=asyncio.FIRST_COMPLETED)
        up.cancel()

    async def _ready(self, parts: Parts, listener: socket.socket, bus_port: int) -> Ready:
        port: int = listener.getsockname()[1]
        url = self._settings.public_url or address(self._settings.host, port)
        token = await sessions.new_setup_link_token(parts.database, parts.now_us())
        return Ready(url, port, bus_port, setup_link(url, token) if token else None)

    def _spawn(
        self, name: str, work: Coroutine[Any, Any, None], before_cancel: Callable[[], None] | None = None
    ) -> asyncio.Task[None]:
        """Run a part as a task that is ended at clean-up: asked by ``before_cancel``, else cancelled."""
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)

        async def end() -> None:
            if before_cancel:
                before_cancel()
            else:
                task.cancel()
            await asyncio.wait((task,))

        self._clean_up.add(name, end)
        return task

    async def _until_stopped(self) -> None:
        stopping = asyncio.create_task(self._stopping.wait(), name="stop")
        done, _ = await asyncio.wait((*self._tasks, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in done - {stopping}:
            error = None if task.cancelled() else task.exception()
            _log.critical("the %s ended by itself; the hub stops", task.get_name(), exc_info=error)
            raise PartDied(f"the {task.get_name()} ended by itself: {error or 'no error'}")


async def open_hub_database(folder: Path) -> Database:
    """Open the folder's database and bring it to the newest schema."""
    database = open_database(sqlite_url(folder / "hub.db"))
    try:
        await migrate(database)
        async with database.transaction() as db:
            await seed_routing(await db.connection())
    except BaseException:
        await database.close()
        raise
    return database


def lock_folder(folder: Path) -> Any:
    """Hold a folder for this process; the kernel lets go of it however the process ends."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.fdopen(os.open(folder / "hub.lock", os.O_CREAT | os.O_RDWR, 0o600), "r+")
    except OSError as error:
        raise StartRefused(f"{folder}: {error.strerror}", "give another folder with --data") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise StartRefused(f"{folder}: another hub runs on it", "stop that one, or use --data") from None
    return handle


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds the hub."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def setup_link(url: str, token: str) -> str:
    """The console's page that makes the first account."""
    return f"{url}/#/setup/{token}"


def _now_s() -> int:
    return utc_now_us() // 1_000_000


def _closing(close: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        with contextlib.suppress(OSError):
            close()

    return run


def _probes(
    bus: HubBus, nats: EmbeddedNats, ingest: IngestWorker, dispatch: DispatchWorker, feed: Feed
) -> Probes:
    def gauges() -> Gauges:
        return Gauges(
            ingest=asdict(ingest.counts),
            attempts={str(outcome): n for outcome, n in dispatch.outcomes.items()},
            open_streams=feed.open_streams,
            slow_streams_closed=feed.slow_closed,
            bus_is_connected=bus.is_connected,
            bus_connects=bus.connects,
            nats_restarts=nats.restarts,
        )

    return Probes(lambda: bus.is_connected, gauges)
