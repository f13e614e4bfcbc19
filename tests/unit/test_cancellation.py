"""A task that is told to end at the very moment in which its answer comes ends all the same.

The client's waits swallow such a cancellation (``asyncio.wait_for`` before Python 3.12). A box's link then
never ended: its relay waited for one of its tasks for ever, and the box was silent until it started again.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from edge_agent.link.credentials import Credentials, Grant
from edge_agent.link.nats import NatsLink
from hub.bus.connection import HubBus
from hub.bus.consumer import BatchConsumer
from shared.nkey import KeyKind, make_key


class AnswersAsItIsCancelled(Client):
    """Its waits end with an answer in the moment of a cancellation."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: asyncio.Future[Any] | None = None

    async def request(self, *_: Any, **__: Any) -> Msg:
        self.answer = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(self.answer, 5)


async def cancelled_as_answered(work: Coroutine[Any, Any, Any], client: AnswersAsItIsCancelled) -> bool:
    """Whether the task heeded it."""
    task = asyncio.create_task(work)
    while client.answer is None:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    client.answer.set_result(Msg(client, "subject", data=b"{}"))
    task.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([task])
    return task.cancelled()


def test_a_link_that_is_asked_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> bool:
        link = NatsLink(
            Credentials("box-a", make_key(KeyKind.USER, bytes(32)), Grant("", [], "kosshy", "hub"))
        )
        client = AnswersAsItIsCancelled()
        monkeypatch.setattr(link, "_client", client)
        return await cancelled_as_answered(link.ask("subject", b""), client)

    assert asyncio.run(run())


def test_a_reader_of_a_stream_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> bool:
        bus = HubBus(lambda: "", lambda: pytest.fail("nobody connects"))
        client = AnswersAsItIsCancelled()

        async def connected() -> Client:
            return client

        async def begin(consumer: BatchConsumer, client: Client) -> None:
            await client.request("$JS.API.CONSUMER.CREATE", b"")

        monkeypatch.setattr(bus, "client", connected)
        monkeypatch.setattr(BatchConsumer, "_ask", begin)
        return await cancelled_as_answered(BatchConsumer(bus, "events", "ingest").fetch(), client)

    assert asyncio.run(run())
