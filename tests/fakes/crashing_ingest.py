"""An ingest worker that is killed between a commit and its acknowledgement; run as a process of its own.

Arguments: the folder with the hub's keys and database, the bus's address, which acknowledgement it dies at
(0: never; then it ends when nothing waits any more).
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from nats.aio.msg import Msg

from hub.bus.accounts import hub_login
from hub.bus.connection import HubBus
from hub.bus.consumer import BatchConsumer
from hub.bus.keys import open_keys
from hub.db.engine import open_database, sqlite_url
from hub.services.changes import Changes
from hub.services.parts import utc_now_us
from hub.workers.ingest import IngestWorker


class Deadly:
    """Kills this process instead of the n-th acknowledgement."""

    def __init__(self, stream: BatchConsumer, dies_at: int) -> None:
        self._stream = stream
        self._left = dies_at

    async def fetch(self) -> list[Msg]:
        return await self._stream.fetch()

    async def ack(self, messages: Sequence[Msg]) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        await self._stream.ack(messages)


async def main(folder: Path, url: str, dies_at: int) -> None:
    keys = open_keys(folder / "keys")
    bus = HubBus(lambda: url, lambda: hub_login(keys, int(time.time())))
    database = open_database(sqlite_url(folder / "hub.db"))
    connection = asyncio.create_task(bus.run())
    worker = IngestWorker(bus, database, Changes(), folder / "evidence", utc_now_us, asyncio.Event())
    stream = Deadly(worker.events, dies_at)
    await worker.run_once(stream, worker.ingest.take)
    while dies_at or await _unacknowledged(bus):
        await worker.run_once(stream, worker.ingest.take)
    connection.cancel()
    await database.close()


async def _unacknowledged(bus: HubBus) -> int:
    """How much is still to come. What was just acknowledged is given two seconds to arrive: whoever asks for
    more when nothing is left waits for ever."""
    client = await bus.client()
    for _ in range(20):
        found = await client.jetstream().consumer_info("EVT", "ingest")
        if found.num_pending or not found.num_ack_pending:
            break
        await asyncio.sleep(0.1)
    return (found.num_pending or 0) + (found.num_ack_pending or 0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
