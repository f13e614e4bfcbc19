"""The ledger of committed numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.ledger import MAX_RANGES, Ranges, add, merge, runs

numbers = st.lists(st.integers(1, 60), max_size=40)


def _is_tidy(ranges: Ranges) -> bool:
    flat = [edge for low_high in ranges for edge in low_high]
    touching = any(b[0] <= a[1] + 1 for a, b in pairwise(ranges))
    return flat == sorted(flat) and not touching


@given(st.lists(numbers, max_size=6))
def test_it_holds_exactly_what_was_added_in_whatever_portions(portions: list[list[int]]) -> None:
    ranges: Ranges = ()
    for portion in portions:
        ranges = add(ranges, portion)
    everything = {number for portion in portions for number in portion}
    assert {number for low, high in ranges for number in range(low, high + 1)} == everything
    assert _is_tidy(ranges)
    assert ranges == add((), everything)


@given(numbers, numbers)
def test_adding_again_changes_nothing(first: list[int], second: list[int]) -> None:
    ranges = add(add((), first), second)
    assert add(ranges, first) == ranges
    assert merge([*ranges, *runs(second)]) == ranges


def test_a_broken_box_cannot_grow_it_for_ever() -> None:
    ranges = add((), range(1, 3 * MAX_RANGES, 2))
    assert len(ranges) == MAX_RANGES
    assert ranges[-1][1] == 3 * MAX_RANGES - 1
