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
        self._looking: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """Until when (UTC µs) who looks at which camera."""

    async def look(self, camera: str, after_us: int, by: str) -> LivePicture:
        """The next picture. Raises ``NotFound``, ``BoxAway``, ``ViewsFull`` and ``NoPicture``."""
        device = await self._device(camera)
        await self._looks.note(by, "live", camera)
        if not self._others(camera, ""):
            self._line.forget_view(device.id, camera)  # an old picture is not shown to a new look
        self._looking[camera][by] = self._parts.now_us() + round(LEASE_S * 1e6)
        await self._lease(device, camera, LEASE_S)
        view = await self._line.next_view(device.id, camera, after_us, _WAIT_S)
        if view and not view.refusal:
            return view
        self._forget(camera, by)
        if view is None:
            raise self._silence(device, camera)
        if view.refusal == ViewRefusal.FULL:
            raise ViewsFull(f"box {device.id}: {view.refusal}; close another one")
        raise NotFound(f"box {device.id}: {view.refusal}")

    async def leave(self, camera: str, by: str) -> None:
        """Somebody looks no more. The lease is given up when nobody else does. Raises ``NotFound``."""
        device = await self._device(camera)
        was_looking = self._forget(camera, by)
        if was_looking and not self._others(camera, by):
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

    def _others(self, camera: str, by: str) -> bool:
        now_us = self._parts.now_us()
        return any(until_us > now_us for name, until_us in self._looking[camera].items() if name != by)

    def _forget(self, camera: str, by: str) -> bool:
        return self._looking[camera].pop(by, None) is not None

    def _silence(self, device: Device, camera: str) -> NotReady:
        seen_us = device.seen_at_us
        if seen_us is None or self._parts.now_us() - seen_us > _SILENT_US:
            return BoxAway(f"box {device.id} does not answer")
        return NoPicture(f"box {device.id} sends no picture of camera {camera}")
