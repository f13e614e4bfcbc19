"""Instants as people and other programs read them: ISO 8601 in UTC, with a Z."""

from datetime import UTC, datetime, timedelta

Instant = datetime
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(at_us: int) -> Instant:
    """UTC microseconds since 1970 as an instant."""
    return _EPOCH + timedelta(microseconds=at_us)


def instant_or_none(at_us: int | None) -> Instant | None:
    return None if at_us is None else instant(at_us)
