"""The dispatch outbox against real HTTP receivers that fail, dawdle, break off and come back."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hub.connectors.table import open_connectors
from hub.db.queries_routing import insert_dispatches
from hub.db.tables import Agency, Attempt, Dispatch, Incident, Receiver, TimelineEntry
from hub.domain.dispatch import LONGEST_PAUSE_S
from hub.errors import StateConflict
from hub.services import dispatches
from hub.services.parts import Parts, utc_now_us
from hub.services.passwords import Passwords
from hub.settings import DispatchSettings, Settings
from hub.workers.dispatch import LANE_WIDTH, DispatchWorker
from tests.fakes.hub import CHEAP
from tests.fakes.receiver import Answer
from tests.fakes.receiver import Receiver as Peer
from tests.hub_database import hub_database, rows

SECRET = "a secret of the agency"
Story = Callable[["Outbox"], Coroutine[Any, Any, None]]


class FastClock:
    """Runs a thousand times as fast, so that pauses of minutes pass by themselves."""

    def __init__(self, speed: int = 1_000) -> None:
        self._began_us = utc_now_us()
        self._speed = speed

    def __call__(self) -> int:
        return self._began_us + (utc_now_us() - self._began_us) * self._speed


class Outbox:
    """A database with dispatches, and a worker on it."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        connectors = open_connectors(parts.settings.dispatch.timeout_s)
        self.worker = DispatchWorker(parts, connectors, lambda: 0.5)
        self._incidents = 0

    async def receiver(self, url: str, connector: str = "webhook") -> int:
        async with self.parts.database.transaction() as db:
            await db.merge(Agency(id="police", name_kk="П", name_ru="П", name_en="P"))
            row = Receiver(agency_id="police", connector=connector, url=url, secret=SECRET)
            db.add(row)
            await db.flush()
            assert row.id is not None
            return row.id

    async def put(
        self, receiver_id: int, count: int = 1, messages: tuple[str, ...] = ("opened",)
    ) -> list[str]:
        """Store dispatches of ``count`` new incidents; return their keys."""
        keys: list[str] = []
        async with self.parts.database.transaction() as db:
            for _ in range(count):
                self._incidents += 1
                incident = incident_row(self._incidents)
                db.add(incident)
                await db.flush()
                made = [dispatch_row(incident, receiver_id, message) for message in messages]
                await insert_dispatches(await db.connection(), made)
                keys += [row["idempotency_key"] for row in made]
        self.parts.dispatch_wake.set()
        return keys

    async def until(self, is_done: Callable[[list[Dispatch]], bool], within_s: float = 30) -> list[Dispatch]:
        """Wait until the dispatches are as wanted."""
        async with asyncio.timeout(within_s):
            found = await rows(self.parts.database, Dispatch)
            while not is_done(found):
                await asyncio.sleep(0.02)
                self.parts.dispatch_wake.set()  # the worker waits in real time, the clock runs ahead of it
                found = await rows(self.parts.database, Dispatch)
            return found


def incident_row(number: int) -> Incident:
    return Incident(
        id=f"{number:032x}", number=number, kind=1, severity="high", state="new", site="kosshy",
        cameras=["cam-1"], boxes=["box-a"], places={}, open_events=[], subject=1, opened_at_us=1,
        first_observed_at_us=1, last_observed_at_us=1, event_count=1, best_score=800,
        reason={"inside_s": 2.0, "limit_s": 1.5}, change_seq=1_000_000 + number,
    )  # fmt: skip


def dispatch_row(incident: Incident, receiver_id: int, message: str) -> dict[str, Any]:
    notice = {
        "version": 1,
        "message": message,
        "at_us": 1_795_000_000_000_000,
        "incident": {
            "id": incident.id,
            "number": incident.number,
            "kind": "intrusion",
            "reason": incident.reason,
        },
    }
    return {
        "incident_id": incident.id, "receiver_id": receiver_id, "message": message,
        "idempotency_key": f"{incident.id}.{receiver_id}.{message}", "body": notice, "state": "pending",
        "attempt_count": 0, "next_attempt_at_us": 0, "created_at_us": 0,
    }  # fmt: skip


def run(
    folder: Path, story: Story, *, max_attempts: int = 300, timeout_s: float = 5, speed: int = 1_000
) -> None:
    async def main() -> None:
        settings = Settings(password=CHEAP, dispatch=DispatchSettings(max_attempts, timeout_s))
        async with hub_database(folder) as database:
            parts = Parts(settings, folder, database, Passwords(CHEAP), now_us=FastClock(speed))
            outbox = Outbox(parts)
            working = asyncio.create_task(outbox.worker.run())
            try:
                await story(outbox)
            finally:
                working.cancel()
                await asyncio.wait((working,))

    asyncio.run(main())


def all_in(state: str) -> Callable[[list[Dispatch]], bool]:
    return lambda found: bool(found) and all(row.state == state for row in found)


