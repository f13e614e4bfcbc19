"""Pauses between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import SourceFault
from edge_agent.sources.backoff import AT_MOST_S, FIRST_S, NETWORK_AT_MOST_S, Backoff


def pauses(fault: SourceFault, count: int, chance: float) -> list[float]:
    backoff = Backoff(lambda: chance)
    return [backoff.pause_s(fault) for _ in range(count)]


def test_the_network_is_tried_every_few_seconds() -> None:
    assert pauses(SourceFault.UNREACHABLE, 6, 1.0) == [0.5, 1, 2, 4, 4, 4]


def test_what_somebody_must_repair_is_tried_rarely() -> None:
    assert pauses(SourceFault.REFUSED, 9, 1.0) == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_pictures_make_it_short_again() -> None:
    backoff = Backoff(lambda: 1.0)
    for _ in range(5):
        backoff.pause_s(SourceFault.SILENT)
    backoff.reset()
    assert backoff.pause_s(SourceFault.SILENT) == FIRST_S


@given(st.lists(st.sampled_from(SourceFault), max_size=40), st.floats(0, 1))
def test_always_within_the_limits(faults: list[SourceFault], chance: float) -> None:
    backoff = Backoff(lambda: chance)
    for fault in faults:
        is_slow = fault in (SourceFault.REFUSED, SourceFault.REDIRECTED, SourceFault.NO_VIDEO)
        most_s = AT_MOST_S if is_slow else NETWORK_AT_MOST_S
        assert FIRST_S / 2 <= backoff.pause_s(fault) <= most_s
