"""``container_overflow``, ``road_damage`` and ``missed_collection``: by states that were taught."""

from collections.abc import Callable

import numpy as np
import pytest

from edge_agent.domain.conditions import Conditions, Light, Weather
from edge_agent.domain.detection import Frame, Track
from edge_agent.domain.fields import SceneError
from edge_agent.domain.schedule import last_moment_us, parse_moment
from edge_agent.domain.states import ZoneStates, fit_states
from edge_agent.domain.zone_picture import ZonePicture, cut_zone, describe
from shared.kinds import ObjectClass
from tests.fakes.bins import bin_picture
from tests.ground import SIZE_PX, START_US, Watch

ZONE = np.array([(80, 50), (260, 50), (260, 160), (80, 160)], np.float64)
"""The zone of ``tests.ground``; the container lies in it."""


def zone_picture(state: str, seed: int, light: float) -> ZonePicture:
    import cv2

    i420 = np.asarray(cv2.cvtColor(bin_picture(state, seed, light=light), cv2.COLOR_BGR2YUV_I420), np.uint8)
    return cut_zone(Frame("", 0, 0, i420, *SIZE_PX, True), ZONE)


def taught(names: dict[str, str]) -> Callable[[str], ZoneStates]:
    """Eight pictures of each state; ``names``: what the states are called."""
    shown = [(name, number, state) for state, name in names.items() for number in range(8)]
    vectors = np.stack([describe(zone_picture(s, 900 + n, 0.6 + 0.1 * n)) for _, n, s in shown])
    model = fit_states(vectors, [name for name, _, _ in shown])
    return lambda _: ZoneStates(model, describe)


BINS = taught({"ok": "ok", "full": "full", "overflow": "overflow"})
ROAD = taught({"ok": "ok", "overflow": "damaged"})
OVERFLOW = '[[rule]]\nkind = "container_overflow"\nzone = "road"\nstates = "bin.states"\n'
MISSED = (
    '[[rule]]\nkind = "missed_collection"\nzone = "road"\nstates = "bin.states"\ncollected_at = ["08:00"]\n'
)


def show(watch: Watch, state: str, count: int, conditions: Conditions = Conditions()) -> list[str]:  # noqa: B008
    return [
        phase
        for number in range(count)
        for phase in watch.sample(bin_picture(state, int(watch.now_s) + number, light=1.05), conditions)
    ]


def test_three_of_four_pictures_open_it_and_three_clean_ones_end_it() -> None:
    watch = Watch(OVERFLOW, BINS)
    assert show(watch, "ok", 4) == []
    assert show(watch, "overflow", 2) == []
    assert show(watch, "overflow", 1) == ["BEGIN"]
    assert show(watch, "overflow", 9) == []
    assert show(watch, "ok", 3) == ["END"]
    assert watch.told[0].reason["samples"] == 3
    assert watch.told[1].reason["lasted_s"] > 10 * 900


def test_full_is_not_overflowing_and_ends_it() -> None:
    watch = Watch(OVERFLOW, BINS)
    assert show(watch, "full", 8) == []
    assert show(watch, "overflow", 4) == ["BEGIN"]
    assert show(watch, "full", 4) == ["END"]


def test_one_picture_in_between_changes_nothing() -> None:
    watch = Watch(OVERFLOW, BINS)
    show(watch, "ok", 4)
    assert [p for state in ("overflow", "ok", "ok", "overflow", "ok") for p in show(watch, state, 1)] == []


def test_what_was_never_taught_is_unknown_and_counts_for_nothing() -> None:
    watch = Watch(OVERFLOW, BINS)
    assert show(watch, "strange", 8) == []
    assert show(watch, "overflow", 3) == ["BEGIN"]
    assert show(watch, "strange", 8) == []
    assert show(watch, "ok", 3) == ["END"]


def test_it_stands_over_a_restart_and_a_night_of_unknowns() -> None:
    watch = Watch(OVERFLOW, BINS)
    show(watch, "overflow", 2)
    watch.restart()
    assert show(watch, "overflow", 1) == ["BEGIN"]
    watch.restart()
    assert show(watch, "overflow", 4) == []
    assert show(watch, "strange", 40) == []
    assert show(watch, "ok", 3) == ["END"]


