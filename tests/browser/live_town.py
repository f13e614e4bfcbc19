"""A small real town for the browser: the whole hub, a box with its outbox and relay, two agencies."""

import asyncio
import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from demo.receivers import Delivery, Receiver
from edge_agent.link.credentials import Credentials, Grant, open_key
from edge_agent.link.nats import NatsLink
from edge_agent.outbox.envelope import Envelope
from edge_agent.outbox.relay import Relay
from edge_agent.outbox.store import Outbox, Snapshot
from hub.app import Hub, Ready, open_hub_database
from hub.services.city import apply_city
from hub.services.parts import Parts
from hub.services.passwords import Passwords
from hub.settings import DispatchSettings, PasswordSettings, Settings
from shared.identity import time_ordered_id
from shared.kinds import TRAITS, Kind, ObjectClass
from shared.messages import VERSION, Clock, ClockSource, EventReport, Health, Phase, Position
from shared.nkey import fingerprint
from tests.browser.filming_box import FilmingBox

SITE = "kosshy"
USERNAME, PASSWORD = "aigerim", "a quiet night shift"
START_WITHIN_S = 30.0
CHEAP = PasswordSettings(time_cost=1, memory_kib=64, parallelism=1)


def now_us() -> int:
    return time.time_ns() // 1000


