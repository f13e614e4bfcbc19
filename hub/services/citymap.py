"""The console's map: the base layer and where the cameras stand."""

import math
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct
from sqlmodel import col, select

from hub.db.tables import Camera, MapLayer
from hub.errors import FieldFault, InputRefused, NotFound
from hub.services.parts import Parts

BASE = "base"
MAX_BASE_BYTES = 20 * 1024**2
MAX_FEATURES = 200_000
KOSSHY = (71.365, 50.937)
"""Where the map opens while it is empty, lon lat."""
DEFAULT_ZOOM = 14.0
_EMPTY = msgspec.Raw(b'{"type":"FeatureCollection","features":[]}')

Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]


class Geometry(Struct, frozen=True):
    """Any geometry of RFC 7946 but a collection."""

    type: Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
    coordinates: list[Any]


class Feature(Struct, frozen=True):
    """A street, a building, a green."""

    type: Literal["Feature"]
    geometry: Geometry
    properties: dict[str, str | float | bool | None] | None = None


class FeatureCollection(Struct, frozen=True):
    """GeoJSON, WGS-84."""

    type: Literal["FeatureCollection"]
    features: Annotated[list[Feature], Meta(max_length=MAX_FEATURES)]


class CameraView(Struct, frozen=True):
    """A camera and what it can see."""

    id: str
    name: str
    box: str
    lat: float | None
    lon: float | None
    bearing_deg: float | None
    fov_deg: float | None
    range_m: float | None
    state: str


class CameraPlace(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a camera stands and looks."""

    lat: Latitude
    lon: Longitude
    bearing_deg: Annotated[float, Meta(ge=0, lt=360)] | None = None
    fov_deg: Annotated[float, Meta(gt=0, le=360)] | None = None
    range_m: Annotated[float, Meta(gt=0, le=10_000)] | None = None
    name: Annotated[str, Meta(min_length=1, max_length=80)] | None = None


class CityMap(Struct, frozen=True):
    """The base layer as GeoJSON, the cameras, and where to look first."""

    base: msgspec.Raw
    cameras: list[CameraView]
    center: tuple[float, float]
    zoom: float


async def city_map(parts: Parts) -> CityMap:
    """The map."""
    async with parts.database.reading() as db:
        layer = await db.get(MapLayer, BASE)
        rows = (await db.exec(select(Camera).order_by(col(Camera.id)))).all()
    cameras = [_view(row) for row in rows]
    base = msgspec.Raw(layer.geojson.encode()) if layer else _EMPTY
    return CityMap(base, cameras, _center(cameras), DEFAULT_ZOOM)


async def put_base(parts: Parts, body: bytes) -> None:
    """Store the base layer; raises ``InputRefused`` that names what in it cannot be taken."""
    try:
        layer = msgspec.json.decode(body, type=FeatureCollection)
        for number, feature in enumerate(layer.features):
            _check_coordinates(feature.geometry.coordinates, f"features[{number}].geometry.coordinates")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputRefused(FieldFault("body", f"is not a GeoJSON FeatureCollection: {error}")) from error
    text = msgspec.json.encode(layer).decode()
    async with parts.database.transaction() as db:
        await db.merge(MapLayer(name=BASE, geojson=text, updated_at_us=parts.now_us()))


async def place_camera(parts: Parts, camera_id: str, place: CameraPlace) -> CameraView:
    """Say where a camera stands. Raises ``NotFound`` for one that no box has named."""
    async with parts.database.transaction() as db:
        camera = await db.get(Camera, camera_id)
        if camera is None:
            raise NotFound(f"no box has named a camera {camera_id[:63]!r}; start its box first")
        camera.lat_e7, camera.lon_e7 = round(place.lat * 1e7), round(place.lon * 1e7)
        camera.bearing_deg, camera.fov_deg, camera.range_m = place.bearing_deg, place.fov_deg, place.range_m
        camera.name = place.name or camera.name
        return _view(camera)


def _check_coordinates(coordinates: list[Any], where: str, depth: int = 0) -> None:
    """Positions are lon lat within the world; lists nest at most as deep as a MultiPolygon's."""
    if coordinates and not isinstance(coordinates[0], list):
        numbers = [n for n in coordinates if isinstance(n, (int, float)) and math.isfinite(n)]
        in_world = (
            len(numbers) == len(coordinates) in (2, 3) and abs(numbers[0]) <= 180 and abs(numbers[1]) <= 90
        )
        if not in_world:
            raise InputRefused(FieldFault(where, f"{str(coordinates)[:60]} is not [longitude, latitude]"))
        return
    inner: Any
    for inner in coordinates:
        if not isinstance(inner, list) or depth >= 3:
            raise InputRefused(FieldFault(where, "is not nested as GeoJSON asks"))
        _check_coordinates(cast("list[Any]", inner), where, depth + 1)


def _center(cameras: list[CameraView]) -> tuple[float, float]:
    placed = [(one.lon, one.lat) for one in cameras if one.lon is not None and one.lat is not None]
    if not placed:
        return KOSSHY
    return sum(lon for lon, _ in placed) / len(placed), sum(lat for _, lat in placed) / len(placed)


def _view(row: Camera) -> CameraView:
    return CameraView(
        id=row.id,
        name=row.name,
        box=row.box,
        lat=None if row.lat_e7 is None else row.lat_e7 / 1e7,
        lon=None if row.lon_e7 is None else row.lon_e7 / 1e7,
        bearing_deg=row.bearing_deg,
        fov_deg=row.fov_deg,
        range_m=row.range_m,
        state=row.state,
    )
