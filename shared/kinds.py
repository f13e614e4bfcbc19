"""Every kind of event and of thing seen, with its number on the wire. Numbers are never reused."""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Programme(StrEnum):
    """The city programme that a kind belongs to."""

    LAW_AND_ORDER = "law_and_order"
    TAZA_QAZAQSTAN = "taza_qazaqstan"
    PLATFORM = "platform"


class Lane(StrEnum):
    """The order in which a box sends: each lane goes before the ones below it."""

    SOS = "sos"
    CRITICAL = "crit"
    STANDARD = "std"
    LOW = "low"
    EVIDENCE = "evidence"


class Kind(IntEnum):
    """What happened. ``slug`` is the name in subjects, tables, the API and documents."""

    INTRUSION = 1
    LOITERING = 2
    LINE_CROSSED = 3
    WRONG_WAY = 4
    ILLEGAL_PARKING = 5
    STOPPED_ON_CARRIAGEWAY = 6
    CONGESTION = 7
    RED_LIGHT = 8
    PEDESTRIAN_ON_CARRIAGEWAY = 9
    CROSSING_NOT_YIELDED = 10
    SPEEDING_HOTSPOT = 11
    CROWD = 12
    AGITATION = 13
    PERSON_DOWN = 14
    ABANDONED_OBJECT = 15
    ASSET_REMOVED = 16
    SOS = 17

    DUMPING_ACT = 40
    DUMP = 41
    LITTERING = 42
    CONTAINER_OVERFLOW = 43
    MISSED_COLLECTION = 44
    ROAD_OBSTRUCTION = 45
    ROAD_DAMAGE = 46
    STANDING_WATER = 47
    SNOW_NOT_CLEARED = 48
    STREET_LIGHT_OUT = 49
    SIGNAL_FAULT = 50
    STRAY_ANIMALS = 51
    OPEN_BURNING = 52

    CAMERA_TAMPERED = 80
    CAMERA_LOST = 81
    BOX_LOST = 82
    CLOCK_FAULT = 83
    BOX_OVERHEATED = 84
    BOX_OPENED = 85
    SOS_LINE_FAULT = 86
    DISK_FULL = 87
    MODEL_REFUSED = 88
    CALIBRATION_STALE = 89

    @property
    def slug(self) -> str:
        """The kind's name in text: ``illegal_parking``."""
        return self.name.lower()


class KindTraits(NamedTuple):
    """What box and hub must agree on about a kind."""

    programme: Programme
    is_state: bool
    """A state is true until it is not and closes itself; an act happens once."""
    lane: Lane


_STATES = {
    Kind.ILLEGAL_PARKING, Kind.STOPPED_ON_CARRIAGEWAY, Kind.CONGESTION, Kind.CROWD, Kind.DUMP,
    Kind.CONTAINER_OVERFLOW, Kind.ROAD_OBSTRUCTION, Kind.ROAD_DAMAGE, Kind.STANDING_WATER,
    Kind.SNOW_NOT_CLEARED, Kind.STREET_LIGHT_OUT, Kind.SIGNAL_FAULT,
    Kind.CAMERA_TAMPERED, Kind.CAMERA_LOST, Kind.BOX_LOST, Kind.CLOCK_FAULT, Kind.BOX_OVERHEATED,
    Kind.SOS_LINE_FAULT, Kind.DISK_FULL, Kind.MODEL_REFUSED, Kind.CALIBRATION_STALE,
}  # fmt: skip
_CRITICAL = {Kind.PERSON_DOWN, Kind.OPEN_BURNING, Kind.BOX_OPENED, Kind.SOS_LINE_FAULT}
_LOW = {Kind.SPEEDING_HOTSPOT, Kind.CONGESTION, Kind.LITTERING}


def _programme(kind: Kind) -> Programme:
    if kind < Kind.DUMPING_ACT:
        return Programme.LAW_AND_ORDER
    return Programme.TAZA_QAZAQSTAN if kind < Kind.CAMERA_TAMPERED else Programme.PLATFORM


def _lane(kind: Kind) -> Lane:
    if kind is Kind.SOS:
        return Lane.SOS
    if kind in _CRITICAL:
        return Lane.CRITICAL
    return Lane.LOW if kind in _LOW else Lane.STANDARD


TRAITS: dict[Kind, KindTraits] = {k: KindTraits(_programme(k), k in _STATES, _lane(k)) for k in Kind}
KIND_BY_SLUG: dict[str, Kind] = {k.slug: k for k in Kind}


class ObjectClass(IntEnum):
    """What a detected thing is. There is no class for a face, a plate or a name, and never will be."""

    UNKNOWN = 0
    PERSON = 1
    BICYCLE = 2
    MOTORCYCLE = 3
    CAR = 4
    BUS = 5
    TRUCK = 6
    BAG = 7
    OBJECT = 8
    """Something without a class, seen only because it was not there before."""
    DOG = 9
    CAT = 10
    HORSE = 11
    COW = 12
    SHEEP = 13
    FIRE = 14

    @property
    def slug(self) -> str:
        """The class's name in text: ``person``."""
        return self.name.lower()


CLASS_BY_SLUG: dict[str, ObjectClass] = {c.slug: c for c in ObjectClass}
VEHICLES = frozenset({ObjectClass.MOTORCYCLE, ObjectClass.CAR, ObjectClass.BUS, ObjectClass.TRUCK})
