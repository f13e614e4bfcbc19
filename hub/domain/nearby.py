"""Incidents by place, so that a report is compared with the few near it and not with the city's history.

A plain grid of about 200 m: it beats hexagonal cells where neighbours within a fixed reach are all that is
asked, and costs two integer divisions.
"""

from collections.abc import Iterator

from hub.domain.correlation import MAX_REACH_M, ONGOING_S, span_us
from hub.domain.situation import OLDEST_S, Arrival, Situation, metres_per_e7
from shared.kinds import Kind

_CELL_LAT_E7 = 20_000
_CELL_LON_E7 = 30_000
RECALL_S = OLDEST_S + ONGOING_S
"""Incidents silent for longer than this can gain no report that the bus still carries."""

_ANY, _UNPLACED = 0, 1
_Key = tuple[str, Kind, int | str, int]
_Where = tuple[int | None, int | None, int, int]


class Nearby:
    """The incidents that may still gain reports, by id, by grid cell and by source."""

    def __init__(self) -> None:
        self._by_id: dict[str, Situation] = {}
        self._cells: dict[_Key, dict[str, Situation]] = {}
        self._keys: dict[str, list[_Key]] = {}
        self._filed: dict[str, _Where] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, incident_id: str) -> Situation | None:
        return self._by_id.get(incident_id)

    def put(self, situation: Situation) -> None:
        """Add a situation, or file it anew after it has grown."""
        situation.span_us = span_us(situation)
        incident_id = situation.incident_id
        where = _where(situation)
        if self._by_id.get(incident_id) is situation and self._filed[incident_id] == where:
            return
        self.drop(incident_id)
        self._by_id[incident_id] = situation
        self._filed[incident_id] = where
        self._keys[incident_id] = keys = list(_keys_of(situation))
        for key in keys:
            self._cells.setdefault(key, {})[incident_id] = situation

    def drop(self, incident_id: str) -> None:
        """Forget a situation, if it is there."""
        if self._by_id.pop(incident_id, None) is None:
            return
        del self._filed[incident_id]
        for key in self._keys.pop(incident_id):
            cell = self._cells[key]
            del cell[incident_id]
            if not cell:
                del self._cells[key]

    def forget_before(self, at_us: int) -> None:
        """Forget what was last heard of before an instant."""
        for incident_id in [s.incident_id for s in self._by_id.values() if s.last_observed_at_us < at_us]:
            self.drop(incident_id)

    def around(self, arrival: Arrival) -> Iterator[Situation]:
        """All situations that a new event may belong to, and some more; each once."""
        cells = self._cells
        for key in _keys_around(arrival):
            cell = cells.get(key)
            if cell:
                yield from cell.values()


def _where(situation: Situation) -> _Where:
    """Changes whenever a situation's keys do; sources are only ever added."""
    lat_e7, lon_e7 = situation.lat_e7, situation.lon_e7
    sources = len(situation.cameras), len(situation.boxes)
    if lat_e7 is None or lon_e7 is None:
        return None, None, *sources
    return lat_e7 // _CELL_LAT_E7, lon_e7 // _CELL_LON_E7, *sources


def _keys_of(situation: Situation) -> Iterator[_Key]:
    """Where a situation is filed: by its cell, and by its sources. Those without a place have source keys of
    their own, so that reports with a place find them too, and no other twice."""
    site, kind = situation.site, situation.kind
    sources = [*situation.cameras] if situation.cameras else [f"{box}/" for box in situation.boxes]
    for source in sources:
        yield site, kind, source, _ANY
    if situation.lat_e7 is not None and situation.lon_e7 is not None:
        yield site, kind, situation.lat_e7 // _CELL_LAT_E7, situation.lon_e7 // _CELL_LON_E7
    else:
        for source in sources:
            yield site, kind, source, _UNPLACED


def _keys_around(arrival: Arrival) -> Iterator[_Key]:
    report, site = arrival.report, arrival.site
    source = report.camera or f"{arrival.box}/"
    if report.position is None:
        yield site, report.kind, source, _ANY
        return
    yield site, report.kind, source, _UNPLACED
    lat_e7, lon_e7 = report.position.lat_e7, report.position.lon_e7
    lat_m, lon_m = metres_per_e7(lat_e7)
    north, east = int(MAX_REACH_M / lat_m), int(MAX_REACH_M / lon_m)
    columns = range((lon_e7 - east) // _CELL_LON_E7, (lon_e7 + east) // _CELL_LON_E7 + 1)
    for row in range((lat_e7 - north) // _CELL_LAT_E7, (lat_e7 + north) // _CELL_LAT_E7 + 1):
        for column in columns:
            yield site, report.kind, row, column
