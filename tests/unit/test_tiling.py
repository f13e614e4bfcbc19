"""Large pictures in tiles: cut, chosen, put together."""

import numpy as np
import pytest

from edge_agent.domain.detection import Detections
from edge_agent.domain.motion import Motion
from edge_agent.domain.scene_file import parse_scene
from edge_agent.domain.tiling import MOST_TILES, SWEEP_S, Seen, Sweep, Tile, merged, tiles_of
from shared.kinds import ObjectClass

LOOK: Tile = (0, 0, 3840, 2160)
MODEL = (320, 192)
LEFT, RIGHT = (0, 0, 240, 144), (192, 0, 432, 144)


def motion(*boxes_px: Tile) -> Motion:
    cells = np.zeros((270, 480), np.bool_)
    for left, top, right, bottom in boxes_px:
        cells[top // 8 : bottom // 8, left // 8 : right // 8] = True
    return Motion(cells, float(cells.mean()), is_global=False, is_switch=False)


def found(*boxes: tuple[float, float, float, float], kind: ObjectClass = ObjectClass.PERSON) -> Detections:
    scores = np.linspace(0.9, 0.8, len(boxes)).astype(np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, np.full(len(boxes), kind, np.int16))


@pytest.mark.parametrize("width_px", [0, 200, 640])
def test_tiles_cover_the_region_and_overlap(width_px: int) -> None:
    covered = np.zeros((2160, 3840), np.uint8)
    tiles = tiles_of(LOOK, width_px, MODEL)
    for left, top, right, bottom in tiles:
        assert (right - left, bottom - top) == (width_px or 192, round((width_px or 192) * 0.6))
        covered[top:bottom, left:right] += 1
    assert covered.min() >= 1
    inner = covered[20:-20, 20:-20]
    assert inner.max() >= 4


def test_a_small_picture_is_not_cut() -> None:
    assert tiles_of((0, 0, 768, 432), 0, MODEL) == [(0, 0, 768, 432)]


def test_moving_tiles_are_looked_at_and_all_others_within_a_sweep() -> None:
    sweep, looked = Sweep(tiles_of(LOOK, 0, MODEL)), set[Tile]()
    sweep.choose(motion(), 0)
    for n in range(1, int(SWEEP_S) + 1):
        chosen = sweep.choose(motion((1000, 1000, 1040, 1060)), n * 1_000_000)
        assert any(t[0] <= 1000 and t[1] <= 1030 and t[2] >= 1040 and t[3] >= 1030 for t in chosen)
        assert len(chosen) < 30
        looked |= set(chosen)
    assert looked == set(sweep.tiles)


def test_never_more_at_once_than_the_limit() -> None:
    sweep = Sweep(tiles_of(LOOK, 0, MODEL))
    for n in range(5):
        assert len(sweep.choose(motion(LOOK), n * 200_000)) <= MOST_TILES


def test_what_stands_in_a_swept_tile_is_looked_at_three_times() -> None:
    sweep = Sweep(tiles_of(LOOK, 0, MODEL))
    tile = sweep.choose(motion(), 0)[0]
    sweep.complete([Seen(tile, found((10, 10, 20, 30)))], 0.5)
    later = [sweep.choose(motion(), n * 200_000) for n in (1, 2, 3)]
    assert [tile in chosen for chosen in later] == [True, True, False]


def test_what_two_tiles_see_is_one_thing() -> None:
    one = merged([Seen(LEFT, found((200, 40, 225, 100))), Seen(RIGHT, found((201, 41, 226, 99)))], LOOK)
    assert one.boxes.tolist() == [[200, 40, 225, 100]]


def test_a_whole_box_is_not_widened_by_the_part_that_another_tile_saw() -> None:
    one = merged([Seen(RIGHT, found((225, 40, 233, 62))), Seen(LEFT, found((222, 38, 240, 64)))], LOOK)
    assert one.boxes.tolist() == [[225, 40, 233, 62]]


def test_what_a_seam_cuts_is_one_box() -> None:
    car = ObjectClass.CAR
    parts = [
        Seen(LEFT, found((120, 50, 240, 110), kind=car)),
        Seen(RIGHT, found((192, 52, 330, 108), kind=car)),
    ]
    assert merged(parts, LOOK).boxes.tolist() == [[120, 50, 330, 110]]


def test_what_two_far_seams_cut_stays_two_things() -> None:
    """The second of them ends at a seam beyond the one at which the first begins; they share no tile."""
    far: Tile = (1152, 0, 1392, 144)
    parts = [Seen(RIGHT, found((192, 52, 210, 80))), Seen(far, found((1370, 54, 1392, 82)))]
    assert sorted(merged(parts, LOOK).boxes[:, 0].tolist()) == [192, 1370]


def test_neighbours_at_a_seam_stay_two() -> None:
    parts = [Seen(LEFT, found((180, 10, 200, 60))), Seen(RIGHT, found((215, 12, 235, 62)))]
    assert len(merged(parts, LOOK).scores) == 2


def test_two_in_one_tile_stay_two() -> None:
    parts = [Seen(LEFT, found((100, 10, 130, 90), (112, 10, 142, 90))), Seen(RIGHT, found())]
    assert len(merged(parts, LOOK).scores) == 2


@pytest.mark.parametrize(("line", "tile_px"), [("", None), ('tiles = "auto"', 0), ("tiles = 320", 320)])
def test_the_scene_says_how_to_cut(line: str, tile_px: int | None) -> None:
    scene = parse_scene(f'[camera]\nid = "cam-1"\nsize_px = [3840, 2160]\n{line}\n', "cam-1.toml")
    assert scene.tile_px == tile_px


def test_what_a_tile_showed_is_carried_faintly_until_it_is_looked_at_again() -> None:
    sweep = Sweep([LEFT, RIGHT])
    sweep.complete([Seen(LEFT, found((10, 10, 20, 30)))], 0.5)
    both = sweep.complete([Seen(RIGHT, found())], 0.5)
    assert [one.tile for one in both] == [RIGHT, LEFT]
    assert both[1].found.scores.max() < 0.5
    assert [one.tile for one in sweep.complete([Seen(LEFT, found())], 0.5)] == [LEFT]
    assert [one.tile for one in sweep.complete([Seen(RIGHT, found())], 0.5)] == [RIGHT]
