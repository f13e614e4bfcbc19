"""``signal_fault``, ``red_light`` and ``street_light_out``: painted lamps, read from the picture."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edge_agent.domain.detection import Frame, Track
from edge_agent.domain.lamps import Shown, luma_of, patch_of, read_colourless, read_signal
from edge_agent.domain.rules.duty import Duty
from edge_agent.domain.rules.sighting import Sighting
from edge_agent.domain.rules.table import verdict_holds
from edge_agent.domain.sun import KOSSHY, sky_at
from shared.kinds import ObjectClass
from tests.street import START_US, Street, Thing, scene_of, still_motion

ZONE = '[[zone]]\nid = "signal"\npolygon_px = [[480, 20], [500, 20], [500, 68], [480, 68]]'
STOP = '[[tripwire]]\nid = "stop"\nfrom_px = [500, 330]\nto_px = [500, 480]\ndirection = "right_to_left"'
LAMPS = (
    '[[zone]]\nid = "lamp-1"\npolygon_px = [[100, 40], [112, 40], [112, 52], [100, 52]]\n'
    '[[zone]]\nid = "lamp-2"\npolygon_px = [[300, 40], [312, 40], [312, 52], [300, 52]]'
)
COLOURS = {"red": (110, 96, 220), "amber": (170, 40, 176), "green": (160, 124, 44)}
LENSES = tuple(COLOURS)
NIGHT_US = START_US + 15 * 3_600_000_000
"""2026-01-01 15:00 UTC: eight in the evening, long dark."""


def picture(shown: str, *, grey: int = 90) -> np.ndarray:
    """I420 of 1000 x 600 with one traffic light."""
    i420 = np.full((900, 1000), 128, np.uint8)
    i420[:600] = grey
    u, v = i420[600:].reshape(2, 300, 500)
    i420[20:68, 480:500] = 252 if shown == "glare" else 34
    if shown == "bus":
        i420[0:120, 440:560], v[0:60, 220:280], u[0:60, 220:280] = 100, 210, 100
    if shown in COLOURS:
        top = 22 + 16 * LENSES.index(shown)
        luma, blue, red = COLOURS[shown]
        i420[top : top + 12, 484:496] = luma
        u[top // 2 : top // 2 + 6, 242:248], v[top // 2 : top // 2 + 6, 242:248] = blue, red
    return i420


def frame(i420: np.ndarray, at_us: int = 0) -> Frame:
    return Frame("street", 0, at_us, i420, 1000, 600, True)


POLYGON = np.array([[480, 20], [500, 20], [500, 68], [480, 68]], np.float64)


@pytest.mark.parametrize("shown", ["red", "amber", "green", "dark", "glare", "bus"])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_light_is_read(shown: str, noise: float) -> None:
    chance = np.random.default_rng(1)
    i420 = np.clip(picture(shown) + chance.normal(0, noise, (900, 1000)), 0, 255).astype(np.uint8)
    wanted = {"glare": Shown.UNKNOWN, "bus": Shown.UNKNOWN, "dark": Shown.DARK}
    read = read_signal(patch_of(frame(i420), POLYGON))
    assert read is wanted.get(shown, Shown(Shown.RED + LENSES.index(shown) if shown in LENSES else 0))


def test_red_where_green_should_be_is_not_red() -> None:
    """Somebody's tail light behind the lowest lens."""
    i420 = picture("dark")
    i420[600:].reshape(2, 300, 500)[1, 28:33, 242:248] = 220
    i420[56:66, 484:496] = 110
    assert read_signal(patch_of(frame(i420), POLYGON)) is not Shown.RED


@pytest.mark.parametrize("lens", range(3))
def test_in_infrared_the_place_tells(lens: int) -> None:
    i420 = picture("dark")
    i420[22 + 16 * lens : 34 + 16 * lens, 484:496] = 230
    assert read_colourless(luma_of(frame(i420), POLYGON)) is Shown(Shown.RED + lens)
    assert read_colourless(luma_of(frame(picture("dark")), POLYGON)) is Shown.DARK


def test_in_infrared_a_bright_amber_does_not_shine_into_green() -> None:
    """In a zone that is drawn three pixels wider than the light: thirds are those of the whole zone."""
    i420 = picture("dark")
    i420[38:53, 484:496] = 170
    i420[43:47, 488:492] = 240
    wide = POLYGON + np.array([[-3, -3], [3, -3], [3, 3], [-3, 3]])
    assert read_colourless(luma_of(frame(i420), wide)) is Shown.AMBER


def test_in_infrared_a_lit_window_beside_the_light_is_no_lens() -> None:
    i420 = picture("dark")
    i420[24:34, 486:494] = 230
    i420[20:68, 478:482] = 250
    assert read_colourless(luma_of(frame(i420), POLYGON)) is Shown.RED


@pytest.mark.parametrize("lens", range(3))
def test_in_infrared_a_lens_may_be_a_point_of_light(lens: int) -> None:
    """Two pixels wide, and on no even row."""
    i420 = picture("dark")
    i420[27 + 16 * lens : 29 + 16 * lens, 489:491] = 240
    assert read_colourless(luma_of(frame(i420), POLYGON)) is Shown(Shown.RED + lens)


