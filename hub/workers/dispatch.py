"""Delivers the dispatch outbox. A killed hub delivers again what it had not recorded: at least once, with the
same key.

Each receiver has its own lane of a few letters at a time, so one that is slow never delays another.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from hub.connectors.letter import Connector
from hub.db import queries_dispatch
from hub.db.queries_dispatch import Due
from hub.domain.dispatch import Answer, Outcome, after_attempt
from hub.services import dispatches
from hub.services.parts import Parts

_log = logging.getLogger(__name__)

LANE_WIDTH = 4
LONGEST_SLEEP_S = 30.0
_AFTER_FAILURE_S = 1.0


class DispatchWorker:
    """``run`` until cancelled; then letters on their way are dropped, and what was answered is recorded."""

    def __init__(
        self, parts: Parts, connectors: Mapping[str, Connector], chance: Callable[[], float]
    ) -> None:
        self._parts = parts
        self._connectors = connectors
        self._chance = chance
        self._on_the_way: dict[int, asyncio.Task[None]] = {}
        self._lanes: Counter[int] = Counter()
        self._records: set[asyncio.Task[None]] = set()
        self.outcomes: Counter[Outcome] = Counter()

    async def run(self) -> None:
        try:
            while True:
                try:
                    pause_s = await self.run_once()
                except SQLAlchemyError:  # the database is away: the rows wait, and so do we
                    _log.exception("dispatches cannot be read")
                    pause_s = _AFTER_FAILURE_S
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._parts.dispatch_wake.wait()
        finally:
            await self._stop()

    async def run_once(self) -> float:
        """Start what is due; return how long nothing else comes due."""
        self._parts.dispatch_wake.clear()
        now_us = self._parts.now_us()
        async with self._parts.database.reading() as db:
            due = await queries_dispatch.due(db, now_us, LANE_WIDTH + len(self._on_the_way))
            next_at_us = await queries_dispatch.next_due_at_us(db, now_us)
        for one in due:
            if one.dispatch_id not in self._on_the_way and self._lanes[one.receiver_id] < LANE_WIDTH:
                self._start(one)
        if next_at_us is None:
            return LONGEST_SLEEP_S
        return min(LONGEST_SLEEP_S, max(0.0, (next_at_us - now_us) / 1e6))

    def _start(self, due: Due) -> None:
        self._lanes[due.receiver_id] += 1
        task = asyncio.create_task(self._deliver(due.dispatch_id), name=f"dispatch {due.dispatch_id}")
        self._on_the_way[due.dispatch_id] = task
        task.add_done_callback(lambda done: self._ended(due, done))

    def _ended(self, due: Due, task: asyncio.Task[None]) -> None:
        self._lanes[due.receiver_id] -= 1
        del self._on_the_way[due.dispatch_id]
        if not task.cancelled() and (error := task.exception()):
            _log.error("dispatch %s failed", due.dispatch_id, exc_info=error)
            asyncio.get_running_loop().call_later(_AFTER_FAILURE_S, self._parts.dispatch_wake.set)
        else:
            self._parts.dispatch_wake.set()

    async def _deliver(self, dispatch_id: int) -> None:
        found = await dispatches.letter(self._parts, dispatch_id)
        if found is None:
            return
        connector_name, letter, attempts_before = found
        at_us, began = self._parts.now_us(), time.monotonic()
        connector = self._connectors.get(connector_name)
        if connector is None:
            answer = Answer(Outcome.MISCONFIGURED, detail=f"there is no connector {connector_name!r}")
        else:
            answer = await connector.deliver(letter)
        took_ms = round((time.monotonic() - began) * 1000)
        # From here on the receiver has it: being cancelled must not make us forget that.
        record = asyncio.create_task(self._record(dispatch_id, answer, attempts_before + 1, at_us, took_ms))
        self._records.add(record)
        record.add_done_callback(self._records.discard)
        await asyncio.shield(record)

    async def _record(
        self, dispatch_id: int, answer: Answer, attempt_count: int, at_us: int, took_ms: int
    ) -> None:
        most = self._parts.settings.dispatch.max_attempts
        decision = after_attempt(answer, attempt_count, most, self._chance())
        self.outcomes[answer.outcome] += 1
        await dispatches.record(self._parts, dispatch_id, answer, decision, at_us, took_ms)

    async def _stop(self) -> None:
        tasks = list(self._on_the_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*self._records, return_exceptions=True)
        for connector in self._connectors.values():
            await connector.close()
