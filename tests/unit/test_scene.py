"""A good scene file, and what is filled in where it says nothing."""

import numpy as np
import pytest

from edge_agent.domain.rules.table import RULES
from edge_agent.domain.scene import Direction, Mode
from edge_agent.domain.scene_file import parse_scene
from edge_agent.domain.schedule import Span, is_on_duty, local_time, parse_span
from shared.kinds import Kind, ObjectClass

WHOLE = """
[camera]
id = "school-gate"
name = "School gate"
size_px = [1280, 720]
min_score = 0.6
look_px = [[0, 100], [1280, 720]]

[calibration]
pixel_error_px = 3
points = [
  { px = [200, 300], lat = 50.93700, lon = 71.36500 },
  { px = [1000, 300], lat = 50.93700, lon = 71.36570 },
  { px = [1200, 700], lat = 50.93650, lon = 71.36550 },
  { px = [20, 700], lat = 50.93650, lon = 71.36520 },
]

[[zone]]
id = "yard"
polygon_px = [[100, 200], [600, 200], [600, 600], [100, 600]]

[[zone]]
id = "lane"
polygon_px = [[600, 200], [900, 200], [900, 600]]

[[tripwire]]
id = "gate"
from_px = [100, 650]
to_px = [700, 650]
direction = "left_to_right"

[[rule]]
kind = "intrusion"
zone = "yard"
mode = "shadow"
hours = ["22:00-06:00", "12:00-12:30"]
dwell_s = 3

[[rule]]
kind = "line_crossed"
tripwire = "gate"
classes = ["car", "truck"]

[[rule]]
kind = "illegal_parking"
zone = "yard"
lane = "lane"
"""


def test_a_whole_scene() -> None:
    scene = parse_scene(WHOLE, "gate.toml")
    assert (scene.camera, scene.width, scene.height, scene.min_score) == ("school-gate", 1280, 720, 0.6)
    assert scene.look_px == (0, 100, 1280, 720)
    assert scene.ground is not None
    intrusion, line, parking, *everywhere = scene.rules
    assert [rule.kind for rule in everywhere] == [Kind.CAMERA_TAMPERED, Kind.CALIBRATION_STALE]
    assert (intrusion.mode, intrusion.limits["dwell_s"], intrusion.place_id) == (Mode.SHADOW, 3, "yard")
    assert intrusion.hours == (Span(1320, 360), Span(720, 750))
    assert intrusion.classes == {ObjectClass.PERSON}
    assert line.tripwire is not None
    assert line.tripwire.direction is Direction.LEFT_TO_RIGHT
    assert line.classes == {ObjectClass.CAR, ObjectClass.TRUCK}
    assert np.array_equal(line.outline_px, [[100, 650], [700, 650]])
    assert parking.other_zones["lane"].id == "lane"
    assert parking.limits == {"limit_s": 300, "occlusion_s": 20, "cooldown_s": 0}


def test_the_start_values_are_those_of_the_event_catalogue() -> None:
    limits = {
        kind: {name: limit.default for name, limit in entry.form.numbers.items()}
        for kind, entry in RULES.items()
    }
    assert limits[Kind.INTRUSION]["dwell_s"] == 1.5
    assert limits[Kind.LINE_CROSSED]["travel_m"] == 1
    assert limits[Kind.ILLEGAL_PARKING]["limit_s"] == 300
    dumping = limits[Kind.DUMPING_ACT]
    assert (dumping["near_m"], dumping["away_m"], dumping["stay_s"], dumping["confirm_s"]) == (2, 5, 20, 120)


def test_each_kind_that_a_scene_takes_has_its_rule() -> None:
    assert set(RULES) == set(RULES)


@pytest.mark.parametrize(
    ("utc_minute", "is_closed"),
    [(16 * 60 + 59, False), (17 * 60, True), (23 * 60, True), (59, True), (60, False)],
)
def test_hours_over_midnight_are_local(utc_minute: int, is_closed: bool) -> None:
    """22:00 to 06:00 in Almaty, five hours east of UTC since 2024-03-01."""
    zone = parse_scene(WHOLE, "gate.toml").timezone
    at_us = 1_767_225_600_000_000 + utc_minute * 60_000_000
    assert is_on_duty((parse_span("22:00-06:00"),), at_us, zone) is is_closed


def test_before_the_change_it_was_six_hours() -> None:
    zone = parse_scene(WHOLE, "gate.toml").timezone
    assert local_time(1_700_000_000_000_000, zone).utcoffset().total_seconds() == 6 * 3600


def test_no_hours_are_all_hours() -> None:
    assert is_on_duty((), 0, parse_scene(WHOLE, "gate.toml").timezone)
