"""Signing in and out, and the one-time link that makes the first account."""

import hashlib
import secrets
from typing import NamedTuple

from hub.db import queries_users
from hub.db.engine import Database
from hub.db.tables import SetupToken, User, UserSession
from hub.domain.access import Role, SessionTimes, session_end
from hub.errors import NotAllowed, NotSignedIn, TooOften
from hub.services import users
from hub.services.parts import Parts
from hub.services.users import NewUser

_HOUR_US = 3_600_000_000
_SETUP_US = 24 * _HOUR_US
_TOUCH_EVERY_US = 60_000_000
"""How precisely idleness is known; each request writing would cost a disk sync."""


class SignedIn(NamedTuple):
    """Who asks, proved by a session."""

    user_id: int
    username: str
    role: Role
    token_hash: bytes


def token_hash(token: str) -> bytes:
    """What is stored of a token. Its 256 bits are random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


async def sign_in(parts: Parts, peer: str, username: str, password: str) -> tuple[User, str]:
    """Check a password and open a session; return the user and the token for the cookie.

    Raises ``TooOften``, or ``NotSignedIn`` with the same words whatever was wrong.
    """
    username = username.lower()
    wait = parts.throttle.begin(peer, username, parts.now_us())
    if wait:
        raise TooOften(f"{wait.why}; try again in {wait.retry_after_s} s", wait.retry_after_s)
    async with parts.database.reading() as db:
        user = await queries_users.user_by_name(db, username)
    fits = await parts.passwords.fits(user.password_hash if user else None, password)
    if user is None or not fits or user.disabled_at_us is not None:
        raise NotSignedIn("the user name or the password is wrong")
    parts.throttle.succeeded(peer, username)
    renewed = None
    if parts.passwords.is_outdated(user.password_hash):
        renewed = await parts.passwords.hash(password)
    return user, await _open_session(parts, user, renewed)


async def set_up(parts: Parts, peer: str, token: str, new: NewUser) -> tuple[User, str]:
    """Make the first admin with a one-time link, and sign in. Once there is an admin, no link works: an admin
    makes the others."""
    wait = parts.throttle.begin(peer, "setup link", parts.now_us())
    if wait:
        raise TooOften(f"{wait.why}; try again in {wait.retry_after_s} s", wait.retry_after_s)
    users.check_new(new)
    hashed = await parts.passwords.hash(new.password)
    async with parts.database.transaction() as db:
        if not await queries_users.use_setup_token(db, token_hash(token), parts.now_us()):
            raise NotAllowed("this set-up link was used or is too old; 'saqshy hub init' makes a new one")
        if await queries_users.enabled_admins(db):
            raise NotAllowed("this hub is set up already; ask its admin for an account")
        user = await users.add(db, new, hashed, parts.now_us())
    parts.throttle.succeeded(peer, "setup link")
    return user, await _open_session(parts, user, None)


async def new_setup_link_token(database: Database, now_us: int) -> str | None:
    """Make a token that lives for 24 hours, or return None when the hub has an admin."""
    token = secrets.token_urlsafe(32)
    async with database.transaction() as db:
        if await queries_users.enabled_admins(db):
            return None
        db.add(SetupToken(token_hash=token_hash(token), expires_at_us=now_us + _SETUP_US))
    return token


async def check(parts: Parts, token: str) -> SignedIn:
    """Who a cookie belongs to. Raises ``NotSignedIn``."""
    now_us = parts.now_us()
    hashed = token_hash(token)
    async with parts.database.reading() as db:
        rows = await queries_users.sessions(db, [hashed])
    if not rows:
        raise NotSignedIn("there is no such session; sign in")
    session, user = rows[0]
    end = session_end(_times(rows[0]), now_us, _idle_us(parts))
    if end:
        raise NotSignedIn(f"the session is over: {end}; sign in again")
    if now_us - session.seen_at_us >= _TOUCH_EVERY_US:
        async with parts.database.transaction() as db:
            await queries_users.touch_session(db, hashed, now_us)
    assert user.id is not None
    return SignedIn(user.id, user.username, Role(user.role), hashed)


async def still_valid(parts: Parts, token_hashes: set[bytes]) -> set[bytes]:
    """Which of these sessions hold at this moment. Asking is no activity of theirs."""
    async with parts.database.reading() as db:
        rows = await queries_users.sessions(db, list(token_hashes))
    now_us = parts.now_us()
    return {row.session.token_hash for row in rows if not session_end(_times(row), now_us, _idle_us(parts))}


async def sign_out(parts: Parts, who: SignedIn) -> None:
    async with parts.database.transaction() as db:
        await queries_users.end_session(db, who.token_hash)


async def _open_session(parts: Parts, user: User, renewed_hash: str | None) -> str:
    token = secrets.token_urlsafe(32)
    now_us = parts.now_us()
    assert user.id is not None
    async with parts.database.transaction() as db:
        await queries_users.forget_expired(db, now_us)
        if renewed_hash and (stored := await queries_users.user_by_id(db, user.id)):
            stored.password_hash = renewed_hash
        db.add(
            UserSession(
                token_hash=token_hash(token),
                user_id=user.id,
                created_at_us=now_us,
                seen_at_us=now_us,
                expires_at_us=now_us + round(parts.settings.session.lifetime_h * _HOUR_US),
            )
        )
    return token


def _times(row: queries_users.SessionRow) -> SessionTimes:
    return SessionTimes(row.session.seen_at_us, row.session.expires_at_us, row.user.disabled_at_us)


def _idle_us(parts: Parts) -> int:
    return round(parts.settings.session.idle_h * _HOUR_US)
