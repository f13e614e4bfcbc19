"""Who may do what, and how often a password may be tried. Pure: time is an argument."""

import re
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Role(StrEnum):
    """What a user is in the operations centre."""

    OPERATOR = "operator"
    """Works on incidents."""
    SUPERVISOR = "supervisor"
    """An operator who may also reopen, and see what was not delivered."""
    ADMIN = "admin"
    """Runs the hub: users, agencies, routes, the map, revocations."""
    TECHNICIAN = "technician"
    """Enrols boxes and places cameras; may look at incidents but not decide them."""


ANYONE_SIGNED_IN = frozenset(Role)
OPERATORS = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN})
SUPERVISORS = frozenset({Role.SUPERVISOR, Role.ADMIN})
TECHNICIANS = frozenset({Role.TECHNICIAN, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})

USERNAME_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,30}[a-z0-9])?\Z"
_USERNAME = re.compile(USERNAME_PATTERN)
MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 256
"""NIST SP 800-63B asks for at least 8, for room up to 64 or more, and for no rules about kinds of letters."""


def username_fault(username: str) -> str | None:
    """What is wrong with a user name, or None."""
    if _USERNAME.match(username):
        return None
    return "use 1 to 32 of a-z, 0-9, '.', '_' and '-', with a letter or digit at both ends"


def password_fault(password: str, username: str) -> str | None:
    """What is wrong with a new password, or None."""
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        return f"use {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters"
    if len(username) >= 4 and username in password.lower():
        return "leave the user name out of it"
    if len(set(password)) < 5:
        return "use at least 5 different characters"
    return None


class SessionEnd(StrEnum):
    """Why a session is over."""

    EXPIRED = "its time is over"
    IDLE = "nothing was done for too long"
    DISABLED = "the user is disabled"


class SessionTimes(NamedTuple):
    """What decides whether a session still holds; instants in UTC microseconds."""

    seen_at_us: int
    expires_at_us: int
    disabled_at_us: int | None


def session_end(times: SessionTimes, now_us: int, idle_us: int) -> SessionEnd | None:
    """Why the session is over at ``now_us``, or None while it holds."""
    if times.disabled_at_us is not None:
        return SessionEnd.DISABLED
    if now_us >= times.expires_at_us:
        return SessionEnd.EXPIRED
    return SessionEnd.IDLE if now_us - times.seen_at_us >= idle_us else None


class Wait(NamedTuple):
    """A try that must not reach the password check yet."""

    retry_after_s: int
    why: str


_MINUTE_US = 60_000_000
PEER_TRIES = 10
ACCOUNT_TRIES = 30
KNOWN_PEERS = 16
_MAX_KEYS = 10_000
_Key = tuple[str, ...]


class SignInThrottle:
    """How often a password may be tried, per minute.

    A peer has 10 failures. An account has 30 failures from peers that never signed in to it, so strangers
    who guess it from many addresses are held up together, while its owner, from a peer where a sign-in
    once succeeded, is not: nobody can lock anybody out. A try counts when it begins and is given back when it
    succeeds, so tries at the same moment cannot slip past together. At most 10,000 counts are kept; the
    oldest go first.
    """

    def __init__(self) -> None:
        self._tries: OrderedDict[_Key, deque[int]] = OrderedDict()
        self._known: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()

    def begin(self, peer: str, account: str, now_us: int) -> Wait | None:
        """Count a try at ``now_us``, or say how long to wait."""
        limits = self._limits(peer, account)
        for key, most in limits:
            tries = self._recent(key, now_us)
            if len(tries) >= most:
                return Wait(-((now_us - tries[0] - _MINUTE_US) // 1_000_000), f"too many tries by {key[0]}")
        for key, _ in limits:
            self._tries[key].append(now_us)
        return None

    def succeeded(self, peer: str, account: str) -> None:
        """Give the try back and remember that ``peer`` is the account's own."""
        for key, _ in self._limits(peer, account):
            tries = self._tries.get(key)
            if tries:
                tries.pop()
        peers = _touch(self._known, account, OrderedDict[str, None])
        _touch(peers, peer, lambda: None, KNOWN_PEERS)

    def _limits(self, peer: str, account: str) -> list[tuple[_Key, int]]:
        limits: list[tuple[_Key, int]] = [(("address", peer), PEER_TRIES)]
        if peer not in self._known.get(account, ()):
            limits.append((("account", account), ACCOUNT_TRIES))
        return limits

    def _recent(self, key: _Key, now_us: int) -> deque[int]:
        tries = _touch(self._tries, key, deque[int])
        while tries and now_us - tries[0] >= _MINUTE_US:
            tries.popleft()
        return tries


def _touch(kept: "OrderedDict[K, V]", key: K, make: Callable[[], V], most: int = _MAX_KEYS) -> V:
    """The value under ``key``, made if missing, now the youngest; the oldest goes when there are too many."""
    if key not in kept:
        kept[key] = make()
        if len(kept) > most:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]
