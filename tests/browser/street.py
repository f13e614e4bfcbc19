"""The place where the browser tests happen: the simulator's street, its map and its cameras."""

from typing import Any

from simulator.scenes import make_scene
from simulator.truth import base_map, cameras_document

SCENE = make_scene("street", seed=7, seconds=60)
BASE: dict[str, Any] = base_map(SCENE.world)
CITY_KEYS = ("id", "name", "lat", "lon", "bearing_deg", "fov_deg", "range_m")
CAMERAS: list[dict[str, Any]] = [
    {key: camera[key] for key in CITY_KEYS} | {"box": "box-abai"} for camera in cameras_document(SCENE, 4)
]
"""Of ``city.toml``, all on one box."""


def beside(camera: int, north_m: float = 8.0) -> tuple[float, float]:
    """A place (lat, lon) near a camera."""
    return CAMERAS[camera]["lat"] + north_m / 111_320, CAMERAS[camera]["lon"]
