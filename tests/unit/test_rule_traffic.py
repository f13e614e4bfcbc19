"""``stopped_on_carriageway``, ``crossing_not_yielded`` and ``speeding_hotspot``, as timetables."""

import json
from dataclasses import replace

import pytest

from edge_agent.domain.fields import SceneError
from edge_agent.domain.ground import SurveyedPoint, fit_ground
from edge_agent.domain.rules.table import verdict_holds
from edge_agent.domain.scene import Scene
from shared.geo import LatLon, from_plane
from shared.kinds import Kind, ObjectClass
from tests.street import SIZES_PX, Street, Thing, Told, scene_of

ROAD = '[[zone]]\nid = "road"\npolygon_px = [[0, 250], [1000, 250], [1000, 600], [0, 600]]'
STOP = '[[zone]]\nid = "stop"\npolygon_px = [[400, 330], [800, 330], [800, 500], [400, 500]]'
CROSSING = '[[zone]]\nid = "crossing"\npolygon_px = [[450, 250], [600, 250], [600, 560], [450, 560]]'
ORIGIN = LatLon(50.96, 71.36)


def on_map(scene: Scene) -> Scene:
    """The scene seen from straight above, 20 px a metre."""
    points = [
        SurveyedPoint((x, y), from_plane(ORIGIN, x / 20, -y / 20))
        for x, y in ((0, 0), (1000, 0), (1000, 600), (0, 600))
    ]
    return replace(scene, ground=fit_ground(points, 1.0))


def of(kind: Kind, street: Street, told: list[Told]) -> list[Told]:
    assert all(verdict_holds(f.sighting.kind, f.sighting.reason) for f in street.found)
    ours = [f.sighting.reason for f in street.found if f.sighting.kind is kind]
    return [one for one in told if one.reason in ours]


def stopping(t_s: float, kind: ObjectClass = ObjectClass.CAR) -> list[Thing]:
    """Comes from the left, stands at 500 from 5 s to 60 s."""
    x_px = 500 - 100 * max(0.0, 5 - t_s) + 100 * max(0.0, t_s - 60)
    return [Thing(1, kind, (x_px, 420))] if 0 < x_px < 1000 else []


