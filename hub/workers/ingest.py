"""From the bus into the database, for as long as the hub runs.

A message is acknowledged after its commit. What fails because the database is away stays on the stream and
is tried again; a message that breaks its transaction by itself is singled out and parked.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nats.aio.msg import Msg
from sqlalchemy.exc import InterfaceError, OperationalError

from hub.bus.connection import HubBus
from hub.bus.consumer import BatchConsumer
from hub.bus.streams import EVENTS, EVIDENCE
from hub.db.engine import Database
from hub.services.changes import Changes
from hub.services.ingest import Ingest, Outcome
from hub.services.unpacking import Delivery

_log = logging.getLogger(__name__)

FETCH = 500
CHUNK_BYTES = 131_072
"""About 1,000 reports a transaction: above it the commit costs nothing any more, and the event loop would
be held longer than an operator's click may wait."""
PICTURES = 64
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


_AWAY = (OperationalError, InterfaceError, OSError)
Take = Callable[[Sequence[Delivery], int], Awaitable[Outcome]]


def rest_the_collector() -> None:
    """Have Python look for reference cycles less often; for the whole process, once at its start.

    A thousand reports make tens of thousands of objects that live for one transaction. With Python's own
    threshold of 700 the search took a third of the hub's CPU and found nothing.
    """
    gc.set_threshold(20_000, 10, 10)


class Stream(Protocol):
    """What a worker needs of ``BatchConsumer``."""

    async def fetch(self) -> list[Msg]: ...

    async def ack(self, messages: Sequence[Msg]) -> None: ...


@dataclass(slots=True)
class IngestCounts:
    """What went through since the start."""

    messages: int = 0
    stored: int = 0
    """Reports and pictures."""
    repeats: int = 0
    opened: int = 0
    parked: int = 0
    failures: int = 0
    """Transactions that failed and were tried again."""


class IngestWorker:
    """Reads both streams side by side; their transactions take turns."""

    def __init__(
        self,
        bus: HubBus,
        database: Database,
        changes: Changes,
        evidence_dir: Path,
        now_us: Callable[[], int],
        dispatch_wake: asyncio.Event,
    ) -> None:
        self.ingest = Ingest(database, evidence_dir)
        self.counts = IngestCounts()
        self._changes = changes
        self._now_us = now_us
        self._dispatch_wake = dispatch_wake
        self.events = BatchConsumer(bus, EVENTS, "ingest", batch=FETCH)
        self.pictures = BatchConsumer(bus, EVIDENCE, "evidence", batch=PICTURES)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until ``stop``. If one of the two sides fails for a reason of its own, both end with it."""
        async with asyncio.TaskGroup() as sides:
            sides.create_task(self._until_stopped(self.events, self.ingest.take))
            sides.create_task(self._until_stopped(self.pictures, self.ingest.take_pictures))

    def stop(self) -> None:
        """Have ``run`` end after the transaction in flight, if there is one."""
        self._stopping.set()

    async def _until_stopped(self, stream: Stream, take: Take) -> None:
        while not self._stopping.is_set():
            await self.run_once(stream, take)

    async def run_once(self, stream: Stream, take: Take) -> None:
        """Take what is there, commit it, acknowledge it."""
        for chunk in chunks(await self._fetch(stream)):
            if await self._commit(deliveries(chunk), take):
                await stream.ack(chunk)

    async def _fetch(self, stream: Stream) -> list[Msg]:
        fetching = asyncio.ensure_future(stream.fetch())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((fetching, stopping), return_when=asyncio.FIRST_COMPLETED)
            return fetching.result() if fetching.done() else []
        finally:
            fetching.cancel()
            stopping.cancel()

    async def _commit(self, messages: Sequence[Delivery], take: Take) -> bool:
        """Commit; try again while the database is away. False when stopped before that."""
        pause_s = _PAUSE_S
        while not self._stopping.is_set():
            try:
                await asyncio.shield(self._take(messages, take))
            except _AWAY as error:
                self.counts.failures += 1
                _log.error("ingest: nothing was committed, again in %.1f s: %s", pause_s, first_line(error))
                await self._pause(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            else:
                return True
        return False

    async def _take(self, messages: Sequence[Delivery], take: Take) -> None:
        try:
            self._tell(len(messages), await take(messages, self._now_us()))
        except _AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a message does to us, the others must go on
            await self._single_out(messages, take, error)

    async def _single_out(self, messages: Sequence[Delivery], take: Take, error: Exception) -> None:
        """Halve the messages until the one that breaks the transaction is alone, and park it."""
        if len(messages) > 1:
            half = len(messages) // 2
            await self._take(messages[:half], take)
            await self._take(messages[half:], take)
            return
        _log.error("ingest: a message broke its transaction", exc_info=error)
        reason = f"internal error: {type(error).__name__}: {first_line(error)}"
        self._tell(1, await self.ingest.park(messages[0], reason, self._now_us()))

    def _tell(self, message_count: int, outcome: Outcome) -> None:
        """Count what was committed, and tell who waits for it."""
        counts = self.counts
        counts.messages += message_count
        counts.stored += outcome.stored
        counts.repeats += outcome.repeats
        counts.opened += outcome.opened
        counts.parked += len(outcome.refusals)
        for reason in outcome.refusals[:3]:
            _log.warning("parked: %s", reason)
        if outcome.change_seq is not None:
            self._changes.publish(outcome.change_seq)
        if outcome.dispatches:
            self._dispatch_wake.set()

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        except TimeoutError:
            return


def deliveries(messages: Sequence[Msg]) -> list[Delivery]:
    """Messages as ingest takes them."""
    return [Delivery(m.metadata.stream, m.metadata.sequence.stream, m.subject, m.data) for m in messages]


def chunks(messages: Sequence[Msg]) -> Iterator[list[Msg]]:
    """Messages in order, in groups of about ``CHUNK_BYTES``."""
    group: list[Msg] = []
    size = 0
    for message in messages:
        if group and size + len(message.data) > CHUNK_BYTES:
            yield group
            group, size = [], 0
        group.append(message)
        size += len(message.data)
    if group:
        yield group


def first_line(error: Exception) -> str:
    """An error without the statement that drivers add below it."""
    return str(error).partition("\n")[0]