def test_a_message_arrives_signed_and_in_words(tmp_path: Path) -> None:
    async def story(outbox: Outbox) -> None:
        (key,) = await outbox.put(await outbox.receiver(peer.url))
        (row,) = await outbox.until(all_in("delivered"))
        (got,) = peer.deliveries
        assert got.key == key == row.idempotency_key
        assert got.is_signed_with(SECRET)
        assert not got.is_signed_with("another secret")
        assert got.message["type"] == "incident.opened"
        assert got.message["id"] == key
        assert "1.5" in got.message["text"]["ru"]
        lines = await rows(outbox.parts.database, TimelineEntry)
        assert [line.what for line in lines] == ["dispatch_delivered"]
        (incident,) = await rows(outbox.parts.database, Incident)
        assert outbox.parts.changes.latest == incident.change_seq, "open pages are told"

    with Peer() as peer:
        run(tmp_path, story)


def test_failures_are_tried_again_with_the_same_key_and_body(tmp_path: Path) -> None:
    script = [
        Answer(503, {"retry-after": "40"}), Answer(500), Answer(429), Answer(408), Answer(breaks_off=True),
        Answer(502, body=b"x" * 5_000_000), Answer(200),
    ]  # fmt: skip

    async def story(outbox: Outbox) -> None:
        await outbox.put(await outbox.receiver(peer.url))
        (row,) = await outbox.until(all_in("delivered"))
        assert row.attempt_count == 7
        assert len(set(peer.keys)) == 1
        assert len({delivery.body for delivery in peer.deliveries}) == 1
        attempts = await rows(outbox.parts.database, Attempt)
        outcomes = [attempt.outcome for attempt in attempts]
        assert outcomes == [
            "busy",
            "receiver_fault",
            "busy",
            "receiver_fault",
            "unreachable",
            "receiver_fault",
            "accepted",
        ]
        pauses_s = [(b.at_us - a.at_us) / 1e6 for a, b in pairwise(attempts)]
        assert pauses_s[0] >= 40, "the receiver asked for it"
        assert pauses_s[4] >= 16 * 0.75, "the fifth pause"

    with Peer(script) as peer:
        run(tmp_path, story)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(404, body=b"<b>no\x00\nsuch hook</b>"), "refused"),
        (Answer(302, {"location": "http://169.254.169.254/"}), "redirected"),
        (Answer(401), "refused"),
    ],
)
def test_a_refusal_is_a_dead_letter_until_someone_sends_it_again(
    tmp_path: Path, answer: Answer, outcome: str
) -> None:
    async def story(outbox: Outbox) -> None:
        await outbox.put(await outbox.receiver(peer.url))
        (row,) = await outbox.until(all_in("dead"))
        (attempt,) = await rows(outbox.parts.database, Attempt)
        assert (attempt.outcome, attempt.status, row.attempt_count) == (outcome, answer.status, 1)
        assert attempt.detail.isprintable()
        again = await dispatches.retry(outbox.parts, row.id or 0, "boss")
        assert again.state == "pending"
        await outbox.until(all_in("delivered"))
        assert len(set(peer.keys)) == 1
        with pytest.raises(StateConflict, match="only a dead one"):
            await dispatches.retry(outbox.parts, row.id or 0, "boss")
        lines = [line.what for line in await rows(outbox.parts.database, TimelineEntry)]
        assert lines == ["dispatch_dead", "dispatch_retried", "dispatch_delivered"]

    with Peer([answer]) as peer:
        run(tmp_path, story)


def test_a_receiver_that_never_comes_back_is_given_up(tmp_path: Path) -> None:
    async def story(outbox: Outbox) -> None:
        await outbox.put(await outbox.receiver(peer.url))
        (row,) = await outbox.until(all_in("dead"))
        assert row.attempt_count == 5
        assert len(peer.deliveries) == 5
        lines = [line.what for line in await rows(outbox.parts.database, TimelineEntry)]
        assert lines == ["dispatch_delayed", "dispatch_dead"]

    with Peer(otherwise=Answer(503)) as peer:
        run(tmp_path, story, max_attempts=5)


def test_nobody_at_the_address_is_waited_for(tmp_path: Path) -> None:
    async def story(outbox: Outbox) -> None:
        await outbox.put(await outbox.receiver("http://127.0.0.1:1/"))
        await outbox.until(lambda found: found[0].attempt_count >= 3)
        attempts = await rows(outbox.parts.database, Attempt)
        assert {attempt.outcome for attempt in attempts} == {"unreachable"}

    run(tmp_path, story)


def test_an_unknown_connector_is_a_dead_letter(tmp_path: Path) -> None:
    async def story(outbox: Outbox) -> None:
        await outbox.put(await outbox.receiver("http://127.0.0.1:1/", connector="pigeon"))
        await outbox.until(all_in("dead"))

    run(tmp_path, story)