Showing = Callable[[float], str]


def show(
    showing: Showing, seconds: float, fps: float = 5.0, duty: Duty | None = None, t0: float = 0
) -> list[Sighting]:
    """Play a light to the rule with a cycle of 20 s."""
    duty = duty or fault_duty()
    told: list[Sighting] = []
    for n in range(round(seconds * fps)):
        t_s = t0 + n / fps
        at_us = START_US + round(t_s * 1e6)
        told += [
            f.sighting for f in duty.step([], still_motion(), at_us, frame(picture(showing(t_s)), at_us))
        ]
    return [one for one in told if one.kind.slug == "signal_fault"]


def fault_duty() -> Duty:
    return Duty(scene_of(ZONE, '[[rule]]\nkind = "signal_fault"\nzone = "signal"\ncycle_s = 20'))


def working(t_s: float) -> str:
    return "red" if t_s % 20 < 9 else "green" if t_s % 20 < 17 else "amber"


@pytest.mark.parametrize(("fails", "cause"), [("dark", 1), ("red", 2), ("amber", 3), ("green", 4)])
def test_a_dark_or_stuck_light_begins_and_ends(fails: str, cause: int) -> None:
    told = show(lambda t_s: fails if 12 <= t_s < 70 else working(t_s), 100, 2)
    assert [one.phase.name for one in told] == ["BEGIN", "END"]
    assert told[0].reason["cause"] == cause
    assert told[0].reason["unchanged_s"] == pytest.approx(40, abs=0.6)
    assert all(verdict_holds(one.kind, one.reason) for one in told)


@pytest.mark.parametrize("fps", [5.0, 2.5])
def test_blinking_amber_is_a_plan_and_no_fault(fps: float) -> None:
    assert not show(lambda t_s: "amber" if t_s % 0.8 < 0.4 else "dark", 60, fps)


def test_glare_and_a_bus_stop_the_count() -> None:
    """Dark for 36 s of 80 s that can be read."""
    assert not show(lambda t_s: "dark" if t_s % 20 < 9 else "glare" if t_s % 20 < 15 else "bus", 80, 2)


def test_a_working_light_that_flickers_is_no_fault() -> None:
    assert not show(lambda t_s: "dark" if round(t_s * 5) % 4 == 0 else working(t_s), 80)


def test_a_fault_goes_on_over_a_restart() -> None:
    first = fault_duty()
    assert len(show(lambda _: "dark", 45, 2, first)) == 1
    second = fault_duty()
    second.recall(json.loads(json.dumps(first.memory())))
    assert [one.phase.name for one in show(working, 40, 2, second, 50)] == ["END"]


def drive(colour: Showing, cars: Callable[[float], list[Thing]], seconds: float = 12) -> list[Sighting]:
    rule = '[[rule]]\nkind = "red_light"\nzone = "signal"\nstop_line = "stop"'
    street = Street(scene_of(ZONE, STOP, rule))
    step = street.duty.step

    def with_picture(tracks: list[Track], motion: Any, at_us: int) -> Any:
        return step(tracks, motion, at_us, frame(picture(colour((at_us - START_US) / 1e6)), at_us))

    street.duty.step = with_picture  # type: ignore[method-assign]
    street.play(seconds, cars)
    return [f.sighting for f in street.found if f.sighting.kind.slug == "red_light"]


def car(t_s: float, speed: float = 200.0, stop_px: float = 2000.0) -> list[Thing]:
    """From left to right; its front, 75 px ahead, is at the line after about 2 s."""
    return (
        [Thing(1, ObjectClass.CAR, (min(25 + speed * t_s, stop_px), 400))] if 25 + speed * t_s < 1000 else []
    )


def test_passing_at_red_is_told_once_with_its_numbers() -> None:
    (told,) = drive(lambda _: "red", car)
    assert told.reason["red_s"] >= 0.5
    assert told.reason["past_m"] >= 3
    assert verdict_holds(told.kind, told.reason)


@pytest.mark.parametrize(
    ("colour", "cars"),
    [
        (lambda _: "green", car),
        (lambda t_s: "green" if t_s < 2.2 else "red", car),
        (lambda t_s: "amber" if round(t_s * 2) % 2 else "dark", car),
        (lambda _: "bus", car),
        (lambda _: "glare", car),
        (lambda _: "red", lambda t_s: car(t_s, stop_px=380)),
        (lambda _: "red", lambda t_s: car(t_s, stop_px=470)),
        (lambda _: "red", lambda t_s: [t._replace(foot_px=(1000 - t.foot_px[0], 400)) for t in car(t_s)]),
    ],
    ids=["green", "just-passed", "blinking", "bus", "glare", "waits", "front-over", "other-way"],
)
def test_who_did_not_pass_at_red(colour: Showing, cars: Callable[[float], list[Thing]]) -> None:
    assert not drive(colour, cars)


