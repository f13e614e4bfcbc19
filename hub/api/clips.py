"""Clips of events, live views of cameras, and who looked at them."""

import base64
import hashlib
import re
from typing import Annotated

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from hub.api.sessions import SignedInRequest
from hub.domain.access import OPERATORS, SUPERVISORS
from hub.domain.instants import Instant, instant
from hub.errors import FieldFault, InputRefused, NotAllowed
from hub.services.clips import Clips, Progress
from hub.services.live import Live
from hub.services.looks import Looks
from shared.sealed import Form

EventPath = Annotated[str, PathParameter(max_length=32)]
FormText = Annotated[str, Meta(max_length=16)]
ViewName = Annotated[str, QueryParameter(max_length=32, description="tells one user's windows apart")]
CameraPath = Annotated[str, PathParameter(max_length=63)]


class ClipToFetch(Struct, frozen=True, forbid_unknown_fields=True):
    """Which form of a clip is wanted: ``redacted``, or, for supervisors, ``original``."""

    form: FormText = "redacted"


@post("/events/{event_id:str}/clip", roles=OPERATORS, status_code=202)
async def ask_for_clip(
    event_id: EventPath, data: JSONBody[ClipToFetch], request: SignedInRequest, clips: NamedDependency[Clips]
) -> Progress:
    """Have the box send a clip; ask with GET how far it is. The wish is kept in the incident's history."""
    return await clips.ask(event_id, _form(data.form, request), request.user.username)


@get("/events/{event_id:str}/clip", roles=OPERATORS)
async def clip_progress(
    event_id: EventPath,
    request: SignedInRequest,
    clips: NamedDependency[Clips],
    form: Annotated[str, QueryParameter(max_length=16)] = "redacted",
) -> Progress:
    """How far a clip is on its way."""
    return clips.progress(event_id, _form(form, request))


@get("/events/{event_id:str}/clip.mp4", roles=OPERATORS, media_type="video/mp4")
async def clip_video(
    event_id: EventPath,
    request: SignedInRequest,
    clips: NamedDependency[Clips],
    form: Annotated[str, QueryParameter(max_length=16)] = "redacted",
    wanted: Annotated[str | None, HeaderParameter(name="range", max_length=64)] = None,
) -> Response[bytes]:
    """The clip, checked against its box's signature and opened. A part of it (RFC 9110, 14) for players that
    jump; ``repr-digest`` (RFC 9530) is that of the whole."""
    video = await clips.video(event_id, _form(form, request), request.user.username)
    digest = base64.b64encode(hashlib.sha256(video).digest()).decode()
    headers = {
        "cache-control": "private, no-store",
        "accept-ranges": "bytes",
        "repr-digest": f"sha-256=:{digest}:",
    }
    part = _part(wanted, len(video))
    if part is None:
        return Response(video, media_type="video/mp4", headers=headers)
    headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{len(video)}"
    return Response(video[part.start : part.stop], status_code=206, media_type="video/mp4", headers=headers)


@get("/cameras/{camera:str}/live.jpg", roles=OPERATORS, media_type="image/jpeg")
async def live_picture(
    camera: CameraPath,
    request: SignedInRequest,
    live: NamedDependency[Live],
    after: Annotated[int, QueryParameter(ge=0, description="x-taken-at-us of the last one")] = 0,
    view: ViewName = "",
) -> Response[bytes]:
    """The next redacted picture of a camera, taken later than ``after``. Asking keeps the view open: the box
    sends pictures for ten seconds more. 503 without one: ``box-away``, ``views-full``, ``no-picture``."""
    shown = await live.look(camera, after, request.user.username, view)
    headers = {"cache-control": "no-store", "x-taken-at-us": str(shown.at_us)}
    return Response(shown.jpeg, media_type="image/jpeg", headers=headers)


@delete("/cameras/{camera:str}/live.jpg", roles=OPERATORS)
async def leave_view(
    camera: CameraPath, request: SignedInRequest, live: NamedDependency[Live], view: ViewName = ""
) -> None:
    """Look no more: the box is free for another view at once."""
    await live.leave(camera, request.user.username, view)


class LookView(Struct, frozen=True):
    """Somebody looked."""

    at: Instant
    username: str
    what: str
    """``clip_redacted``, ``clip_original`` or ``live``."""
    camera: str
    event: str | None


class LookList(Struct, frozen=True):
    """Newest first."""

    looks: list[LookView]


@get("/looks", roles=SUPERVISORS)
async def list_looks(
    looks: NamedDependency[Looks],
    camera: Annotated[str | None, QueryParameter(max_length=63)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 200,
) -> LookList:
    """Who looked at clips and live views."""
    rows = await looks.newest(camera, limit)
    return LookList(
        [LookView(instant(row.at_us), row.username, row.what, row.camera, row.event_id) for row in rows]
    )


def _part(wanted: str | None, size: int) -> range | None:
    """The one part of ``size`` bytes that a ``range`` header names; None for the whole."""
    found = re.fullmatch(r"bytes=(\d{1,12})-(\d{0,12})", wanted or "")
    if not found or int(found[1]) >= size:
        return None
    end = min(size, int(found[2]) + 1) if found[2] else size
    return range(int(found[1]), end) if end > int(found[1]) else None


def _form(text: str, request: SignedInRequest) -> Form:
    try:
        form = Form[text.upper()]
    except KeyError:
        raise InputRefused(FieldFault("form", "use redacted or original")) from None
    if form is Form.ORIGINAL and request.user.role not in SUPERVISORS:
        raise NotAllowed("originals are for supervisors; ask for the redacted clip")
    return form


ROUTES = [ask_for_clip, clip_progress, clip_video, live_picture, leave_view, list_looks]
