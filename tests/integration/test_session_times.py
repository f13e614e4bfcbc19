"""Sessions end by time, and an outdated hash is renewed; here the clock is an argument."""

import asyncio
from pathlib import Path

import pytest

from hub.db import queries_users
from hub.domain.access import Role
from hub.errors import NotSignedIn
from hub.services import sessions, users
from hub.services.parts import Parts
from hub.services.passwords import Passwords
from hub.services.users import NewUser
from hub.settings import PasswordSettings, Settings
from tests.fakes.hub import CHEAP, PASSWORD
from tests.hub_database import hub_database

HOUR_US = 3_600_000_000


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now_us = 1_795_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


def run_with_user(folder: Path, cost: PasswordSettings, story) -> None:
    async def main() -> None:
        async with hub_database(folder) as database:
            clock = Clock()
            parts = Parts(Settings(), folder, database, Passwords(cost), now_us=clock)
            await users.create(parts, NewUser("aliya", PASSWORD, "", Role.OPERATOR, "kk"))
            await story(parts, clock)

    asyncio.run(main())


def test_idleness_ends_a_session_and_use_keeps_it(tmp_path: Path) -> None:
    async def story(parts: Parts, clock: Clock) -> None:
        _, token = await sessions.sign_in(parts, "peer", "aliya", PASSWORD)
        for _ in range(3):
            clock.now_us += 3 * HOUR_US
            assert (await sessions.check(parts, token)).username == "aliya"
        clock.now_us += 4 * HOUR_US
        with pytest.raises(NotSignedIn, match="too long"):
            await sessions.check(parts, token)

    run_with_user(tmp_path, CHEAP, story)


def test_no_session_outlives_its_time(tmp_path: Path) -> None:
    async def story(parts: Parts, clock: Clock) -> None:
        _, token = await sessions.sign_in(parts, "peer", "aliya", PASSWORD)
        for _ in range(15):
            clock.now_us += HOUR_US
            await sessions.check(parts, token)
        clock.now_us += HOUR_US
        with pytest.raises(NotSignedIn, match="time is over"):
            await sessions.check(parts, token)
        await sessions.sign_in(parts, "peer", "aliya", PASSWORD)
        async with parts.database.reading() as db:
            assert len(await queries_users.sessions(db, [sessions.token_hash(token)])) == 0

    run_with_user(tmp_path, CHEAP, story)


def test_watching_the_stream_is_no_activity(tmp_path: Path) -> None:
    async def story(parts: Parts, clock: Clock) -> None:
        _, token = await sessions.sign_in(parts, "peer", "aliya", PASSWORD)
        hashed = sessions.token_hash(token)
        clock.now_us += 3 * HOUR_US
        assert await sessions.still_valid(parts, {hashed}) == {hashed}
        clock.now_us += HOUR_US
        assert await sessions.still_valid(parts, {hashed}) == set()

    run_with_user(tmp_path, CHEAP, story)


def test_a_hash_of_an_older_cost_is_renewed_at_sign_in(tmp_path: Path) -> None:
    async def story(parts: Parts, _clock: Clock) -> None:
        dearer = PasswordSettings(time_cost=2, memory_kib=128, parallelism=1)
        later = Parts(parts.settings, parts.folder, parts.database, Passwords(dearer), now_us=parts.now_us)
        before = (await users.everyone(parts))[0].password_hash
        await sessions.sign_in(later, "peer", "aliya", PASSWORD)
        after = (await users.everyone(parts))[0].password_hash
        assert "m=128" in after
        assert before != after
        await sessions.sign_in(later, "peer", "aliya", PASSWORD)
        assert (await users.everyone(parts))[0].password_hash == after

    run_with_user(tmp_path, CHEAP, story)
