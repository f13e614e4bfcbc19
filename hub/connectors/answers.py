"""The one classifier that all connectors over HTTP share: what a response or a failure means."""

import ssl
from email.utils import parsedate_to_datetime

import httpx

from hub.domain.dispatch import Answer, Outcome

MAX_DETAIL_LENGTH = 200


def of_response(status: int, retry_after: str | None, text: str, now_s: float) -> Answer:
    """What an HTTP response means. ``now_s`` is UTC in seconds, for a ``Retry-After`` that names a date."""
    outcome = _outcome(status)
    detail = f"HTTP {status}" + (f": {shown(text)}" if text and outcome is not Outcome.ACCEPTED else "")
    return Answer(outcome, status, detail, _seconds(retry_after, now_s))


def of_error(error: Exception) -> Answer:
    """What a failure to get a response means."""
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return Answer(Outcome.TIMED_OUT, detail="no answer in time")
    if _is_certificate_fault(error):
        return Answer(Outcome.UNTRUSTED, detail=shown(f"the TLS certificate is not valid: {error}"))
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return Answer(Outcome.MISCONFIGURED, detail=shown(f"the address cannot be used: {error}"))
    return Answer(Outcome.UNREACHABLE, detail=shown(str(error) or type(error).__name__))


def shown(text: str) -> str:
    """Foreign text made fit to be stored and shown: one printable line of bounded length."""
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * MAX_DETAIL_LENGTH])
    return " ".join(printable.split())[:MAX_DETAIL_LENGTH]


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome.ACCEPTED
    if status in (429, 503):
        return Outcome.BUSY
    if status == 408 or status >= 500:
        return Outcome.RECEIVER_FAULT
    return Outcome.REDIRECTED if 300 <= status < 400 else Outcome.REFUSED


def _seconds(retry_after: str | None, now_s: float) -> float | None:
    """``Retry-After`` in either of its forms (RFC 9110 §10.2.3); None when it makes no sense."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(int(retry_after)))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None


def _is_certificate_fault(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
