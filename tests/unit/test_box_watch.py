"""The box tells of itself: cameras away, heat, disk, clock, model. Each begins once and ends by itself."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_agent import box_watch
from edge_agent.box_watch import UNSET_S, BoxWatch
from edge_agent.domain.ailments import ANCIENT, JUMP, UNSET
from edge_agent.domain.rules.table import verdict_holds
from edge_agent.errors import OutboxFault
from edge_agent.machine import BUILT_AT_US, Moment, hottest_c, read_clock
from edge_agent.settings import HealthSettings
from shared.kinds import Kind, Lane
from shared.messages import CameraState, Clock, ClockSource, EventReport, Phase

NTP = Clock(ClockSource.NTP, 20)
START = Moment(BUILT_AT_US + 10_000_000_000_000, 5_000_000)
LIMITS = HealthSettings(camera_lost_s=60, hottest_c=85, least_free_mib=256)


class Box:
    """A box whose machine says what the test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, has_model: bool = True) -> None:
        self.clock, self.degrees_c, self.left_mib = NTP, 50.0, 9_000.0
        self.now, self.was_set_s, self.stored = START, [], []
        feed = SimpleNamespace(camera="gate", state=CameraState.LIVE)
        self.camera = SimpleNamespace(feed=feed, pipeline=None)
        monkeypatch.setattr(box_watch, "read_clock", lambda: self.clock)
        monkeypatch.setattr(box_watch, "hottest_c", lambda: self.degrees_c)
        monkeypatch.setattr(box_watch, "free_mib", self._free_mib)
        monkeypatch.setattr(box_watch, "try_disk", lambda _: None)
        monkeypatch.setattr(box_watch.Moment, "now", lambda: self.now)
        self.disk_fault = ""
        outbox: Any = SimpleNamespace(put=self._put, probe=self._probe)
        watches: Any = [self.camera]
        self.watch = BoxWatch(watches, outbox, Path("/"), LIMITS, self.was_set_s.append, has_model=has_model)

    def _put(self, rows: list[tuple[Lane, EventReport]]) -> None:
        self.stored += [report for _, report in rows]

    def _probe(self) -> None:
        if self.disk_fault:
            raise OutboxFault("outbox.db", self.disk_fault)

    def _free_mib(self, _folder: Path) -> float:
        if self.left_mib < 0:
            raise OSError("input/output error")
        return self.left_mib

    def go_on(self, seconds: float, set_by_s: float = 0.0) -> list[EventReport]:
        """Look every five seconds; the clock is set at the first of them."""
        reports: list[EventReport] = []
        for number in range(round(seconds / 5)):
            wall_us = self.now.wall_us + 5_000_000 + round(set_by_s * 1e6 * (number == 0))
            self.now = Moment(wall_us, self.now.mono_us + 5_000_000)
            reports += self.watch.look(self.now)
        assert all(verdict_holds(report.kind, report.reason) for report in reports)
        return reports


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Box:
    box = Box(monkeypatch)
    assert box.go_on(300) == []
    return box


def short(reports: list[EventReport]) -> list[tuple[Kind, Phase, str | None]]:
    return [(report.kind, report.phase, report.camera) for report in reports]


def test_a_camera_away_is_lost_after_its_time_and_found_at_its_return(box: Box) -> None:
    box.camera.feed.state = CameraState.STALE
    assert box.go_on(55) == []
    lost = box.go_on(300)
    assert short(lost) == [(Kind.CAMERA_LOST, Phase.BEGIN, "gate")]
    assert lost[0].reason == {"away_s": 60.0, "limit_s": 60.0}
    box.camera.feed.state = CameraState.LIVE
    found = box.go_on(60)
    assert short(found) == [(Kind.CAMERA_LOST, Phase.END, "gate")]
    assert (found[0].event_id, found[0].revision) == (lost[0].event_id, 1)
    assert box.stored == lost + found


def test_a_camera_that_never_came_is_lost_too_and_a_refused_one_is_not(box: Box) -> None:
    box.camera.feed.state = CameraState.STARTING
    assert short(box.go_on(120)) == [(Kind.CAMERA_LOST, Phase.BEGIN, "gate")]
    box.camera.feed.state = CameraState.REFUSED
    assert short(box.go_on(120)) == [(Kind.CAMERA_LOST, Phase.END, "gate")]


