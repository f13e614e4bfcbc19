"""Which rule judges which kind of event. Adding a rule is one line here and one in ``parameters``."""

from collections.abc import Callable
from typing import NamedTuple

from edge_agent.domain.rules.dumping import DumpingAct
from edge_agent.domain.rules.lines import LineCrossed
from edge_agent.domain.rules.parking import IllegalParking
from edge_agent.domain.rules.sighting import Rule
from edge_agent.domain.rules.zones import Intrusion
from edge_agent.domain.scene import RuleSpec
from shared.kinds import Kind

Reason = dict[str, float]


class Entry(NamedTuple):
    """A kind's rule."""

    make: Callable[[RuleSpec], Rule]
    version: int
    """Goes up when the rule judges the same pictures differently."""
    holds: Callable[[Reason], bool]
    """Computes the verdict again from a sighting's numbers alone."""


def _was_inside(r: Reason) -> bool:
    return r["inside_s"] >= r["limit_s"]


def _went_over(r: Reason) -> bool:
    return r["travel_m"] >= r["limit_m"] and r["before_m"] >= r["limit_m"]


def _stood(r: Reason) -> bool:
    return r["stood_s"] >= r["limit_s"]


def _was_left(r: Reason) -> bool:
    is_near, is_away = r["near_m"] <= r["near_limit_m"], r["away_m"] >= r["away_limit_m"]
    return r["lay_s"] >= r["limit_s"] and is_near and is_away


RULES: dict[Kind, Entry] = {
    Kind.INTRUSION: Entry(Intrusion, 1, _was_inside),
    Kind.LINE_CROSSED: Entry(LineCrossed, 1, _went_over),
    Kind.ILLEGAL_PARKING: Entry(IllegalParking, 1, _stood),
    Kind.DUMPING_ACT: Entry(DumpingAct, 1, _was_left),
}


def verdict_holds(kind: Kind, reason: Reason) -> bool:
    """Whether the numbers of a report carry its verdict. Raises ``KeyError`` for a kind without a rule or a
    number that is missing."""
    return RULES[kind].holds(reason)
