"""The live stream: each change is read once and handed to every open page through a bounded queue."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import NamedTuple

import msgspec

from hub.db import queries_counters
from hub.domain.instants import instant
from hub.errors import TooOften
from hub.services import incident_views, sessions
from hub.services.incident_views import Summary
from hub.services.parts import Parts

_log = logging.getLogger(__name__)

BEAT_S = 4.0
"""The console is promised a beat every 5 s, and that a disabled user's page ends within 5 s."""
MAX_STREAMS = 300
MAX_STREAMS_OF_SESSION = 8
QUEUE_LENGTH = 256
PAGE = 200


class Item(NamedTuple):
    """Something to send; ``change_seq`` is None for a beat."""

    change_seq: int | None
    body: bytes


class Client:
    """One open page. When its queue is full the page is closed; it comes back and resumes."""

    def __init__(self, token_hash: bytes) -> None:
        self.token_hash = token_hash
        self.queue: asyncio.Queue[Item | None] = asyncio.Queue(QUEUE_LENGTH + 1)
        self.is_closed = False

    def offer(self, item: Item) -> bool:
        """Queue an item; False when the page is too slow and was closed."""
        if self.is_closed:
            return True
        if self.queue.qsize() >= QUEUE_LENGTH:
            self.close()
            return False
        self.queue.put_nowait(item)
        return True

    def close(self) -> None:
        """End the stream after what the page is receiving at this moment."""
        if not self.is_closed:
            self.is_closed = True
            self.queue.put_nowait(None)


class Feed:
    """All open pages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clients: set[Client] = set()
        self._is_stopped = False
        self.slow_closed = 0

    @property
    def open_streams(self) -> int:
        return len(self._clients)

    async def run(self) -> None:
        """Hand on changes and beats until cancelled; then end all streams."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hand_on_changes())
                tasks.create_task(self._beat())
        finally:
            self.stop()

    def stop(self) -> None:
        """End all streams, and take no new ones."""
        self._is_stopped = True
        for client in self._clients:
            client.close()

    def join(self, token_hash: bytes, after: int | None) -> AsyncGenerator[bytes]:
        """The bytes of one page's stream, from the change after ``after`` on (None: from now on).

        Raises ``TooOften`` when too many streams are open.
        """
        own = sum(client.token_hash == token_hash for client in self._clients)
        if own >= MAX_STREAMS_OF_SESSION or len(self._clients) >= MAX_STREAMS:
            raise TooOften("too many live streams are open; close some pages", retry_after_s=10)
        client = Client(token_hash)
        return self._stream(client, after)

    async def _stream(self, client: Client, after: int | None) -> AsyncGenerator[bytes]:
        self._clients.add(client)
        if self._is_stopped:
            client.close()
        try:
            yield self._beat_item().body
            # The client is in the set already: what changes from here on waits in its queue.
            sent = await self._newest() if after is None else after
            if sent > await self._newest():
                yield b"event: reset\ndata: {}\n\n"
                sent = await self._newest()
            while not client.is_closed:
                page = await incident_views.changes_beyond(self._parts, sent, PAGE)
                for summary in page:
                    yield encode(summary).body
                    sent = summary.change_seq
                if len(page) < PAGE:
                    break
            async for item in _waiting(client):
                if item.change_seq is None or item.change_seq > sent:
                    yield item.body
                    sent = item.change_seq or sent
        finally:
            self._clients.discard(client)

    async def _hand_on_changes(self) -> None:
        seen = await self._newest()
        while True:
            latest = await self._parts.changes.wait_beyond(seen)
            while page := await incident_views.changes_beyond(self._parts, seen, PAGE):
                seen = page[-1].change_seq
                for summary in page if self._clients else ():
                    self._offer_all(encode(summary))
            seen = max(seen, latest)  # an incident that changed twice shows its newest change only

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            if self._clients:
                valid = await sessions.still_valid(self._parts, {c.token_hash for c in self._clients})
                for client in self._clients:
                    if client.token_hash not in valid:
                        client.close()
                self._offer_all(self._beat_item())

    def _offer_all(self, item: Item) -> None:
        for client in self._clients:
            if not client.offer(item):
                self.slow_closed += 1
                _log.warning("a live stream was closed: its page reads too slowly; it resumes by itself")

    def _beat_item(self) -> Item:
        at = msgspec.json.encode({"at": instant(self._parts.now_us())}).decode()
        return Item(None, f"event: beat\ndata: {at}\n\n".encode())

    async def _newest(self) -> int:
        async with self._parts.database.reading() as db:
            return await queries_counters.latest(db, queries_counters.CHANGE_SEQ)


def encode(summary: Summary) -> Item:
    """A change as a server-sent event."""
    data = msgspec.json.encode(summary)
    return Item(summary.change_seq, b"event: incident\nid: %d\ndata: %b\n\n" % (summary.change_seq, data))


async def _waiting(client: Client) -> AsyncGenerator[Item]:
    while (item := await client.queue.get()) is not None and not client.is_closed:
        yield item
