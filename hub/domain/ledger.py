"""Which numbers of an outbox are committed, as ascending inclusive ranges that neither touch nor cross."""

from collections.abc import Iterable, Sequence

Range = tuple[int, int]
Ranges = tuple[Range, ...]

MAX_RANGES = 10_000
"""Holes are rare: this bounds a broken box. Beyond it the lowest ranges are left out; a box that still
has those rows sends them again, which costs time but loses nothing."""


def add(ranges: Sequence[Range], numbers: Iterable[int]) -> Ranges:
    """The ranges with ``numbers`` (each >= 1) committed too. The order of numbers does not matter."""
    fresh = runs(numbers)
    if len(ranges) == 1 and len(fresh) == 1 and ranges[0][0] <= fresh[0][0] <= ranges[0][1] + 1:
        return ((ranges[0][0], max(ranges[0][1], fresh[0][1])),)  # the usual case: the next ones in order
    return merge([*ranges, *fresh])


def runs(numbers: Iterable[int]) -> list[Range]:
    """Distinct numbers as ascending ranges."""
    found: list[Range] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] + 1 == number:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def merge(ranges: Iterable[Range]) -> Ranges:
    """Any ranges in the ledger's form."""
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged[-MAX_RANGES:])
