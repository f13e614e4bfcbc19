"""F12: the disk under a whole agent's state is full, or fails and becomes read-only; the agent lives."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from edge_agent.app import Agent
from edge_agent.errors import OutboxFault
from edge_agent.outbox.spill import MAX_ROWS
from edge_agent.self_report import health_of
from edge_agent.settings import read_settings
from shared.kinds import Lane
from tests.fakes.clips import write_clip
from tests.fakes.disk import Disk
from tests.wire import TYPICAL

pytestmark = [pytest.mark.root, pytest.mark.slow]
RED_WITHIN_S = 10.0
SCENE = '[camera]\nid = "good"\nsize_px = [320, 180]\n'


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path)
    yield disk
    disk.close()


@pytest.fixture
def config(tmp_path: Path, disk: Disk) -> Path:
    write_clip(tmp_path / "clip.mp4", seconds=2, fps=10, size=(320, 180), moves=lambda _: True)
    (tmp_path / "good.toml").write_text(SCENE)
    text = f'[box]\nid = "box-1"\nstate_dir = "{disk.folder}/state"\n[health]\nleast_free_mib = 1\n'
    camera = '[[camera]]\nid = "good"\nurl = "file:clip.mp4"\nscene = "good.toml"\n'
    (tmp_path / "box.toml").write_text(text + camera)
    return tmp_path / "box.toml"


def fill(folder: Path) -> Callable[[], None]:
    """Leave no byte; what is given back ends it."""
    junk = folder / "junk"
    with contextlib.suppress(OSError), junk.open("wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize)
    with contextlib.suppress(OSError), (folder / "more").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))

    def free() -> None:
        junk.unlink()
        (folder / "more").unlink(missing_ok=True)

    return free


def break_it(folder: Path) -> None:
    """The file system meets an error and turns read-only, as ext4 does when an SD card fails."""
    subprocess.run(["mount", "-o", "remount,errors=remount-ro", str(folder)], check=True)
    device = subprocess.run(
        ["findmnt", "-no", "SOURCE", str(folder)], check=True, capture_output=True, text=True
    ).stdout.strip()
    trigger = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
    if not trigger.exists():
        pytest.skip("this kernel cannot break an ext4 on demand")
    trigger.write_text("1")


def put(agent: Agent, count: int) -> int:
    """As cameras do: a fault is logged, never fatal. Gives how many the disk did not take at once."""
    missed = 0
    for _ in range(count):
        try:
            agent.outbox.put([(Lane.STANDARD, structs.replace(TYPICAL, event_id=os.urandom(16)))])
        except OutboxFault:
            missed += 1
    return missed


async def until(true: Callable[[], bool], seconds: float = 60.0) -> float:
    begun_s = time.monotonic()
    while not true():
        assert time.monotonic() - begun_s < seconds
        await asyncio.sleep(0.02)
    return time.monotonic() - begun_s


async def running(agent: Agent, test: Callable[[Agent], Any]) -> None:
    watching = asyncio.ensure_future(agent.watch_only())
    try:
        await until(lambda: agent.supervisor.watches[0].pipeline.counters.frames > 5)
        await test(agent)
        assert not watching.done()
        frames = agent.supervisor.watches[0].pipeline.counters.frames
        await until(lambda: agent.supervisor.watches[0].pipeline.counters.frames > frames + 5)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await asyncio.to_thread(agent.close)


def is_red(agent: Agent) -> bool:
    return "disk_full box" in health_of(agent)["wrong"]


def test_a_full_disk(config: Path, disk: Disk) -> None:
    """The newest 1,000 wait in memory; they are on the disk once there is room, and the file is whole."""

    async def test(agent: Agent) -> None:
        before = agent.outbox.waiting()
        free = fill(disk.folder)
        assert await until(lambda: is_red(agent)) < RED_WITHIN_S
        missed = await asyncio.to_thread(put, agent, 3 * MAX_ROWS)
        assert missed > 2 * MAX_ROWS
        assert agent.outbox.fault == "database or disk is full"
        assert len(agent.outbox._spill) == MAX_ROWS
        lost = sum(agent.outbox.lost().values())
        free()
        assert await until(lambda: agent.outbox.fault is None and not is_red(agent)) < RED_WITHIN_S
        assert not agent.outbox._spill
        told = agent.outbox.waiting() - before
        assert told + lost >= 3 * MAX_ROWS, "what is neither stored nor counted is lost unseen"

    async def main() -> None:
        await running(Agent(read_settings(config)), test)

    asyncio.run(main())
    database = sqlite3.connect(disk.folder / "state" / "outbox.db")
    assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    (count,) = database.execute("select count(*) from entry").fetchone()
    database.close()
    assert count >= MAX_ROWS


def test_a_disk_that_fails(config: Path, disk: Disk) -> None:
    """Read-only from one moment to the next; after the repair the file opens, with all that it had taken."""
    stored: list[int] = []

    async def test(agent: Agent) -> None:
        await asyncio.to_thread(put, agent, 50)
        stored.append(agent.outbox.waiting())
        break_it(disk.folder)
        assert await until(lambda: is_red(agent)) < RED_WITHIN_S
        assert await asyncio.to_thread(put, agent, 200) == 200
        assert agent.outbox.fault
        assert len(agent.outbox._spill) == 201, "and the report of the disk itself"

    async def main() -> None:
        await running(Agent(read_settings(config)), test)

    asyncio.run(main())
    disk.repair()
    database = sqlite3.connect(disk.folder / "state" / "outbox.db")
    assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    (count,) = database.execute("select count(*) from entry").fetchone()
    database.close()
    assert count >= stored[0]
