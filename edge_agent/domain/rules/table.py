"""Which rule judges which kind of event. A new rule is a file of its own and one line here."""

from edge_agent.domain.rules import dumping, lines, parking, zones
from edge_agent.domain.rules.form import Reason, RuleEntry
from shared.kinds import Kind

RULES: dict[Kind, RuleEntry] = {
    Kind.INTRUSION: zones.INTRUSION,
    Kind.LINE_CROSSED: lines.LINE_CROSSED,
    Kind.ILLEGAL_PARKING: parking.ILLEGAL_PARKING,
    Kind.DUMPING_ACT: dumping.DUMPING_ACT,
}


def verdict_holds(kind: Kind, reason: Reason) -> bool:
    """Whether the numbers of a report carry its verdict. Raises ``KeyError`` for a kind without a rule or a
    number that is missing."""
    return RULES[kind].holds(reason)
