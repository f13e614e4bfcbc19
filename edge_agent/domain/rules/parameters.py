"""What may be set for each kind of rule; the defaults are the event catalogue's start values."""

from typing import NamedTuple

from shared.kinds import VEHICLES, Kind, ObjectClass


class Parameter(NamedTuple):
    """One number of a rule; the unit is in its name."""

    default: float
    least: float
    most: float


class Form(NamedTuple):
    """What a rule of a kind takes."""

    place: str
    """``zone`` or ``tripwire``: the key that says where it looks."""
    classes: frozenset[ObjectClass]
    """The things that it is about, when the scene does not say."""
    numbers: dict[str, Parameter]
    zones: tuple[str, ...] = ()
    """Keys of further zones that it may be given."""


_PEOPLE = frozenset({ObjectClass.PERSON})
_DAY_S = 86_400.0

PARAMETERS: dict[Kind, Form] = {
    Kind.INTRUSION: Form(
        "zone",
        _PEOPLE,
        {"dwell_s": Parameter(1.5, 0, _DAY_S), "cooldown_s": Parameter(10, 0, _DAY_S)},
    ),
    Kind.LINE_CROSSED: Form(
        "tripwire",
        _PEOPLE | VEHICLES,
        {"travel_m": Parameter(1, 0, 50), "cooldown_s": Parameter(0, 0, _DAY_S)},
    ),
    Kind.ILLEGAL_PARKING: Form(
        "zone",
        VEHICLES,
        {
            "limit_s": Parameter(300, 10, _DAY_S),
            "occlusion_s": Parameter(20, 0, 30),
            "cooldown_s": Parameter(0, 0, _DAY_S),
        },
        zones=("lane",),
    ),
    Kind.DUMPING_ACT: Form(
        "zone",
        frozenset({ObjectClass.BAG, ObjectClass.OBJECT}),
        {
            "near_m": Parameter(2, 0.2, 50),
            "away_m": Parameter(5, 0.2, 200),
            "stay_s": Parameter(20, 1, _DAY_S),
            "confirm_s": Parameter(120, 1, _DAY_S),
            "cooldown_s": Parameter(0, 0, _DAY_S),
        },
        zones=("container",),
    ),
}
