"""The scorer: it must be able to fail, in every way there is."""

from typing import Any

import pytest

from shared.geo import LatLon, from_plane
from simulator.score import (
    Claim,
    Expected,
    ScoreError,
    expectations,
    incident_claims,
    judge,
    report_claims,
    summary,
)

HERE = LatLon(50.937, 71.365)
PARKED = Expected(1, "illegal_parking", 10.0, 30.0, HERE, "west")


def claim(
    name: str = "a",
    kind: str = "illegal_parking",
    t_s: float = 31.0,
    east_m: float = 0.0,
    camera: str | None = "west",
) -> Claim:
    return Claim(name, kind, t_s, from_plane(HERE, east_m, 0.0), camera)


def counts(expected: list[Expected], claims: list[Claim]) -> tuple[int, int, int, int]:
    score = judge(expected, claims)
    return len(score.matches), len(score.missed), len(score.false), len(score.duplicates)


def test_a_timely_near_report_matches_with_its_delay_and_distance() -> None:
    (match,) = judge([PARKED], [claim(t_s=31.5, east_m=3.0)]).matches
    assert match.delay_s == 1.5
    assert match.position_error_m == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        claim(kind="intrusion"),
        claim(t_s=8.9),
        claim(t_s=45.1),
        claim(east_m=8.2),
        claim(camera="east"),
    ],
    ids=["another kind", "before it began", "too late", "too far", "another camera"],
)
def test_a_report_that_means_something_else_is_false_and_the_happening_missed(wrong: Claim) -> None:
    assert counts([PARKED], [wrong]) == (0, 1, 1, 0)


def test_a_moving_thing_is_where_it_is_as_the_report_is_made() -> None:
    """At 10 m/s, a report 1.5 s after it was due names a place 15 m on; not one 15 m back."""
    driving = PARKED._replace(way=lambda t_s: from_plane(HERE, 10 * (t_s - 30), 0.0))
    assert counts([driving], [claim(t_s=31.5, east_m=17.0)]) == (1, 0, 0, 0)
    assert counts([driving], [claim(t_s=31.5, east_m=-15.0)]) == (0, 1, 1, 0)
    assert judge([driving], [claim(t_s=31.5, east_m=17.0)]).matches[0].position_error_m == pytest.approx(
        2.0, abs=0.01
    )


def test_silence_misses() -> None:
    assert counts([PARKED], []) == (0, 1, 0, 0)


def test_saying_it_twice_is_a_duplicate_not_a_second_find() -> None:
    assert counts([PARKED], [claim("a"), claim("b", t_s=33.0)]) == (1, 0, 0, 1)


def test_two_happenings_need_two_reports() -> None:
    later = PARKED._replace(event=2, begin_s=32.0, due_s=52.0)
    assert counts([PARKED, later], [claim("a", t_s=30.5)]) == (1, 1, 0, 0)
    assert counts([PARKED, later], [claim("a", t_s=30.5), claim("b", t_s=52.5)]) == (2, 0, 0, 0)


def test_the_timelier_of_two_reports_is_the_match() -> None:
    score = judge([PARKED], [claim("late", t_s=40.0), claim("right", t_s=30.2)])
    assert [m.claim.id for m in score.matches] == ["right"]
    assert [c.id for c in score.duplicates] == ["late"]


def test_a_camera_that_sees_badly_may_speak_or_be_silent() -> None:
    unsure = PARKED._replace(is_required=False)
    assert counts([unsure], []) == (0, 0, 0, 0)
    assert counts([unsure], [claim()]) == (0, 0, 0, 0)


TRUTH: dict[str, Any] = {
    "cameras": ["west", "east"],
    "events": [
        {
            "id": 1,
            "kind": "intrusion",
            "begin_s": 5.0,
            "due_s": 6.5,
            "lat": HERE.lat_deg,
            "lon": HERE.lon_deg,
            "cameras": ["west"],
        }
    ],
}


def test_reports_are_expected_of_each_camera_that_sees_clearly_incidents_of_any() -> None:
    by_camera = expectations(TRUTH, None, by_camera=True)
    assert {(e.camera, e.is_required) for e in by_camera} == {("west", True), ("east", False)}
    assert [(e.camera, e.is_required) for e in expectations(TRUTH, None, by_camera=False)] == [(None, True)]
    assert not any(e.is_required for e in expectations(TRUTH, ["east"], by_camera=True))


def test_an_unknown_camera_is_refused_by_name() -> None:
    with pytest.raises(ScoreError, match="'north' is not in the film; it has west, east"):
        expectations(TRUTH, ["north"], by_camera=True)


def row(revision: int, t_s: float, event: str = "e1") -> dict[str, Any]:
    return {
        "event_id": event,
        "revision": revision,
        "kind": "intrusion",
        "t_s": t_s,
        "lat": 50.9,
        "lon": 71.3,
        "camera": "west",
    }


def test_later_revisions_of_an_event_are_not_duplicates() -> None:
    claims = report_claims([row(1, 20.0), row(0, 7.0), row(0, 9.0, "e2")])
    assert [(c.id, c.t_s) for c in claims] == [("e1", 7.0), ("e2", 9.0)]


def test_incidents_are_timed_from_the_films_start() -> None:
    incident = {"id": "i", "kind": "intrusion", "opened_at": "2026-05-20T06:00:08Z", "lat": None, "lon": None}
    (found,) = incident_claims([incident], "2026-05-20T06:00:00Z")
    assert (found.t_s, found.place, found.camera) == (8.0, None, None)
    assert counts(expectations(TRUTH, None, by_camera=False), [found]) == (1, 0, 0, 0)


def test_the_summary_counts_by_kind_and_has_no_rate_of_nothing() -> None:
    numbers = summary(judge([PARKED], [claim(), claim("x", kind="intrusion")]))
    assert (numbers["precision"], numbers["recall"]) == (0.5, 1.0)
    assert (
        numbers["by_kind"]["intrusion"] | {"false": 1, "precision": 0.0, "recall": None}
        == numbers["by_kind"]["intrusion"]
    )
    assert summary(judge([], []))["precision"] is None
