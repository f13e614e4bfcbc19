"""A real agent with its cameras, whose outbox also takes a steady stream of reports.

``python -m tests.acceptance.loaded_agent BOX.TOML MADE STOP``: what was stored is written to MADE, a line for
each report, after the outbox has said that it is safe; the stream ends when the file STOP exists.
"""

import asyncio
import os
import sys
import threading
import time
from pathlib import Path

from edge_agent.app import Agent
from edge_agent.link.credentials import read_credentials
from edge_agent.settings import read_settings
from shared.geo import LatLon, from_plane
from shared.identity import time_ordered_id
from shared.kinds import TRAITS, Kind, ObjectClass
from shared.messages import Clock, ClockSource, EventReport, Phase, Position

THINGS = 40
REPORTS_PER_S = 60
"""While it runs; a killed agent tells nothing until it is up again, which leaves more than 50 in all."""
_ORIGIN = LatLon(50.95, 71.40)
_APART_M = 250.0
_KINDS = (Kind.ILLEGAL_PARKING, Kind.DUMPING_ACT, Kind.INTRUSION, Kind.LINE_CROSSED)


def kind_of(thing: int) -> Kind:
    return _KINDS[thing % len(_KINDS)]


def report(thing: int, now_us: int) -> EventReport:
    """One more report about a thing: the same kind and place each time, an event of its own."""
    row, column = divmod(thing, 8)
    place = from_plane(_ORIGIN, column * _APART_M, row * _APART_M)
    return EventReport(
        version=1,
        event_id=time_ordered_id(now_us // 1000, os.urandom(10)),
        revision=0,
        phase=Phase.BEGIN,
        kind=kind_of(thing),
        camera=None,
        observed_at_us=now_us,
        clock=Clock(ClockSource.NTP, 5),
        position=Position.of(*place, 1.0),
        image_point=None,
        score=900,
        track_count=1,
        zone=None,
        subject=ObjectClass.CAR,
        rule_version=1,
        reason={"stood_s": 31.0, "limit_s": 30.0},
    )


def _load(agent: Agent, made: Path, stop: Path) -> None:
    number = 0
    due_s = time.monotonic()
    with made.open("a") as file:
        while not stop.exists():
            one = report(number % THINGS, time.time_ns() // 1000)
            agent.outbox.put([(TRAITS[one.kind].lane, one)])
            file.write(f"{one.event_id.hex()} {number % THINGS}\n")
            file.flush()
            number += 1
            due_s += 1 / REPORTS_PER_S
            time.sleep(max(0.0, due_s - time.monotonic()))


async def _run(config: Path, made: Path, stop: Path) -> None:
    settings = read_settings(config)
    credentials = read_credentials(settings.state_dir / "credentials", settings.box.id)
    assert credentials is not None
    agent = Agent(settings)
    threading.Thread(target=_load, args=(agent, made, stop), daemon=True).start()
    await agent.run(credentials)


if __name__ == "__main__":
    asyncio.run(_run(*map(Path, sys.argv[1:4])))
