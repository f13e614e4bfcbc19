"""Live views: a camera's newest redacted picture while somebody looks."""

from collections import defaultdict

from hub.bus.asking import Box, BoxLine
from hub.bus.errors import BusAway
from hub.db.tables import Camera, Device
from hub.errors import BoxAway, NoPicture, NotFound, NotReady, ViewsFull
from hub.services.looks import Looks
from hub.services.parts import Parts
from shared.messages import LivePicture, ViewRefusal

LEASE_S = 10.0
_WAIT_S = 5.0
_SILENT_US = 60_000_000
"""A box that was not heard for so long is away."""


class Live:
    """Renews a camera's lease each time somebody asks for its next picture."""

    def __init__(self, parts: Parts, line: BoxLine, looks: Looks) -> None:
        self._parts = parts
        self._line = line
        self._looks = looks
        self._looking: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        """Until when (UTC µs) which view of whom looks at a camera."""

    async def look(self, camera: str, after_us: int, by: str, view: str) -> LivePicture:
        """The next picture; ``view`` tells one person's windows apart.

        Raises ``NotFound``, ``BoxAway``, ``ViewsFull`` and ``NoPicture``.
        """
        device = await self._device(camera)
        await self._looks.note(by, "live", camera)
        if not self._is_looked_at(camera):
            self._line.forget_view(device.id, camera)  # an old picture is not shown to a new look
        self._looking[camera][by, view] = self._parts.now_us() + round(LEASE_S * 1e6)
        await self._lease(device, camera, LEASE_S)
        shown = await self._line.next_view(device.id, camera, after_us, _WAIT_S)
        if shown and not shown.refusal:
            return shown
        self._looking[camera].pop((by, view), None)
        if shown is None:
            raise await self._silence(device, camera)
        if shown.refusal == ViewRefusal.FULL:
            raise ViewsFull(f"box {device.id}: {shown.refusal}; close another one")
        raise NotFound(f"box {device.id}: {shown.refusal}")

    async def leave(self, camera: str, by: str, view: str) -> None:
        """Somebody looks no more. The lease is given up when nobody else does. Raises ``NotFound``."""
        device = await self._device(camera)
        was_looking = self._looking[camera].pop((by, view), None)
        if was_looking and not self._is_looked_at(camera):
            await self._lease(device, camera, 0)

    async def _device(self, camera: str) -> Device:
        async with self._parts.database.reading() as db:
            row = await db.get(Camera, camera)
            device = await db.get(Device, row.box) if row else None
        if device is None or device.state != "enrolled":
            raise NotFound(f"there is no camera {camera[:63]!r} of an enrolled box")
        return device

    async def _lease(self, device: Device, camera: str, lease_s: float) -> None:
        try:
            await self._line.look(Box(device.site, device.id), camera, lease_s)
        except BusAway as error:
            raise NotReady(str(error)) from error

    def _is_looked_at(self, camera: str) -> bool:
        now_us = self._parts.now_us()
        looking = {who: until_us for who, until_us in self._looking[camera].items() if until_us > now_us}
        self._looking[camera] = looking
        return bool(looking)

    async def _silence(self, device: Device, camera: str) -> NotReady:
        """Why nothing comes. The bus still counts a box in whose line was cut; its heartbeats end."""
        seen_us = device.seen_at_us
        is_silent = seen_us is not None and self._parts.now_us() - seen_us > _SILENT_US
        if is_silent or not await self._line.is_there(Box(device.site, device.id), camera):
            return BoxAway(f"box {device.id} does not answer")
        return NoPicture(f"box {device.id} sends no picture of camera {camera}")