class Loop:
    """An event loop in a thread of its own, for one long-lived piece of work."""

    def __init__(self, name: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._failure: BaseException | None = None
        self._task: asyncio.Task[Any] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._keep(work))
            except asyncio.CancelledError:
                pass
            except BaseException as error:  # noqa: BLE001 - told to the thread that waits
                self._failure = error

    async def _keep(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._task = asyncio.current_task()
        await work()

    def call(self, function: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(function)

    def cancel(self) -> None:
        assert self._task
        self.call(self._task.cancel)
        self.join()

    def join(self) -> None:
        self._thread.join(20)
        if self._failure:
            raise self._failure

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()


class RunningHub:
    """The hub on a folder. Started again, it keeps its port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = 0
        self.start()

    def start(self) -> None:
        settings = Settings(
            port=self._port,
            bus_port=0,
            password=CHEAP,
            dispatch=DispatchSettings(max_attempts=3),
        )
        hub = Hub(self._folder, settings)
        up = threading.Event()
        told: list[Ready] = []

        def ready(what: Ready) -> None:
            told.append(what)
            up.set()

        self._hub, self._loop = hub, Loop("hub", lambda: hub.run(ready))
        until = time.monotonic() + START_WITHIN_S
        while not up.wait(0.1):
            if self._loop.has_ended:
                self._loop.join()
            assert time.monotonic() < until, "the hub did not start"
        self.ready = told[0]
        self._port = self.ready.port

    def stop(self) -> None:
        self._loop.call(self._hub.stop)
        self._loop.join()


class RunningBox:
    """A box without cameras: what a test reports goes through its real outbox and relay."""

    def __init__(self, folder: Path, name: str, enrol: Callable[[str, str], Grant]) -> None:
        folder.mkdir(parents=True)
        self.name = name
        key = open_key(folder)
        grant = enrol(name, key.public)
        credentials = Credentials(name, key, grant)
        self.outbox = Outbox(folder / "outbox.db", now_us=now_us)
        envelope = Envelope(SITE, name, self.outbox.epoch)
        relay = Relay(self.outbox, envelope, lambda: NatsLink(credentials), self._health)
        self._loop = Loop(f"box {name}", relay.run)

    def _health(self) -> Health:
        return Health(VERSION, now_us(), 1, "test", self.outbox.waiting(), 0, [])

    def report(
        self,
        kind: Kind,
        camera: str,
        place: tuple[float, float],
        reason: dict[str, float],
        *,
        zone: str | None = None,
        subject: ObjectClass = ObjectClass.PERSON,
        jpeg: bytes | None = None,
        ago_s: float = 0.0,
    ) -> None:
        """Something happened at ``place`` (lat, lon)."""
        at_us = now_us() - round(ago_s * 1e6)
        event_id = time_ordered_id(at_us // 1000, os.urandom(10))
        report = EventReport(
            version=VERSION,
            event_id=event_id,
            revision=0,
            phase=Phase.BEGIN,
            kind=kind,
            camera=camera,
            observed_at_us=at_us,
            clock=Clock(ClockSource.NTP, 8),
            position=Position.of(*place, 1.8),
            image_point=(500, 700),
            score=870,
            track_count=1,
            zone=zone,
            subject=subject,
            rule_version=1,
            reason=reason,
        )
        pictures = [Snapshot(event_id, camera, at_us, jpeg)] if jpeg else []
        if jpeg:
            report = msgspec.structs.replace(report, evidence_digest=hashlib.sha256(jpeg).digest())
        self.outbox.put([(TRAITS[kind].lane, report)], pictures)

    def stop(self) -> None:
        self._loop.cancel()
        self.outbox.close()


def _toml_table(name: str, rows: Mapping[str, Any]) -> str:
    return f"\n[[{name}]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in rows.items())


def _toml(value: Any) -> str:
    """Strings, numbers and lists are written in TOML as in JSON; a table in one line is not."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


AGENCIES = {
    "police": ("Полиция", "Полиция", "Police", ["illegal_parking", "intrusion", "line_crossed"]),
    "roads": ("Жол қызметі", "Дорожная служба", "Road service", ["road_obstruction"]),
    "waste": ("Қоқыс шығару қызметі", "Вывоз отходов", "Waste utility", ["dumping_act"]),
}


class LiveTown:
    """Everything together: ``with LiveTown(folder, base, cameras) as town``.

    ``base`` is the map's GeoJSON, ``cameras`` what ``city.toml`` says of each: id, box, name, lat, lon, …
    """

    def __init__(self, folder: Path, base: dict[str, Any], cameras: Sequence[dict[str, Any]]) -> None:
        self._folder = folder
        self._base, self._cameras = base, cameras
        self._clean_up = contextlib.ExitStack()
        self.deliveries: list[Delivery] = []

    def __enter__(self) -> Self:
        with self._clean_up:
            webhooks = {agency: self._receive(agency) for agency in AGENCIES}
            city = self._write_city(webhooks)
            Loop("city", lambda: self._prepare(city)).join()
            self.hub = RunningHub(self._folder / "hub")
            self._clean_up.callback(self.hub.stop)
            self.url = self.hub.ready.url
            self.admin = self._set_up()
            self._clean_up.callback(self.admin.close)
            self._clean_up = self._clean_up.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._clean_up.close()

    def _receive(self, agency: str) -> dict[str, str]:
        """Start an agency's web hook receiver, which checks signatures; returns how the hub reaches it.

        The road service was given another secret than the hub, so it refuses every message.
        """
        secret = f"{agency} knows this secret"
        known = "an older secret of the roads" if agency == "roads" else secret
        receiver = Receiver(agency, known, self.deliveries.append)
        receiver.start()
        self._clean_up.callback(receiver.stop)
        return {"url": receiver.url, "secret": secret}

    def _write_city(self, webhooks: dict[str, dict[str, str]]) -> Path:
        (self._folder / "base.geojson").write_text(json.dumps(self._base))
        agencies = [
            {"id": id_, "name_kk": kk, "name_ru": ru, "name_en": en, "kinds": kinds, "webhook": webhooks[id_]}
            for id_, (kk, ru, en, kinds) in AGENCIES.items()
        ]
        path = self._folder / "city.toml"
        tables = [("agency", each) for each in agencies] + [("camera", each) for each in self._cameras]
        path.write_text('base = "base.geojson"\n' + "".join(_toml_table(name, rows) for name, rows in tables))
        return path

    async def _prepare(self, city: Path) -> None:
        folder = self._folder / "hub"
        folder.mkdir()
        database = await open_hub_database(folder)
        try:
            await apply_city(Parts(Settings(), folder, database, Passwords(CHEAP)), city)
        finally:
            await database.close()

    def _set_up(self) -> httpx.Client:
        """Make the first account, as the set-up page does."""
        admin = httpx.Client(base_url=f"{self.url}/api/v1", timeout=20, trust_env=False)
        assert self.hub.ready.setup_link
        token = self.hub.ready.setup_link.rpartition("/")[2]
        account = {"username": USERNAME, "password": PASSWORD, "display_name": "Айгерім С.", "locale": "en"}
        admin.post("/setup", json={"token": token, **account}).raise_for_status()
        return admin

    def add_box(self, name: str) -> RunningBox:
        box = RunningBox(self._folder / name, name, self._enrol)
        self._clean_up.callback(box.stop)
        return box

    def add_filming_box(self, name: str, film: Path, cameras: Sequence[str]) -> FilmingBox:
        box = FilmingBox(self._folder / name, name, self._enrol, film, cameras)
        self._clean_up.callback(box.stop)
        return box

    def _enrol(self, name: str, public: str) -> Grant:
        about = {"serial": name, "fingerprint": fingerprint(public)}
        box = {"box": name, "site": SITE, "nkey_public": public, **about}
        answer = self.admin.post("/devices", json=box).raise_for_status()
        return msgspec.json.decode(answer.content, type=Grant)
