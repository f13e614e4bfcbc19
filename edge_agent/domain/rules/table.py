"""Which rule judges which kind of event. A new rule is a file of its own and one line here."""

from edge_agent.domain.rules import (
    agitation,
    animals,
    burning,
    congestion,
    crossing,
    crowd,
    dumping,
    lines,
    littering,
    loitering,
    parking,
    pedestrian,
    person_down,
    signals,
    speeding,
    stopped,
    street_light,
    wrong_way,
    zones,
)
from edge_agent.domain.rules.form import Reason, RuleEntry
from shared.kinds import Kind

RULES: dict[Kind, RuleEntry] = {
    Kind.INTRUSION: zones.INTRUSION,
    Kind.LINE_CROSSED: lines.LINE_CROSSED,
    Kind.ILLEGAL_PARKING: parking.ILLEGAL_PARKING,
    Kind.DUMPING_ACT: dumping.DUMPING_ACT,
    Kind.LOITERING: loitering.LOITERING,
    Kind.WRONG_WAY: wrong_way.WRONG_WAY,
    Kind.PEDESTRIAN_ON_CARRIAGEWAY: pedestrian.PEDESTRIAN_ON_CARRIAGEWAY,
    Kind.CROWD: crowd.CROWD,
    Kind.AGITATION: agitation.AGITATION,
    Kind.PERSON_DOWN: person_down.PERSON_DOWN,
    Kind.STRAY_ANIMALS: animals.STRAY_ANIMALS,
    Kind.LITTERING: littering.LITTERING,
    Kind.OPEN_BURNING: burning.OPEN_BURNING,
    Kind.STOPPED_ON_CARRIAGEWAY: stopped.STOPPED_ON_CARRIAGEWAY,
    Kind.CONGESTION: congestion.CONGESTION,
    Kind.RED_LIGHT: signals.RED_LIGHT,
    Kind.CROSSING_NOT_YIELDED: crossing.CROSSING_NOT_YIELDED,
    Kind.SPEEDING_HOTSPOT: speeding.SPEEDING_HOTSPOT,
    Kind.SIGNAL_FAULT: signals.SIGNAL_FAULT,
    Kind.STREET_LIGHT_OUT: street_light.STREET_LIGHT_OUT,
}


def verdict_holds(kind: Kind, reason: Reason) -> bool:
    """Whether the numbers of a report carry its verdict. Raises ``KeyError`` for a kind without a rule or a
    number that is missing."""
    return RULES[kind].holds(reason)
