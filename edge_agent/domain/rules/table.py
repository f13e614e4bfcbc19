"""Which rule judges which kind of event. A new rule is a file of its own and one line here."""

from edge_agent.domain import ailments
from edge_agent.domain.rules import (
    abandoned,
    agitation,
    animals,
    asset,
    burning,
    calibration,
    collection,
    congestion,
    crossing,
    crowd,
    dumping,
    ground_states,
    lines,
    littering,
    loitering,
    obstruction,
    parking,
    pedestrian,
    person_down,
    signals,
    speeding,
    stopped,
    street_light,
    tampered,
    taught,
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
    Kind.ABANDONED_OBJECT: abandoned.ABANDONED_OBJECT,
    Kind.ROAD_OBSTRUCTION: obstruction.ROAD_OBSTRUCTION,
    Kind.ASSET_REMOVED: asset.ASSET_REMOVED,
    Kind.CAMERA_TAMPERED: tampered.CAMERA_TAMPERED,
    Kind.CALIBRATION_STALE: calibration.CALIBRATION_STALE,
    Kind.CONTAINER_OVERFLOW: taught.CONTAINER_OVERFLOW,
    Kind.ROAD_DAMAGE: taught.ROAD_DAMAGE,
    Kind.LOITERING: loitering.LOITERING,
    Kind.WRONG_WAY: wrong_way.WRONG_WAY,
    Kind.PEDESTRIAN_ON_CARRIAGEWAY: pedestrian.PEDESTRIAN_ON_CARRIAGEWAY,
    Kind.CROWD: crowd.CROWD,
    Kind.AGITATION: agitation.AGITATION,
    Kind.PERSON_DOWN: person_down.PERSON_DOWN,
    Kind.STRAY_ANIMALS: animals.STRAY_ANIMALS,
    Kind.LITTERING: littering.LITTERING,
    Kind.OPEN_BURNING: burning.OPEN_BURNING,
    Kind.MISSED_COLLECTION: collection.MISSED_COLLECTION,
    Kind.DUMP: ground_states.DUMP,
    Kind.STANDING_WATER: ground_states.STANDING_WATER,
    Kind.SNOW_NOT_CLEARED: ground_states.SNOW_NOT_CLEARED,
    Kind.STOPPED_ON_CARRIAGEWAY: stopped.STOPPED_ON_CARRIAGEWAY,
    Kind.CONGESTION: congestion.CONGESTION,
    Kind.RED_LIGHT: signals.RED_LIGHT,
    Kind.CROSSING_NOT_YIELDED: crossing.CROSSING_NOT_YIELDED,
    Kind.SPEEDING_HOTSPOT: speeding.SPEEDING_HOTSPOT,
    Kind.SIGNAL_FAULT: signals.SIGNAL_FAULT,
    Kind.STREET_LIGHT_OUT: street_light.STREET_LIGHT_OUT,
}


def verdict_holds(kind: Kind, reason: Reason) -> bool:
    """Whether the numbers of a box's report carry its verdict. Raises ``KeyError`` for a kind that a box does
    not tell, or a number that is missing."""
    return (RULES[kind].holds if kind in RULES else ailments.HOLDS[kind])(reason)
