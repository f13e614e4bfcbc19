"""What an answer means, and what is done after it."""

import ssl

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors import answers
from hub.connectors.letter import Letter
from hub.connectors.texts import in_words
from hub.connectors.webhook import compose, signature
from hub.domain.dispatch import (
    FIRST_PAUSE_S,
    LONGEST_ASKED_PAUSE_S,
    LONGEST_PAUSE_S,
    RETRYABLE,
    Answer,
    Dead,
    Delivered,
    Outcome,
    Retry,
    after_attempt,
    pause_s,
)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ACCEPTED), (204, Outcome.ACCEPTED), (301, Outcome.REDIRECTED),
        (400, Outcome.REFUSED), (401, Outcome.REFUSED), (404, Outcome.REFUSED), (408, Outcome.RECEIVER_FAULT),
        (410, Outcome.REFUSED), (429, Outcome.BUSY), (500, Outcome.RECEIVER_FAULT), (503, Outcome.BUSY),
        (504, Outcome.RECEIVER_FAULT),
    ],
)  # fmt: skip
def test_what_a_status_means(status: int, outcome: Outcome) -> None:
    assert answers.of_response(status, None, "", 0).outcome is outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ReadTimeout("x"), Outcome.TIMED_OUT),
        (TimeoutError(), Outcome.TIMED_OUT),
        (httpx.ConnectError("refused"), Outcome.UNREACHABLE),
        (httpx.RemoteProtocolError("half"), Outcome.UNREACHABLE),
        (httpx.InvalidURL("x"), Outcome.MISCONFIGURED),
    ],
)
def test_what_a_failure_means(error: Exception, outcome: Outcome) -> None:
    assert answers.of_error(error).outcome is outcome


def test_a_wrong_certificate_is_told_from_a_closed_port() -> None:
    error = httpx.ConnectError("x")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    assert answers.of_error(error).outcome is Outcome.UNTRUSTED


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("-5", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
        ("soon", None),
        (None, None),
        ("", None),
    ],
)
def test_both_forms_of_retry_after(text: str | None, seconds: float | None) -> None:
    assert answers.of_response(503, text, "", 60.0).retry_after_s == seconds


def test_foreign_text_is_one_printable_line() -> None:
    answer = answers.of_response(400, None, "bad\r\n\x00\x1b[31m<b>" + "x" * 10_000, 0)
    assert answer.detail.isprintable()
    assert len(answer.detail) < 250


@given(
    st.sampled_from(list(Outcome)),
    st.integers(1, 400),
    st.integers(1, 300),
    st.floats(0, 1),
    st.none() | st.floats(0, 1e6),
)
def test_every_outcome_leads_somewhere(
    outcome: Outcome, attempts: int, most: int, chance: float, asked_s: float | None
) -> None:
    decision = after_attempt(Answer(outcome, retry_after_s=asked_s), attempts, most, chance)
    if outcome is Outcome.ACCEPTED:
        assert decision == Delivered()
    elif outcome in RETRYABLE and attempts < most:
        assert isinstance(decision, Retry)
        assert FIRST_PAUSE_S / 2 <= decision.pause_s <= max(LONGEST_PAUSE_S, LONGEST_ASKED_PAUSE_S)
        assert decision.pause_s >= min(asked_s or 0, LONGEST_ASKED_PAUSE_S)
    else:
        assert isinstance(decision, Dead)


def test_pauses_double_up_to_five_minutes_and_are_spread() -> None:
    assert [pause_s(n, None, 1.0) for n in (1, 2, 3, 9, 10, 300)] == [1, 2, 4, 256, 300, 300]
    assert [pause_s(n, None, 0.0) for n in (1, 2, 10)] == [0.5, 1, 150]


def letter(number: int = 7) -> Letter:
    incident = {
        "id": "ab", "number": number, "kind": "illegal_parking",
        "reason": {"stood_s": 312.4, "limit_s": 300.0},
        "first_observed_at_us": 1_795_000_000_000_000, "ended_at_us": None,
    }  # fmt: skip
    return Letter(
        "http://x/", "s" * 16, "ab.1.opened", "opened", {"at_us": 1_795_000_000_000_000, "incident": incident}
    )


def test_the_body_is_the_same_at_each_attempt_and_readable() -> None:
    body = compose(letter())
    assert body == compose(letter())
    assert b'"type":"incident.opened"' in body
    assert b'"first_observed_at":"2026-11-18T' in body
    assert b'"ended_at":null' in body


def test_the_signature_covers_time_and_body() -> None:
    # Computed with openssl: printf '5.{}' | openssl dgst -sha256 -hmac secret
    assert signature("secret", b"{}", 5) == f"t=5,v1={EXPECTED}"
    assert signature("secret", b"{}", 6).split(",")[1] != f"v1={EXPECTED}"


EXPECTED = "f18d2fcd9a24151471e3e2d71bc7ce901fb7b89b341918a08f95e9ffc497ea26"


def test_the_words_hold_the_numbers_in_every_language() -> None:
    words = in_words(letter().notice["incident"])
    assert set(words) == {"kk", "ru", "en"}
    for text in words.values():
        assert "№ 7" in text
        assert "312" in text
        assert "300" in text
        assert "{" not in text


def test_a_letter_shows_no_secret() -> None:
    assert "ssss" not in repr(letter())
