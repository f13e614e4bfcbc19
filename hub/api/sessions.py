"""Signing in and out."""

from typing import Annotated

from litestar import Request, Response, delete, get, post, put
from litestar.datastructures import Cookie, State
from litestar.params import JSONBody
from msgspec import Meta, Struct

from hub.api.given import GivenParts
from hub.api.guards import COOKIE, OPEN, peer
from hub.db.tables import User
from hub.domain.access import ANYONE_SIGNED_IN, Role
from hub.services import sessions, users
from hub.services.sessions import SignedIn
from hub.services.users import NewUser

Text = Annotated[str, Meta(max_length=256)]
SignedInRequest = Request[SignedIn, SignedIn, State]
AnyRequest = Request[SignedIn | None, SignedIn | None, State]


class UserView(Struct, frozen=True):
    """A user, as the user may see it."""

    id: int
    username: str
    display_name: str
    role: Role
    locale: str


class SessionView(Struct, frozen=True):
    """Who is signed in."""

    user: UserView


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A user name and its password."""

    username: Text
    password: Text


class SetUp(Struct, frozen=True, forbid_unknown_fields=True):
    """The first admin's account, with the token of the one-time link."""

    token: Text
    username: Text
    password: Text
    display_name: Text
    locale: Text


class PasswordChange(Struct, frozen=True, forbid_unknown_fields=True):
    """One's present password and the next one."""

    old_password: Text
    new_password: Text


def user_view(user: User) -> UserView:
    assert user.id is not None
    return UserView(user.id, user.username, user.display_name, Role(user.role), user.locale)


@post("/session", roles=OPEN, status_code=200)
async def sign_in(data: JSONBody[SignIn], request: AnyRequest, parts: GivenParts) -> Response[SessionView]:
    """Sign in; the answer sets the session's cookie."""
    user, token = await sessions.sign_in(parts, peer(request), data.username, data.password)
    return _with_cookie(user, token, parts)


@post("/setup", roles=OPEN, status_code=200)
async def set_up(data: JSONBody[SetUp], request: AnyRequest, parts: GivenParts) -> Response[SessionView]:
    """Make the first admin with the one-time link that the hub printed, and sign in."""
    new = NewUser(data.username, data.password, data.display_name, Role.ADMIN, data.locale)
    user, token = await sessions.set_up(parts, peer(request), data.token, new)
    return _with_cookie(user, token, parts)


@get("/session", roles=ANYONE_SIGNED_IN)
async def session(request: SignedInRequest, parts: GivenParts) -> SessionView:
    """Who is signed in."""
    return SessionView(user_view(await users.one(parts, request.user.user_id)))


@delete("/session", roles=ANYONE_SIGNED_IN)
async def sign_out(request: SignedInRequest, parts: GivenParts) -> Response[None]:
    """End this session."""
    await sessions.sign_out(parts, request.user)
    answer = Response(None)
    answer.delete_cookie(COOKIE)
    return answer


@put("/session/password", roles=ANYONE_SIGNED_IN, status_code=204)
async def change_password(
    data: JSONBody[PasswordChange], request: SignedInRequest, parts: GivenParts
) -> None:
    """Change one's own password; all other sessions of the user end."""
    who = request.user
    await users.change_own_password(parts, who.user_id, who.token_hash, data.old_password, data.new_password)


def _with_cookie(user: User, token: str, parts: GivenParts) -> Response[SessionView]:
    is_https = (parts.settings.public_url or "").startswith("https:")
    cookie = Cookie(
        key=COOKIE,
        value=token,
        path="/",
        httponly=True,
        samesite="strict",
        secure=is_https,
        max_age=round(parts.settings.session.lifetime_h * 3_600),
    )
    return Response(SessionView(user_view(user)), cookies=[cookie])


ROUTES = [sign_in, set_up, session, sign_out, change_password]
