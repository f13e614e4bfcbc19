"""The console's map."""

from typing import Annotated

from litestar import Request, get, put
from litestar.datastructures import State
from litestar.params import JSONBody, PathParameter

from hub.api.given import GivenParts
from hub.domain.access import ADMINS, ANYONE_SIGNED_IN, TECHNICIANS
from hub.services import citymap
from hub.services.citymap import MAX_BASE_BYTES, CameraPlace, CameraView, CityMap
from hub.services.sessions import SignedIn


@get("/map", roles=ANYONE_SIGNED_IN)
async def city_map(parts: GivenParts) -> CityMap:
    """The base layer, the cameras and where to look first."""
    return await citymap.city_map(parts)


@put("/map/base", roles=ADMINS, status_code=204, request_max_body_size=MAX_BASE_BYTES)
async def put_base(request: Request[SignedIn, SignedIn, State], parts: GivenParts) -> None:
    """Replace the base layer: a GeoJSON FeatureCollection whose features have a property ``class``."""
    await citymap.put_base(parts, await request.body())


@put("/cameras/{camera_id:str}", roles=TECHNICIANS)
async def place_camera(
    camera_id: Annotated[str, PathParameter(max_length=63)], data: JSONBody[CameraPlace], parts: GivenParts
) -> CameraView:
    """Say where a camera stands and looks."""
    return await citymap.place_camera(parts, camera_id, data)


ROUTES = [city_map, put_base, place_camera]
