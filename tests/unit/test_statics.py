"""What lies there and is new: a floor with a bag, a ghost, shadows, exposure, and people in between."""

import numpy as np
import pytest

from edge_agent.domain.detection import Track
from edge_agent.domain.statics import Static, Statics
from shared.kinds import ObjectClass

HEIGHT, WIDTH = 240, 320
BAG = (slice(120, 144), slice(160, 184))
START_US = 1_767_225_600_000_000


def floor(seed: int = 7) -> np.ndarray:
    """A floor with coarse texture, levels."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 9, (HEIGHT // 8, WIDTH // 8)).repeat(8, 0).repeat(8, 1)
    return 110 + coarse + rng.normal(0, 4, (HEIGHT, WIDTH))


def with_bag(picture: np.ndarray, tone: float = 45.0) -> np.ndarray:
    changed = picture.copy()
    rows, columns = np.indices((24, 24))
    changed[BAG] = tone + 8 * np.sin(rows / 3) + 8 * np.cos(columns / 2)
    return changed


def person(left: float, still_s: float = 0.0, at_us: int = START_US) -> Track:
    box = np.array([left, 60, left + 30, 150], np.float32)
    since_us = at_us - round(still_s * 1e6)
    return Track(1, ObjectClass.PERSON, box, 0.9, START_US, at_us, 9, (0.0, 0.0), since_us)


class Watch:
    """Shows pictures five times a second."""

    def __init__(self, noise: float = 2.0) -> None:
        self.statics = Statics()
        self._noise = np.random.default_rng(3).normal(0, noise, (7, HEIGHT, WIDTH)).astype(np.float32)
        self._number = 0
        self.now_s = 0.0

    def show(self, picture: np.ndarray, seconds: float, tracks: list[Track] | None = None) -> list[Static]:
        found: tuple[Static, ...] = ()
        for _ in range(round(seconds * 5)):
            self._number += 1
            noisy = picture + self._noise[self._number % 7]
            at_us = START_US + round(self.now_s * 1e6)
            luma = noisy.clip(0, 255).astype(np.uint8)
            found = self.statics.observe(luma, tracks or [], at_us, is_still=False)
            self.now_s += 0.2
        return list(found)


@pytest.fixture
def watch() -> Watch:
    made = Watch()
    assert made.show(floor(), 8) == []
    return made


def test_a_bag_is_found_where_and_when_it_came(watch: Watch) -> None:
    came_s = watch.now_s
    (static,) = watch.show(with_bag(floor()), 9)
    assert np.abs(static.box - np.array([160, 120, 184, 144])).max() <= 4
    assert static.since_us == pytest.approx(START_US + came_s * 1e6, abs=1.5e6)
    assert watch.show(with_bag(floor()), 60)[0].id == static.id


def test_it_goes_when_it_is_taken(watch: Watch) -> None:
    assert watch.show(with_bag(floor()), 9)
    assert watch.show(floor(), 8) == []


def test_what_lay_there_from_the_beginning_and_is_taken_leaves_only_a_ghost() -> None:
    watch = Watch()
    watch.show(with_bag(floor()), 8)
    assert watch.show(floor(), 20) == []
    assert len(watch.show(with_bag(floor()), 9)) == 1, "the ground beneath is the background by now"


@pytest.mark.parametrize("share", [0.6, 0.8, 1.25])
def test_a_shadow_or_a_patch_of_light_is_none(watch: Watch, share: float) -> None:
    lit = floor()
    lit[90:170, 100:220] *= share
    assert watch.show(lit, 20) == []
    assert watch.show(floor(), 20) == []


def test_a_soft_pool_of_headlights_on_a_plain_road_is_none() -> None:
    watch, plain = Watch(), np.full((HEIGHT, WIDTH), 40.0)
    watch.show(plain, 8)
    y, x = np.indices(plain.shape)
    pool = plain + 50 * np.exp(-(((x - 170) / 30.0) ** 2 + ((y - 130) / 20.0) ** 2))
    assert watch.show(pool, 20) == []


def test_exposure_wanders_and_the_bag_is_still_the_only_thing(watch: Watch) -> None:
    for gain in (1.0, 0.95, 0.9, 0.84, 0.78, 0.84, 0.92, 1.0, 1.08, 1.15):
        assert watch.show(floor() * gain, 3) == []
    (static,) = watch.show(with_bag(floor()) * 1.15, 9)
    for gain in (1.1, 1.0, 0.9, 0.8):
        assert [s.id for s in watch.show(with_bag(floor()) * gain, 3)] == [static.id]


def test_someone_who_stands_is_none_even_when_the_model_loses_him(watch: Watch) -> None:
    stands = floor()
    stands[60:150, 100:130] = 60
    watch.show(stands, 10, [person(100, still_s=20)])
    assert watch.show(stands, 20) == []
    assert watch.show(floor(), 20) == []


def test_people_pass_in_front_and_it_stays_the_same_thing(watch: Watch) -> None:
    (static,) = watch.show(with_bag(floor()), 9)
    passing = with_bag(floor())
    passing[60:150, 155:190] = 60
    (hidden,) = watch.show(passing, 6, [person(157)])
    assert (hidden.id, hidden.is_covered) == (static.id, True)
    (again,) = watch.show(with_bag(floor()), 3)
    assert (again.id, again.is_covered) == (static.id, False)


def test_beside_someone_who_stands_it_is_attached(watch: Watch) -> None:
    both = with_bag(floor())
    both[60:150, 128:158] = 60
    at_us = START_US + round((watch.now_s + 20) * 1e6)
    (static,) = watch.show(both, 20, [person(128, still_s=60, at_us=at_us)])
    assert static.is_attached


def test_shaken_by_the_wind_nothing_is_found(watch: Watch) -> None:
    rng = np.random.default_rng(5)
    for _ in range(150):
        shifted = np.roll(floor(), rng.integers(-1, 2, 2), (0, 1))
        assert watch.show(shifted, 0.2) == []


def test_after_a_restart_of_the_same_view_it_is_still_known_and_ends_when_taken(watch: Watch) -> None:
    (static,) = watch.show(with_bag(floor()), 9)
    watch.statics.restart(keep=True)
    infrared = with_bag(floor(), tone=70) * 0.6 + 30
    assert [s.id for s in watch.show(infrared, 20)] == [static.id]
    assert watch.show(floor() * 0.6 + 30, 12) == []


def test_a_turned_camera_forgets(watch: Watch) -> None:
    watch.show(with_bag(floor()), 9)
    watch.statics.restart(keep=False)
    assert watch.show(with_bag(floor()), 20) == []


def test_a_parked_car_of_the_beginning_drives_off_and_leaves_nothing() -> None:
    watch, parked = Watch(), floor()
    parked[60:150, 100:130] = 60
    watch.show(parked, 8, [person(100)])
    assert watch.show(floor(), 20) == []
    assert len(watch.show(with_bag(floor()), 9)) == 1


def test_a_shadow_that_falls_beside_a_thing_makes_it_no_larger(watch: Watch) -> None:
    (static,) = watch.show(with_bag(floor()), 9)
    for share in (0.95, 0.85, 0.75, 0.7):
        shaded = with_bag(floor())
        shaded[90:170, 186:270] *= share
        watch.show(shaded, 1)
    (same,) = watch.show(shaded, 20)
    assert same.id == static.id
    assert np.abs(same.box - static.box).max() <= 4


def test_what_shows_one_half_first_is_one_thing_as_soon_as_all_is_seen(watch: Watch) -> None:
    halved = with_bag(floor())
    halved[60:150, 172:202] = 60
    watch.show(halved, 12, [person(174)])
    (static,) = watch.show(with_bag(floor()), 30)
    assert np.abs(static.box - np.array([160, 120, 184, 144])).max() <= 4


def test_what_came_just_before_a_break_is_found_after_it(watch: Watch) -> None:
    watch.show(with_bag(floor()), 2)
    watch.statics.restart(keep=True)
    watch.now_s += 20
    (static,) = watch.show(with_bag(floor()) * 1.1, 9)
    assert static.since_us == pytest.approx(START_US + 8e6, abs=1.5e6)


def test_what_is_taken_in_a_break_is_gone_after_it(watch: Watch) -> None:
    assert watch.show(with_bag(floor()), 9)
    watch.statics.restart(keep=True)
    watch.now_s += 20
    assert watch.show(floor() * 0.9, 9) == []


def test_a_dark_grain_on_a_floor_that_is_almost_plain_is_a_thing() -> None:
    """By night noise is all the texture that the floor has: what has a grain of its own is no shadow."""
    watch, dark = Watch(noise=1.0), 40 + np.random.default_rng(2).normal(0, 1.5, (HEIGHT, WIDTH))
    watch.show(dark, 8)
    lies = dark.copy()
    lies[BAG] = 22 + 8 * (dark[BAG] - 40)
    assert len(watch.show(lies, 20)) == 1


def test_a_dark_patch_that_creeps_is_no_thing_for_long(watch: Watch) -> None:
    """A shadow so deep that it has no texture left, with sharp edges, 2 px a second: it takes a minute to
    leave the place where it was first seen."""
    oldest_s = 0.0
    for step in range(0, 120, 2):
        crept = floor()
        crept[120:144, 40 + step : 160 + step] = 60
        found = watch.show(crept, 1)
        oldest_s = max([oldest_s, *(watch.now_s - (one.since_us - START_US) / 1e6 for one in found)])
    assert oldest_s < 50


def test_a_thing_in_a_shadow_that_settles_with_it_is_the_thing_alone(watch: Watch) -> None:
    shaded = with_bag(floor())
    beside = np.ones((HEIGHT, WIDTH), np.bool_)
    beside[BAG] = False
    beside[:90], beside[170:], beside[:, :130], beside[:, 250:] = False, False, False, False
    shaded[beside] *= 0.6
    (static,) = watch.show(shaded, 20)
    assert np.abs(static.box - np.array([160, 120, 184, 144])).max() <= 4


def test_what_sweeps_slowly_over_its_place_is_never_a_thing() -> None:
    """The slanting edge of a deep shadow, half a pixel a second: a thing comes all at once."""
    watch, (rows, columns) = Watch(), np.indices((HEIGHT, WIDTH))
    for second in range(70):
        swept = floor()
        edge = 60 + 0.5 * max(0, second - 8) + (rows - 120) / 2
        swept[(rows >= 120) & (rows < 144) & (columns >= 40) & (columns < edge)] = 60
        assert watch.show(swept, 1) == [], second


def test_a_parked_car_that_the_model_sees_late_was_there_all_the_same() -> None:
    """In a still scene it is looked at rarely. The ground beneath has sharp edges of its own."""
    watch, parked = Watch(), floor()
    parked[50:110, 70:170] = 105
    ground = floor()
    ground[50:110, 70:166] += 40 * np.random.default_rng(9).integers(0, 2, (5, 8)).repeat(12, 0).repeat(12, 1)
    watch.show(parked, 12)

    def car(left: float) -> Track:
        box, at_us = np.array([left, 50, left + 100, 110], np.float32), START_US + round(watch.now_s * 1e6)
        return Track(1, ObjectClass.CAR, box, 0.9, at_us, at_us, 9, (0.0, 0.0), at_us)

    watch.show(parked, 5, [car(70)])
    for _ in range(5):
        watch.show(ground, 0.2, [car(200)])
    assert watch.show(ground, 20) == []


def test_a_thing_on_a_lighter_patch_of_its_own_size_is_a_thing() -> None:
    watch, patched = Watch(), np.full((HEIGHT, WIDTH), 96.0)
    patched[120:140, 160:180] = 125
    watch.show(patched, 8)
    covered = patched.copy()
    covered[120:140, 160:180] = 178 + np.random.default_rng(4).normal(0, 9, (20, 20))
    assert len(watch.show(covered, 9)) == 1
