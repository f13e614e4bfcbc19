"""Films: the truth beside them is true, the boxes fit the pixels, the same order gives the same film."""

import json
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge_agent.domain.geometry import Point
from edge_agent.domain.rules.table import RULES
from edge_agent.domain.scene_file import parse_scene
from shared.geo import LatLon, distance_m, to_plane
from shared.kinds import ObjectClass
from simulator.actors import Actor, Waypoint
from simulator.cli import app
from simulator.film import Filmer
from simulator.ground import GroundMap, ground_map
from simulator.reel import Order, film
from simulator.scenes import SCENE_NAMES, ZONES, make_scene
from simulator.survey import polygon_px, scene_toml, watches_of
from simulator.weather import WEATHERS
from simulator.world import CAMERAS, ORIGIN, street, to_latlon

SMALL = Order("street", 3, 4, fps=5, size_px=(320, 180), camera_count=2)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(SMALL, tmp_path_factory.mktemp("film"))


@cache
def overcast() -> GroundMap:
    return ground_map(street(1), WEATHERS["overcast"])


@cache
def filmer(name: str) -> Filmer:
    camera = next(c for c in CAMERAS if c.id == name)
    return Filmer(street(1), camera, WEATHERS["overcast"], overcast())


def standing(number: int, object_class: ObjectClass, east_m: float, north_m: float) -> Actor:
    return Actor(
        number, object_class, (Waypoint(0, east_m, north_m), Waypoint(9, east_m, north_m)), number, 40.0
    )


def test_a_film_holds_every_picture_with_a_key_every_second(filmed: Path) -> None:
    for name in ("corner-west", "yard"):
        with av.open(str(filmed.parent / f"{name}.mp4")) as container:
            frames = list(container.decode(video=0))
        assert len(frames) == 20
        assert (frames[0].width, frames[0].height) == (320, 180)
        assert [i for i, f in enumerate(frames) if f.key_frame] == [0, 5, 10, 15]
        assert [float(f.time) for f in frames] == pytest.approx([i / 5 for i in range(20)])


def test_the_same_order_gives_the_same_truth_in_one_process_or_two(filmed: Path, tmp_path: Path) -> None:
    again = film(SMALL, tmp_path, jobs=2)
    for name in ("truth.json", "corner-west.scene.toml", "cameras.json", "base.geojson"):
        assert (again.parent / name).read_bytes() == (filmed.parent / name).read_bytes()


def test_another_seed_is_another_film() -> None:
    ways = [{a.waypoints for a in make_scene("street", seed, 60).actors} for seed in (1, 2)]
    assert ways[0] != ways[1]


def test_the_truth_has_what_its_readers_need(filmed: Path) -> None:
    truth = json.loads(filmed.read_text())
    assert truth["cameras"] == ["corner-west", "yard"]
    assert {"scene", "seed", "started_at", "seconds", "fps", "things", "events", "boxes"} <= truth.keys()
    for _, _, slug, x1, y1, x2, y2, share in truth["boxes"]["corner-west"]:
        assert slug in {c.slug for c in ObjectClass}
        assert 0 <= x1 < x2 <= 320
        assert 0 <= y1 < y2 <= 180
        assert 0 <= share <= 1


@pytest.mark.parametrize(
    ("object_class", "place"),
    [
        (ObjectClass.CAR, (13.0, 2.0)),
        (ObjectClass.PERSON, (8.0, 0.0)),
        (ObjectClass.BAG, (6.0, 1.0)),
        (ObjectClass.BUS, (18.0, 0.0)),
        (ObjectClass.BICYCLE, (9.0, 2.0)),
    ],
)
def test_a_box_fits_the_pixels_that_the_thing_changed(object_class: ObjectClass, place: Point) -> None:
    eye = filmer("corner-west")
    empty, shot = eye.shoot([], 1.0), eye.shoot([standing(5, object_class, *place)], 1.0)
    (seen,) = shot.boxes
    assert (seen.actor_id, seen.object_class) == (5, object_class)
    changed = cv2.absdiff(shot.bgr, empty.bgr).max(axis=2) > 40
    columns, rows = np.flatnonzero(changed.any(axis=0)), np.flatnonzero(changed.any(axis=1))
    x1, y1, x2, y2 = seen.box
    # Nothing of it lies outside its box; the contact shadow under it is fainter than the limit, or a pixel
    # wide.
    assert columns[0] >= x1 - 2
    assert rows[0] >= y1 - 2
    assert columns[-1] <= x2 + 2
    assert columns[-1] - columns[0] >= 0.8 * (x2 - x1)
    assert rows[-1] - rows[0] >= 0.7 * (y2 - y1)
    assert seen.visible_fraction == pytest.approx(1.0, abs=0.02)


def test_what_stands_behind_is_hidden_and_says_so() -> None:
    eye = filmer("corner-west")
    bus, behind = standing(1, ObjectClass.BUS, 10.0, 1.5), standing(2, ObjectClass.PERSON, 14.5, 4.6)
    alone = {b.actor_id: b.visible_fraction for b in eye.shoot([behind], 1.0).boxes}
    both = {b.actor_id: b.visible_fraction for b in eye.shoot([bus, behind], 1.0).boxes}
    assert alone[2] > 0.9
    assert both[2] < 0.5 < both[1]


def test_a_house_hides_whoever_is_behind_it() -> None:
    boxes = filmer("corner-west").shoot([standing(1, ObjectClass.PERSON, 16.0, 30.0)], 1.0).boxes
    assert all(b.visible_fraction < 0.1 for b in boxes)


