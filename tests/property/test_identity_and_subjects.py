"""Names are one safe token; subjects come apart as they were put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import subjects
from shared.identity import check_identity, time_ordered_id
from shared.kinds import KIND_BY_SLUG, TRAITS, Kind, Lane, Programme
from tests.wire import identities


@given(st.text(max_size=70))
def test_only_safe_names_pass(text: str) -> None:
    safe = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    is_name = 1 <= len(text) <= 63 and set(text) <= safe and text[0] != "-" and text[-1] != "-"
    if is_name:
        assert check_identity(text, "box") == text
    else:
        with pytest.raises(ValueError, match=r"^box: "):
            check_identity(text, "box")


@pytest.mark.parametrize("name", ["*", ">", "a.b", "cam-1 ", "cam-1\n", "a" * 64, "камера", "", "-a", "a-"])
def test_names_that_would_match_others_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        subjects.prefix("kosshy", name)


@given(identities, identities, st.sampled_from(Lane), st.sampled_from(Kind), identities)
def test_an_event_subject_comes_apart(site: str, box: str, lane: Lane, kind: Kind, camera: str) -> None:
    address = subjects.parse(subjects.events(site, box, lane, kind.slug, camera))
    assert address == (site, box, "evt", (lane, kind.slug, camera))


@given(identities, identities)
def test_every_subject_of_a_box_begins_with_its_prefix(site: str, box: str) -> None:
    made = [
        subjects.events(site, box, Lane.SOS, None, None),
        subjects.sos(site, box, "button-1"),
        subjects.evidence(site, box, bytes(16)),
        subjects.health(site, box),
        subjects.sync(site, box),
        subjects.command(site, box, "restart"),
    ]
    assert all(subject.startswith(f"{subjects.prefix(site, box)}.") for subject in made)
    assert all(subjects.parse(subject)[:2] == (site, box) for subject in made)


@pytest.mark.parametrize("subject", ["", "saqshy.v1.a.b", "saqshy.v2.a.b.evt", "saqshy.v1.a.*.evt.x"])
def test_a_foreign_subject_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match=r"subject|is not a name"):
        subjects.parse(subject)


@given(
    st.integers(0, (1 << 48) - 2), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10)
)
def test_ids_sort_by_time(ms: int, one: bytes, two: bytes) -> None:
    assert time_ordered_id(ms, one) < time_ordered_id(ms + 1, two)


def test_ids_refuse_what_they_cannot_hold() -> None:
    with pytest.raises(ValueError, match="unix_ms"):
        time_ordered_id(1 << 48, bytes(10))
    with pytest.raises(ValueError, match="randomness"):
        time_ordered_id(0, bytes(9))


def test_every_kind_has_its_traits() -> None:
    assert set(TRAITS) == set(Kind)
    assert len(KIND_BY_SLUG) == len(Kind)
    assert TRAITS[Kind.SOS].lane is Lane.SOS
    assert TRAITS[Kind.DUMPING_ACT].programme is Programme.TAZA_QAZAQSTAN
    assert TRAITS[Kind.CAMERA_LOST].programme is Programme.PLATFORM
    assert TRAITS[Kind.ILLEGAL_PARKING].is_state
    assert not TRAITS[Kind.INTRUSION].is_state