def test_damage_is_judged_by_daylight_in_fair_weather() -> None:
    rule = '[[rule]]\nkind = "road_damage"\nzone = "road"\nstates = "road.states"\n'
    watch = Watch(rule, ROAD)
    for doubtful in (
        Conditions(light=Light.NIGHT),
        Conditions(light=Light.DUSK),
        Conditions(weather=Weather.SNOW),
        Conditions(weather=Weather.RAIN),
    ):
        assert show(watch, "overflow", 6, doubtful) == []
    assert show(watch, "overflow", 4) == ["BEGIN"]
    assert show(watch, "ok", 4) == ["END"]


def truck(at_s: float) -> Track:
    at_us = START_US + round(at_s * 1e6)
    box = np.array([100, 60, 200, 150], np.float32)
    return Track(3, ObjectClass.TRUCK, box, 0.9, at_us, at_us, 9, (0.0, 0.0), at_us)


def stop_truck(watch: Watch, seconds: int) -> None:
    """A truck stands at the container for so long."""
    from edge_agent.domain.rules.sighting import View

    for second in range(seconds):
        at_s = watch.now_s + second
        view = View(START_US + round(at_s * 1e6), 1.0, [truck(at_s)], None)
        assert watch.rule.step(view) == []
    watch.now_s += seconds


def test_told_three_hours_after_eight_when_it_is_still_full() -> None:
    watch = Watch(MISSED, BINS)  # it is ten in the morning
    assert show(watch, "full", 3) == []
    assert show(watch, "full", 3) == ["BEGIN"]
    assert watch.told[0].reason["late_h"] == pytest.approx(3.0, abs=0.3)
    assert show(watch, "full", 20) == []
    assert show(watch, "ok", 3) == ["END"]


def test_told_once_for_each_moment() -> None:
    watch = Watch(MISSED.replace('"08:00"', '"Wed 08:00", "Thu 08:00"'), BINS)
    assert show(watch, "full", 20) == ["BEGIN"]
    assert show(watch, "ok", 4) == ["END"]
    assert show(watch, "full", 80) == ["BEGIN"]


def test_a_truck_was_there() -> None:
    watch = Watch(MISSED, BINS)
    show(watch, "full", 2)
    stop_truck(watch, 40)
    assert show(watch, "full", 12) == []


def test_a_truck_that_only_passes_is_none() -> None:
    watch = Watch(MISSED, BINS)
    show(watch, "full", 2)
    stop_truck(watch, 8)
    assert show(watch, "full", 12) == ["BEGIN"]


def test_emptied_unseen_and_filled_again() -> None:
    watch = Watch(MISSED, BINS)
    show(watch, "full", 1)
    show(watch, "ok", 3)
    assert show(watch, "full", 12) == []


def test_a_restart_does_not_tell_it_again() -> None:
    watch = Watch(MISSED, BINS)
    assert show(watch, "full", 8) == ["BEGIN"]
    watch.restart()
    assert show(watch, "full", 8) == []
    assert show(watch, "ok", 4) == ["END"]


def test_a_schedule_is_asked_for_and_must_be_one() -> None:
    with pytest.raises(SceneError, match=r"collected_at: is missing; write collected_at = \[\"Mon 08:00\""):
        Watch(MISSED.replace('collected_at = ["08:00"]', ""), BINS)
    with pytest.raises(SceneError, match="'8 Uhr' is no moment of the week; write it as Mon 08:00"):
        Watch(MISSED.replace("08:00", "8 Uhr"), BINS)


def test_the_last_moment_of_the_week() -> None:
    zone = Watch(MISSED, BINS).spec.timezone
    now_us = START_US  # Wednesday, ten in the morning, in Almaty
    hour_us = 3_600_000_000
    for text, hours in (("08:00", 2), ("11:00", 23), ("Wed 10:00", 0), ("Wed 10:01", 168), ("Tue 10:00", 24)):
        found = last_moment_us((parse_moment(text),), now_us, zone)
        assert found is not None
        assert round((now_us - found) / hour_us) == hours
    both = last_moment_us((parse_moment("Mon 08:00"), parse_moment("Tue 08:00")), now_us, zone)
    assert both == last_moment_us((parse_moment("Tue 08:00"),), now_us, zone)
