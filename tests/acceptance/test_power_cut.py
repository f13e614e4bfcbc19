"""F4 and F5: whatever was said to be stored is there after the power went, on the hub and on the box.

Each test has a twin with the durability weakened, which must lose something: a test that cannot see a loss
would prove nothing.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edge_agent.outbox.store import Outbox
from hub.bus import embedded
from tests.fakes.bus import running_bus
from tests.fakes.disk import Disk

pytestmark = pytest.mark.root

ENOUGH = 600
SUBJECT = "saqshy.v1.kosshy.box-a.evt.std.intrusion.cam-1"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    made.close()


async def _publish_until_cut(disk: Disk) -> list[str]:
    """Publish, one at a time, and return the ids that were acknowledged before the power went."""
    acked: list[str] = []
    async with running_bus(disk.folder) as bus:
        box = await bus.sign_in(bus.login("box-a"), "box-a")
        jetstream = box.jetstream()
        os.sync()
        while len(acked) < ENOUGH:
            name = f"{len(acked):08d}"
            await jetstream.publish(SUBJECT, name.encode() + b"x" * 200, headers={"Nats-Msg-Id": name})
            acked.append(name)
        pid = bus.server.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        disk.cut()
        bus.server._supervision.cancel()
        os.kill(pid, signal.SIGKILL)
        await bus.server._process.wait()
        await box.close()
    return acked


async def _stored_after_power(disk: Disk) -> set[str]:
    began = time.monotonic()
    async with running_bus(disk.folder) as bus:
        assert time.monotonic() - began < 30, "the hub serves again within 30 s"
        client = await bus.hub.client()
        count = await bus.events_stored()
        if not count:
            return set()
        reader = await client.jetstream().pull_subscribe(SUBJECT, stream="EVT")
        found: set[str] = set()
        while len(found) < count:
            found |= {message.data[:8].decode() for message in await reader.fetch(500, timeout=5)}
        return found


def _hub_power_cut(disk: Disk) -> tuple[list[str], set[str]]:
    acked = asyncio.run(_publish_until_cut(disk))
    disk.power_on()
    return acked, asyncio.run(_stored_after_power(disk))


def test_the_hub_loses_nothing_that_it_acknowledged(disk: Disk) -> None:
    acked, found = _hub_power_cut(disk)
    assert set(acked) <= found


def test_the_hubs_test_would_notice(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = partial(embedded.server_config, sync_interval="2m")
    monkeypatch.setattr(embedded, "server_config", weak)
    acked, found = _hub_power_cut(disk)
    assert len(set(acked) - found) > len(acked) // 2


BOX = """
import os, sys, time
from pathlib import Path
from msgspec import structs
from edge_agent.outbox import schema
from edge_agent.outbox.store import Outbox
from shared.kinds import Lane
from tests.wire import TYPICAL

folder, schema.DURABLE = Path(sys.argv[1]), sys.argv[2]
outbox = Outbox(folder / "outbox.db", now_us=lambda: time.time_ns() // 1000)
os.sync()
while True:
    report = structs.replace(TYPICAL, event_id=os.urandom(16))
    outbox.put([(Lane.STANDARD, report)])
    print(report.event_id.hex(), flush=True)
"""


def _box_power_cut(disk: Disk, tmp_path: Path, durable: str) -> tuple[list[str], set[str]]:
    told = tmp_path / "told"
    with told.open("wb") as out:
        box = subprocess.Popen([sys.executable, "-c", BOX, disk.folder, durable], stdout=out)
        try:
            deadline = time.monotonic() + 60
            while told.read_bytes().count(b"\n") < ENOUGH:
                assert box.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            os.kill(box.pid, signal.SIGSTOP)
            disk.cut()
        finally:
            box.kill()
            box.wait()
    disk.power_on()
    return told.read_text().split("\n")[:-1], _events_in(disk.folder / "outbox.db")


def _events_in(path: Path) -> set[str]:
    from shared.codec import decode
    from shared.messages import EventReport

    outbox = Outbox(path, now_us=lambda: 0)
    try:
        assert outbox._one("pragma integrity_check") == "ok"
        parcels = outbox.form(100_000)
        return {decode(EventReport, body).event_id.hex() for p in parcels for _, body in p.rows}
    finally:
        outbox.close()


def test_the_box_loses_nothing_that_it_stored(disk: Disk, tmp_path: Path) -> None:
    told, found = _box_power_cut(disk, tmp_path, "full")
    assert len(told) >= ENOUGH
    assert set(told) <= found


def test_the_boxs_test_would_notice(tmp_path: Path) -> None:
    """A cut right after SQLite's own checkpoint, or after another program's sync, spares everything: one of
    a few must not."""
    assert any(_loses_something(tmp_path / str(attempt)) for attempt in range(4))


def _loses_something(work: Path) -> bool:
    work.mkdir()
    disk = Disk(work)
    try:
        told, found = _box_power_cut(disk, work, "normal")
    finally:
        disk.close()
    return bool(set(told) - found)
