"""Following things through what cameras do to them."""

import numpy as np
import pytest

from edge_agent.domain.detection import Detections, Track
from edge_agent.domain.motion import Motion
from edge_agent.domain.tracking import Tracker
from shared.kinds import ObjectClass

PERIOD_US = 200_000
Thing = tuple[ObjectClass, tuple[float, float, float, float], float]
"""Class, box, score."""
STILL = Motion(np.zeros((90, 160), np.bool_), 0.0, is_global=False, is_switch=False)
MOVING = Motion(np.ones((90, 160), np.bool_), 0.4, is_global=False, is_switch=False)


class View:
    """A picture of 1280 x 720, five a second."""

    def __init__(self) -> None:
        self.tracker = Tracker((0, 0, 1280, 720), 0.5)
        self.at_us = 0

    def see(self, *things: Thing, motion: Motion | None = None) -> list[Track]:
        self.at_us += PERIOD_US
        boxes = np.array([thing[1] for thing in things], np.float32).reshape(-1, 4)
        scores = np.array([thing[2] for thing in things], np.float32)
        classes = np.array([thing[0] for thing in things], np.int16)
        return self.tracker.update(Detections(boxes, scores, classes), self.at_us, motion)

    def hold(self) -> list[Track]:
        self.at_us += PERIOD_US
        return self.tracker.hold(self.at_us)


def person(x: float, y: float = 400, score: float = 0.8) -> Thing:
    return ObjectClass.PERSON, (x - 20, y - 120, x + 20, y), score


def car(x: float, y: float = 400, score: float = 0.8) -> Thing:
    return ObjectClass.CAR, (x - 80, y - 90, x + 80, y), score


def ids(tracks: list[Track]) -> list[int]:
    return [track.id for track in tracks]


def test_shown_from_the_third_detection_on() -> None:
    view = View()
    assert [ids(view.see(person(100 + 10 * n))) for n in range(4)] == [[], [], [1], [1]]


def test_one_false_detection_is_never_shown() -> None:
    view = View()
    view.see(person(100))
    assert not any(view.see() for _ in range(10))


@pytest.mark.parametrize("speed_px", [40, 120, 180])
def test_a_car_that_jumps_by_more_than_its_length(speed_px: float) -> None:
    view = View()
    last = [view.see(car(50 + speed_px * n)) for n in range(6)]
    assert ids(last[-1]) == [1]


def test_two_people_cross_and_keep_their_ids() -> None:
    view = View()
    for n in range(20):
        tracks = view.see(person(200 + 40 * n, 400), person(960 - 40 * n, 430))
    assert {track.id: round(track.foot_px[0]) for track in tracks} == {
        1: pytest.approx(960, abs=15),
        2: pytest.approx(200, abs=15),
    }


def test_walking_on_behind_a_tree_for_a_second() -> None:
    view = View()
    for n in range(10):
        view.see(person(100 + 20 * n))
    for _ in range(5):
        view.see(motion=MOVING)
    for n in range(15, 18):
        tracks = view.see(person(100 + 20 * n))
    assert ids(tracks) == [1]


def test_a_parked_car_behind_a_bus_for_20_s() -> None:
    view = View()
    for _ in range(60):
        view.see(car(600))
    for _ in range(100):
        assert ids(view.see(motion=MOVING)) == [1]
    assert ids(view.see(car(602))) == [1]


def test_a_parked_car_in_an_unchanged_picture_needs_no_detections() -> None:
    view = View()
    for _ in range(10):
        view.see(car(600))
    for n in range(250):
        tracks = view.see(motion=STILL) if n % 20 == 0 else view.hold()
    assert ids(tracks) == [1]
    assert tracks[0].last_seen_us == view.at_us


def test_but_not_for_ever() -> None:
    view = View()
    for _ in range(60):
        view.see(car(600))
    for _ in range(60 * 5 + 30 * 5 + 10):
        tracks = view.see(motion=STILL)
    assert not tracks


