"""Is this report something new, more of an incident that we have, or nothing at all?

Same kind, a place within the combined uncertainty, and a time within the kind's window make one incident.
Where a camera has no map, the same camera and zone stand for the place; where a box itself speaks, the box.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hub.domain.situation import Arrival, Known, Situation, metres_per_e7, sigma_m
from shared.kinds import TRAITS, Kind


class Limits(NamedTuple):
    """How near in place and time two reports of a kind must be to be one thing."""

    radius_m: float
    """The size of the thing itself; the uncertainty of both places is added."""
    window_s: int
    """The longest silence between two reports of one act, or after the end of a state."""


_ACT = Limits(6, 120)
_STATE = Limits(6, 600)
_LIMITS: dict[Kind, Limits] = {
    Kind.LOITERING: Limits(10, 300),
    Kind.LINE_CROSSED: Limits(4, 30),
    Kind.WRONG_WAY: Limits(20, 60),
    Kind.ILLEGAL_PARKING: Limits(4, 300),
    Kind.CONGESTION: Limits(50, 900),
    Kind.RED_LIGHT: Limits(10, 20),
    Kind.SPEEDING_HOTSPOT: Limits(30, 3_600),
    Kind.CROWD: Limits(25, 900),
    Kind.AGITATION: Limits(15, 300),
    Kind.PERSON_DOWN: Limits(5, 300),
    Kind.ABANDONED_OBJECT: Limits(4, 900),
    Kind.ASSET_REMOVED: Limits(4, 3_600),
    Kind.DUMPING_ACT: Limits(6, 600),
    Kind.DUMP: Limits(10, 21_600),
    Kind.CONTAINER_OVERFLOW: Limits(5, 7_200),
    Kind.MISSED_COLLECTION: Limits(5, 7_200),
    Kind.ROAD_DAMAGE: Limits(8, 21_600),
    Kind.STANDING_WATER: Limits(15, 7_200),
    Kind.SNOW_NOT_CLEARED: Limits(30, 21_600),
    Kind.STREET_LIGHT_OUT: Limits(40, 86_400),
    Kind.STRAY_ANIMALS: Limits(30, 900),
    Kind.OPEN_BURNING: Limits(20, 900),
}
LIMITS: dict[Kind, Limits] = {
    kind: _LIMITS.get(kind, _STATE if TRAITS[kind].is_state else _ACT) for kind in Kind
}
"""Starting values, to be tuned by the city's duplicates and its split incidents."""

REACH_SIGMAS = 2.0
"""Two places that differ by more than this many standard deviations are two things (95 %)."""
MAX_REACH_M = 100.0
"""However uncertain its places, an incident gathers nothing from farther away."""
ONGOING_S = 86_400
"""A state that nobody has ended is believed for a day after its last report."""
SETTLED_GRACE_S = 60
"""What happens within this time after an operator settled an incident still belongs to it."""
MOST_CLOCK_SLACK_MS = 600_000
NEVER_GROUPED = frozenset({Kind.SOS})
"""Each press of a button is an incident of its own."""


class Why(NamedTuple):
    """A reason: a word from a closed set, and the numbers that crossed or kept its limits."""

    word: str
    numbers: dict[str, float]


class Open(NamedTuple):
    """Something new."""

    why: Why


class Attach(NamedTuple):
    """More of an incident that is there. ``is_quiet``: it is settled, nobody is to be called."""

    incident_id: str
    why: Why
    is_quiet: bool


class Ignore(NamedTuple):
    """Nothing that we do not have."""

    why: Why


class Refuse(NamedTuple):
    """It contradicts what is stored; a person must look."""

    why: Why
    text: str


Decision = Open | Attach | Ignore | Refuse

_ALONE = Open(Why("never_grouped", {}))
_FIRST = Open(Why("nothing_near", {}))
_REPEAT = Ignore(Why("repeat", {}))


def decide_known(arrival: Arrival, known: Known, situation: Situation) -> Decision:
    """Decide on a further report of an event that is stored, in ``situation``."""
    report = arrival.report
    if (known.box, known.kind) != (arrival.box, report.kind):
        text = (
            f"event {report.event_id.hex()} is {known.kind.slug} of box {known.box}; {arrival.box} may not "
        )
        return Refuse(Why("foreign_event", {}), text + f"report it again as {report.kind.slug}")
    if report.revision in known.revisions:
        return _REPEAT
    word = "revision" if report.revision > known.newest else "late_revision"
    why = Why(word, {"revision": report.revision, "newest": known.newest})
    return Attach(situation.incident_id, why, situation.settled_at_us is not None)


