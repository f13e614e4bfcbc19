"""When a rule is on duty: hours of local time, also over midnight."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)\Z")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOMENT = re.compile(rf"^(?:({'|'.join(_WEEKDAYS)}) )?([01]\d|2[0-3]):([0-5]\d)\Z")


class Span(NamedTuple):
    """Minutes after local midnight; from ``start`` up to, not including, ``end``. An end before the start is
    the next morning's."""

    start_min: int
    end_min: int


def parse_span(text: str) -> Span:
    """Read ``22:00-06:00``; raises ``ValueError`` with the form that is wanted."""
    found = _SPAN.match(text)
    start, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
    if start == end or end > 24 * 60:
        raise ValueError(f"{text[:40]!r} is not a span of hours; write it as 22:00-06:00")
    return Span(start, end)


class Moment(NamedTuple):
    """A moment of the week, or of each day."""

    weekday: int | None
    """0 is Monday; None: every day."""
    minute: int
    """After local midnight."""


def parse_moment(text: str) -> Moment:
    """Read ``Mon 08:00`` or ``08:00``; raises ``ValueError`` with the form that is wanted."""
    found = _MOMENT.match(text)
    if found is None:
        raise ValueError(
            f"{text[:40]!r} is no moment of the week; write it as Mon 08:00, or 08:00 for every day"
        )
    weekday = _WEEKDAYS.index(found[1]) if found[1] else None
    return Moment(weekday, int(found[2]) * 60 + int(found[3]))


def last_moment_us(moments: tuple[Moment, ...], at_us: int, zone: tzinfo) -> int | None:
    """When the latest of ``moments`` up to ``at_us`` was, UTC microseconds; None without any."""
    now = local_time(at_us, zone)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    latest: datetime | None = None
    for moment in moments:
        for days in range(8):
            day = midnight - timedelta(days=days)
            # Wall time, so that a change of the clocks in between does not move it.
            then = day.replace(hour=moment.minute // 60, minute=moment.minute % 60)
            if then <= now and moment.weekday in (None, then.weekday()):
                latest = then if latest is None else max(latest, then)
                break
    return None if latest is None else (latest - _EPOCH) // timedelta(microseconds=1)


def local_time(at_us: int, zone: tzinfo) -> datetime:
    """UTC microseconds as the clock on the wall shows them."""
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone)


def is_on_duty(spans: tuple[Span, ...], at_us: int, zone: tzinfo) -> bool:
    """Whether a moment lies in any of ``spans``; no spans mean always."""
    if not spans:
        return True
    now = local_time(at_us, zone)
    minute = now.hour * 60 + now.minute
    return any(_covers(span, minute) for span in spans)


def _covers(span: Span, minute: int) -> bool:
    if span.start_min < span.end_min:
        return span.start_min <= minute < span.end_min
    return minute >= span.start_min or minute < span.end_min
