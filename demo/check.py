"""The demo's check: what happened on the street against what the hub made of it, counted from both ends."""

import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.hub_client import HubClient
from demo.street import Street
from demo.town import AGENCIES, TECHNICIAN
from shared.codec import decode
from shared.kinds import Lane
from shared.messages import EventReport
from simulator.score import Expected, Score, expectations, incident_claims, judge

_SETTLE_S = 15.0
"""How long the last reports and dispatches may take after the watched time."""


@dataclass(frozen=True)
class Figures:
    """What ``saqshy demo --check`` prints."""

    incidents_expected: int
    incidents_opened: int
    duplicates: int
    missed: int
    false: int
    dispatched: int
    """Incidents whose opening arrived at an agency, signature checked."""
    event_bytes_p50: int
    event_bytes_max: int
    frame_to_incident_ms_p50: float
    """From a picture's capture to the incident at a listening console."""
    frame_to_incident_ms_p99: float
    lost: int
    """Reports in a box's outbox, or forgotten by it, that the hub's database does not hold."""

    @property
    def passed(self) -> bool:
        return not (self.duplicates or self.missed or self.lost)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Console(threading.Thread):
    """Listens to the hub as a console does and notes how old each piece of news is when it comes."""

    def __init__(self, client: HubClient) -> None:
        super().__init__(name="console", daemon=True)
        self._client = client
        self._told: dict[str, str] = {}
        self.ages_ms: list[float] = []

    def run(self) -> None:
        for summary in self._client.stream():
            observed = summary["last_observed_at"]
            if self._told.get(summary["id"]) != observed:
                self._told[summary["id"]] = observed
                age = datetime.now(UTC) - datetime.fromisoformat(observed)
                self.ages_ms.append(age.total_seconds() * 1000)


def measure(street: Street, seconds: int) -> Figures:
    """Watch the street for ``seconds`` and compare. Raises ``CommandFailed`` when a part ends by itself."""
    with street.client() as listening, street.client() as client:
        for one in (listening, client):
            one.sign_in(TECHNICIAN, street.town.secret(TECHNICIAN))
        console = Console(listening)
        console.start()
        began = datetime.now(UTC)
        _watch(street, seconds)
        expected = _expected(street, seconds)
        _settle(street, client)
        incidents = client.incidents()
    return _figures(
        street, judge(expected, incident_claims(incidents, began.isoformat())), incidents, console
    )


def _watch(street: Street, seconds: int) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        street.check()
        time.sleep(min(0.5, left))


def _expected(street: Street, seconds: int) -> list[Expected]:
    """What any camera should have told within the watched time."""
    truth = street.town.truth()
    return [e for e in expectations(truth, None, by_camera=False) if e.due_s < seconds]


def _settle(street: Street, client: HubClient) -> None:
    """Give the last reports the time to arrive, and the last dispatches."""
    until = time.monotonic() + _SETTLE_S
    while time.monotonic() < until and (lost_reports(street) or _owed(client)):
        time.sleep(0.5)


def _owed(client: HubClient) -> bool:
    return any(d["state"] == "pending" for incident in client.incidents() for d in incident["dispatches"])


def _figures(street: Street, score: Score, incidents: list[dict[str, Any]], console: Console) -> Figures:
    sizes = sorted(len(body) for _, body in _rows(street)) or [0]
    ages = sorted(console.ages_ms) or [0.0]
    opened = {d.body["incident"]["id"] for d in street.deliveries if d.body["type"] == "incident.opened"}
    return Figures(
        incidents_expected=len(score.matches) + len(score.missed),
        incidents_opened=len(incidents),
        duplicates=len(score.duplicates),
        missed=len(score.missed),
        false=len(score.false),
        dispatched=len(opened),
        event_bytes_p50=round(statistics.median(sizes)),
        event_bytes_max=sizes[-1],
        frame_to_incident_ms_p50=round(statistics.median(ages), 1),
        frame_to_incident_ms_p99=round(ages[min(len(ages) - 1, round(0.99 * (len(ages) - 1)))], 1),
        lost=lost_reports(street),
    )


def _rows(street: Street) -> Iterator[tuple[str, bytes]]:
    """Every report of every outbox: its box and its bytes."""
    evidence = list(Lane).index(Lane.EVIDENCE)
    for box in street.boxes:
        path = street.town.box_folder(box) / "state" / "outbox.db"
        for (body,) in _read(path, "select body from entry where lane != ?", (evidence,)):
            yield box, body


def lost_reports(street: Street) -> int:
    """Count the reports that a box made and the hub's database does not hold."""
    rows = _read(street.town.hub / "hub.db", "select event_id, revision from event")
    committed = {(bytes(event_id), revision) for event_id, revision in rows}
    reports = [decode(EventReport, body) for _, body in _rows(street)]
    missing = sum((r.event_id, r.revision) not in committed for r in reports)
    for box in street.boxes:
        path = street.town.box_folder(box) / "state" / "outbox.db"
        missing += sum(count for (count,) in _read(path, "select count from lost"))
        missing += len(_read(path, "select seq from dead"))
    return missing


def _read(path: Path, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
        return database.execute(sql, values).fetchall()


def render(figures: Figures) -> str:
    """The figures for people."""
    lines = [f"{name.replace('_', ' '):26} {value}" for name, value in figures.as_dict().items()]
    verdict = "passed" if figures.passed else "FAILED: something was missed, doubled or lost"
    return "\n".join([*lines, f"{len(AGENCIES)} agencies; {verdict}"])
