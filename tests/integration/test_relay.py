"""The relay against the real bus, while things go wrong."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from msgspec import structs
from nats.js.api import DiscardPolicy

from edge_agent.link import nats as link_nats
from edge_agent.link.credentials import Credentials, Grant
from edge_agent.link.nats import NatsLink
from edge_agent.outbox import relay as relay_module
from edge_agent.outbox.envelope import Envelope
from edge_agent.outbox.relay import Relay
from edge_agent.outbox.store import Outbox, Snapshot
from hub.bus.accounts import with_revocation
from hub.bus.claims import assert_account
from hub.bus.consumer import BatchConsumer
from hub.bus.listening import answer_sync, hear_health
from hub.bus.streams import EVENTS, EVIDENCE, STREAMS
from shared.codec import decode_batch
from shared.kinds import Lane
from shared.messages import VERSION, EventReport, Health
from tests.fakes.bus import SITE, RunningBus, now_s
from tests.wire import TYPICAL

BOX = "box-a"


def report() -> EventReport:
    return structs.replace(TYPICAL, event_id=os.urandom(16))


def reports(count: int, lane: Lane = Lane.STANDARD) -> list[tuple[Lane, EventReport]]:
    return [(lane, report()) for _ in range(count)]


def health() -> Health:
    return Health(VERSION, time.time_ns() // 1000, 1, "0.1.0", 0, 0, [])


class Street:
    """One box and its hub; ``committed`` is all that the hub has taken, each number once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bus = RunningBus(folder)
        self.login = self.bus.login(BOX)
        self.outbox = Outbox(folder / "outbox.db", now_us=lambda: time.time_ns() // 1000)
        self.committed: dict[int, bytes] = {}
        self.duplicates = 0
        self.first: list[str] = []
        self.beats: list[Health] = []
        answer_sync(self.bus.hub, self._ranges)
        hear_health(self.bus.hub, self._heard)

    def start_relay(self) -> Relay:
        grant = Grant(self.login.jwt, [self.bus.server.url], SITE, "hub")
        credentials = Credentials(BOX, self.login.key, grant)
        return Relay(
            self.outbox, Envelope(SITE, BOX, self.outbox.epoch), lambda: NatsLink(credentials), health
        )

    async def _ranges(self, box: str, epoch: bytes) -> Sequence[tuple[int, int]]:
        assert (box, epoch) == (BOX, self.outbox.epoch)
        ranges: list[tuple[int, int]] = []
        for seq in sorted(self.committed):
            if ranges and ranges[-1][1] == seq - 1:
                ranges[-1] = (ranges[-1][0], seq)
            else:
                ranges.append((seq, seq))
        return ranges

    async def _heard(self, site: str, box: str, said: Health) -> None:
        assert (site, box) == (SITE, BOX)
        self.beats.append(said)

    async def ingest(self) -> None:
        consumer = BatchConsumer(self.bus.hub, EVENTS, "ingest")
        while True:
            messages = await consumer.fetch()
            for message in messages:
                self.first.append(message.subject)
                for seq, entry in decode_batch(message.data).entries:
                    self.duplicates += seq in self.committed
                    self.committed[seq] = entry.event_id
            await consumer.ack(messages)


@contextlib.asynccontextmanager
async def running(street: Street, *, with_relay: bool = True) -> AsyncIterator[Relay]:
    await street.bus.server.start()
    relay = street.start_relay()
    jobs = [street.bus.hub.run(), street.ingest(), *([relay.run()] if with_relay else [])]
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        await street.bus.hub.client()
        yield relay
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await street.bus.server.stop()
        street.outbox.close()


async def until(true: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


def on_street(folder: Path, test: Callable[[Street, Relay], Awaitable[None]]) -> None:
    async def run() -> None:
        street = Street(folder)
        async with running(street) as relay:
            await test(street, relay)

    asyncio.run(run())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same machine, with a shorter patience."""
    monkeypatch.setattr(link_nats, "_ACK_WITHIN_S", 1.0)
    monkeypatch.setattr(relay_module, "_SYNC_EVERY_S", 0.5)
    monkeypatch.setattr(relay_module, "_BEAT_EVERY_S", 0.5)
    monkeypatch.setattr(relay_module, "_LONGEST_PAUSE_S", 1.0)


def test_a_backlog_arrives_once_alarms_first(tmp_path: Path) -> None:
    """F1 in small, with the heartbeat, the pictures and the confirmation."""

    async def run() -> None:
        street = Street(tmp_path)
        street.outbox.put(
            [*reports(2_000), *reports(20, Lane.SOS)], [Snapshot(bytes(16), "cam-1", 1, b"\xff\xd8")]
        )
        async with running(street):
            await until(lambda: len(street.committed) == 2_020)
            assert all(".sos." in subject for subject in street.first[:20])
            await until(lambda: bool(street.beats))
            await until(
                lambda: street.outbox.sent_unconfirmed() == 1, 10
            )  # the picture, which nobody reads here
            pictures = BatchConsumer(street.bus.hub, EVIDENCE, "evidence")
            assert len(await pictures.fetch()) == 1
        assert street.duplicates == 0

    asyncio.run(run())


def test_the_bus_killed_with_messages_in_flight(tmp_path: Path) -> None:
    """F3: kill -9 of nats-server, three times."""

    async def test(street: Street, relay: Relay) -> None:
        for _ in range(3):
            before = relay.state.connects
            await asyncio.to_thread(street.outbox.put, [*reports(256, Lane.CRITICAL), *reports(2_000)])
            target = relay.state.sent + 50
            await until(lambda t=target: relay.state.sent >= t)
            assert street.bus.server.pid
            os.kill(street.bus.server.pid, signal.SIGKILL)
            await until(lambda b=before: relay.state.connects > b)
        await until(lambda: len(street.committed) == 3 * 2_256)

    on_street(tmp_path, test)


@pytest.mark.timeout(300)
def test_an_outage_longer_than_the_duplicate_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F6: with a window of 0.1 s duplicates may come, and are one."""
    monkeypatch.setattr(STREAMS[0], "duplicate_window", 0.1)

    async def test(street: Street, relay: Relay) -> None:
        for _ in range(3):
            before = relay.state.connects
            await asyncio.to_thread(street.outbox.put, reports(300, Lane.CRITICAL))
            await until(lambda: relay.state.sent > 20)
            assert street.bus.server.pid
            os.kill(street.bus.server.pid, signal.SIGKILL)
            await until(lambda b=before: relay.state.connects > b)
        # What was on its way to the hub when the server died is given again after the hub's ack wait.
        await until(lambda: len(street.committed) == 900, 150)
        assert len(set(street.committed.values())) == 900

    on_street(tmp_path, test)


def test_what_the_stream_never_takes_is_buried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F9: parcels above the stream's limit are split; what is too large alone is buried; the link stays."""
    monkeypatch.setattr(STREAMS[0], "max_msg_size", 420)

    async def test(street: Street, relay: Relay) -> None:
        await until(lambda: relay.state.is_connected)
        large = structs.replace(report(), reason={f"a_rather_long_name_{i}": i + 0.5 for i in range(8)})
        street.outbox.put([(Lane.STANDARD, large), *reports(30)])
        await until(lambda: len(street.committed) == 30)
        [(seq, lane, reason)] = street.outbox.dead()
        assert (seq, lane) == (1, Lane.STANDARD)
        assert "message size exceeds maximum allowed" in reason
        assert relay.state.connects == 1

    on_street(tmp_path, test)


def test_a_full_stream_makes_the_box_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F10: 503/10077; the rows stay, and go when there is room again."""
    monkeypatch.setattr(STREAMS[0], "discard", DiscardPolicy.NEW)
    monkeypatch.setattr(STREAMS[0], "max_msgs", 5)

    async def test(street: Street, relay: Relay) -> None:
        street.outbox.put(reports(12, Lane.CRITICAL))
        await until(lambda: len(street.committed) == 5)
        await until(
            lambda: relay.state.fault is not None and "maximum messages exceeded" in relay.state.fault
        )
        assert street.outbox.waiting() == 7
        client = await street.bus.hub.client()
        while len(street.committed) < 12:
            await client.jetstream().purge_stream(EVENTS)
            await asyncio.sleep(0.1)
        assert relay.state.connects == 1
        assert street.outbox.dead() == []

    on_street(tmp_path, test)


def test_a_server_that_hangs_is_left(tmp_path: Path) -> None:
    """F17: SIGSTOP; the publish times out, the link is given up, nothing is doubled in the hub."""

    async def test(street: Street, relay: Relay) -> None:
        await until(lambda: relay.state.is_connected)
        pid = street.bus.server.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        await asyncio.to_thread(street.outbox.put, reports(10))
        await until(lambda: relay.state.failures > 0)
        os.kill(pid, signal.SIGCONT)
        await until(lambda: len(street.committed) == 10)
        await until(lambda: street.outbox.unconfirmed == 0)
        assert len(set(street.committed.values())) == 10

    on_street(tmp_path, test)


def test_a_server_that_hangs_is_missed_though_nothing_is_to_be_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F17: a half-open link is seen within three pings, without any event that needs it."""
    monkeypatch.setattr(link_nats, "_PING_EVERY_S", 1)
    # What else the box says now and then would find the link dead too.
    monkeypatch.setattr(relay_module, "_SYNC_EVERY_S", 600.0)
    monkeypatch.setattr(relay_module, "_BEAT_EVERY_S", 600.0)

    async def test(street: Street, relay: Relay) -> None:
        await until(lambda: relay.state.is_connected)
        pid = street.bus.server.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        try:
            # The fourth ping would come after this; the rest of the time is the machine's.
            await until(lambda: not relay.state.is_connected, 3 * link_nats._PING_EVERY_S + 10)
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: relay.state.is_connected)

    on_street(tmp_path, test)


def test_a_revoked_box_says_so_and_does_not_hammer(tmp_path: Path) -> None:
    async def test(street: Street, relay: Relay) -> None:
        await until(lambda: relay.state.is_connected)
        revoked = with_revocation(street.bus.accounts, street.login.key.public, now_s())
        await assert_account(street.bus.server.url, revoked, now_s())
        street.outbox.put(reports(3))
        await until(lambda: relay.state.denied is not None)
        assert "authorization" in relay.state.denied.lower()
        attempts = relay.state.failures
        await asyncio.sleep(2)
        assert relay.state.failures == attempts, "at most two attempts a minute"
        assert street.outbox.waiting() == 3

    on_street(tmp_path, test)


def test_a_box_that_may_not_publish_says_so(tmp_path: Path) -> None:
    """A refused publish gets no answer at all; the complaint alone tells."""

    async def run() -> None:
        street = Street(tmp_path)
        async with running(street, with_relay=False) as relay:
            relay._envelope = relay._envelope._replace(site="other")
            task = asyncio.create_task(relay.run())
            street.outbox.put(reports(1))
            await until(lambda: relay.state.denied is not None)
            assert "permissions violation" in relay.state.denied
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert street.committed == {}

    asyncio.run(run())


def test_bus_and_database_gone_everything_comes_again(tmp_path: Path) -> None:
    """F14: the streams are deleted and the hub is put back to an older state; the box closes the gap."""

    async def test(street: Street, relay: Relay) -> None:
        street.outbox.put(reports(500))
        await until(lambda: street.outbox.unconfirmed == 0)
        client = await street.bus.hub.client()
        await client.jetstream().delete_stream(EVENTS)
        backup = {seq: event for seq, event in street.committed.items() if seq <= 200}
        street.committed = dict(backup)
        assert street.bus.server.pid
        os.kill(street.bus.server.pid, signal.SIGKILL)
        await until(lambda: len(street.committed) == 500)
        await until(lambda: street.outbox.unconfirmed == 0)
        assert relay.state.sent_again == 300

    on_street(tmp_path, test)
