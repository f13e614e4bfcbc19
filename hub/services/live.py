"""Live views: a camera's newest redacted picture while somebody looks."""

import logging

from hub.bus.asking import Box, BoxLine
from hub.bus.errors import BusAway
from hub.db.tables import Camera, Device
from hub.errors import NotFound, NotReady
from hub.services.parts import Parts
from shared.messages import LivePicture

_log = logging.getLogger(__name__)

LEASE_S = 10.0
_NEW_LOOK_US = 15_000_000
_WAIT_S = 5.0
_MAX_LOOKS = 4_096


class Live:
    """Renews a camera's lease each time somebody asks for its next picture."""

    def __init__(self, parts: Parts, line: BoxLine) -> None:
        self._parts = parts
        self._line = line
        self._looked_us: dict[tuple[str, str], int] = {}

    async def look(self, camera: str, after_us: int, by: str) -> LivePicture:
        """The next picture. Raises ``NotFound``, and ``NotReady`` when the box shows none."""
        async with self._parts.database.reading() as db:
            row = await db.get(Camera, camera)
            device = await db.get(Device, row.box) if row else None
        if device is None or device.state != "enrolled":
            raise NotFound(f"there is no camera {camera[:63]!r} of an enrolled box")
        self._note(device.id, camera, by)
        try:
            await self._line.look(Box(device.site, device.id), camera, LEASE_S)
        except BusAway as error:
            raise NotReady(str(error)) from error
        view = await self._line.next_view(device.id, camera, after_us, _WAIT_S)
        if view is None:
            raise NotReady(f"box {device.id} sends no picture of camera {camera}")
        if view.refusal:
            raise NotReady(f"box {device.id}: {view.refusal}")
        return view

    def _note(self, box: str, camera: str, by: str) -> None:
        """Who began to look at what is logged once a look; an old picture is not shown to a new one."""
        now_us = self._parts.now_us()
        last_us = self._looked_us.pop((camera, by), 0)
        self._looked_us[camera, by] = now_us
        if len(self._looked_us) > _MAX_LOOKS:
            del self._looked_us[next(iter(self._looked_us))]
        if now_us - last_us > _NEW_LOOK_US:
            self._line.forget_view(box, camera)
            _log.info("live view of camera %s begun by %s", camera, by)
