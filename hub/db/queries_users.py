"""Users, their sessions and the one-time links."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.db.tables import SetupToken, User, UserSession


class SessionRow(NamedTuple):
    """A session with its user."""

    session: UserSession
    user: User


async def user_by_name(db: AsyncSession, username: str) -> User | None:
    return (await db.exec(select(User).where(col(User.username) == username))).first()


async def user_by_id(db: AsyncSession, user_id: int) -> User | None:
    return await db.get(User, user_id)


async def all_users(db: AsyncSession) -> Sequence[User]:
    return (await db.exec(select(User).order_by(col(User.username)))).all()


async def enabled_admins(db: AsyncSession) -> int:
    """How many admins can sign in."""
    found = await db.exec(
        select(col(User.id)).where(col(User.role) == "admin", col(User.disabled_at_us).is_(None))
    )
    return len(found.all())


async def sessions(db: AsyncSession, token_hashes: Sequence[bytes]) -> list[SessionRow]:
    """The sessions under these hashes that exist."""
    rows = await db.exec(
        select(UserSession, User)
        .join(User, col(User.id) == col(UserSession.user_id))
        .where(col(UserSession.token_hash).in_(token_hashes))
    )
    return [SessionRow(*row) for row in rows.all()]


async def touch_session(db: AsyncSession, token_hash: bytes, now_us: int) -> None:
    changed = update(UserSession).where(col(UserSession.token_hash) == token_hash).values(seen_at_us=now_us)
    await db.exec(changed)


async def end_session(db: AsyncSession, token_hash: bytes) -> None:
    await db.exec(delete(UserSession).where(col(UserSession.token_hash) == token_hash))


async def end_sessions_of(db: AsyncSession, user_id: int, but: bytes = b"") -> None:
    """End all sessions of a user, except the one whose hash is ``but``."""
    await db.exec(
        delete(UserSession).where(col(UserSession.user_id) == user_id, col(UserSession.token_hash) != but)
    )


async def forget_expired(db: AsyncSession, now_us: int) -> None:
    """Remove what can never be used again."""
    await db.exec(delete(UserSession).where(col(UserSession.expires_at_us) <= now_us))
    await db.exec(delete(SetupToken).where(col(SetupToken.expires_at_us) <= now_us))


async def use_setup_token(db: AsyncSession, token_hash: bytes, now_us: int) -> bool:
    """Mark the link as used; False when it is not there, too old or used already. One statement, so of two
    askers at the same moment one succeeds."""
    used = await db.exec(
        update(SetupToken)
        .where(
            col(SetupToken.token_hash) == token_hash,
            col(SetupToken.used_at_us).is_(None),
            col(SetupToken.expires_at_us) > now_us,
        )
        .values(used_at_us=now_us)
    )
    return used.rowcount == 1
