"""Carries the outbox to the hub, for as long as the box lives, over as many links as it takes."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import NoReturn, Protocol

from edge_agent.errors import LinkDenied, LinkFailed, OutboxFault
from edge_agent.outbox.carrier import Carrier, Publisher
from edge_agent.outbox.envelope import Envelope
from edge_agent.outbox.state import RelayState
from edge_agent.outbox.store import Outbox
from shared.codec import WireError, decode
from shared.messages import Health, SyncReply

_log = logging.getLogger(__name__)

_SYNC_EVERY_S = 10.0
_BEAT_EVERY_S = 10.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_DENIED_PAUSE_S = 45.0
"""Signing in where one is refused helps nobody: at most two attempts a minute."""


class Link(Publisher, Protocol):
    """One connection to the bus; ``edge_agent.link.nats`` has the real one."""

    closed: asyncio.Event
    denied: str | None

    async def open(self) -> None: ...
    async def ask(self, subject: str, body: bytes) -> bytes: ...
    async def tell(self, subject: str, body: bytes) -> None: ...
    async def hear(self, subject: str, take: Callable[[bytes], Awaitable[None]]) -> None: ...
    async def close(self) -> None: ...


class Desk(Protocol):
    """What answers the hub's commands over a link; see ``edge_agent.commands``."""

    async def serve(self, link: Link) -> None: ...


class Relay:
    """``run`` is a loop around ``run_once``: one link, from its beginning to its end."""

    def __init__(
        self,
        outbox: Outbox,
        envelope: Envelope,
        new_link: Callable[[], Link],
        health: Callable[[], Health],
        desk: Desk | None = None,
    ) -> None:
        self._outbox = outbox
        self._envelope = envelope
        self._new_link = new_link
        self._health = health
        self._desk = desk
        self._synced: Link | None = None
        self.state = RelayState()

    async def run(self) -> NoReturn:
        """Carry until cancelled."""
        pause_s = _FIRST_PAUSE_S
        while True:
            connects = self.state.connects
            try:
                await self.run_once()
            except LinkDenied as error:
                self.state.denied = str(error)
                _log.error("the bus refuses this box: %s", error)
                pause_s = _DENIED_PAUSE_S
            except (LinkFailed, OutboxFault) as error:
                self.state.fault = str(error)
                _log.warning("link: %s", error)
                worked = self.state.connects > connects
                pause_s = _FIRST_PAUSE_S if worked else min(pause_s * 2, _LONGEST_PAUSE_S)
            self.state.failures += 1
            await asyncio.sleep(pause_s * random.uniform(0.7, 1.3))  # noqa: S311 (spreads the boxes only)

    async def run_once(self) -> NoReturn:
        """Open one link and carry over it until it fails. Raises ``LinkFailed`` or ``OutboxFault``."""
        link = self._new_link()
        try:
            await link.open()
            self.state.connects += 1
            self.state.is_connected = True
            self.state.denied = self.state.fault = None
            await self._use(link)
        finally:
            self.state.is_connected = False
            await link.close()

    async def _use(self, link: Link) -> NoReturn:
        carrier = Carrier(self._outbox, self._envelope, link, self.state)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(carrier.run(), name="carry")
                tasks.create_task(_every(_SYNC_EVERY_S, lambda: self._sync(link)), name="sync")
                tasks.create_task(_every(_BEAT_EVERY_S, lambda: self._beat(link)), name="beat")
                tasks.create_task(_until_closed(link), name="watch")
                if self._desk:
                    tasks.create_task(self._desk.serve(link), name="commands")
        except BaseExceptionGroup as group:
            raise _gravest(group) from group
        raise AssertionError("a link ends by failing")

    async def _sync(self, link: Link) -> None:
        """Ask the hub what it has committed, and send what it should have and has not: once on each link, for
        the hub may have been restored, and then while it owes an answer."""
        if link is self._synced and not await asyncio.to_thread(self._outbox.sent_unconfirmed):
            return
        try:
            reply = decode(SyncReply, await link.ask(*self._envelope.sync_request()))
        except LinkFailed:
            return  # the bus is there before the hub is, and the hub may be busy; the link shows its own end
        except WireError as error:
            _log.warning("the hub's sync reply: %s", error)
            return
        if reply.epoch == self._envelope.epoch:
            self.state.sent_again += await asyncio.to_thread(self._outbox.reconcile, reply.ranges)
            self._synced = link

    async def _beat(self, link: Link) -> None:
        try:
            await asyncio.to_thread(self._outbox.flush)
        except OutboxFault as error:
            self.state.fault = str(error)
        await link.tell(*self._envelope.health(self._health()))


async def _every(seconds: float, do: Callable[[], Awaitable[None]]) -> None:
    while True:
        await do()
        await asyncio.sleep(seconds)


async def _until_closed(link: Link) -> None:
    await link.closed.wait()
    raise LinkDenied(link.denied) if link.denied else LinkFailed("the connection ended")


def _gravest(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What the end of a link means; anything that is no such end is a fault in the program."""
    known, unknown = group.split((LinkFailed, OutboxFault))
    if unknown or known is None:
        return group
    denied, _ = known.split(LinkDenied)
    return (denied or known).exceptions[0]
