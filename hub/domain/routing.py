"""Who is told: the routing table takes a kind to agencies, and agencies to their receivers.

Every matching route counts, since some kinds have two who answer (a dumping act: waste and police).
"""

from collections.abc import Sequence
from typing import NamedTuple

from hub.domain.severity import Severity
from shared.kinds import TRAITS, Kind, Programme


class Route(NamedTuple):
    """A line of the table; None matches everything."""

    position: int
    kind: Kind | None
    programme: Programme | None
    min_severity: Severity | None
    """Matches this severity and all that is more urgent."""
    agency_id: str


class Receiver(NamedTuple):
    """An address of an agency."""

    id: int
    agency_id: str
    is_enabled: bool


class Leg(NamedTuple):
    """One receiver to be told, and which line of the table says so."""

    receiver_id: int
    agency_id: str
    why: str


def legs(kind: Kind, severity: Severity, routes: Sequence[Route], receivers: Sequence[Receiver]) -> list[Leg]:
    """Each enabled receiver of each agency that a route leads to, once, in the table's order."""
    told: dict[int, Leg] = {}
    if not receivers:
        return []
    for route in sorted(routes, key=lambda route: route.position):
        if not _matches(route, kind, severity):
            continue
        for receiver in receivers:
            if receiver.agency_id == route.agency_id and receiver.is_enabled and receiver.id not in told:
                told[receiver.id] = Leg(receiver.id, route.agency_id, _why(route))
    return list(told.values())


def _matches(route: Route, kind: Kind, severity: Severity) -> bool:
    return (
        route.kind in (None, kind)
        and route.programme in (None, TRAITS[kind].programme)
        and (route.min_severity is None or severity.rank <= route.min_severity.rank)
    )


def _why(route: Route) -> str:
    terms = [
        f"kind {route.kind.slug}" if route.kind else "",
        f"programme {route.programme}" if route.programme else "",
        f"severity {route.min_severity} or more urgent" if route.min_severity else "",
    ]
    return f"route {route.position}: " + (", ".join(filter(None, terms)) or "everything")


class Agency(NamedTuple):
    """Who answers, with a name in each language of the console."""

    id: str
    name_kk: str
    name_ru: str
    name_en: str


AGENCIES = (
    Agency("police", "Полиция", "Полиция", "Police"),
    Agency("emergency", "Төтенше жағдай қызметі", "Служба спасения", "Emergency service"),
    Agency("waste", "Қоқыс шығару қызметі", "Вывоз отходов", "Waste utility"),
    Agency("roads", "Жол қызметі", "Дорожная служба", "Road service"),
    Agency("water", "Су арнасы", "Водоканал", "Water utility"),
    Agency("electricity", "Электр желілері", "Электросети", "Electricity utility"),
    Agency("veterinary", "Ветеринария қызметі", "Ветеринарная служба", "Veterinary service"),
    Agency("technicians", "Техникалық қызмет", "Техническая служба", "Technicians"),
)
"""The agencies of a new installation."""

_BY_KIND: dict[Kind, tuple[str, ...]] = {
    Kind.SOS: ("emergency",),
    Kind.PERSON_DOWN: ("emergency",),
    Kind.OPEN_BURNING: ("emergency",),
    Kind.DUMPING_ACT: ("waste", "police"),
    Kind.DUMP: ("waste",),
    Kind.LITTERING: ("waste",),
    Kind.CONTAINER_OVERFLOW: ("waste",),
    Kind.MISSED_COLLECTION: ("waste",),
    Kind.ROAD_OBSTRUCTION: ("roads",),
    Kind.ROAD_DAMAGE: ("roads",),
    Kind.SNOW_NOT_CLEARED: ("roads",),
    Kind.SIGNAL_FAULT: ("roads",),
    Kind.STANDING_WATER: ("water",),
    Kind.STREET_LIGHT_OUT: ("electricity",),
    Kind.STRAY_ANIMALS: ("veterinary",),
}


def starting_routes() -> list[Route]:
    """The routing table of a new installation: the event catalogue's "who answers"."""
    pairs: list[tuple[Kind | None, Programme | None, str]] = [
        (None, Programme.LAW_AND_ORDER, "police"),
        (None, Programme.PLATFORM, "technicians"),
    ]
    pairs += [(kind, None, agency) for kind, agencies in _BY_KIND.items() for agency in agencies]
    return [
        Route(number, kind, programme, None, agency)
        for number, (kind, programme, agency) in enumerate(pairs, start=1)
    ]
