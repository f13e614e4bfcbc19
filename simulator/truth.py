"""What really happened in a film, beside it: where everything was, what should be reported, what each
picture shows."""

from collections.abc import Sequence
from typing import Any

from shared.geo import LatLon
from simulator.film import SeenBox
from simulator.scenes import ZONES, Scene
from simulator.survey import watches_of
from simulator.world import World, to_latlon

STARTED_AT = "2026-05-20T06:00:00Z"
"""The instant of every film's first picture: a day in May, eleven o'clock in Kosshy."""

_CLEAR_SHARE = 0.4
_CLEAR_FRAMES = 0.7
_CLEAR_PX = 10.0

Boxes = dict[str, list[list[SeenBox]]]
"""By camera, by frame."""


def truth_document(scene: Scene, fps: float, boxes: Boxes) -> dict[str, Any]:
    """The whole ``truth.json``."""
    return {
        "scene": scene.name,
        "seed": scene.seed,
        "started_at": STARTED_AT,
        "seconds": scene.seconds,
        "fps": fps,
        "cameras": list(boxes),
        "things": _things(scene),
        "events": _events(scene, fps, boxes),
        "boxes": {camera: _rows(frames) for camera, frames in boxes.items()},
    }


def _things(scene: Scene) -> list[dict[str, Any]]:
    things: list[dict[str, Any]] = []
    for actor in scene.actors:
        start, end = max(0.0, actor.waypoints[0].t_s), min(scene.seconds, actor.waypoints[-1].t_s)
        if start >= end:
            continue
        times = sorted({start, end, *(w.t_s for w in actor.waypoints if start < w.t_s < end)})
        path = [[round(t, 2), *_degrees(actor.place_at(t))] for t in times]
        things.append({"id": actor.id, "class": actor.object_class.slug, "path": path})
    return things


def _degrees(place: Sequence[float]) -> list[float]:
    point: LatLon = to_latlon((place[0], place[1]))
    return [round(point.lat_deg, 7), round(point.lon_deg, 7)]


def _events(scene: Scene, fps: float, boxes: Boxes) -> list[dict[str, Any]]:
    cameras = {c.id: c for c in scene.cameras}
    events: list[dict[str, Any]] = []
    for number, happening in enumerate(scene.happenings, start=1):
        lat, lon = _degrees(happening.place)
        watching = [
            name
            for name, frames in boxes.items()
            if any(
                w.kind is happening.kind and w.place == happening.zone
                for w in watches_of(scene, cameras[name])
            )
            and _is_clear(frames, happening.actor_id, happening.begin_s, happening.due_s, fps)
        ]
        ends = happening.end_s if happening.end_s is not None and happening.end_s < scene.seconds else None
        events.append(
            {
                "id": number,
                "kind": happening.kind.slug,
                "thing": happening.actor_id,
                "begin_s": round(happening.begin_s, 2),
                "due_s": round(happening.due_s, 2),
                "end_s": None if ends is None else round(ends, 2),
                "lat": lat,
                "lon": lon,
                "cameras": watching,
                "zone": happening.zone,
            }
        )
    return events


def _is_clear(frames: list[list[SeenBox]], thing: int, begin_s: float, due_s: float, fps: float) -> bool:
    """Whether the camera sees the thing well enough, for most of the time, to be asked for it."""
    span = frames[round(begin_s * fps) : max(round(due_s * fps), round(begin_s * fps) + 1)]
    seen = sum(
        any(
            b.actor_id == thing and b.visible_fraction >= _CLEAR_SHARE and b.box[3] - b.box[1] >= _CLEAR_PX
            for b in boxes
        )
        for boxes in span
    )
    return bool(span) and seen >= _CLEAR_FRAMES * len(span)


def _rows(frames: list[list[SeenBox]]) -> list[list[Any]]:
    return [
        [i, b.actor_id, b.object_class.slug, *(round(v, 1) for v in b.box), round(b.visible_fraction, 2)]
        for i, boxes in enumerate(frames)
        for b in boxes
    ]


def cameras_document(scene: Scene, count: int) -> list[dict[str, Any]]:
    """``cameras.json``: where the cameras stand and which box serves each."""
    return [
        {
            "id": c.id,
            "name": c.name,
            **dict(zip(("lat", "lon"), _degrees((c.east_m, c.north_m)), strict=True)),
            "bearing_deg": c.bearing_deg,
            "fov_deg": c.fov_deg,
            "height_m": c.height_m,
            "range_m": c.range_m,
            "box": c.box,
        }
        for c in scene.cameras[:count]
    ]


_MAP_CLASSES = {"carriageway": "street", "footpath": "footpath", "paving": "paving", "yard": "yard"}


def base_map(world: World) -> dict[str, Any]:
    """The street as GeoJSON (RFC 7946), drawn from the ground up: greens, ways, buildings, fences."""
    features = [_polygon("green", [(-110, -44), (110, -44), (110, 64), (-110, 64)])]
    features += [_polygon(_MAP_CLASSES[a.kind], a.ring) for a in world.grounds]
    features += [_polygon("crossing", [(22.0, -4.5), (26.0, -4.5), (26.0, 4.5), (22.0, 4.5)])]
    features += [
        _polygon(
            "container" if h.style == "container" else "building", h.area.ring, height_m=round(h.height_m, 1)
        )
        for h in world.houses
    ]
    features += [
        _feature("fence", "LineString", [_position(f.start), _position(f.end)]) for f in world.fences
    ]
    features += [_feature("tree", "Point", _position(t.place)) for t in world.trees]
    features += [_polygon("zone", a.ring, id=name) for name, a in ZONES.items() if name != "container-pad"]
    return {"type": "FeatureCollection", "features": features}


def _position(place: tuple[float, float]) -> list[float]:
    lat, lon = _degrees(place)
    return [lon, lat]


def _polygon(name: str, ring: list[tuple[float, float]], **properties: object) -> dict[str, Any]:
    return _feature(name, "Polygon", [[_position(p) for p in [*ring, ring[0]]]], **properties)


def _feature(name: str, shape: str, coordinates: object, **properties: object) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"class": name, **properties},
        "geometry": {"type": shape, "coordinates": coordinates},
    }
