"""``saqshy bench hub``: events a second through bus, decoding, correlation and commit."""

import asyncio
import contextlib
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

_BOTH = (50, 1)
_IN_FLIGHT = 256


class _Run(NamedTuple):
    """What one run measured."""

    events_per_s: float
    cpu_s_per_10k: float
    hub_cpu_s_per_10k: float
    p50_ms: float
    p99_ms: float
    rss_mib: float
    incidents: int


def hub(
    events: Annotated[int, typer.Option(min=100, help="Reports to send through.")] = 20_000,
    per_message: Annotated[
        int | None, typer.Option(min=1, max=200, help="Reports a message [default: 50, then 1].")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each; medians are given.")] = 1,
    folder: Annotated[
        Path | None, typer.Option(help="Where to work [default: the temporary folder].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Send a town's reports through a real bus into a real database, and say how fast.

    The messages lie on the stream before the clock starts. Latency is from a message received to its commit;
    with a full stream it is that of a queue.
    """
    sizes = (per_message,) if per_message else _BOTH
    found = {size: asyncio.run(_median(events, size, rounds, folder)) for size in sizes}
    first, *others = sizes
    answer: dict[str, Any] = {"events": events, "per_message": first, "rounds": rounds, **found[first]}
    for size in others:
        answer[f"per_message_{size}"] = found[size]
    text = json.dumps(answer) if as_json else json.dumps(answer, indent=2)
    sys.stdout.write(text + "\n")


async def _median(events: int, per_message: int, rounds: int, folder: Path | None) -> dict[str, float]:
    runs: list[_Run] = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="saqshy-bench-", dir=folder) as place:
            runs.append(await _measure(events, per_message, Path(place)))
        sys.stderr.write(f"{per_message} a message, run {number + 1}: {runs[-1].events_per_s:.0f}/s\n")
    columns = zip(_Run._fields, zip(*runs, strict=True), strict=True)
    return {name: round(statistics.median(values), 3) for name, values in columns}


async def _measure(events: int, per_message: int, folder: Path) -> _Run:
    from hub.cli.load import letters
    from hub.services.parts import utc_now_us
    from hub.workers.ingest import IngestWorker, rest_the_collector

    rest_the_collector()
    async with _bus(folder) as (server, bus), _database(folder) as (database, changes):
        await _publish(await bus.client(), letters(events, per_message, utc_now_us()))
        wake = asyncio.Event()
        worker = IngestWorker(bus, database, changes, folder / "evidence", utc_now_us, wake)
        stream = _Timed(worker.events)
        cpu_s, bus_cpu_s, begun_s = time.process_time(), _cpu_s(server.pid), time.perf_counter()
        while worker.counts.stored + worker.counts.repeats < events:
            await worker.run_once(stream, worker.ingest.take)
        took_s = time.perf_counter() - begun_s
        hub_cpu_s, bus_cpu_s = time.process_time() - cpu_s, _cpu_s(server.pid) - bus_cpu_s
        cuts = statistics.quantiles(stream.latencies_ms, n=100)
        return _Run(
            events_per_s=events / took_s,
            cpu_s_per_10k=(hub_cpu_s + bus_cpu_s) / events * 10_000,
            hub_cpu_s_per_10k=hub_cpu_s / events * 10_000,
            p50_ms=cuts[49],
            p99_ms=cuts[98],
            rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            incidents=worker.counts.opened,
        )


class _Timed:
    """A stream that notes how long each message took from its receipt to its acknowledgement."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._received_s = 0.0
        self.latencies_ms: list[float] = []

    async def fetch(self) -> list[Any]:
        messages = await self._stream.fetch()
        self._received_s = time.perf_counter()
        return messages

    async def ack(self, messages: Sequence[Any]) -> None:
        took_ms = (time.perf_counter() - self._received_s) * 1000
        self.latencies_ms += [took_ms] * len(messages)
        await self._stream.ack(messages)


@contextlib.asynccontextmanager
async def _bus(folder: Path) -> AsyncGenerator[tuple[Any, Any]]:
    from hub.bus.accounts import hub_login, make_accounts
    from hub.bus.connection import HubBus
    from hub.bus.embedded import EmbeddedNats
    from hub.bus.keys import open_keys
    from hub.bus.streams import make_streams

    keys = open_keys(folder / "keys")
    server = EmbeddedNats(folder / "nats", make_accounts(keys, int(time.time())))
    await server.start()
    bus = HubBus(lambda: server.url, lambda: hub_login(keys, int(time.time())))
    bus.on_connect(make_streams)
    running = asyncio.create_task(bus.run())
    try:
        await bus.client()
        yield server, bus
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await server.stop()


@contextlib.asynccontextmanager
async def _database(folder: Path) -> AsyncGenerator[tuple[Any, Any]]:
    from hub.db.engine import open_database, sqlite_url
    from hub.db.migrate import migrate
    from hub.db.queries_routing import seed_routing
    from hub.services.changes import Changes

    database = open_database(sqlite_url(folder / "hub.db"))
    try:
        await migrate(database)
        async with database.transaction() as session:
            await seed_routing(await session.connection())
        yield database, Changes()
    finally:
        await database.close()


async def _publish(client: Any, letters: Sequence[Any]) -> None:
    """Put all messages on the stream, each acknowledged by it."""
    stream = client.jetstream()
    for start in range(0, len(letters), _IN_FLIGHT):
        some = letters[start : start + _IN_FLIGHT]
        await asyncio.gather(*(stream.publish(each.subject, each.body) for each in some))


def _cpu_s(pid: int | None) -> float:
    """User and system seconds of another process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
