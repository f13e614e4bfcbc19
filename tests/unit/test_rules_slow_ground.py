"""``dump``, ``standing_water`` and ``snow_not_cleared`` on painted ground: what opens them, what must not."""

import pytest

from edge_agent.domain.conditions import Conditions, Light, Weather
from edge_agent.domain.scene_file import SceneError
from tests.ground import (
    START_US,
    Watch,
    black_water,
    car_track,
    glare,
    plain_ground,
    puddle,
    red_ground,
    road,
    rubbish,
    shadow,
    slanting_shadow,
    smooth_ground,
    snow,
    still_water,
    sunny_shadow,
    wet,
)

DUMP = '[[rule]]\nkind = "dump"\nzone = "road"\nzone_m2 = 40\n'
WATER = '[[rule]]\nkind = "standing_water"\nzone = "road"\nzone_m2 = 40\n'
SNOW = '[[rule]]\nkind = "snow_not_cleared"\nzone = "road"\n'


def test_a_heap_is_told_of_once_and_ends_when_it_is_gone() -> None:
    watch = Watch(DUMP)
    assert watch.samples(6) == []
    assert watch.samples(3, rubbish) == []
    assert watch.samples(1, rubbish) == ["BEGIN"]
    assert watch.samples(12, rubbish) == []
    assert watch.samples(3) == []
    assert watch.samples(1) == ["END"]
    begin, end = watch.told
    assert begin.reason["area_m2"] >= begin.reason["limit_m2"] == 1
    assert begin.reason["samples"] == 4
    assert end.reason["clean_samples"] == 4
    left, top, right, bottom = begin.subject.box
    assert 120 <= left < 150 < 180 < right <= 210
    assert 75 <= top < bottom <= 135


def test_it_is_told_of_again_every_six_hours() -> None:
    watch = Watch(DUMP)
    watch.samples(145)
    assert watch.samples(45, rubbish) == ["BEGIN", "UPDATE"]


def test_a_heap_of_half_a_square_metre_is_none() -> None:
    watch = Watch(DUMP.replace("40", "6"))
    watch.samples(4)
    assert watch.samples(12, rubbish) == []


@pytest.mark.parametrize("looks_like", [shadow, wet, snow, glare, puddle])
def test_what_is_no_heap(looks_like: object) -> None:
    watch = Watch(DUMP)
    watch.samples(4)
    assert watch.samples(8, looks_like) == []  # type: ignore[arg-type]


def test_the_slanting_edge_of_a_shadow_is_no_heap() -> None:
    watch = Watch(DUMP)
    watch.samples(4)
    assert watch.samples(8, slanting_shadow) == []
    assert watch.samples(5, lambda picture: (rubbish(picture), slanting_shadow(picture))) == ["BEGIN"]


def test_coloured_ground_pales_in_a_shadow_and_is_no_heap() -> None:
    watch = Watch(DUMP)
    watch.samples(4, red_ground)
    assert watch.samples(8, sunny_shadow) == []


def test_rubbish_in_a_shadow_is_a_heap_and_a_shadow_alone_then_ends_it() -> None:
    def both(picture: object) -> None:
        rubbish(picture)  # type: ignore[arg-type]
        shadow(picture)  # type: ignore[arg-type]

    watch = Watch(DUMP)
    watch.samples(4)
    assert watch.samples(6, both) == ["BEGIN"]
    assert watch.samples(6, shadow) == ["END"]


def test_what_was_there_from_the_first_is_part_of_the_scene_and_its_removal_no_heap() -> None:
    watch = Watch(DUMP)
    assert watch.samples(8, rubbish) == []
    assert watch.samples(8) == []


def test_a_parked_car_is_looked_around() -> None:
    def parked(picture: object) -> None:
        picture[70:110, 90:150] = (30, 30, 160)  # type: ignore[index]

    watch = Watch(DUMP)
    watch.samples(4)
    tracks = [car_track(START_US + 10**12, (88, 68, 152, 112))]
    assert [p for n in range(8) for p in watch.sample(road(parked, seed=n), tracks=tracks)] == []
    assert watch.samples(4) == []


def test_in_other_light_it_waits_until_it_knows_the_ground() -> None:
    watch = Watch(DUMP)
    watch.samples(4)
    assert watch.samples(6, light=0.35) == []
    assert watch.samples(6, rubbish, light=0.35) == ["BEGIN"]
    # Back in full light the ground is known too: it goes on.
    assert watch.samples(6, rubbish) == []
    assert watch.samples(6) == ["END"]


def test_a_new_light_is_not_learned_while_it_lies_there() -> None:
    watch = Watch(DUMP)
    watch.samples(4)
    watch.samples(6, rubbish)
    watch.samples(10, rubbish, light=0.35)
    assert [one.phase.name for one in watch.told] == ["BEGIN"]
    assert watch.samples(5) == ["END"]


