"""Which pictures are due."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.sources.cadence import Cadence


def taken(pts: list[float], fps: float) -> list[float]:
    cadence = Cadence(fps)
    due: list[float] = []
    for at_s in pts:
        if cadence.is_due(at_s):
            cadence.take(at_s)
            due.append(at_s)
    return due


def test_every_fifth_of_twenty_five() -> None:
    assert taken([n / 25 for n in range(50)], 5) == [n / 5 for n in range(10)]


def test_a_rate_that_does_not_divide_keeps_the_mean() -> None:
    """12.5 pictures a second, 5 wanted: 0.24 s and 0.16 s take turns."""
    assert taken([n * 0.08 for n in range(125)], 5)[:5] == [0, 0.24, 0.4, 0.64, 0.8]
    assert len(taken([n * 0.08 for n in range(125)], 5)) == 50


def test_a_slow_stream_gives_all_it_has() -> None:
    assert taken([0, 1, 2, 3], 5) == [0, 1, 2, 3]


def test_times_rounded_to_milliseconds_are_not_missed() -> None:
    assert len(taken([round(n / 30, 3) for n in range(300)], 5)) == 50


@given(st.lists(st.floats(0.001, 3), min_size=1, max_size=200), st.floats(0.5, 30))
def test_never_more_than_wanted(steps: list[float], fps: float) -> None:
    pts: list[float] = []
    for step in steps:
        pts.append((pts[-1] if pts else 0) + step)
    due = taken(pts, fps)
    assert due[0] == pts[0]
    assert len(due) <= (pts[-1] - pts[0] + 0.002) * fps + 1.001
