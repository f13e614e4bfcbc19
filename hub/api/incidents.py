"""Incidents: the queue, the page of one, and what an operator does with it."""

from typing import Annotated, Literal

from litestar import get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from hub.api.given import GivenParts
from hub.api.sessions import SignedInRequest
from hub.domain.access import ANYONE_SIGNED_IN, OPERATORS
from hub.domain.incident import Action, State, Verdict
from hub.errors import FieldFault, InputRefused
from hub.services import incident_views, incidents
from hub.services.incident_views import OPEN_STATES, Detail, Summary
from shared.kinds import KIND_BY_SLUG, Kind

MAX_LIMIT = 500
_STATES = {"open": OPEN_STATES, "closed": (State.CLOSED,), "all": tuple(State)}
Note = Annotated[str, Meta(max_length=2_000)]
IncidentId = Annotated[str, PathParameter(max_length=32)]


class Queue(Struct, frozen=True):
    """Incidents, newest first; follow the stream from ``change_seq`` on to stay up to date."""

    incidents: list[Summary]
    change_seq: int


class Remark(Struct, frozen=True, forbid_unknown_fields=True):
    """A note that goes with a step."""

    note: Note | None = None


class Judgement(Struct, frozen=True, forbid_unknown_fields=True):
    """What an incident was."""

    verdict: Verdict
    note: Note | None = None


class Closing(Struct, frozen=True, forbid_unknown_fields=True):
    """Closing, with the verdict unless there is one already."""

    verdict: Verdict | None = None
    note: Note | None = None


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """A note of its own."""

    text: Annotated[str, Meta(min_length=1, max_length=2_000)]


@get("/incidents", roles=ANYONE_SIGNED_IN)
async def list_incidents(
    parts: GivenParts,
    which_state: Annotated[Literal["open", "closed", "all"], QueryParameter(name="state")] = "open",
    kind: Annotated[str | None, QueryParameter(max_length=64)] = None,
    before: Annotated[int | None, QueryParameter(ge=1, description="a number: only older incidents")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)] = 200,
) -> Queue:
    """The queue."""
    rows, change_seq = await incident_views.queue(parts, _STATES[which_state], _kind(kind), before, limit)
    return Queue(rows, change_seq)


@get("/incidents/{incident_id:str}", roles=ANYONE_SIGNED_IN)
async def incident(incident_id: IncidentId, request: SignedInRequest, parts: GivenParts) -> Detail:
    """One incident with its history, pictures, events and dispatches."""
    return await incident_views.detail(parts, incident_id, request.user.role)


@post("/incidents/{incident_id:str}/acknowledge", roles=OPERATORS, status_code=200)
async def acknowledge(
    incident_id: IncidentId,
    request: SignedInRequest,
    parts: GivenParts,
    data: JSONBody[Remark | None] = None,
) -> Detail:
    """Take it on."""
    return await _act(parts, request, incident_id, Action.ACKNOWLEDGE, note=data.note if data else None)


@post("/incidents/{incident_id:str}/resolve", roles=OPERATORS, status_code=200)
async def resolve(
    incident_id: IncidentId,
    request: SignedInRequest,
    parts: GivenParts,
    data: JSONBody[Remark | None] = None,
) -> Detail:
    """Say that it is dealt with on the street."""
    return await _act(parts, request, incident_id, Action.RESOLVE, note=data.note if data else None)


@post("/incidents/{incident_id:str}/close", roles=OPERATORS, status_code=200)
async def close(
    incident_id: IncidentId,
    request: SignedInRequest,
    parts: GivenParts,
    data: JSONBody[Closing | None] = None,
) -> Detail:
    """Put it away, with a verdict."""
    given = data or Closing()
    return await _act(parts, request, incident_id, Action.CLOSE, given.verdict, given.note)


@post("/incidents/{incident_id:str}/reopen", roles=OPERATORS, status_code=200)
async def reopen(
    incident_id: IncidentId,
    request: SignedInRequest,
    parts: GivenParts,
    data: JSONBody[Remark | None] = None,
) -> Detail:
    """Take it up again."""
    return await _act(parts, request, incident_id, Action.REOPEN, note=data.note if data else None)


@post("/incidents/{incident_id:str}/verdict", roles=OPERATORS, status_code=200)
async def judge(
    incident_id: IncidentId, request: SignedInRequest, parts: GivenParts, data: JSONBody[Judgement]
) -> Detail:
    """Say what it was."""
    return await _act(parts, request, incident_id, Action.VERDICT, data.verdict, data.note)


@post("/incidents/{incident_id:str}/note", roles=OPERATORS, status_code=200)
async def note(
    incident_id: IncidentId, request: SignedInRequest, parts: GivenParts, data: JSONBody[Text]
) -> Detail:
    """Write a line into its history."""
    return await _act(parts, request, incident_id, Action.NOTE, note=data.text)


async def _act(
    parts: GivenParts,
    request: SignedInRequest,
    incident_id: str,
    action: Action,
    verdict: Verdict | None = None,
    note: str | None = None,
) -> Detail:
    who = request.user
    await incidents.act(parts, incident_id, who.username, action, verdict, note)
    return await incident_views.detail(parts, incident_id, who.role)


def _kind(slug: str | None) -> Kind | None:
    if slug is None:
        return None
    if slug not in KIND_BY_SLUG:
        raise InputRefused(FieldFault("kind", f"there is no kind {slug!r}; the event catalogue lists them"))
    return KIND_BY_SLUG[slug]


ROUTES = [list_incidents, incident, acknowledge, resolve, close, reopen, judge, note]
