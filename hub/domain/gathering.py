"""A batch of reports, decided one after the other: what is new, what grows, what is refused.

The situations in ``Nearby`` are changed in place; when the batch cannot be committed they must be forgotten
and read again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hub.domain.correlation import Attach, Decision, Open, Refuse, Why, decide_known, decide_new
from hub.domain.incident import ActorKind, Entry
from hub.domain.nearby import Nearby
from hub.domain.situation import Arrival, Known, Situation, absorb, begin


class Stored(NamedTuple):
    """A report that belongs into the database."""

    arrival: Arrival
    incident_id: str
    why: Why


class Told(NamedTuple):
    """Something that the agencies of an incident should be told."""

    situation: Situation
    message: str
    """opened or updated."""
    about: str
    """What makes the message one of its kind: part of its idempotency key."""


@dataclass(slots=True)
class Gathered:
    """What a batch comes to."""

    opened: dict[str, Situation] = field(default_factory=dict[str, Situation])
    touched: dict[str, Situation] = field(default_factory=dict[str, Situation])
    """All incidents that change, the opened ones among them."""
    stored: list[Stored] = field(default_factory=list[Stored])
    refused: list[tuple[Arrival, str]] = field(default_factory=list[tuple[Arrival, str]])
    repeats: int = 0
    timeline: list[tuple[str, Entry]] = field(default_factory=list[tuple[str, Entry]])
    told: list[Told] = field(default_factory=list[Told])
    new_cameras: dict[str, str] = field(default_factory=dict[str, str])


class Memory(NamedTuple):
    """What is known before a batch. All of it is changed in place as the batch is decided."""

    nearby: Nearby
    known: dict[bytes, Known]
    """The stored events among those that the batch names."""
    distant: Mapping[str, Situation]
    """Incidents of known events that are too old to be in ``nearby``."""
    cameras: dict[str, str]
    """Which box each camera is bound to."""


def gather(arrivals: Iterable[Arrival], memory: Memory) -> Gathered:
    """Decide on each report in turn."""
    gathered = Gathered()
    for arrival in arrivals:
        foreign = _bind_camera(arrival, memory.cameras, gathered)
        if foreign:
            gathered.refused.append((arrival, foreign))
            continue
        decision = _decide(arrival, memory)
        if isinstance(decision, Open):
            _open(arrival, decision, memory, gathered)
        elif isinstance(decision, Attach):
            _attach(arrival, decision, memory, gathered)
        elif isinstance(decision, Refuse):
            gathered.refused.append((arrival, decision.text))
        else:
            gathered.repeats += 1
    return gathered


def _bind_camera(arrival: Arrival, cameras: dict[str, str], gathered: Gathered) -> str | None:
    """A camera belongs to the box that named it first; return why this report cannot be taken, if so."""
    camera = arrival.report.camera
    if camera is None:
        return None
    owner = cameras.get(camera)
    if owner is None:
        cameras[camera] = gathered.new_cameras[camera] = arrival.box
        return None
    if owner == arrival.box:
        return None
    return (
        f"camera {camera} is bound to box {owner}, but box {arrival.box} speaks of it; bind it anew or rename"
    )


def _decide(arrival: Arrival, memory: Memory) -> Decision:
    known = memory.known.get(arrival.report.event_id)
    if known is None:
        return decide_new(arrival, memory.nearby.around(arrival))
    return decide_known(arrival, known, _situation(known.incident_id, memory))


def _situation(incident_id: str, memory: Memory) -> Situation:
    return memory.nearby.get(incident_id) or memory.distant[incident_id]


def _open(arrival: Arrival, decision: Open, memory: Memory, gathered: Gathered) -> None:
    situation = begin(arrival)
    memory.nearby.put(situation)
    gathered.opened[situation.incident_id] = situation
    gathered.told.append(Told(situation, "opened", "opened"))
    _note(gathered, situation, arrival, "opened", {"camera": arrival.report.camera})
    _store(arrival, situation, decision.why, memory, gathered)


def _attach(arrival: Arrival, decision: Attach, memory: Memory, gathered: Gathered) -> None:
    situation = _situation(decision.incident_id, memory)
    changes = absorb(situation, arrival, memory.known.get(arrival.report.event_id))
    memory.nearby.put(situation)
    for change in changes:
        _note(gathered, situation, arrival, change.what, change.detail)
        if change.what != "seen_by" and not decision.is_quiet:
            about = f"{change.what}-{arrival.report.event_id.hex()}-{arrival.report.revision}"
            gathered.told.append(Told(situation, "updated", about))
    if decision.is_quiet and arrival.report.event_id not in memory.known:
        _note(gathered, situation, arrival, "late", {"camera": arrival.report.camera})
    _store(arrival, situation, decision.why, memory, gathered)


def _store(arrival: Arrival, situation: Situation, why: Why, memory: Memory, gathered: Gathered) -> None:
    report = arrival.report
    before = memory.known.get(report.event_id)
    revisions = (*before.revisions, report.revision) if before else (report.revision,)
    memory.known[report.event_id] = Known(situation.incident_id, arrival.box, report.kind, revisions)
    gathered.touched[situation.incident_id] = situation
    gathered.stored.append(Stored(arrival, situation.incident_id, why))


def _note(
    gathered: Gathered, situation: Situation, arrival: Arrival, what: str, detail: dict[str, object]
) -> None:
    entry = Entry(arrival.received_at_us, ActorKind.BOX, arrival.box, what, detail)
    gathered.timeline.append((situation.incident_id, entry))
