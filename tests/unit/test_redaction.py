"""No original pixel of a head or a plate is left in a clip that leaves the box."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.domain.detection import Detections, Track
from edge_agent.domain.privacy import private_regions
from edge_agent.domain.redaction import Look, Span, at_moment, blind, pixelate, scaled, spans
from shared.kinds import ObjectClass

SIZE = (320, 180)
S = 1_000_000


def track(id_: int, left: float, top: float = 50, object_class: ObjectClass = ObjectClass.PERSON) -> Track:
    box = np.array([left, top, left + 20, top + 60], np.float32)
    return Track(id_, object_class, box, 0.9, 0, 0, 5, (0, 0), 0)


def look(at_s: float, *tracks: Track, seen: Detections | None = None) -> Look:
    return Look(round(at_s * S), tracks, seen or Detections.empty())


def person(left: float) -> Detections:
    box = np.array([[left, 50, left + 20, 110]], np.float32)
    return Detections(box, np.array([0.2], np.float32), np.array([ObjectClass.PERSON], np.int16))


def covers(found: list[Span], at_s: float, box: np.ndarray) -> bool:
    """Whether the head of a person in ``box`` lies wholly inside one region at this moment."""
    left, top, right, bottom = private_regions(
        Detections(box[None].astype(np.float32), np.ones(1, np.float32), np.array([1], np.int16)), *SIZE
    )[0]
    inside = list(at_moment(found, round(at_s * S)))
    assert inside, "no span says anything about this moment"
    return any(s.is_blind for s in inside) or any(
        a <= left + 1 and b <= top + 1 and c >= right - 1 and d >= bottom - 1
        for s in inside
        for a, b, c, d in s.regions
    )


@given(
    region=st.tuples(*[st.integers(0, 90)] * 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_block_keeps_nothing_but_its_mean(region: tuple[int, int, int, int], seed: int) -> None:
    """Two pictures that differ inside the blocks only, with the same means, become the same picture."""
    left, top, wide, tall = region
    region = (left, top, left + wide + 1, top + tall + 1)
    chance = np.random.default_rng(seed)
    luma = chance.integers(0, 256, (180, 320), np.uint8)
    first = luma.copy()
    pixelate(first, [], region)
    changed = first.copy()  # every block of it is flat: its means are the first one's, its pixels are not
    a, b, c, d = left & ~1, top & ~1, region[2] + 1 & ~1, region[3] + 1 & ~1
    assert np.array_equal(
        np.delete(first.ravel(), _inside(a, b, c, d)), np.delete(luma.ravel(), _inside(a, b, c, d))
    )
    pixelate(changed, [], region)
    assert np.array_equal(first, changed)
    block = max(8, round(0.2 * min(c - a, d - b)))
    colours = len(np.unique(first[b:d, a:c]))
    assert colours <= max(1, (c - a) // block) * max(1, (d - b) // block)


def _inside(a: int, b: int, c: int, d: int) -> np.ndarray:
    mask = np.zeros((180, 320), bool)
    mask[b:d, a:c] = True
    return np.flatnonzero(mask)


def test_colour_goes_with_brightness() -> None:
    chance = np.random.default_rng(1)
    luma = chance.integers(0, 256, (180, 320), np.uint8)
    chroma = [chance.integers(0, 256, (90, 160), np.uint8) for _ in range(2)]
    was = [plane.copy() for plane in chroma]
    pixelate(luma, chroma, (31, 21, 71, 61))
    for plane, before in zip(chroma, was, strict=True):
        assert len(np.unique(plane[10:31, 15:36])) <= 25
        plane[10:31, 15:36] = before[10:31, 15:36]
        assert np.array_equal(plane, before)


def test_a_blind_picture_has_no_detail() -> None:
    luma = np.random.default_rng(1).integers(0, 256, (180, 320), np.uint8)
    blind(luma, [])
    assert len(np.unique(luma)) <= 16 * 9


@pytest.mark.parametrize("step_px", [2, 15, 60])
def test_between_two_looks_the_whole_way_is_covered(step_px: float) -> None:
    looks = [look(0.2 * n, track(1, 20 + step_px * n)) for n in range(5)]
    found = spans(looks, 0, round(0.8 * S), SIZE)
    for part in np.linspace(0, 4, 41):
        left = 20 + step_px * part
        assert covers(found, 0.2 * part, np.array([left, 50, left + 20, 110]))


def test_what_the_model_barely_saw_is_covered_too() -> None:
    found = spans([look(0, seen=person(40)), look(0.2)], 0, S // 5, SIZE)
    assert covers(found, 0.1, np.array([40, 50, 60, 110]))


def test_who_appears_after_a_pause_blinds_the_pause() -> None:
    looks = [look(0), look(2, track(1, 100)), look(2.2, track(1, 110))]
    found = spans(looks, 0, round(2.2 * S), SIZE)
    assert any(s.is_blind for s in at_moment(found, S))
    assert not any(s.is_blind for s in at_moment(found, round(2.1 * S)))


def test_an_empty_street_stays_clear() -> None:
    found = spans([look(n) for n in range(5)], S // 2, 3 * S, SIZE)
    assert not any(s.is_blind or s.regions for s in found)


@pytest.mark.parametrize("looks", [[], [look(9)]])
def test_where_nothing_is_known_nothing_is_shown(looks: list[Look]) -> None:
    assert all(s.is_blind for s in at_moment(spans(looks, 0, S, SIZE), S // 2))


def test_a_clips_time_is_covered_from_end_to_end() -> None:
    found = spans([look(0.5), look(1)], 0, 3 * S, SIZE)
    for at_us in range(0, 3 * S, 50_000):
        assert list(at_moment(found, at_us))
    assert any(s.is_blind for s in at_moment(found, round(2.9 * S)))


def test_a_region_of_the_small_stream_covers_as_much_of_the_large_one() -> None:
    assert scaled((1, 2, 3, 4), (640, 360), (1920, 1080)) == (3, 6, 9, 12)
    assert scaled((1, 1, 2, 2), (704, 576), (1000, 1000)) == (1, 1, 3, 4), "outwards, never smaller"


def test_what_is_known_to_a_second_is_covered_a_second_before_and_after() -> None:
    found = [Span(0, 10, False, []), Span(11, 20, False, []), Span(40, 50, True, [])]
    assert [span.begins_at_us for span in at_moment(found, 25)] == []
    assert [span.begins_at_us for span in at_moment(found, 25, 10)] == [11]
    assert [span.begins_at_us for span in at_moment(found, 25, 15)] == [0, 11, 40]
