"""Tells whoever waits that incidents have changed. It holds no changes: those are in the database."""

import asyncio


class Changes:
    """The newest ``change_seq`` that this process has committed."""

    def __init__(self) -> None:
        self._latest = 0
        self._risen = asyncio.Event()

    @property
    def latest(self) -> int:
        return self._latest

    def publish(self, change_seq: int) -> None:
        """Say, after the commit, that everything up to ``change_seq`` can be read."""
        if change_seq > self._latest:
            self._latest = change_seq
            risen, self._risen = self._risen, asyncio.Event()
            risen.set()

    async def wait_beyond(self, change_seq: int) -> int:
        """Return the newest number as soon as it is above ``change_seq``."""
        while self._latest <= change_seq:
            await self._risen.wait()
        return self._latest
