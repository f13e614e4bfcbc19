"""When the model looks, and why."""

import numpy as np
import pytest

from edge_agent.domain.attention import UNSURE_LOOKS, Attention, Look
from edge_agent.domain.detection import Track
from edge_agent.domain.motion import Motion
from shared.kinds import ObjectClass

PERIOD_US = 200_000


def motion(*boxes_px: tuple[int, int, int, int]) -> Motion:
    """Movement in these boxes of a picture of 1280 x 720."""
    cells = np.zeros((90, 160), np.bool_)
    for left, top, right, bottom in boxes_px:
        cells[top // 8 : bottom // 8, left // 8 : right // 8] = True
    return Motion(cells, float(cells.mean()), is_global=False, is_switch=False)


def track(box: tuple[float, float, float, float], speed_px_s: float = 0.0) -> Track:
    return Track(
        1, ObjectClass.CAR, np.array(box, np.float32), 0.9, 0, 0, 9, (speed_px_s, 0.0), still_since_us=0
    )


class Camera:
    def __init__(self) -> None:
        self.attention, self.at_us = Attention(), 0

    def frame(self, moved: Motion, *tracks: Track, is_unsure: bool = False) -> Look:
        self.at_us += PERIOD_US
        return self.attention.judge(self.at_us, moved, tracks, is_unsure)


def test_what_goes_on_moving_in_its_place_is_seen_every_second_frame() -> None:
    camera, here = Camera(), (400, 300, 520, 380)
    looks = [camera.frame(motion(here), track(here)) for _ in range(6)]
    assert looks == [Look.FIRST, Look.CARRIED, Look.STEADY, Look.CARRIED, Look.STEADY, Look.CARRIED]


def test_a_second_thing_that_begins_to_move_is_seen_at_once() -> None:
    camera, here = Camera(), (400, 300, 520, 380)
    camera.frame(motion(here), track(here))
    assert camera.frame(motion(here, (900, 500, 960, 620)), track(here)) is Look.NEW_MOTION


def test_motion_around_a_known_track_is_its_own() -> None:
    camera = Camera()
    camera.frame(motion((400, 300, 520, 380)))
    moved = track((560, 300, 700, 380))
    assert camera.frame(motion((548, 296, 712, 388)), moved) is Look.CARRIED


def test_what_goes_far_in_one_step_is_not_left_to_the_tracker() -> None:
    camera, here = Camera(), (400, 300, 480, 380)
    camera.frame(motion(here), track(here))
    assert camera.frame(motion(here), track(here, speed_px_s=300)) is Look.NEW_MOTION


def test_doubt_has_the_next_frame_looked_at_but_not_for_ever() -> None:
    camera, here = Camera(), (400, 300, 520, 380)
    looks = [camera.frame(motion(here), track(here), is_unsure=True) for _ in range(UNSURE_LOOKS + 3)]
    assert looks[1:] == [*[Look.UNSURE] * UNSURE_LOOKS, Look.CARRIED, Look.UNSURE]


@pytest.mark.parametrize(
    ("tracks", "gaps_s"), [([track((0, 0, 9, 9))], [4, 8, 16, 20, 20]), ([], [10, 20, 20])]
)
def test_in_a_still_picture_looks_grow_rarer(tracks: list[Track], gaps_s: list[float]) -> None:
    camera = Camera()
    camera.frame(motion(), *tracks)
    looks = [camera.frame(motion(), *tracks) for _ in range(600)]
    looked_us = [PERIOD_US, *(PERIOD_US * (n + 2) for n, look in enumerate(looks) if look.is_now)]
    assert list(np.diff(looked_us) / 1e6)[: len(gaps_s)] == pytest.approx(gaps_s)


def test_and_are_frequent_again_after_a_movement() -> None:
    camera = Camera()
    for _ in range(300):
        camera.frame(motion(), track((0, 0, 9, 9)))
    assert camera.frame(motion((400, 300, 520, 380))).is_now
    looks = [camera.frame(motion(), track((0, 0, 9, 9))) for _ in range(20)]
    assert looks == [*[Look.STILL] * 19, Look.RECHECK]