def passing(t_s: float, way: int = 1, every_s: float = 6.0, y_px: float = 520) -> list[Thing]:
    """Another one every six seconds, for five seconds, in the next lane."""
    x_px = 200 * (t_s % every_s)
    number = 100 + int(t_s // every_s)
    return [Thing(number, ObjectClass.CAR, (x_px if way > 0 else 1000 - x_px, y_px))] if x_px < 1000 else []


def stopped(*extra: str) -> Street:
    return Street(scene_of(ROAD, STOP, '[[rule]]\nkind = "stopped_on_carriageway"\nzone = "road"', *extra))


def test_it_stands_while_others_pass() -> None:
    street = stopped()
    told = of(Kind.STOPPED_ON_CARRIAGEWAY, street, street.play(75, lambda t: [*stopping(t), *passing(t)]))
    assert [one.phase for one in told] == ["BEGIN", "END"]
    assert told[0].t_s == pytest.approx(35, abs=2)


@pytest.mark.parametrize(
    "script",
    [
        stopping,
        lambda t: [*stopping(t), *passing(t, -1)],
        passing,
        lambda t: [Thing(n, ObjectClass.CAR, (800 - 170 * n - 90 * max(0, 5 - t), 420)) for n in range(4)],
        lambda t: [*stopping(t), *passing(t)] if t < 25 else [],
    ],
    ids=["nobody-passes", "only-the-other-way", "all-flow", "queue", "drives-on"],
)
def test_it_is_no_obstacle(script: object) -> None:
    assert not stopped().play(58, script)  # type: ignore[arg-type]


def test_a_queue_that_starts_off_passes_nobody() -> None:
    """All go at once after 45 s, and the tracks fall back to the next car: the one that stands is nobody."""

    def queue(t_s: float) -> list[Thing]:
        gone_px = 200 * max(0.0, t_s - 45)
        front = [Thing(10 + n, ObjectClass.CAR, (400 - 170 * n + gone_px, 420)) for n in range(8)]
        ghost = [Thing(1, ObjectClass.CAR, (570, 420))] if t_s < 47.6 else []
        return [thing for thing in [*front, *ghost] if 0 < thing.foot_px[0] < 1000]

    assert not stopped().play(60, queue)


def test_one_in_a_queue_stands_behind_another() -> None:
    """On a map, beside a free lane that goes the same way: only the first of the queue is an obstacle."""
    street = Street(on_map(scene_of(ROAD, '[[rule]]\nkind = "stopped_on_carriageway"\nzone = "road"')))
    script = lambda t: [  # noqa: E731
        *stopping(t),
        *(Thing(2, ObjectClass.CAR, (320 - 100 * max(0, 5 - t), 420)) for _ in "1" if t > 2),
        *passing(t, y_px=490),
        *(thing._replace(id=thing.id + 500) for thing in passing(t + 3, y_px=490)),
    ]
    told = of(Kind.STOPPED_ON_CARRIAGEWAY, street, street.play(58, script))
    assert [one.phase for one in told] == ["BEGIN"]


def test_a_bus_at_its_stop_may_stand() -> None:
    SIZES_PX.setdefault(ObjectClass.BUS, (300, 130))
    script = lambda t: [*stopping(t, ObjectClass.BUS), *passing(t)]  # noqa: E731
    assert stopped().play(58, script)
    assert not stopped('bus_stop = "stop"').play(58, script)


def crossing(person_x: float, speed_px: float, halt_px: float = 2000, on_map_too: bool = True) -> list[Told]:
    """A person stands on the crossing at ``person_x``, 440; a car comes from the left."""
    scene = scene_of(CROSSING, '[[rule]]\nkind = "crossing_not_yielded"\nzone = "crossing"')
    street = Street(on_map(scene) if on_map_too else scene)

    def script(t_s: float) -> list[Thing]:
        x_px = min(20 + speed_px * t_s, halt_px)
        car = [Thing(2, ObjectClass.CAR, (x_px, 400))] if x_px < 990 else []
        return [Thing(1, ObjectClass.PERSON, (person_x, 450)), *car]

    return of(Kind.CROSSING_NOT_YIELDED, street, street.play(10, script))


@pytest.mark.parametrize("on_map_too", [True, False])
def test_right_past_someone_on_the_crossing(on_map_too: bool) -> None:
    (told,) = crossing(520, 250, on_map_too=on_map_too)
    assert told.reason["gap_m"] < 3


@pytest.mark.parametrize(
    ("person_x", "speed_px", "halt_px"),
    [(200, 160, 2000), (520, 160, 420), (520, 160, 470), (520, 20, 2000)],
    ids=["on-the-pavement", "waits", "waits-on-the-edge", "creeps"],
)
def test_who_yields(person_x: float, speed_px: float, halt_px: float) -> None:
    assert not crossing(person_x, speed_px, halt_px)


def test_a_bus_whose_foot_lies_beside_the_crossing_is_on_it() -> None:
    scene = scene_of(CROSSING, '[[rule]]\nkind = "crossing_not_yielded"\nzone = "crossing"')
    street = Street(on_map(scene))

    def script(t_s: float) -> list[Thing]:
        bus = Thing(2, ObjectClass.BUS, (20 + 160 * t_s, 570), size_px=(220, 60))
        return [Thing(1, ObjectClass.PERSON, (520, 500)), *([bus] if t_s < 5 else [])]

    assert of(Kind.CROSSING_NOT_YIELDED, street, street.play(6, script))


HOT = '[[rule]]\nkind = "speeding_hotspot"\nzone = "road"\nlimit_kmh = 40\nvehicles = 5\nperiod_s = 60'


def hot_street() -> Street:
    points = ", ".join(
        f"{{ px = [{x}, {y}], lat = {p.lat_deg:.8f}, lon = {p.lon_deg:.8f} }}"
        for x, y in ((0, 0), (1000, 0), (1000, 600), (0, 600))
        for p in [from_plane(ORIGIN, x / 20, -y / 20)]
    )
    return Street(scene_of(f"[calibration]\npixel_error_px = 1\npoints = [{points}]", ROAD, HOT))


def speeds(t_s: float, px_s: float) -> list[Thing]:
    x_px = px_s * (t_s % 5)
    return [Thing(int(t_s // 5), ObjectClass.CAR, (x_px, 420))] if x_px < 1000 else []


def test_a_fast_lane_is_told_of_as_a_statistic() -> None:
    """400 px a second are 72 km/h; each minute has twelve."""
    street = hot_street()
    told = of(Kind.SPEEDING_HOTSPOT, street, street.play(121, lambda t_s: speeds(t_s, 400)))
    assert [(one.phase, one.t_s) for one in told] == [("BEGIN", 60), ("BEGIN", 120)]
    assert told[0].reason["mean_km_h"] == pytest.approx(72, abs=3)
    assert told[0].reason["over_percent"] == 100
    subjects = {f.sighting.subject.id for f in street.found}
    assert subjects == {0}, "a vehicle was told of"


def test_within_the_limit_or_too_few_is_nothing() -> None:
    assert not hot_street().play(121, lambda t_s: speeds(t_s, 250))
    assert not hot_street().play(121, lambda t_s: speeds(t_s, 400) if t_s % 60 < 19 else [])


def test_one_in_ten_is_no_hot_spot() -> None:
    assert not hot_street().play(61, lambda t_s: speeds(t_s, 450 if t_s < 5 else 200))


def test_the_counts_outlast_a_restart_and_name_nobody() -> None:
    first = hot_street()
    first.play(40, lambda t_s: speeds(t_s, 400))
    memory = json.loads(json.dumps(first.duty.memory()))["speeding_hotspot/road"]["rule"]
    assert set(memory) == {"period", "counts"}
    assert sum(memory["counts"]) >= 7


def test_without_a_calibration_it_is_refused() -> None:
    with pytest.raises(SceneError, match="measures on the ground"):
        scene_of(ROAD, HOT)
