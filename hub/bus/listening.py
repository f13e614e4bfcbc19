"""What the hub hears besides the streams: boxes that ask what is committed, and their heartbeats."""

# pyright: reportUnknownMemberType=false
# nats-py leaves its keyword arguments untyped.

import logging
from collections.abc import Awaitable, Callable, Sequence

from nats.aio.client import Client
from nats.aio.msg import Msg

from hub.bus.connection import HubBus
from shared import subjects
from shared.codec import WireError, decode, encode
from shared.messages import MAX_SYNC_RANGES, VERSION, Health, SyncReply, SyncRequest

_log = logging.getLogger(__name__)

Ranges = Callable[[str, bytes], Awaitable[Sequence[tuple[int, int]]]]
"""(box, epoch) → the committed numbers, as in ``SyncReply``."""
Heard = Callable[[str, str, Health], Awaitable[None]]
"""(site, box, heartbeat)"""


def answer_sync(bus: HubBus, ranges: Ranges) -> None:
    """Answer every box's question from the ledger, on that box's own inbox and nowhere else."""

    async def answer(message: Msg) -> None:
        try:
            box = subjects.parse(message.subject).box
            request = decode(SyncRequest, message.data)
        except (WireError, ValueError) as error:
            _log.warning("sync request refused: %s", error)
            return
        if not message.reply.startswith(subjects.inbox_prefix(box) + "."):
            # The hub may publish anywhere: a foreign reply subject would make it speak for the box.
            _log.warning("sync request of box %s refused: its reply subject is not its own inbox", box)
            return
        committed = list(await ranges(box, request.epoch))[-MAX_SYNC_RANGES:]
        await message.respond(encode(SyncReply(VERSION, request.epoch, committed)))

    _subscribe(bus, subjects.ALL_SYNC, answer)


def hear_health(bus: HubBus, heard: Heard) -> None:
    """Hand every well-formed heartbeat on."""

    async def take(message: Msg) -> None:
        try:
            address = subjects.parse(message.subject)
            health = decode(Health, message.data)
        except (WireError, ValueError) as error:
            _log.warning("heartbeat refused: %s", error)
            return
        await heard(address.site, address.box, health)

    _subscribe(bus, subjects.ALL_HEALTH, take)


def _subscribe(bus: HubBus, subject: str, take: Callable[[Msg], Awaitable[None]]) -> None:
    async def prepare(client: Client) -> None:
        await client.subscribe(subject, cb=take)

    bus.on_connect(prepare)