def test_heat_has_two_thresholds_and_needs_to_last(box: Box) -> None:
    box.degrees_c = 90
    assert box.go_on(10) == []
    box.degrees_c = 60
    assert box.go_on(30) == []
    box.degrees_c = 90
    hot = box.go_on(60)
    assert short(hot) == [(Kind.BOX_OVERHEATED, Phase.BEGIN, None)]
    assert hot[0].reason == {"value": 90, "bound": 85}
    box.degrees_c = 82
    assert box.go_on(60) == []
    box.degrees_c = 79
    assert short(box.go_on(60)) == [(Kind.BOX_OVERHEATED, Phase.END, None)]


@pytest.mark.parametrize("left_mib", [200.0, -1.0], ids=["full", "broken"])
def test_a_full_or_broken_disk(box: Box, left_mib: float) -> None:
    box.left_mib = left_mib
    assert short(box.go_on(5)) == [(Kind.DISK_FULL, Phase.BEGIN, None)]
    box.left_mib = 300
    assert box.go_on(60) == []
    box.left_mib = 400
    assert short(box.go_on(60)) == [(Kind.DISK_FULL, Phase.END, None)]


def test_a_disk_with_room_that_takes_nothing(box: Box) -> None:
    box.disk_fault = "attempt to write a readonly database"
    assert short(box.go_on(5)) == [(Kind.DISK_FULL, Phase.BEGIN, None)]
    box.disk_fault = ""
    assert short(box.go_on(5)) == [(Kind.DISK_FULL, Phase.END, None)]


@pytest.mark.parametrize("set_by_s", [-3 * 86_400, 10 * 365 * 86_400, 6])
def test_a_clock_that_is_set_is_told_and_what_was_timed_is_void(box: Box, set_by_s: float) -> None:
    told = box.go_on(5, set_by_s)
    assert short(told) == [(Kind.CLOCK_FAULT, Phase.BEGIN, None)]
    assert told[0].reason == {"cause": JUMP, "value": abs(set_by_s), "bound": 5.0}
    assert told[0].observed_at_us == box.now.wall_us, "never in the future"
    assert box.was_set_s == [set_by_s]
    assert short(box.go_on(60)) == [(Kind.CLOCK_FAULT, Phase.END, None)]


def test_a_clock_that_is_slewed_is_no_fault(box: Box) -> None:
    assert box.go_on(60, 0.4) == []
    assert box.was_set_s == []


def test_a_camera_is_not_away_because_the_clock_was_set(box: Box) -> None:
    assert Kind.CAMERA_LOST not in {report.kind for report in box.go_on(30, 86_400)}


def test_1970_at_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(monkeypatch)
    box.clock = Clock(ClockSource.UNVERIFIED, 0)
    box.now = Moment(60_000_000, 60_000_000)
    box.watch = BoxWatch([], box.watch._outbox, Path("/"), LIMITS, box.was_set_s.append, has_model=True)
    told = box.go_on(5)
    assert short(told) == [(Kind.CLOCK_FAULT, Phase.BEGIN, None)]
    assert told[0].reason["cause"] == ANCIENT
    assert told[0].clock.source is ClockSource.UNVERIFIED


def test_a_clock_that_nobody_sets(box: Box) -> None:
    box.clock = Clock(ClockSource.UNVERIFIED, 0)
    assert box.go_on(UNSET_S - 10) == []
    told = box.go_on(60)
    assert short(told) == [(Kind.CLOCK_FAULT, Phase.BEGIN, None)]
    assert told[0].reason["cause"] == UNSET
    box.clock = NTP
    assert short(box.go_on(10)) == [(Kind.CLOCK_FAULT, Phase.END, None)]


def test_a_refused_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert short(Box(monkeypatch, has_model=False).go_on(60)) == [(Kind.MODEL_REFUSED, Phase.BEGIN, None)]


def test_the_hottest_zone_that_answers(tmp_path: Path) -> None:
    assert hottest_c(tmp_path) is None
    for number, text in enumerate(("41000\n", "67500\n", "", "asleep")):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(text)
    assert hottest_c(tmp_path) == 67.5


def test_the_kernel_says_how_good_the_clock_is() -> None:
    clock = read_clock()
    assert clock.source in (ClockSource.NTP, ClockSource.UNVERIFIED)
    assert (clock.uncertainty_ms > 0) is (clock.source is ClockSource.NTP)
