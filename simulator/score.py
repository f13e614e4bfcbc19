"""How well what was reported fits what happened: every report is a match, a duplicate or false; every
happening is found or missed. Pure: truth and claims in, a score out."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

from shared.geo import LatLon, distance_m


class ScoreError(ValueError):
    """What was given cannot be scored."""


class Tolerance(NamedTuple):
    """How far a report may be off and still mean the happening."""

    early_s: float = 1.0
    """Before it began."""
    late_s: float = 15.0
    """After a perfect observer would have reported it."""
    far_m: float = 8.0
    """From its place; a lorry's near corner is five metres from its middle."""


AS_USUAL = Tolerance()


class Claim(NamedTuple):
    """One thing said to have happened: an event of one camera, or an incident."""

    id: str
    kind: str
    t_s: float
    place: LatLon | None
    camera: str | None
    """None for an incident, which may hold several cameras' reports."""


class Expected(NamedTuple):
    """One thing that should be said, by one camera or, for incidents, by any."""

    event: int
    kind: str
    begin_s: float
    due_s: float
    place: LatLon
    camera: str | None
    is_required: bool = True
    """A camera that sees the thing badly may say so, and need not."""
    tolerance: Tolerance | None = None
    """Another than is usual."""
    way: Callable[[float], LatLon] | None = None
    """Where the one who did it is at an instant: a report a second later rightly names another place."""

    def off_m(self, claim: Claim) -> float | None:
        """How far a claim's place is from where it happened, or from who did it as the claim was made."""
        if claim.place is None:
            return None
        off_m = distance_m(claim.place, self.place)
        return off_m if self.way is None else min(off_m, distance_m(claim.place, self.way(claim.t_s)))


class Match(NamedTuple):
    """A claim that means an expected thing."""

    claim: Claim
    expected: Expected
    delay_s: float
    """After a perfect observer; may be below 0."""
    position_error_m: float | None


class Score(NamedTuple):
    """The outcome, each list in order of time."""

    matches: list[Match]
    missed: list[Expected]
    false: list[Claim]
    duplicates: list[Claim]


def judge(expected: Sequence[Expected], claims: Sequence[Claim], tolerance: Tolerance = AS_USUAL) -> Score:
    """Pair claims with what was expected, the timeliest first; each claim and each expectation is used
    once."""
    pairs = [
        (abs(c.t_s - e.due_s), i, j)
        for i, e in enumerate(expected)
        for j, c in enumerate(claims)
        if _may_mean(c, e, tolerance)
    ]
    found: dict[int, int] = {}
    used: set[int] = set()
    for _, i, j in sorted(pairs):
        if i not in found and j not in used:
            found[i] = j
            used.add(j)
    repeats = {j for _, _, j in pairs} - used
    matches = [_match(claims[j], expected[i]) for i, j in found.items() if expected[i].is_required]
    return Score(
        sorted(matches, key=lambda m: m.claim.t_s),
        [e for i, e in enumerate(expected) if i not in found and e.is_required],
        [c for j, c in enumerate(claims) if j not in used and j not in repeats],
        [c for j, c in enumerate(claims) if j in repeats],
    )


def _may_mean(claim: Claim, expected: Expected, usual: Tolerance) -> bool:
    tolerance = expected.tolerance or usual
    in_time = expected.begin_s - tolerance.early_s <= claim.t_s <= expected.due_s + tolerance.late_s
    near = (expected.off_m(claim) or 0.0) <= tolerance.far_m
    return claim.kind == expected.kind and claim.camera == expected.camera and in_time and near


def _match(claim: Claim, expected: Expected) -> Match:
    return Match(claim, expected, claim.t_s - expected.due_s, expected.off_m(claim))


def expectations(truth: Mapping[str, Any], cameras: Iterable[str] | None, by_camera: bool) -> list[Expected]:
    """What should have been said. ``cameras`` narrows it to some; ``by_camera`` expects every camera that
    saw a thing to say so, else anyone. Raises ``ScoreError`` for cameras that the film does not have."""
    wanted = set(truth["cameras"]) if cameras is None else set(cameras)
    if unknown := wanted - set(truth["cameras"]):
        raise ScoreError(
            f"camera {sorted(unknown)[0]!r} is not in the film; it has {', '.join(truth['cameras'])}"
        )
    listed: list[Expected] = []
    for event in truth["events"]:
        clear = wanted & set(event["cameras"])
        asked = {camera: camera in clear for camera in sorted(wanted)} if by_camera else {None: bool(clear)}
        what = (
            event["id"],
            event["kind"],
            event["begin_s"],
            event["due_s"],
            LatLon(event["lat"], event["lon"]),
        )
        listed += [Expected(*what, camera, is_required) for camera, is_required in asked.items()]
    return listed


def report_claims(rows: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Claims of a box's reports, one for each event id: the first that was said of it."""
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        known = first.get(row["event_id"])
        if known is None or row["revision"] < known["revision"]:
            first[row["event_id"]] = row
    return [Claim(k, r["kind"], float(r["t_s"]), _place(r), r["camera"]) for k, r in first.items()]


def incident_claims(rows: Sequence[Mapping[str, Any]], started_at: str) -> list[Claim]:
    """Claims of a hub's incidents; times are taken from ``started_at``, ISO 8601."""
    start = datetime.fromisoformat(started_at)
    return [
        Claim(
            r["id"],
            r["kind"],
            (datetime.fromisoformat(r.get("first_observed_at") or r["opened_at"]) - start).total_seconds(),
            _place(r),
            None,
        )
        for r in rows
    ]


def _place(row: Mapping[str, Any]) -> LatLon | None:
    return None if row.get("lat") is None else LatLon(float(row["lat"]), float(row["lon"]))


def summary(score: Score) -> dict[str, Any]:
    """The score in numbers, in all and by kind."""
    kinds: dict[str, Score] = defaultdict(lambda: Score([], [], [], []))
    for match in score.matches:
        kinds[match.expected.kind].matches.append(match)
    for expected in score.missed:
        kinds[expected.kind].missed.append(expected)
    for claim in score.false:
        kinds[claim.kind].false.append(claim)
    for claim in score.duplicates:
        kinds[claim.kind].duplicates.append(claim)
    return {**_numbers(score), "by_kind": {kind: _numbers(kinds[kind]) for kind in sorted(kinds)}}


def _numbers(score: Score) -> dict[str, Any]:
    matched, missed, false = len(score.matches), len(score.missed), len(score.false)
    delays = [m.delay_s for m in score.matches]
    errors = [m.position_error_m for m in score.matches if m.position_error_m is not None]
    return {
        "expected": matched + missed,
        "matched": matched,
        "missed": missed,
        "false": false,
        "duplicates": len(score.duplicates),
        "precision": round(matched / (matched + false), 4) if matched + false else None,
        "recall": round(matched / (matched + missed), 4) if matched + missed else None,
        "delay_s_p50": _rounded(median, delays),
        "delay_s_max": _rounded(max, delays),
        "position_error_m_p50": _rounded(median, errors),
        "position_error_m_max": _rounded(max, errors),
    }


def _rounded(measure: Any, values: list[float]) -> float | None:
    return round(float(measure(values)), 2) if values else None
