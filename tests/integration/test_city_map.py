"""The map's base layer: what is taken, and what is refused by name."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.errors import InputRefused, NotFound
from hub.services import citymap
from hub.services.citymap import CameraPlace
from hub.services.parts import Parts
from hub.services.passwords import Passwords
from hub.settings import Settings
from tests.fakes.hub import CHEAP
from tests.hub_database import hub_database

STREET = {
    "type": "Feature",
    "geometry": {"type": "LineString", "coordinates": [[71.36, 50.93], [71.37, 50.94]]},
    "properties": {"class": "street"},
}


def with_parts(folder: Path, story: Any) -> None:
    async def main() -> None:
        async with hub_database(folder) as database:
            await story(Parts(Settings(), folder, database, Passwords(CHEAP)))

    asyncio.run(main())


def layer(*features: Any) -> bytes:
    return msgspec.json.encode({"type": "FeatureCollection", "features": list(features)})


def test_a_layer_comes_back_as_it_was_put(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        assert msgspec.json.decode((await citymap.city_map(parts)).base)["features"] == []
        await citymap.put_base(parts, layer(STREET))
        assert msgspec.json.decode((await citymap.city_map(parts)).base)["features"] == [STREET]

    with_parts(tmp_path, story)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", "type"),
        (b"\xff", "GeoJSON"),
        (b"[" * 100_000, "GeoJSON"),
        (layer(STREET | {"geometry": {"type": "Point", "coordinates": [50.9, 171.3]}}), "features[0]"),
        (layer(STREET | {"geometry": {"type": "Point", "coordinates": ["a", 1]}}), "features[0]"),
        (layer(STREET | {"geometry": {"type": "Polygon", "coordinates": [[[[[1, 2]]]]]}}), "nested"),
        (layer(STREET | {"geometry": {"type": "Circle", "coordinates": [1, 2]}}), "type"),
    ],
)
def test_what_is_no_layer_is_refused(tmp_path: Path, body: bytes, words: str) -> None:
    async def story(parts: Parts) -> None:
        with pytest.raises(InputRefused) as refused:
            await citymap.put_base(parts, body)
        assert words in str(refused.value)

    with_parts(tmp_path, story)


def test_a_camera_that_no_box_named_has_no_place(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        with pytest.raises(NotFound, match="no box has named"):
            await citymap.place_camera(parts, "cam-9", CameraPlace(50.9, 71.3))

    with_parts(tmp_path, story)
