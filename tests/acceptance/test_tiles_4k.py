"""People 20 pixels high in 4K: the whole picture at once shows none of them, tiles show nearly all."""

import cv2
import numpy as np
import pytest

from edge_agent.domain.boxes import ious
from edge_agent.domain.detection import Frame, Track
from edge_agent.domain.scene_file import parse_scene
from edge_agent.inference.model import BUNDLED_MODEL
from edge_agent.inference.runtime import open_detector
from edge_agent.pipeline import CameraPipeline
from shared.kinds import ObjectClass
from simulator.actors import Actor, Waypoint
from simulator.camera import Camera
from simulator.film import Filmer
from simulator.weather import WEATHERS
from simulator.world import street

SIZE_PX = (3840, 2160)
PART_PX = (640, 360)
EYE = Camera("far", "far", -20.0, -9.0, 9.0, 80.0, 11.0, 60.0, PART_PX)
"""It sees people at 45 m, who are about 20 pixels high, as a wide 4K camera does."""


def picture(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture put together of 36 looks down a street, in I420, and the boxes of its people."""
    rng, boxes = np.random.default_rng(seed), list[np.ndarray]()
    filmer = Filmer(street(seed), EYE, WEATHERS["clear"], seed=seed)
    whole = np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
    for top in range(0, SIZE_PX[1], PART_PX[1]):
        for left in range(0, SIZE_PX[0], PART_PX[0]):
            shot = filmer.shoot([walker(rng, number) for number in range(3)], 0.0)
            whole[top : top + PART_PX[1], left : left + PART_PX[0]] = shot.bgr
            seen = [np.array(one.box) for one in shot.boxes if one.visible_fraction > 0.7]
            boxes += [box + np.array([left, top] * 2) for box in seen]
    return cv2.cvtColor(whole, cv2.COLOR_BGR2YUV_I420), np.array(boxes, np.float32)


def walker(rng: np.random.Generator, number: int) -> Actor:
    east, north = -20 + rng.uniform(42, 50), -1 + rng.uniform(-8, 5)
    way = (Waypoint(-5, east - 6.5, north), Waypoint(5, east + 6.5, north))
    return Actor(number, ObjectClass.PERSON, way, int(rng.integers(1 << 30)))


def found_share(i420: np.ndarray, people: np.ndarray, tiles: str) -> float:
    """Share of the people whom the pipeline follows after 50 s before the same picture."""
    size = f"size_px = [{SIZE_PX[0]}, {SIZE_PX[1]}]"
    scene = parse_scene(f'[camera]\nid = "cam-1"\n{size}\nmin_score = 0.4\n{tiles}\n', "cam-1.toml")
    detector = open_detector(BUNDLED_MODEL)
    pipeline = CameraPipeline(scene, detector, randomness=bytes)
    tracks: list[Track] = []
    for number in range(250):
        frame = Frame("cam-1", number, number * 200_000, i420, *SIZE_PX, is_key=True)
        pipeline.step(frame, frame.captured_at_us)
        tracks = pipeline.tracks
    detector.close()
    followed = [track.box for track in tracks if track.object_class is ObjectClass.PERSON]
    if not followed:
        return 0.0
    return float((ious(people, np.array(followed, np.float32)).max(1) >= 0.4).mean())


@pytest.mark.slow
@pytest.mark.xdist_group("test_kill_nine.py")  # in turn with it: it needs most of the machine
@pytest.mark.parametrize("seed", [3, 11])
def test_tiles_find_the_people_whom_the_whole_picture_hides(
    seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    i420, people = picture(seed)
    assert len(people) > 60
    assert np.median(people[:, 3] - people[:, 1]) == pytest.approx(20, abs=2.5)
    plain, tiled = found_share(i420, people, ""), found_share(i420, people, 'tiles = "auto"')
    with capsys.disabled():
        print(f"\n4K, {len(people)} people 20 px high: whole picture {plain:.1%}, in tiles {tiled:.1%}")
    assert plain < 0.3
    assert tiled >= 0.9
