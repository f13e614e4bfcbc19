"""Accounts: making them, changing them, changing one's own password."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from hub.db import queries_users
from hub.db.tables import User
from hub.domain.access import Role, password_fault, username_fault
from hub.errors import FieldFault, InputRefused, NotFound, StateConflict
from hub.services.parts import Parts

LOCALES = ("kk", "ru", "en")
MAX_DISPLAY_NAME_LENGTH = 80


class NewUser(NamedTuple):
    """An account to be made."""

    username: str
    password: str
    display_name: str
    role: Role
    locale: str


class UserChange(NamedTuple):
    """What an admin changes of an account; None leaves it."""

    display_name: str | None = None
    role: Role | None = None
    locale: str | None = None
    password: str | None = None
    disabled: bool | None = None


def check_new(new: NewUser) -> None:
    """Raise ``InputRefused`` that names every field that cannot be taken."""
    _refuse(
        ("username", username_fault(new.username)),
        ("password", password_fault(new.password, new.username)),
        ("display_name", _name_fault(new.display_name)),
        ("locale", _locale_fault(new.locale)),
    )


async def add(db: AsyncSession, new: NewUser, password_hash: str, now_us: int) -> User:
    """Write a checked account. Raises ``StateConflict`` when the name is taken."""
    if await queries_users.user_by_name(db, new.username):
        raise StateConflict(f"there is a user {new.username} already; choose another name")
    user = User(
        username=new.username,
        display_name=new.display_name.strip() or new.username,
        role=new.role,
        locale=new.locale,
        password_hash=password_hash,
        created_at_us=now_us,
    )
    db.add(user)
    await db.flush()
    return user


async def create(parts: Parts, new: NewUser) -> User:
    """Check and write an account."""
    check_new(new)
    hashed = await parts.passwords.hash(new.password)
    async with parts.database.transaction() as db:
        return await add(db, new, hashed, parts.now_us())


async def everyone(parts: Parts) -> Sequence[User]:
    async with parts.database.reading() as db:
        return await queries_users.all_users(db)


async def one(parts: Parts, user_id: int) -> User:
    async with parts.database.reading() as db:
        return await _get(db, user_id)


async def change(parts: Parts, user_id: int, wanted: UserChange) -> User:
    """Change an account. A new password, another role or disabling ends all its sessions.

    The last admin that can sign in stays one.
    """
    hashed = None
    if wanted.password is not None:
        hashed = await parts.passwords.hash(wanted.password)
    async with parts.database.transaction() as db:
        user = await _get(db, user_id)
        _check_change(user, wanted)
        ends_sessions = _apply(user, wanted, hashed, parts.now_us())
        await db.flush()
        if await queries_users.enabled_admins(db) == 0:
            raise StateConflict("this is the last admin; make another one first")
        if ends_sessions:
            await queries_users.end_sessions_of(db, user_id)
    return user


async def change_own_password(parts: Parts, user_id: int, keep: bytes, old: str, new: str) -> None:
    """Replace one's password, knowing the old one. All sessions but the one whose hash is ``keep`` end."""
    user = await one(parts, user_id)
    if not await parts.passwords.fits(user.password_hash, old):
        raise InputRefused(FieldFault("old_password", "is not the present password"))
    _refuse(("new_password", password_fault(new, user.username)))
    hashed = await parts.passwords.hash(new)
    async with parts.database.transaction() as db:
        (await _get(db, user_id)).password_hash = hashed
        await queries_users.end_sessions_of(db, user_id, but=keep)


def _check_change(user: User, wanted: UserChange) -> None:
    _refuse(
        ("display_name", _name_fault(wanted.display_name) if wanted.display_name is not None else None),
        ("locale", _locale_fault(wanted.locale) if wanted.locale is not None else None),
        ("password", password_fault(wanted.password, user.username) if wanted.password is not None else None),
    )


def _apply(user: User, wanted: UserChange, hashed: str | None, now_us: int) -> bool:
    """Write the changes into the row; whether its sessions must end."""
    ends_sessions = hashed is not None or wanted.disabled is True
    if wanted.display_name is not None:
        user.display_name = wanted.display_name.strip()
    if wanted.locale is not None:
        user.locale = wanted.locale
    if wanted.role is not None:
        ends_sessions = ends_sessions or wanted.role != user.role
        user.role = wanted.role
    if hashed is not None:
        user.password_hash = hashed
    if wanted.disabled is not None:
        user.disabled_at_us = (user.disabled_at_us or now_us) if wanted.disabled else None
    return ends_sessions


async def _get(db: AsyncSession, user_id: int) -> User:
    user = await queries_users.user_by_id(db, user_id)
    if user is None:
        raise NotFound(f"there is no user {user_id}")
    return user


def _name_fault(name: str) -> str | None:
    if len(name) > MAX_DISPLAY_NAME_LENGTH or not name.isprintable():
        return f"use up to {MAX_DISPLAY_NAME_LENGTH} printable characters"
    return None


def _locale_fault(locale: str) -> str | None:
    return None if locale in LOCALES else f"use one of {', '.join(LOCALES)}"


def _refuse(*checks: tuple[str, str | None]) -> None:
    faults = [FieldFault(field, detail) for field, detail in checks if detail]
    if faults:
        raise InputRefused(*faults)
