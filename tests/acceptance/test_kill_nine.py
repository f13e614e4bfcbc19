"""kill -9 of hub, nats-server, agent and decoder at random under load: nothing lost, nothing doubled.

Every id that an outbox called safe is in the database once, and each thing that was reported is one incident.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from demo.street import Street
from demo.town import BOXES, Town
from tests.acceptance.loaded_agent import REPORTS_PER_S, THINGS, kind_of

SECONDS = 120
MORE_SECONDS = 150
"""What a busy machine gets on top to make as many reports."""
LEAST_REPORTS = SECONDS * REPORTS_PER_S // 2
KILLS = 3
BOX = next(iter(BOXES))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(540)]


class LoadedBox:
    """The loaded agent, started again after each death as systemd would."""

    def __init__(self, town: Town) -> None:
        self.made, self.stop_mark = town.folder / "made.txt", town.folder / "stop"
        config = town.box_folder(BOX) / "box.toml"
        self._log = (town.logs / "loaded.log").open("ab")
        self._command = [
            sys.executable,
            "-m",
            "tests.acceptance.loaded_agent",
            config,
            self.made,
            self.stop_mark,
        ]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log)

    def decoders(self) -> list[psutil.Process]:
        """The processes that decode: leaves of the agent's tree."""
        tree = psutil.Process(self.process.pid).children(recursive=True)
        return [p for p in tree if not p.children()]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self._log.close()


def _victim(name: str, street: Street, box: LoadedBox, rng: random.Random) -> int | None:
    if name == "hub":
        return street.hub.pid
    if name == "agent":
        return box.process.pid
    if name == "decoder":
        found = box.decoders()
    else:
        found = [p for p in psutil.Process(street.hub.pid).children(recursive=True) if p.name() == name]
    return rng.choice(found).pid if found else None


def _kill(name: str, street: Street, box: LoadedBox, rng: random.Random) -> bool:
    pid = _victim(name, street, box, rng)
    if pid is None:
        return False
    os.kill(pid, signal.SIGKILL)
    if name == "hub":
        street.hub.wait_until_stopped()
        street.hub.start()
    elif name == "agent":
        box.process.wait()
        box.start()
    return True


def _kill_all(street: Street, box: LoadedBox, rng: random.Random) -> Counter[str]:
    """Kill every part its number of times, at random moments of the whole span."""
    names = ["hub", "nats-server", "agent", "decoder"] * KILLS
    rng.shuffle(names)
    began = time.monotonic()
    moments = sorted(rng.uniform(3, SECONDS - 10) for _ in names)
    killed: Counter[str] = Counter()
    for name, moment in zip(names, moments, strict=True):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        until = time.monotonic() + 20
        while not _kill(name, street, box, rng) and time.monotonic() < until:
            time.sleep(0.2)
        killed[name] += 1
    time.sleep(max(0.0, began + SECONDS - time.monotonic()))
    while _count(box.made) <= LEAST_REPORTS and time.monotonic() < began + SECONDS + MORE_SECONDS:
        time.sleep(1)
    return killed


def _count(made: Path) -> int:
    return len(made.read_text().splitlines())


def _rows(path: Path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        return database.execute(sql).fetchall()


def _committed(hub: Path) -> Counter[str]:
    return Counter(
        bytes(i).hex() for (i,) in _rows(hub / "hub.db", "select event_id from event where revision = 0")
    )


def _wait_until_committed(made: Path, hub: Path, within_s: float) -> set[str]:
    """Wait for the outbox to drain; returns the ids that the hub does not hold."""
    until = time.monotonic() + within_s
    while True:
        missing = {line.split()[0] for line in made.read_text().splitlines()} - set(_committed(hub))
        if not missing or time.monotonic() > until:
            return missing
        time.sleep(0.5)


def _incidents_of_things(hub: Path, made: Path) -> dict[int, set[str]]:
    thing_of = dict(line.split() for line in made.read_text().splitlines())
    incidents: dict[int, set[str]] = {}
    for event_id, incident in _rows(hub / "hub.db", "select event_id, incident_id from event"):
        if (thing := thing_of.get(bytes(event_id).hex())) is not None:
            incidents.setdefault(int(thing), set()).add(incident)
    return incidents


def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    town = Town(tmp_path)
    street = Street(town, 0, print)
    box = None
    try:
        street.start(20)
        street.boxes[BOX].ask_to_stop()
        street.boxes[BOX].wait_until_stopped()
        box = LoadedBox(town)
        killed = _kill_all(street, box, random.Random(seed))
        box.stop_mark.touch()
        missing = _wait_until_committed(box.made, town.hub, 60)
        decoding = len(box.decoders())
    finally:
        if box:
            box.close()
        street.stop()
    made = _count(box.made)
    incidents = _incidents_of_things(town.hub, box.made)
    print(f"{made} reports, {len(missing)} lost; kills: {dict(killed)}")
    assert killed == Counter(dict.fromkeys(("hub", "nats-server", "agent", "decoder"), KILLS))
    assert made > LEAST_REPORTS, "too little load to prove anything"
    assert missing == set()
    assert {thing: len(ids) for thing, ids in incidents.items()} == dict.fromkeys(range(THINGS), 1)
    assert len(set.union(*incidents.values())) == THINGS
    assert {kind_of(thing) for thing in incidents}
    assert decoding >= len(BOXES[BOX]), "a decoder did not come back"
