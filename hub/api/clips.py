"""Clips of events, and live views of cameras."""

from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from hub.api.sessions import SignedInRequest
from hub.domain.access import OPERATORS, SUPERVISORS
from hub.errors import FieldFault, InputRefused, NotAllowed
from hub.services.clips import Clips, Progress
from hub.services.live import Live
from shared.sealed import Form

EventPath = Annotated[str, PathParameter(max_length=32)]
FormText = Annotated[str, Meta(max_length=16)]
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
) -> Response[bytes]:
    """The clip, checked against its box's signature and opened."""
    video = await clips.video(event_id, _form(form, request), request.user.username)
    return Response(video, media_type="video/mp4", headers={"cache-control": "private, no-store"})


@get("/cameras/{camera:str}/live.jpg", roles=OPERATORS, media_type="image/jpeg")
async def live_picture(
    camera: CameraPath,
    request: SignedInRequest,
    live: NamedDependency[Live],
    after: Annotated[int, QueryParameter(ge=0, description="x-taken-at-us of the last one")] = 0,
) -> Response[bytes]:
    """The next redacted picture of a camera, taken later than ``after``. Asking keeps the view open: the box
    sends pictures for ten seconds more. 503 when the box does not answer or shows enough others already."""
    view = await live.look(camera, after, request.user.username)
    headers = {"cache-control": "no-store", "x-taken-at-us": str(view.at_us)}
    return Response(view.jpeg, media_type="image/jpeg", headers=headers)


def _form(text: str, request: SignedInRequest) -> Form:
    try:
        form = Form[text.upper()]
    except KeyError:
        raise InputRefused(FieldFault("form", "use redacted or original")) from None
    if form is Form.ORIGINAL and request.user.role not in SUPERVISORS:
        raise NotAllowed("originals are for supervisors; ask for the redacted clip")
    return form


ROUTES = [ask_for_clip, clip_progress, clip_video, live_picture]
