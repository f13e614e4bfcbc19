"""Carrying over one link: what is in flight, what may fly next, and what became of it."""

import asyncio
import heapq
import itertools
import logging
from typing import NoReturn, Protocol

from edge_agent.errors import HubBusy, LinkFailed, MessageRefused, OutboxFault
from edge_agent.outbox.envelope import Envelope
from edge_agent.outbox.state import RelayState
from edge_agent.outbox.store import LANES, Outbox, Parcel
from shared.kinds import Lane
from shared.messages import MAX_REPORTS

_log = logging.getLogger(__name__)

WINDOW = 16
"""Messages on their way at once. The bus syncs each to its disk; more in flight fill its pauses."""
RESERVE = 8
"""Places beyond the window for SOS and critical, so that they never wait behind a storm."""
_HOLD_S = 0.05
"""Under load reports are gathered for so long; the first after a pause goes at once."""
_BUSY_PAUSE_S = 1.0
_DISK_PAUSE_S = 5.0
_TICK_S = 1.0


class Publisher(Protocol):
    """The part of a link that stores messages; see ``edge_agent.link.nats``."""

    async def publish(self, subject: str, body: bytes, message_id: str) -> bool: ...


class Carrier:
    """Takes parcels from the outbox, the most important first, and keeps up to ``WINDOW`` in flight."""

    def __init__(self, outbox: Outbox, envelope: Envelope, link: Publisher, state: RelayState) -> None:
        self._outbox = outbox
        self._envelope = envelope
        self._link = link
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._ready: list[tuple[int, int, Parcel]] = []
        self._order = itertools.count()
        self._flying: dict[asyncio.Task[bool], Parcel] = {}
        self._hold_until = 0.0
        self._pause_until = 0.0

    async def run(self) -> NoReturn:
        """Carry until the link fails. Raises ``LinkFailed``."""
        self._outbox.listen(lambda: self._loop.call_soon_threadsafe(self._wake.set))
        try:
            self._queue(await asyncio.to_thread(self._outbox.formed))
            while True:
                await self._step()
        finally:
            self._outbox.listen(lambda: None)
            for task in self._flying:
                task.cancel()

    async def _step(self) -> None:
        self._wake.clear()
        try:
            await self._fill()
            await self._until_something()
            await self._settle([task for task in self._flying if task.done()])
        except OutboxFault as error:
            self._state.fault = str(error)
            _log.warning("outbox: %s", error)
            await asyncio.sleep(_DISK_PAUSE_S)

    def _queue(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            heapq.heappush(self._ready, (LANES.index(parcel.lane), next(self._order), parcel))

    async def _fill(self) -> None:
        now = self._loop.time()
        if now < self._pause_until:
            return
        room = WINDOW - len(self._flying) - len(self._ready)
        is_held = room <= 0 or now < self._hold_until
        lane = Lane.CRITICAL if is_held else Lane.EVIDENCE
        if (count := room + RESERVE if is_held else room) > 0:
            self._queue(await asyncio.to_thread(self._outbox.form, count, up_to=lane))
        while self._ready and len(self._flying) < self._places(self._ready[0][2]):
            self._launch(heapq.heappop(self._ready)[2])

    def _places(self, parcel: Parcel) -> int:
        return WINDOW + RESERVE if parcel.lane in (Lane.SOS, Lane.CRITICAL) else WINDOW

    def _launch(self, parcel: Parcel) -> None:
        subject, body = self._envelope.parcel(parcel)
        sending = self._link.publish(subject, body, parcel.batch_id.hex())
        task = asyncio.create_task(sending)
        task.add_done_callback(lambda _: self._wake.set())
        self._flying[task] = parcel
        if parcel.lane in (Lane.STANDARD, Lane.LOW) and len(parcel.rows) <= MAX_REPORTS // 2:
            self._hold_until = self._loop.time() + _HOLD_S

    async def _until_something(self) -> None:
        now = self._loop.time()
        moments = [at for at in (self._hold_until, self._pause_until) if at > now]
        try:
            async with asyncio.timeout(min(moments, default=now + _TICK_S) - now):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _settle(self, done: list[asyncio.Task[bool]]) -> None:
        sent: list[Parcel] = []
        failure: LinkFailed | None = None
        for task in done:
            parcel = self._flying.pop(task)
            try:
                self._state.duplicates += task.result()
                sent.append(parcel)
            except MessageRefused as error:
                self._state.refused += 1
                await asyncio.to_thread(self._outbox.refused, parcel, str(error))
            except HubBusy as error:
                self._state.fault = str(error)
                self._pause_until = self._loop.time() + _BUSY_PAUSE_S
                self._queue([parcel])
            except LinkFailed as error:
                failure = error
        if sent:
            await asyncio.to_thread(self._outbox.sent, sent)
            self._state.sent += sum(len(parcel.rows) for parcel in sent)
            self._state.fault = None
        if failure:
            raise failure