def test_no_sample_while_something_moves_over_it() -> None:
    watch = Watch(DUMP)
    watch.samples(4)
    for number in range(5):
        assert watch.sample(road(rubbish, seed=number), is_restless=True) == []
    assert watch.samples(4, rubbish) == ["BEGIN"]


def test_a_restart_forgets_nothing() -> None:
    watch = Watch(DUMP)
    watch.samples(4)
    watch.samples(3, rubbish)
    watch.restart()
    assert watch.samples(1, rubbish) == ["BEGIN"]
    watch.restart()
    assert watch.samples(3, rubbish) == []
    assert watch.samples(4) == ["END"]
    watch.restart()
    assert watch.samples(6) == []


def test_a_report_that_was_kept_back_is_made_with_the_next_sample() -> None:
    watch = Watch(DUMP)
    watch.samples(4)
    watch.samples(4, rubbish)
    watch.rule.retract(watch.told[-1])
    assert watch.samples(1, rubbish) == ["BEGIN"]


def test_a_memory_of_another_shape_is_refused() -> None:
    watch = Watch(DUMP)
    for memory in ({}, {"eye": {"looks": [{"shape": [2, 2], "planes": "AAAA"}], "was_clean": True}}):
        with pytest.raises((LookupError, TypeError, ValueError)):
            watch.rule.recall(memory)  # type: ignore[attr-defined]


def test_water_stands_after_ten_minutes_and_drains() -> None:
    watch = Watch(WATER)
    watch.samples(4)
    assert watch.samples(3, puddle) == []
    assert watch.samples(1, puddle) == ["BEGIN"]
    assert watch.samples(5) == ["END"]
    assert 8 < watch.told[0].reason["area_m2"] < 13


def test_water_over_smooth_ground_is_measured_whole() -> None:
    watch = Watch(WATER)
    watch.samples(4, smooth_ground)
    assert watch.samples(4, still_water) == ["BEGIN"]
    assert 8 < watch.told[0].reason["area_m2"] < 13


def test_under_infrared_light_water_is_black_and_wet_ground_is_not() -> None:
    infrared = Conditions(Light.NIGHT, is_infrared=True)

    def wet_asphalt(picture: object) -> None:
        plain_ground(picture)  # type: ignore[arg-type]
        wet(picture)  # type: ignore[arg-type]

    def shown(count: int, paint: object) -> list[str]:
        pictures = [road(paint, seed=n, light=0.6) for n in range(count)]  # type: ignore[arg-type]
        return [phase for picture in pictures for phase in watch.sample(picture, infrared)]

    watch = Watch(WATER)
    assert shown(4, plain_ground) + shown(6, wet_asphalt) == []
    assert shown(6, black_water) == ["BEGIN"]


@pytest.mark.parametrize("looks_like", [wet, glare, shadow, slanting_shadow, rubbish, snow])
def test_what_is_no_water(looks_like: object) -> None:
    watch = Watch(WATER)
    watch.samples(4)
    assert watch.samples(8, looks_like) == []  # type: ignore[arg-type]


def test_while_it_rains_nothing_is_judged() -> None:
    watch = Watch(WATER)
    watch.samples(4)
    rain = Conditions(weather=Weather.RAIN)
    assert [p for n in range(8) for p in watch.sample(road(puddle, seed=n), rain)] == []


def test_snow_is_told_of_six_hours_after_it_fell() -> None:
    watch = Watch(SNOW)
    watch.samples(3)
    for number in range(4):
        watch.sample(road(snow, seed=number), Conditions(weather=Weather.SNOW))
    fallen_s = watch.now_s
    phases = watch.samples(16, snow)
    assert phases == ["BEGIN"]
    reason = watch.told[0].reason
    assert reason["lay_h"] >= reason["limit_h"] == 6
    assert reason["share"] > 0.9
    told_s = (watch.told[0].subject.last_seen_us - START_US) / 1e6
    assert 6 * 3600 <= told_s - fallen_s < 8 * 3600
    assert watch.samples(3) == ["END"]


def test_snow_that_is_cleared_in_time() -> None:
    watch = Watch(SNOW)
    watch.samples(3)
    assert watch.samples(8, snow) == []
    assert watch.samples(8) == []
    assert watch.samples(8, snow) == []


def test_snow_is_judged_by_daylight_only() -> None:
    watch = Watch(SNOW)
    watch.samples(3)
    watch.samples(2, snow)
    night = Conditions(light=Light.NIGHT)
    assert [p for n in range(20) for p in watch.sample(road(snow, seed=n), night)] == []
    assert watch.samples(3, snow) == ["BEGIN"]


@pytest.mark.parametrize("looks_like", [glare, puddle, shadow, rubbish])
def test_what_is_no_snow(looks_like: object) -> None:
    watch = Watch(SNOW)
    watch.samples(3)
    assert watch.samples(20, looks_like) == []  # type: ignore[arg-type]


def test_without_a_map_the_zones_area_is_asked_for() -> None:
    with pytest.raises(SceneError, match="zone_m2: is needed without a calibration"):
        Watch('[[rule]]\nkind = "dump"\nzone = "road"\n')
