"""Passwords, sessions and how often a password may be tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.access import (
    ACCOUNT_TRIES,
    PEER_TRIES,
    SessionEnd,
    SessionTimes,
    SignInThrottle,
    password_fault,
    session_end,
    username_fault,
)

S = 1_000_000


@pytest.mark.parametrize("name", ["aliya", "a", "b.omarov", "d-7", "x" * 32])
def test_names_that_are_taken(name: str) -> None:
    assert username_fault(name) is None


@pytest.mark.parametrize("name", ["", "Aliya", ".a", "a.", "a b", "a\n", "x" * 33, "әлия", "<b>", "../a"])
def test_names_that_are_not(name: str) -> None:
    assert username_fault(name)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "10 to 256"),
        ("x" * 257, "10 to 256"),
        ("aaaaaaaaaaaa", "different"),
        ("my aliya 2026", "user name"),
    ],
)
def test_passwords_that_are_refused(password: str, words: str) -> None:
    assert words in (password_fault(password, "aliya") or "")


def test_a_session_ends_by_time_by_idleness_and_by_disabling() -> None:
    times = SessionTimes(seen_at_us=100 * S, expires_at_us=1_000 * S, disabled_at_us=None)
    idle_us = 60 * S
    assert session_end(times, 159 * S, idle_us) is None
    assert session_end(times, 160 * S, idle_us) is SessionEnd.IDLE
    assert session_end(times._replace(seen_at_us=999 * S), 1_000 * S, idle_us) is SessionEnd.EXPIRED
    assert session_end(times._replace(disabled_at_us=1), 101 * S, idle_us) is SessionEnd.DISABLED


def test_a_peer_has_ten_tries_a_minute() -> None:
    throttle = SignInThrottle()
    for number in range(PEER_TRIES):
        assert throttle.begin("10.0.0.1", f"user{number}", number * S) is None
    wait = throttle.begin("10.0.0.1", "another", 20 * S)
    assert wait is not None
    assert wait.retry_after_s == 40
    assert throttle.begin("10.0.0.1", "another", 61 * S) is None
    assert throttle.begin("10.0.0.2", "another", 20 * S) is None


def test_strangers_hold_up_each_other_but_not_the_owner() -> None:
    throttle = SignInThrottle()
    assert throttle.begin("10.0.0.1", "aliya", 0) is None
    throttle.succeeded("10.0.0.1", "aliya")
    reached = sum(throttle.begin(f"10.9.{n}.1", "aliya", S) is None for n in range(200))
    assert reached == ACCOUNT_TRIES
    assert throttle.begin("10.0.0.1", "aliya", 2 * S) is None


def test_a_success_gives_the_try_back() -> None:
    throttle = SignInThrottle()
    for number in range(100):
        assert throttle.begin("10.0.0.1", "aliya", number) is None
        throttle.succeeded("10.0.0.1", "aliya")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20 * S)), max_size=200))
def test_no_peer_reaches_the_check_more_than_ten_times_in_any_minute(steps: list[tuple[int, int]]) -> None:
    throttle, now_us = SignInThrottle(), 0
    reached: dict[int, list[int]] = {}
    for peer, pause_us in steps:
        now_us += pause_us
        if throttle.begin(f"peer{peer}", "aliya", now_us) is None:
            reached.setdefault(peer, []).append(now_us)
    for times in reached.values():
        for first, eleventh in zip(times, times[PEER_TRIES:], strict=False):
            assert eleventh - first >= 60 * S


def test_the_throttle_forgets_the_oldest_first_and_stays_small() -> None:
    throttle = SignInThrottle()
    for number in range(30_000):
        throttle.begin(f"peer{number}", "aliya", number)
    assert len(throttle._tries) <= 10_000
