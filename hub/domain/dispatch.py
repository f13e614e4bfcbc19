"""What to do after an attempt to deliver a dispatch. Pure: time and chance are arguments."""

from enum import StrEnum
from typing import NamedTuple


class DispatchState(StrEnum):
    """Where a dispatch stands."""

    PENDING = "pending"
    """Still to be delivered; ``next_attempt_at_us`` says when."""
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up; a person may retry it."""


class Message(StrEnum):
    """What a receiver is told."""

    OPENED = "opened"
    UPDATED = "updated"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """How an attempt ended. A closed set: it is stored, shown and a label of the metrics."""

    ACCEPTED = "accepted"
    BUSY = "busy"
    """429 or 503: asks for a pause."""
    RECEIVER_FAULT = "receiver_fault"
    """Another 5xx, or 408."""
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    """No address, no connection, or it broke off."""
    UNTRUSTED = "untrusted"
    """The TLS certificate is not valid for the address."""
    REDIRECTED = "redirected"
    REFUSED = "refused"
    """Another 4xx: the same message will not be taken later either."""
    MISCONFIGURED = "misconfigured"
    """Our side cannot send it: no such connector, or not an address."""


RETRYABLE = frozenset(
    {Outcome.BUSY, Outcome.RECEIVER_FAULT, Outcome.TIMED_OUT, Outcome.UNREACHABLE, Outcome.UNTRUSTED}
)
"""A certificate is renewed within hours, so a wrong one is worth waiting for."""


class Answer(NamedTuple):
    """What a connector found out."""

    outcome: Outcome
    status: int | None = None
    detail: str = ""
    retry_after_s: float | None = None


class Delivered(NamedTuple):
    """Nothing more to do."""


class Retry(NamedTuple):
    """Try again after a pause."""

    pause_s: float
    why: str


class Dead(NamedTuple):
    """Give up, for this reason."""

    why: str


Decision = Delivered | Retry | Dead

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
LONGEST_ASKED_PAUSE_S = 3_600.0


def after_attempt(answer: Answer, attempt_count: int, max_attempts: int, chance: float) -> Decision:
    """Decide after attempt number ``attempt_count`` (from 1); ``chance`` is 0 to 1, from the caller."""
    if answer.outcome is Outcome.ACCEPTED:
        return Delivered()
    if answer.outcome not in RETRYABLE:
        return Dead(f"{answer.outcome}: {answer.detail}")
    if attempt_count >= max_attempts:
        return Dead(
            f"{attempt_count} attempts without success, the last one {answer.outcome}: {answer.detail}"
        )
    return Retry(pause_s(attempt_count, answer.retry_after_s, chance), f"{answer.outcome}: {answer.detail}")


def pause_s(attempt_count: int, asked_s: float | None, chance: float) -> float:
    """Seconds until the next attempt: doubling from 1 s to 5 min, half of it by chance so that the messages
    of one outage do not come back together; never shorter than the receiver asked for (up to an hour)."""
    whole_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt_count - 1, 30))
    ours_s = whole_s / 2 + whole_s / 2 * chance
    return max(ours_s, min(asked_s or 0.0, LONGEST_ASKED_PAUSE_S))