def test_one_whom_the_model_misses_as_he_comes_to_rest_is_there() -> None:
    """He stops, his place still changes, and the model misses him twice; then nothing moves any more."""
    view = View()
    for n in range(10):
        view.see(person(200 + 20 * n), motion=MOVING)
    for _ in range(3):
        view.see(person(380), motion=MOVING)
    for _ in range(2):
        view.see(motion=MOVING)
    for _ in range(20):
        tracks = view.hold()
    assert [(track.id, track.last_seen_us) for track in tracks] == [(1, view.at_us)]


def test_but_not_what_was_there_for_a_few_pictures_only() -> None:
    view = View()
    for _ in range(5):
        view.see(person(380), motion=MOVING)
    for _ in range(2):
        view.see(motion=MOVING)
    for _ in range(20):
        tracks = view.hold()
    assert not tracks


def test_one_who_left_is_not_held_by_the_still_picture_after_him() -> None:
    view = View()
    for n in range(10):
        view.see(person(1000 + 30 * n), motion=MOVING)
    view.see(motion=MOVING)
    for _ in range(6):
        tracks = view.see(motion=STILL)
    assert not tracks


def test_the_next_one_to_come_in_is_another() -> None:
    view = View()
    for n in range(10):
        view.see(person(1000 + 30 * n), motion=MOVING)
    for _ in range(3):
        view.see(motion=MOVING)
    for n in range(5):
        tracks = view.see(person(1270 - 30 * n), motion=MOVING)
    assert ids(tracks) == [2]


def test_faint_detections_carry_a_track_and_begin_none() -> None:
    view = View()
    for n in range(4):
        view.see(person(100 + 10 * n))
    for n in range(4, 30):
        tracks = view.see(person(100 + 10 * n, score=0.25), person(900, score=0.3))
    assert ids(tracks) == [1]


def test_a_model_that_changes_its_mind_between_car_and_truck() -> None:
    view = View()
    for n in range(12):
        thing = car(100 + 20 * n)
        tracks = view.see(thing if n % 3 else (ObjectClass.TRUCK, *thing[1:]))
    assert ids(tracks) == [1]
    assert tracks[0].object_class is ObjectClass.CAR


def test_a_person_before_a_car_is_not_the_car() -> None:
    view = View()
    for n in range(12):
        tracks = view.see(car(600), person(560 + 8 * n))
    assert {track.object_class for track in tracks} == {ObjectClass.CAR, ObjectClass.PERSON}


def test_a_part_of_a_thing_is_no_thing() -> None:
    view = View()
    for n in range(12):
        x = 200 + 20 * n
        tracks = view.see(person(x), (ObjectClass.PERSON, (x - 15, 290, x + 15, 350), 0.6))
    assert ids(tracks) == [1]


def test_still_since_when() -> None:
    view = View()
    for n in range(10):
        view.see(person(100 + 20 * n))
    stopped_us = view.at_us
    rng = np.random.default_rng(5)
    for _ in range(60):
        tracks = view.see(person(280 + rng.normal(0, 2), 400 + rng.normal(0, 2)))
    assert abs(tracks[0].still_since_us - stopped_us) <= 3 * PERIOD_US
    for n in range(3):
        tracks = view.see(person(280 + 25 * (n + 1)))
    assert tracks[0].still_since_us > stopped_us + 50 * PERIOD_US


def test_half_hidden_is_still() -> None:
    """Someone walks past a parked car: first its rear, then its front is all that is seen."""
    view = View()
    for _ in range(60):
        tracks = view.see(car(600))
    since_us = tracks[0].still_since_us
    for top in (330, 350, 360, 350, 330):
        tracks = view.see((ObjectClass.CAR, (520, top, 680, 400), 0.7))
    assert ids(tracks) == [1]
    assert tracks[0].still_since_us == since_us


def test_ids_are_not_used_again() -> None:
    view = View()
    seen: set[int] = set()
    for n in range(8):
        for _ in range(4):
            seen |= set(ids(view.see(person(100 + 130 * n))))
        for _ in range(15):
            view.see(motion=MOVING)
    assert seen == set(range(1, 9))


