"""Light and weather by the picture itself: believed after a while, held on to, and of some consequence."""

from collections.abc import Iterator

import numpy as np
import pytest

from edge_agent.domain.conditions import (
    HOLD_S,
    Conditions,
    ConditionsWatch,
    Light,
    Profile,
    Weather,
    factors_of,
)
from edge_agent.domain.fields import SceneError
from edge_agent.domain.motion import MotionGate
from edge_agent.domain.scene_file import parse_scene
from simulator.film import Filmer
from simulator.scenes import make_scene
from simulator.weather import WEATHERS

START_US = 1_767_225_600_000_000
DAY, DUSK, NIGHT = Light.DAY, Light.DUSK, Light.NIGHT


class Eye:
    """Shows I420 pictures to a gate and a watch, five a second unless told otherwise."""

    def __init__(self, profile: Profile = Profile.AUTO) -> None:
        self.watch, self.gate, self.now_s = ConditionsWatch(profile), MotionGate(), 0.0

    def show(self, i420: np.ndarray, period_s: float = 0.2) -> Conditions:
        at_us = START_US + round(self.now_s * 1e6)
        height = len(i420) * 2 // 3
        self.now_s += period_s
        return self.watch.observe(i420[:height], self.gate.observe(i420, height, at_us), at_us)


def filmed(weather: str, count: int = 12) -> list[np.ndarray]:
    """A few pictures of the simulator's street, a fifth of a second apart."""
    import cv2

    scene = make_scene("street", 5, 20)
    filmer = Filmer(scene.world, scene.cameras[0], WEATHERS[weather], seed=2)
    shots = [filmer.shoot(scene.actors, 4 + number / 5).bgr for number in range(count)]
    return [cv2.cvtColor(shot, cv2.COLOR_BGR2YUV_I420) for shot in shots]


def back_and_forth(pictures: list[np.ndarray]) -> Iterator[np.ndarray]:
    while True:
        yield from pictures
        yield from pictures[-2:0:-1]


@pytest.mark.parametrize(
    ("weather", "expected"),
    [
        ("clear", Conditions(DAY)),
        ("overcast", Conditions(DAY)),
        ("snow", Conditions(DAY, weather=Weather.SNOW)),
        ("rain", Conditions(DAY, weather=Weather.RAIN)),
        ("wind", Conditions(DAY, weather=Weather.WIND)),
        ("dusk", Conditions(DUSK)),
        ("night", Conditions(NIGHT)),
        ("infrared", Conditions(NIGHT, is_infrared=True)),
    ],
    ids=str,
)
def test_the_simulators_weathers(weather: str, expected: Conditions) -> None:
    eye, pictures = Eye(), back_and_forth(filmed(weather))
    for _ in range(round(HOLD_S + 60)):
        now = eye.show(next(pictures), 1.0)
    assert now == expected


def test_fog_is_known_by_what_the_scene_was_before() -> None:
    eye, clear, fog = Eye(), back_and_forth(filmed("clear", 4)), back_and_forth(filmed("fog", 4))
    for _ in range(20):
        assert eye.show(next(clear), 1.0).weather is Weather.CLEAR
    for _ in range(100):
        now = eye.show(next(fog), 1.0)
    assert now == Conditions(DAY, weather=Weather.FOG)
    for _ in range(100):
        now = eye.show(next(clear), 1.0)
    assert now == Conditions(DAY)


def plain(level: float, number: int = 0, chroma: int = 140) -> np.ndarray:
    """A picture of one brightness with some structure and noise."""
    columns, rows = np.meshgrid(np.arange(320), np.arange(240))
    luma = level * (1 + 0.3 * np.sin(columns / 17) * np.cos(rows / 11))
    i420 = np.full((360, 320), chroma, np.uint8)
    i420[:240] = np.clip(luma + np.random.default_rng(number).normal(0, 1.5, luma.shape), 0, 255)
    return i420


def test_the_first_picture_is_believed_and_a_change_only_when_it_lasts() -> None:
    eye = Eye()
    assert eye.show(plain(120)).light is DAY
    seen = [eye.show(plain(40, number), 1.0).light for number in range(120)]
    assert seen.index(NIGHT) == pytest.approx(HOLD_S, abs=3)
    eye = Eye()
    eye.show(plain(120))
    lightning = [eye.show(plain(40 if number % 40 < 20 else 120, number), 1.0).light for number in range(200)]
    assert set(lightning) == {DAY}


def test_a_light_between_two_thresholds_stays_what_it_was() -> None:
    falling, rising = Eye(), Eye()
    for number, level in enumerate(np.linspace(120, 78, 300)):
        falling.show(plain(level, number), 1.0)
    for number, level in enumerate(np.linspace(65, 78, 300)):
        rising.show(plain(level, number), 1.0)
    assert (falling.watch.now.light, rising.watch.now.light) == (DAY, DUSK)


def test_infrared_is_believed_at_once() -> None:
    eye = Eye()
    assert not eye.show(plain(120)).is_infrared
    assert eye.show(plain(60, chroma=128), 1.0) == Conditions(NIGHT, is_infrared=True)


def test_what_a_scene_says_is_not_argued_with() -> None:
    eye = Eye(Profile.NIGHT)
    assert {eye.show(plain(120, number), 1.0) for number in range(100)} == {Conditions(NIGHT)}
    text = '[camera]\nid = "a"\nsize_px = [320, 240]\nprofile = "{}"\n'
    assert parse_scene(text.format("fog"), "a.toml").profile is Profile.FOG
    with pytest.raises(SceneError, match=r"camera.profile: 'mist' is not known; use one of auto, day"):
        parse_scene(text.format("mist"), "a.toml")


@pytest.mark.parametrize(
    "profile", [p for p in Profile if p not in (Profile.AUTO, Profile.DAY, Profile.DUSK)]
)
def test_a_profile_changes_something(profile: Profile) -> None:
    motion, score = factors_of(profile.conditions)
    assert (motion, score) != (1, 1)
    assert motion >= 1 >= score


def test_a_restless_picture_moves_less() -> None:
    calm, shaken = MotionGate(), MotionGate()
    shaken.threshold_factor = 2.0
    for number in range(10):
        i420 = plain(100, number)
        i420[96:128, 96:128] += np.uint8(4 * (number == 9))
        found = [gate.observe(i420, 240, START_US + number * 200_000) for gate in (calm, shaken)]
    assert [motion.is_still for motion in found] == [False, True]