@pytest.mark.parametrize(("before", "after", "is_told"), [
    ("red", "red", True), ("green", "red", False), ("red", "green", False),
])  # fmt: skip
def test_a_vehicle_that_hides_the_light_is_judged_when_it_is_seen_again(
    before: str, after: str, is_told: bool
) -> None:
    told = drive(lambda t_s: before if t_s < 1.4 else "bus" if t_s < 3.0 else after, car)
    assert len(told) == is_told


def test_out_of_sight_for_longer_than_a_green_is_another_red() -> None:
    slow = lambda t_s: car(t_s, speed=60)  # noqa: E731  # at the line after 6.7 s
    assert not drive(lambda t_s: "red" if t_s < 2 or t_s > 9 else "bus", slow, 14)


@pytest.mark.parametrize(
    ("from_px", "speed_px_s", "is_told"),
    [(510, 250, True), (510, 100, False), (760, 250, False)],
    ids=["just-over", "creeps", "far-beyond"],
)
def test_one_found_just_beyond_the_line_at_speed_came_over_it(
    from_px: float, speed_px_s: float, is_told: bool
) -> None:
    """Its front is 75 px ahead of its middle and the line at 500; a metre is 60 px. The light is known."""

    def script(t_s: float) -> list[Thing]:
        x_px = from_px + speed_px_s * (t_s - 2)
        return [Thing(1, ObjectClass.CAR, (x_px, 400), speed_px_s=(speed_px_s, 0))] if t_s >= 2 else []

    assert len(drive(lambda _: "red", script, 3.6)) == is_told


def test_one_that_the_tracker_only_carries_on_may_have_braked() -> None:
    def script(t_s: float) -> list[Thing]:
        return [thing._replace(is_carried=t_s > 2.0) for thing in car(t_s)]

    assert not drive(lambda _: "red", script)


def nights(
    lit: Callable[[int, int, int], bool], count: int = 3, duty: Duty | None = None, first: int = 0
) -> list[tuple[int, Sighting]]:
    """Half an hour of each night, three pictures a minute; gives night and sighting. ``lit``: night, minute,
    lamp."""
    duty = duty or lamp_duty()
    told: list[tuple[int, Sighting]] = []
    for night in range(first, first + count):
        for n in range(30 * 3):
            at_us = NIGHT_US + night * 86_400_000_000 + n * 20_000_000
            i420 = picture("dark", grey=30)
            for lamp, left in enumerate((100, 300)):
                i420[40:52, left : left + 12] = 240 if lit(night, n // 3, lamp) else 36
            found = duty.step([], still_motion(), at_us, frame(i420, at_us))
            told += [(night, f.sighting) for f in found if f.sighting.kind.slug == "street_light_out"]
    return told


def lamp_duty() -> Duty:
    return Duty(scene_of(LAMPS, '[[rule]]\nkind = "street_light_out"\nzone = "lamp-1"\nlamp_2 = "lamp-2"'))


def phases(told: list[tuple[int, Sighting]]) -> list[tuple[int, str, float]]:
    assert all(verdict_holds(one.kind, one.reason) for _, one in told)
    return [(night, one.phase.name, one.reason["lamps_out"]) for night, one in told]


def test_dark_for_two_nights_begins_and_lit_again_ends() -> None:
    told = nights(lambda night, _, lamp: lamp == 1 or night in (0, 3), 4)
    assert phases(told) == [(2, "BEGIN", 1), (3, "END", 1)]


def test_a_row_is_one_event() -> None:
    assert phases(nights(lambda night, *_: night == 0)) == [(2, "BEGIN", 2)]


def test_one_night_is_not_enough_nor_are_15_minutes() -> None:
    assert not nights(lambda night, *_: night != 1)
    assert not nights(lambda night, minute, _: night == 0 or minute >= 15)


def test_a_lamp_never_seen_lit_is_not_judged() -> None:
    assert not nights(lambda *_: False)


def test_headlights_for_a_moment_are_no_lamp() -> None:
    told = nights(lambda night, minute, lamp: night == 0 or lamp == 1 or minute == 11)
    assert phases(told) == [(2, "BEGIN", 1)]


def test_lamps_are_remembered_over_a_restart_every_night() -> None:
    memory: dict[str, Any] = {}
    told: list[tuple[int, Sighting]] = []
    for night in range(4):
        duty = lamp_duty()
        duty.recall(json.loads(json.dumps(memory)))
        told += nights(lambda at, _, lamp: lamp == 1 or at in (0, 3), 1, duty, night)
        memory = duty.memory()
    assert phases(told) == [(2, "BEGIN", 1), (3, "END", 1)]


def test_by_day_a_dark_lamp_is_as_it_should_be() -> None:
    noon_us = START_US + 7 * 3_600_000_000
    assert sky_at(noon_us, KOSSHY).height_deg == pytest.approx(16, abs=1)
    assert sky_at(NIGHT_US, KOSSHY).height_deg < -20
    assert sky_at(NIGHT_US, KOSSHY).night == sky_at(NIGHT_US + 10 * 3_600_000_000, KOSSHY).night
