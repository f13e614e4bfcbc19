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


RULES: dict[Kind, Entry] = {
    Kind.INTRUSION: Entry(Intrusion, 1, lambda r: r["inside_s"] >= r["limit_s"]),
    Kind.LINE_CROSSED: Entry(
        LineCrossed, 1, lambda r: r["travel_m"] >= r["limit_m"] and r["before_m"] >= r["limit_m"]
    ),
    Kind.ILLEGAL_PARKING: Entry(IllegalParking, 1, lambda r: r["stood_s"] >= r["limit_s"]),
    Kind.DUMPING_ACT: Entry(
        DumpingAct,
        1,
        lambda r: (
            r["lay_s"] >= r["limit_s"]
            and r["near_m"] <= r["near_limit_m"]
            and r["away_m"] >= r["away_limit_m"]
        ),
    ),
}


def verdict_holds(kind: Kind, reason: Reason) -> bool:
    """Whether the numbers of a report carry its verdict. Raises ``KeyError`` for a kind without a rule or a
    number that is missing."""
    return RULES[kind].holds(reason)