def test_a_part_of_a_parked_car_does_not_shrink_it() -> None:
    view = View()
    for _ in range(30):
        view.see(car(600))
    view.see((ObjectClass.CAR, (570, 340, 630, 380), 0.6))
    view.see(motion=MOVING)
    tracks = view.see(car(600))
    assert ids(tracks) == [1]
    assert tracks[0].box[2] - tracks[0].box[0] == pytest.approx(160, abs=8)


def test_a_car_that_drives_in_over_the_edge_and_away_keeps_its_size() -> None:
    """At first the edge cuts it: it seems to grow while it shrinks. Every second frame is carried."""
    view = View()
    for box in ((0, 480, 416, 720), (0, 390, 458, 720), (96, 316, 492, 710)):
        view.see((ObjectClass.CAR, box, 0.8))
    for box in ((258, 206, 546, 486), (356, 132, 580, 356), (430, 76, 606, 264)):
        view.at_us += PERIOD_US
        view.tracker.carry(view.at_us)
        tracks = view.see((ObjectClass.CAR, box, 0.8))
    assert ids(tracks) == [1]
    assert tracks[0].box == pytest.approx(np.array((430, 76, 606, 264)), abs=25)


def test_but_a_thing_that_is_really_smaller_becomes_so() -> None:
    view = View()
    for _ in range(10):
        view.see(car(600))
    for _ in range(40):
        tracks = view.see((ObjectClass.CAR, (550, 330, 650, 390), 0.8))
    assert tracks[0].box[2] - tracks[0].box[0] == pytest.approx(100, abs=8)


def test_what_passes_gives_back_the_id_of_a_parked_car() -> None:
    """The parked car is not seen while another drives by in the same place and takes its track along."""
    view = View()
    for _ in range(30):
        view.see(car(600))
    for n in range(1, 6):
        view.see(car(600 + 40 * n), motion=MOVING)
    for n in range(6, 9):
        tracks = view.see(car(600), car(600 + 40 * n), motion=MOVING)
    by_id = {track.id: track for track in tracks}
    assert by_id[1].foot_px[0] == pytest.approx(600, abs=10)
    assert by_id[1].first_seen_us < 1_000_000
    assert len(by_id) == 2


def test_one_who_walks_on_behind_a_parked_car_for_five_seconds() -> None:
    view = View()
    for n in range(15):
        view.see(person(400 + 8 * n, 380), car(600))
    for _ in range(15, 38):
        view.see(car(600), motion=MOVING)
    for n in range(38, 42):
        tracks = view.see(person(400 + 8 * n, 380), car(600))
    assert sorted(ids(tracks)) == [1, 2]


def test_a_walker_is_carried_over_every_second_frame() -> None:
    view = View()
    for n in range(20):
        if n > 4 and n % 2:
            view.at_us += PERIOD_US
            tracks = view.tracker.carry(view.at_us)
            assert [round(track.foot_px[0]) for track in tracks] == [pytest.approx(100 + 12 * n, abs=8)]
            assert tracks[0].last_seen_us == view.at_us
        else:
            tracks = view.see(person(100 + 12 * n), motion=MOVING)
    assert ids(tracks) == [1]


def test_one_who_falls_between_two_looks_keeps_his_number() -> None:
    """The box gets flat within half a second, then nobody looks for one frame: no box without height is
    waited for."""
    view = View()
    for n in range(10):
        view.see((ObjectClass.PERSON, (360 + 8 * n, 110 + 3 * n, 374 + 8 * n, 170 + 3 * n), 0.8))
    for box in ((432, 140, 459, 180), (429, 152, 464, 176), (422, 166, 470, 174)):
        view.see((ObjectClass.PERSON, box, 0.8))
    view.at_us += PERIOD_US
    view.tracker.carry(view.at_us)
    for _ in range(4):
        tracks = view.see((ObjectClass.PERSON, (415, 163, 479, 185), 0.8))
    assert ids(tracks) == [1]
