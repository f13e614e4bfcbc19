"""Who looked at what, kept for those who must answer for it."""

from collections.abc import Sequence

from sqlmodel import col, select

from hub.db.tables import Look
from hub.services.parts import Parts

_SAME_LOOK_US = 60_000_000
"""A player asks for a clip in several pieces, and a view for each picture: that is one look."""
_MAX_REMEMBERED = 4_096


class Looks:
    """Each look is written down once, when it begins."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._last_us: dict[tuple[str, str, str, str | None], int] = {}

    async def note(self, username: str, what: str, camera: str, event_id: str | None = None) -> None:
        """``what`` as in the table ``look``. Written before anything is shown."""
        now_us = self._parts.now_us()
        key = (username, what, camera, event_id)
        last_us = self._last_us.pop(key, None)
        if last_us is None or now_us - last_us > _SAME_LOOK_US:
            async with self._parts.database.transaction() as db:
                look = Look(at_us=now_us, username=username, what=what, camera=camera, event_id=event_id)
                db.add(look)
        self._last_us[key] = now_us
        if len(self._last_us) > _MAX_REMEMBERED:
            del self._last_us[next(iter(self._last_us))]

    async def newest(self, camera: str | None, limit: int) -> Sequence[Look]:
        """Newest first, of one camera or of all."""
        query = select(Look).order_by(col(Look.id).desc()).limit(limit)
        if camera is not None:
            query = query.where(col(Look.camera) == camera)
        async with self._parts.database.reading() as db:
            return (await db.exec(query)).all()
