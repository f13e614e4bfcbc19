"""``intrusion``, as a timetable: who is in the closed yard from when on, and when it is told."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import START_US, Street, Thing, scene_of, still_motion

YARD = '[[zone]]\nid = "yard"\npolygon_px = [[200, 200], [800, 200], [800, 500], [200, 500]]'
INSIDE, OUTSIDE = (500.0, 400.0), (500.0, 560.0)


def rule(more: str = "") -> str:
    return f'[[rule]]\nkind = "intrusion"\nzone = "yard"\n{more}'


def person(number: int, foot_px: tuple[float, float], *, is_seen: bool = True) -> Thing:
    return Thing(number, ObjectClass.PERSON, foot_px, is_seen)


def test_told_once_when_the_dwell_is_over() -> None:
    street = Street(scene_of(YARD, rule()))
    told = street.play(30, lambda t_s: [person(1, INSIDE if t_s >= 2 else OUTSIDE)])
    assert [(one.t_s, one.phase) for one in told] == [(3.6, "BEGIN")]
    assert told[0].reason == {"inside_s": 1.6, "limit_s": 1.5}
    assert verdict_holds(Kind.INTRUSION, told[0].reason)


def test_two_frames_inside_are_nothing_even_without_dwell() -> None:
    street = Street(scene_of(YARD, rule("dwell_s = 0")))
    assert not street.play(10, lambda t_s: [person(1, INSIDE if t_s % 1 < 0.3 else OUTSIDE)])


def test_the_third_frame_in_a_row_is_inside() -> None:
    street = Street(scene_of(YARD, rule("dwell_s = 0")))
    assert [one.t_s for one in street.play(10, lambda _: [person(1, INSIDE)])] == [0.4]


def test_a_stray_foot_point_within_the_margin_does_not_restart_the_dwell() -> None:
    street = Street(scene_of(YARD, rule("dwell_s = 3")))
    told = street.play(10, lambda t_s: [person(1, (500, 508) if 1 <= t_s < 1.6 else INSIDE)])
    assert [one.t_s for one in told] == [3.0]


def test_beyond_the_margin_it_restarts() -> None:
    street = Street(scene_of(YARD, rule("dwell_s = 3")))
    told = street.play(10, lambda t_s: [person(1, (500, 512) if 1 <= t_s < 1.6 else INSIDE)])
    assert [one.t_s for one in told] == [4.6]


def test_unseen_for_a_moment_counts_as_there_but_long_unseen_does_not() -> None:
    for gap_s, told_s in ((1.0, 5.0), (3.0, 8.0)):
        street = Street(scene_of(YARD, rule("dwell_s = 5")))
        told = street.play(12, lambda t_s, gap_s=gap_s: [person(1, INSIDE, is_seen=not 1 <= t_s < 1 + gap_s)])
        assert [round(one.t_s, 1) for one in told] == [told_s], gap_s


def test_a_car_is_no_intruder_unless_the_scene_says_so() -> None:
    car = Thing(1, ObjectClass.CAR, INSIDE)
    assert not Street(scene_of(YARD, rule())).play(5, lambda _: [car])
    assert Street(scene_of(YARD, rule('classes = ["car"]'))).play(5, lambda _: [car])


def test_a_second_person_in_the_cooldown_is_told_of_when_it_is_over() -> None:
    street = Street(scene_of(YARD, rule()))
    told = street.play(30, lambda t_s: [person(1, INSIDE), person(2, INSIDE if t_s >= 5 else OUTSIDE)])
    assert [(one.t_s, one.thread) for one in told] == [(1.6, 1), (11.6, 2)]
    assert street.duty.tallies[0].cooled == 1
    assert street.duty.tallies[0].reported == 2


def test_only_in_its_hours_in_local_time() -> None:
    """The street begins at 05:00 in Almaty."""
    street = Street(scene_of(YARD, rule('hours = ["05:01-05:02"]\ndwell_s = 2')))
    told = street.play(180, lambda t_s: [person(int(t_s // 40), INSIDE)])
    assert [one.t_s for one in told] == pytest.approx([62, 82], abs=0.3)


def test_shadow_counts_and_off_does_not_judge() -> None:
    for mode, shadowed in (("shadow", 1), ("off", 0)):
        street = Street(scene_of(YARD, rule(f'mode = "{mode}"')))
        assert not street.play(10, lambda _: [person(1, INSIDE)])
        assert street.duty.tallies[0].shadowed == shadowed
        assert street.duty.tallies[0].reported == 0


def test_lightning_freezes_and_does_not_fire() -> None:
    street = Street(scene_of(YARD, rule("dwell_s = 3")))
    told = street.play(2, lambda _: [person(1, INSIDE)])
    told += street.play(0.4, lambda _: [person(1, INSIDE)], still_motion(is_global=True))
    told += street.play(8, lambda _: [person(1, INSIDE)])
    assert [one.t_s for one in told] == [4.4]
    assert street.duty.tallies[0].paused_frames == 6


def test_nothing_for_15_s_after_a_day_night_switch() -> None:
    street = Street(scene_of(YARD, rule()))
    told = street.play(0.2, lambda _: [])
    told += street.play(0.2, lambda _: [person(1, INSIDE)], still_motion(is_global=True, is_switch=True))
    told += street.play(25, lambda _: [person(1, INSIDE)])
    assert [round(one.t_s, 1) for one in told] == [16.8]


def test_nothing_for_15_s_after_a_reconnect() -> None:
    street = Street(scene_of(YARD, rule()))
    street.duty.black_out(START_US)
    assert [round(one.t_s, 1) for one in street.play(25, lambda _: [person(1, INSIDE)])] == [16.6]


def test_a_picture_that_keeps_changing_is_a_turned_camera() -> None:
    street = Street(scene_of(YARD, rule()))
    told = street.play(1, lambda _: [])
    told += street.play(4, lambda _: [person(1, INSIDE)], still_motion(is_global=True))
    told += street.play(25, lambda _: [person(1, INSIDE)])
    assert [round(one.t_s, 1) for one in told] == [21.4]
