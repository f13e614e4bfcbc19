"""Asking boxes for clips and live views. A box answers under its own prefix and nowhere else, so who answers
is proved by the bus."""

# pyright: reportUnknownMemberType=false
# nats-py leaves its keyword arguments untyped.

import asyncio
import logging
import os
from typing import NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from hub.bus.connection import HubBus
from hub.bus.errors import BusAway
from shared import subjects
from shared.codec import WireError, decode, encode
from shared.messages import VERSION, ClipReply, ClipRequest, ClipStep, LivePicture, LiveRequest

_log = logging.getLogger(__name__)

_ANSWER_WITHIN_S = 8.0
_THERE_WITHIN_S = 0.5
_MAX_VIEWS = 256


class Box(NamedTuple):
    """Whom to ask."""

    site: str
    box: str


class BoxLine:
    """The hub's line down to its boxes."""

    def __init__(self, bus: HubBus) -> None:
        self._bus = bus
        self._waiting: dict[tuple[str, bytes], asyncio.Future[ClipReply]] = {}
        self._views: dict[tuple[str, str], LivePicture] = {}
        self._shown = asyncio.Condition()
        bus.on_connect(self._subscribe)

    async def clip(
        self, to: Box, event_id: bytes, form: int, step: ClipStep, *, offset: int = 0, key: bytes = b""
    ) -> ClipReply:
        """Ask a box; raises ``BusAway`` when it does not answer in time."""
        if not self._bus.is_connected:
            raise BusAway("the bus is away")
        client = await self._bus.client()
        request = ClipRequest(VERSION, os.urandom(16), event_id, form, step, offset, key)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[to.box, request.request_id] = answer
        # The answer comes under the box's own prefix; a request adds that an absent box is told at once.
        command = subjects.command(to.site, to.box, "clip")
        asking = asyncio.create_task(client.request(command, encode(request), _ANSWER_WITHIN_S))
        try:
            await asyncio.wait({asking, answer}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            await asking
            raise BusAway(f"box {to.box} answered where it must not")
        except (NatsError, OSError) as error:
            raise BusAway(f"box {to.box} does not answer") from error
        finally:
            asking.cancel()
            del self._waiting[to.box, request.request_id]

    async def look(self, to: Box, camera: str, lease_s: float) -> None:
        """Begin or renew a live view. Raises ``BusAway``."""
        if not self._bus.is_connected:
            raise BusAway("the bus is away")
        try:
            client = await self._bus.client()
            request = LiveRequest(VERSION, camera, round(lease_s * 1_000))
            await client.publish(subjects.command(to.site, to.box, "live"), encode(request))
        except (NatsError, OSError) as error:
            raise BusAway(f"{error}") from error

    async def is_there(self, to: Box, camera: str) -> bool:
        """Give a camera's view up, and tell whether the box listens at all."""
        request = LiveRequest(VERSION, camera, 0)
        try:
            client = await self._bus.client()
            await client.request(subjects.command(to.site, to.box, "live"), encode(request), _THERE_WITHIN_S)
        except (NoRespondersError, BusAway):
            return False
        except (NatsError, OSError):
            return self._bus.is_connected
        return True

    async def next_view(self, box: str, camera: str, after_us: int, wait_s: float) -> LivePicture | None:
        """The newest picture taken later than ``after_us``, or the box's refusal; None when none comes."""

        def found() -> LivePicture | None:
            view = self._views.get((box, camera))
            return view if view and (view.refusal or view.at_us > after_us) else None

        async with self._shown:
            try:
                await asyncio.wait_for(self._shown.wait_for(lambda: found() is not None), wait_s)
            except TimeoutError:
                return None
            view = found()
        if view and view.refusal:
            self._views.pop((box, camera), None)
        return view

    def forget_view(self, box: str, camera: str) -> None:
        """What was shown before this look is not what the camera shows now."""
        self._views.pop((box, camera), None)

    async def _subscribe(self, client: Client) -> None:
        await client.subscribe(subjects.ALL_ANSWERS, cb=self._take_answer)
        await client.subscribe(subjects.ALL_LIVE, cb=self._take_view)

    async def _take_answer(self, message: Msg) -> None:
        try:
            box = subjects.parse(message.subject).box
            reply = decode(ClipReply, message.data)
        except (WireError, ValueError) as error:
            _log.warning("answer of a box refused: %s", error)
            return
        waiting = self._waiting.get((box, reply.request_id))
        if waiting and not waiting.done():
            waiting.set_result(reply)

    async def _take_view(self, message: Msg) -> None:
        try:
            address = subjects.parse(message.subject)
            view = decode(LivePicture, message.data)
        except (WireError, ValueError) as error:
            _log.warning("live picture refused: %s", error)
            return
        if address.rest != (view.camera,):
            _log.warning("live picture of box %s refused: it names another camera", address.box)
            return
        async with self._shown:
            self._views.pop((address.box, view.camera), None)
            self._views[address.box, view.camera] = view
            if len(self._views) > _MAX_VIEWS:
                del self._views[next(iter(self._views))]
            self._shown.notify_all()
