"""Accounts, for the admin."""

from typing import Annotated

from litestar import get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.api.given import GivenParts
from hub.api.sessions import Text
from hub.db.tables import User
from hub.domain.access import ADMINS, Role
from hub.domain.instants import Instant, instant_or_none
from hub.services import users
from hub.services.users import NewUser, UserChange


class Account(Struct, frozen=True):
    """A user, as the admin sees it."""

    id: int
    username: str
    display_name: str
    role: Role
    locale: str
    disabled_at: Instant | None


class Accounts(Struct, frozen=True):
    """All users, by name."""

    users: list[Account]


class AccountToMake(Struct, frozen=True, forbid_unknown_fields=True):
    """A new user."""

    username: Text
    password: Text
    role: Role
    display_name: Text = ""
    locale: Text = "ru"


class AccountChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    display_name: Annotated[str, Meta(max_length=256)] | None = None
    role: Role | None = None
    locale: Annotated[str, Meta(max_length=256)] | None = None
    password: Annotated[str, Meta(max_length=256)] | None = None
    disabled: bool | None = None


def _account(user: User) -> Account:
    assert user.id is not None
    disabled_at = instant_or_none(user.disabled_at_us)
    return Account(user.id, user.username, user.display_name, Role(user.role), user.locale, disabled_at)


@get("/users", roles=ADMINS)
async def list_users(parts: GivenParts) -> Accounts:
    """All users."""
    return Accounts([_account(user) for user in await users.everyone(parts)])


@post("/users", roles=ADMINS)
async def add_user(data: JSONBody[AccountToMake], parts: GivenParts) -> Account:
    """Make a user."""
    new = NewUser(data.username, data.password, data.display_name, data.role, data.locale)
    return _account(await users.create(parts, new))


@patch("/users/{user_id:int}", roles=ADMINS)
async def change_user(user_id: FromPath[int], data: JSONBody[AccountChange], parts: GivenParts) -> Account:
    """Change or disable a user; a new password, another role or disabling ends the user's sessions."""
    wanted = UserChange(data.display_name, data.role, data.locale, data.password, data.disabled)
    return _account(await users.change(parts, user_id, wanted))


ROUTES = [list_users, add_user, change_user]