def test_messages_of_an_incident_keep_their_order_over_failures(tmp_path: Path) -> None:
    async def story(outbox: Outbox) -> None:
        receiver = await outbox.receiver(peer.url)
        await outbox.put(receiver, count=3, messages=("opened", "updated", "resolved"))
        await outbox.until(all_in("delivered"))
        taken: dict[str, list[str]] = {}
        for delivery in peer.deliveries[4:]:
            incident, _, message = delivery.key.split(".")
            taken.setdefault(incident, []).append(message)
        assert all(order == ["opened", "updated", "resolved"] for order in taken.values())

    with Peer([Answer(500), Answer(503), Answer(500), Answer(500)]) as peer:
        run(tmp_path, story)


def test_a_slow_receiver_delays_nobody_else(tmp_path: Path) -> None:
    async def story(outbox: Outbox) -> None:
        slow_id, quick_id = await outbox.receiver(slow.url), await outbox.receiver(quick.url)
        await outbox.put(slow_id, count=60)
        await asyncio.to_thread(slow.wait_for, LANE_WIDTH)
        await outbox.put(quick_id, count=40)
        await asyncio.to_thread(quick.wait_for, 40)
        assert len(slow.deliveries) <= 2 * LANE_WIDTH, "the slow one is still busy with its first"

    with Peer(otherwise=Answer(wait_s=2)) as slow, Peer() as quick:
        run(tmp_path, story, timeout_s=3, speed=1)


def test_a_disabled_receiver_gets_nothing_until_it_is_enabled(tmp_path: Path) -> None:
    async def story(outbox: Outbox) -> None:
        receiver = await outbox.receiver(peer.url)
        async with outbox.parts.database.transaction() as db:
            row = await db.get(Receiver, receiver)
            assert row
            row.enabled = False
        await outbox.put(receiver, count=2)
        other = await outbox.receiver(peer.url)
        keys = await outbox.put(other)
        await asyncio.to_thread(peer.wait_for, 1)
        assert peer.keys == keys
        async with outbox.parts.database.transaction() as db:
            row = await db.get(Receiver, receiver)
            assert row
            row.enabled = True
        outbox.parts.dispatch_wake.set()
        await outbox.until(all_in("delivered"))

    with Peer() as peer:
        run(tmp_path, story, speed=1)


def test_what_was_answered_is_recorded_even_while_stopping(tmp_path: Path) -> None:
    async def story(outbox: Outbox) -> None:
        await outbox.put(await outbox.receiver(peer.url), count=4)
        await asyncio.to_thread(peer.wait_for, 4)
        for _ in range(200):
            if outbox.worker._records:
                break
            await asyncio.sleep(0.001)
        await outbox.worker._stop()
        delivered = sum(row.state == "delivered" for row in await rows(outbox.parts.database, Dispatch))
        assert delivered == len(await rows(outbox.parts.database, Attempt)) >= 1

    with Peer() as peer:
        run(tmp_path, story, speed=1)


def test_no_pause_is_longer_than_five_minutes_by_itself() -> None:
    assert LONGEST_PAUSE_S == 300


WORKER = """
import asyncio, random, sys
from itertools import pairwise
from pathlib import Path
from hub.connectors.table import open_connectors
from hub.db.engine import open_database, sqlite_url
from hub.services.parts import Parts
from hub.services.passwords import Passwords
from hub.settings import PasswordSettings, Settings
from hub.workers.dispatch import DispatchWorker

async def main() -> None:
    settings, folder = Settings(), Path(sys.argv[1])
    cheap = Passwords(PasswordSettings(1, 64, 1))
    parts = Parts(settings, folder, open_database(sqlite_url(folder / "hub.db")), cheap)
    await DispatchWorker(parts, open_connectors(5), random.random).run()

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_dispatcher_killed_again_and_again_delivers_everything_with_the_same_keys(tmp_path: Path) -> None:
    """F20: 15 % answers 503, 10 % answers lost, the dispatcher killed 5 times."""
    count = 120
    script = [
        Answer(503, {"retry-after": "0"}) if n % 7 == 0 else Answer(breaks_off=n % 10 == 0, wait_s=0.01)
        for n in range(4 * count)
    ]

    async def fill() -> list[str]:
        async with hub_database(tmp_path) as database:
            outbox = Outbox(Parts(Settings(), tmp_path, database, Passwords(CHEAP)))
            ids = [await outbox.receiver(peer.url) for _ in range(3)]
            return [key for id_ in ids for key in await outbox.put(id_, count=count // 3)]

    with Peer(script) as peer:
        keys = asyncio.run(fill())
        for kill in range(5):
            worker = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)])
            try:
                peer.wait_for((kill + 1) * 20)
                deadline = time.monotonic() + 60
                while kill == 4 and pending(tmp_path) and time.monotonic() < deadline:
                    time.sleep(0.1)
            finally:
                os.kill(worker.pid, signal.SIGKILL)
                worker.wait()
        assert set(peer.keys) == set(keys)
        assert pending(tmp_path) == 0
        bodies = {(delivery.key, delivery.body) for delivery in peer.deliveries}
        assert len(bodies) == len(keys), "a repetition is the same message"


def pending(folder: Path) -> int:
    with sqlite3.connect(folder / "hub.db") as database:
        (count,) = database.execute("SELECT count(*) FROM dispatch WHERE state != 'delivered'").fetchone()
    database.close()
    return count
