"""Hashing of passwords, off the event loop and two at a time: each hash takes 64 MiB and a core."""

import asyncio

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from hub.settings import PasswordSettings

_AT_ONCE = 2


class Passwords:
    """Argon2id with the cost of the settings."""

    def __init__(self, cost: PasswordSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.time_cost,
            memory_cost=cost.memory_kib,
            parallelism=cost.parallelism,
            type=Type.ID,
        )
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The text to store."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the stored one. Without one (no such user) it takes as long."""
        async with self._turns:
            matches = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return matches and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the text was made with another cost than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