@pytest.mark.parametrize("name", SCENE_NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_every_event_of_a_scene_is_one(name: str, seed: int) -> None:
    scene = make_scene(name, seed, 80)
    actors = {a.id: a for a in scene.actors}
    assert (not scene.happenings) == (name == "quiet")
    for event in scene.happenings:
        actor = actors[event.actor_id]
        assert 0 <= event.begin_s <= event.due_s <= 80
        for t_s in np.linspace(event.begin_s + 0.2, event.due_s, 9):
            east, north, up = actor.place_at(float(t_s))
            zone = ZONES.get(event.zone)
            if zone:
                assert zone.west_m <= east <= zone.east_m, (event.kind, t_s)
                assert zone.south_m <= north <= zone.north_m, (event.kind, t_s)
            if event.kind.slug in ("illegal_parking", "dumping_act"):
                assert np.hypot(east - event.place[0], north - event.place[1]) < 0.05
                assert up == 0


def test_vehicles_never_drive_through_one_another_or_through_people() -> None:
    scene = make_scene("street", 5, 60)
    movers = [
        a for a in scene.actors if a.object_class in (ObjectClass.CAR, ObjectClass.BUS, ObjectClass.TRUCK)
    ]
    for t_s in np.arange(0, 60, 0.5):
        there = [(a, a.place_at(float(t_s))) for a in movers if a.is_there(float(t_s))]
        for i, (a, here) in enumerate(there):
            for b, other in there[i + 1 :]:
                apart = abs(here[0] - other[0]) > 3.5 or abs(here[1] - other[1]) > 1.6
                assert apart, (t_s, a.id, b.id, here, other)


@pytest.mark.parametrize("camera", [c.id for c in CAMERAS])
def test_a_scene_file_is_accepted_and_its_calibration_confirms(camera: str) -> None:
    scene = make_scene("quiet", 2, 60)
    eye = next(c for c in scene.cameras if c.id == camera)
    read = parse_scene(scene_toml(scene, eye), f"{camera}.scene.toml")
    assert read.camera == camera
    asked = [spec for spec in read.rules if not RULES[spec.kind].form.is_everywhere]
    assert len(asked) == len(watches_of(scene, eye))
    assert read.ground is not None
    for pixel in ((0.3, 0.8), (0.6, 0.7), (0.5, 0.95)):
        x, y = pixel[0] * eye.size_px[0], pixel[1] * eye.size_px[1]
        east, north = eye.unproject_ground(np.array([[x, y]]))[0]
        point = read.ground.locate(x, y)
        assert point is not None
        assert distance_m(read.ground.place(point), to_latlon((east, north))) < 0.35


def test_the_street_is_watched_by_four_cameras_two_of_which_share_a_corner() -> None:
    scene = make_scene("street", 1, 60)
    served = {c.id: {w.place for w in watches_of(scene, c)} for c in scene.cameras[:4]}
    assert "no-stopping" in served["corner-west"] & served["corner-east"]
    assert "yard" in served["yard"]
    assert "roadside" in served["containers"]
    assert {c.box for c in scene.cameras[:2]}.isdisjoint({c.box for c in scene.cameras[2:4]})


def test_a_zone_that_reaches_out_of_the_picture_is_cut_at_its_edge() -> None:
    eye = next(c for c in CAMERAS if c.id == "yard")
    polygon = polygon_px(eye, ZONES["yard"].ring)
    assert len(polygon) >= 3
    assert all(0 <= x <= 640 and 0 <= y <= 360 for x, y in polygon)


def test_the_base_map_lies_in_kosshy(filmed: Path) -> None:
    features = json.loads((filmed.parent / "base.geojson").read_text())["features"]
    assert {"street", "building", "footpath", "green"} <= {f["properties"]["class"] for f in features}
    for feature in features:
        if feature["geometry"]["type"] == "Polygon":
            ring = feature["geometry"]["coordinates"][0]
            assert ring[0] == ring[-1]
            for lon, lat in ring:
                assert max(map(abs, to_plane(ORIGIN, LatLon(lat, lon)))) < 150


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--scene", "beach"], "--scene 'beach' is not known; use one of street"),
        (["--weather", "lava"], "--weather 'lava' is not known; use one of clear"),
        (["--size", "640"], "--size '640' is not a picture size; write it as 640x360"),
        (["--size", "641x360"], "use even numbers"),
    ],
)
def test_what_cannot_be_filmed_is_refused_with_a_way_out(tmp_path: Path, words: list[str], says: str) -> None:
    outcome = CliRunner().invoke(app, ["film", "--out", str(tmp_path), *words])
    assert outcome.exit_code == 2
    assert says in outcome.stderr


def test_a_score_on_the_command_line(filmed: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text("")
    outcome = CliRunner().invoke(app, ["score", str(filmed), str(events), "--json"])
    assert outcome.exit_code == 0
    assert json.loads(outcome.stdout.splitlines()[-1])["matched"] == 0
    events.write_text("{oops")
    broken = CliRunner().invoke(app, ["score", str(filmed), str(events)])
    assert broken.exit_code == 2
    assert "events.jsonl line 1 is not JSON" in broken.stderr
    missing = CliRunner().invoke(app, ["score", str(tmp_path / "none.json"), str(events)])
    assert "none.json" in missing.stderr