def decide_new(arrival: Arrival, candidates: Iterable[Situation]) -> Open | Attach:
    """Decide on the first report of an event; ``candidates`` are incidents of its kind near by."""
    report = arrival.report
    if report.kind in NEVER_GROUPED:
        return _ALONE
    slack_us = min(MOST_CLOCK_SLACK_MS, report.clock.uncertainty_ms) * 1_000
    early_us, late_us = arrival.at_us + slack_us, arrival.at_us - slack_us
    now = [s for s in candidates if s.span_us[0] <= early_us and late_us <= s.span_us[1]]
    matches = _matches(arrival, now)
    if not matches:
        return _FIRST
    match, situation = min(matches, key=_rank)
    return Attach(situation.incident_id, _why(arrival, match, situation), situation.settled_at_us is not None)


class _Match(NamedTuple):
    """That two places are one, and how nearly they are not."""

    word: str
    apart_m: float
    reach_m: float


def _rank(candidate: tuple[_Match, Situation]) -> tuple[float, str]:
    match, situation = candidate
    return match.apart_m / match.reach_m, situation.incident_id


def _matches(arrival: Arrival, situations: Iterable[Situation]) -> list[tuple[_Match, Situation]]:
    """Compare places only; the time has been compared. The hottest loop of the hub: a report in a busy street
    meets a dozen situations, nearly all of them elsewhere."""
    here = arrival.report.position
    found: list[tuple[_Match, Situation]] = []
    lat_m, lon_m = metres_per_e7(here.lat_e7) if here else (0.0, 0.0)
    for situation in situations:
        lat_e7, lon_e7 = situation.lat_e7, situation.lon_e7
        if here is None or lat_e7 is None or lon_e7 is None:
            if word := _same_source(arrival, situation):
                found.append((_Match(word, 0.0, 1.0), situation))
            continue
        distance_m = math.hypot((lat_e7 - here.lat_e7) * lat_m, (lon_e7 - here.lon_e7) * lon_m)
        if distance_m > MAX_REACH_M:
            continue
        reach_m = _reach_m(arrival.report.kind, here.sigma_dm, situation.sigma_dm or 0)
        if distance_m <= reach_m:
            found.append((_Match("near", distance_m, reach_m), situation))
    return found


def _why(arrival: Arrival, match: _Match, situation: Situation) -> Why:
    numbers = {
        "window_s": LIMITS[arrival.report.kind].window_s,
        "silence_s": _silence_us(arrival, situation) / 1e6,
    }
    if match.word == "near":
        numbers |= {"apart_m": round(match.apart_m, 1), "reach_m": round(match.reach_m, 1)}
    return Why(match.word, numbers)


def span_us(situation: Situation) -> tuple[int, int]:
    """From when until when a report belongs to a situation, before the clock's uncertainty."""
    window_us = LIMITS[situation.kind].window_s * 1_000_000
    is_ongoing = bool(situation.open_events) and situation.ended_at_us is None
    after_us = max(window_us, ONGOING_S * 1_000_000) if is_ongoing else window_us
    until_us = situation.last_observed_at_us + after_us
    if situation.settled_at_us is not None:
        until_us = min(until_us, situation.settled_at_us + SETTLED_GRACE_S * 1_000_000)
    return situation.first_observed_at_us - window_us, until_us


def _silence_us(arrival: Arrival, situation: Situation) -> int:
    before = situation.first_observed_at_us - arrival.at_us
    return max(0, before, arrival.at_us - situation.last_observed_at_us)


def _reach_m(kind: Kind, sigma_a_dm: int, sigma_b_dm: int) -> float:
    uncertainty_m = math.hypot(sigma_m(sigma_a_dm), sigma_m(sigma_b_dm))
    return min(MAX_REACH_M, LIMITS[kind].radius_m + REACH_SIGMAS * uncertainty_m)


def _same_source(arrival: Arrival, situation: Situation) -> str | None:
    report = arrival.report
    if report.camera is None:
        return "same_box" if not situation.cameras and arrival.box in situation.boxes else None
    if report.camera in situation.cameras and report.zone == situation.zone:
        return "same_camera_and_zone"
    return None


def render(why: Why) -> str:
    """A reason as a sentence, for logs and for people who read English."""
    silence = "{silence_s:g} s of silence, window {window_s:g} s"
    texts = {
        "never_grouped": "each one is an incident of its own",
        "nothing_near": "nothing of this kind near by",
        "repeat": "this revision is stored already",
        "revision": "revision {revision:g} of a known event",
        "late_revision": "revision {revision:g} of a known event, after revision {newest:g}",
        "near": "{apart_m:g} m apart, within {reach_m:g} m; " + silence,
        "same_camera_and_zone": "same camera and zone; " + silence,
        "same_box": "same box; " + silence,
        "foreign_event": "the event belongs to another box or kind",
    }
    return texts.get(why.word, why.word).format(**why.numbers)


def render_stored(stored: Mapping[str, Any]) -> str:
    """The sentence of a reason as ``event.why`` holds it: its word, and its numbers beside it."""
    return render(Why(stored["word"], {name: value for name, value in stored.items() if name != "word"}))
