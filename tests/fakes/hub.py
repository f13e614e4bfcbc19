"""A whole hub on private ports, in a thread of its own, with cheap passwords and a client for its API."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
from litestar import Litestar

from hub.api.application import Desk, create_api
from hub.app import Hub, Ready
from hub.domain.access import Role
from hub.services import users
from hub.services.users import NewUser
from hub.settings import PasswordSettings, Settings
from shared.messages import EventReport
from tests import reports

T = TypeVar("T")

CHEAP = PasswordSettings(time_cost=1, memory_kib=64, parallelism=1)
PASSWORD = "korkem tau 77"


class RunningHub:
    """Starts with ``__enter__``; ``stop`` ends it and raises what it ended with."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self._folder = folder
        self._settings = settings or Settings(port=0, bus_port=0, password=CHEAP)
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ended: BaseException | None = None
        self._seq = 0
        self.ready = Ready("", 0, 0, None)

    def __enter__(self) -> "RunningHub":
        self._thread.start()
        assert self._up.wait(60), "the hub did not start in a minute"
        if self._ended:
            raise self._ended
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def desk(self) -> Desk:
        assert self.hub.desk
        return self.hub.desk

    @property
    def app(self) -> Litestar:
        """The web application with all its routes."""
        return create_api(self.desk)

    @contextlib.contextmanager
    def client(self, username: str | None = None) -> Iterator[httpx.Client]:
        """A client, signed in when a user is named."""
        with httpx.Client(base_url=self.ready.url, trust_env=False, verify=False, timeout=20) as client:
            if username:
                answer = client.post("/api/v1/session", json={"username": username, "password": PASSWORD})
                assert answer.status_code == 200, answer.text
            yield client

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the hub's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def add_user(self, username: str, role: Role) -> int:
        user = self.call(users.create(self.desk.parts, NewUser(username, PASSWORD, username, role, "kk")))
        assert user.id is not None
        return user.id

    def report(self, *given: EventReport, box: str = "box-a") -> None:
        """Take reports as ingest does, and announce them as its worker does."""
        self._seq += 1000
        delivery = reports.delivery(*given, box=box, first_seq=self._seq, stream_seq=self._seq)

        async def take() -> None:
            parts = self.desk.parts
            outcome = await self.desk.ingest.take([delivery], parts.now_us())
            assert not outcome.refusals, outcome.refusals
            if outcome.change_seq is not None:
                parts.changes.publish(outcome.change_seq)
            parts.dispatch_wake.set()

        self.call(take())

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.hub.stop)
        self._thread.join(30)
        assert not self._thread.is_alive(), "the hub did not stop"
        if self._ended:
            raise self._ended

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # handed to the test's own thread  # noqa: BLE001
            self._ended = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.hub = Hub(self._folder, self._settings)

        def ready(said: Ready) -> None:
            self.ready = said
            self._up.set()

        await self.hub.run(ready)
