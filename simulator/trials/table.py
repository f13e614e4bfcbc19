"""Which trials each kind has, and which scenes must stay silent. A new kind is one line here."""

from shared.kinds import Kind
from simulator.trials import drift, folk, lights, objects, places, quiet, roads, slow, tamper
from simulator.trials.trial import Builder

BUILDERS: dict[Kind, Builder] = {
    Kind.INTRUSION: places.intrusion,
    Kind.ABANDONED_OBJECT: objects.abandoned_object,
    Kind.ASSET_REMOVED: objects.asset_removed,
    Kind.DUMPING_ACT: objects.dumping_act,
    Kind.ROAD_OBSTRUCTION: objects.road_obstruction,
    Kind.LOITERING: folk.loitering,
    Kind.LINE_CROSSED: places.line_crossed,
    Kind.WRONG_WAY: roads.wrong_way,
    Kind.ILLEGAL_PARKING: roads.illegal_parking,
    Kind.STOPPED_ON_CARRIAGEWAY: roads.stopped_on_carriageway,
    Kind.CONGESTION: roads.congestion,
    Kind.PEDESTRIAN_ON_CARRIAGEWAY: folk.pedestrian_on_carriageway,
    Kind.CROSSING_NOT_YIELDED: roads.crossing_not_yielded,
    Kind.SPEEDING_HOTSPOT: roads.speeding_hotspot,
    Kind.CROWD: folk.crowd,
    Kind.AGITATION: folk.agitation,
    Kind.PERSON_DOWN: folk.person_down,
    Kind.LITTERING: folk.littering,
    Kind.OPEN_BURNING: places.open_burning,
    Kind.STRAY_ANIMALS: folk.stray_animals,
    Kind.DUMP: slow.dump,
    Kind.CONTAINER_OVERFLOW: slow.container_overflow,
    Kind.MISSED_COLLECTION: slow.missed_collection,
    Kind.STANDING_WATER: slow.standing_water,
    Kind.SNOW_NOT_CLEARED: slow.snow_not_cleared,
    Kind.ROAD_DAMAGE: slow.road_damage,
    Kind.CAMERA_TAMPERED: tamper.camera_tampered,
    Kind.CALIBRATION_STALE: drift.calibration_stale,
    Kind.RED_LIGHT: lights.red_light,
    Kind.SIGNAL_FAULT: lights.signal_fault,
    Kind.STREET_LIGHT_OUT: lights.street_light_out,
}

QUIET: dict[str, Builder] = {
    "bus_stop_queue": quiet.bus_stop_queue,
    "jam_at_the_light": quiet.jam_at_the_light,
    "cleaner_with_a_bag": quiet.cleaner_with_a_bag,
    "bag_into_the_container": quiet.bag_into_the_container,
    "snow_falling": quiet.snow_falling,
    "shadows_moving": quiet.shadows_moving,
    "cats": quiet.cats,
    "car_door": quiet.car_door,
    "leaves": quiet.leaves,
    "wet_glare": quiet.wet_glare,
}
