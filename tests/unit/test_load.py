"""Who is looked at less while the box is too busy or too hot, and when that ends."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_agent import load_watch
from edge_agent.domain.load import RETURN_AFTER_S, Ease, Limits, Load, LoadBudget
from edge_agent.load_watch import LoadWatch
from edge_agent.metrics import exposition
from edge_agent.self_report import load_samples, load_state

RANKS = {"gate": 1, "yard": 5, "kerb": 9, "wall": 9}
LIMITS = Limits(cpu_percent=90, ease_at_c=78)
BUSY, HOT, WARM, WELL = Load(97, 50), Load(40, 80), Load(40, 75), Load(40, 50)


class Box:
    """Looks every five seconds."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.budget = LoadBudget(RANKS, limits)
        self.at_s = 0.0

    def go_on(self, load: Load, seconds: float) -> None:
        for _ in range(round(seconds / 5)):
            self.at_s += 5
            self.budget.judge(load, self.at_s)


def test_the_least_important_go_first_all_of_one_rank_together() -> None:
    box = Box()
    seen = []
    for _ in range(8):
        box.go_on(BUSY, 10)
        seen.append({name: int(ease) for name, ease in box.budget.eased.items()})
    assert seen[:4] == [
        {"kerb": 1, "wall": 1},
        {"kerb": 2, "wall": 2},
        {"yard": 1, "kerb": 2, "wall": 2},
        {"yard": 2, "kerb": 2, "wall": 2},
    ]
    assert seen[4:] == [{"gate": 1} | seen[3], *[{"gate": 2} | seen[3]] * 3]


def test_one_busy_moment_is_none() -> None:
    box = Box()
    for _ in range(20):
        box.go_on(BUSY, 5)
        box.go_on(WELL, 5)
    assert box.budget.eased == {}


def test_heat_eases_and_ends_five_degrees_below() -> None:
    box = Box()
    box.go_on(HOT, 10)
    assert box.budget.eased == {"kerb": Ease.HALF, "wall": Ease.HALF}
    box.go_on(WARM, 600)
    assert box.budget.ease_of("kerb") is Ease.HALF
    box.go_on(WELL, RETURN_AFTER_S + 5)
    assert box.budget.eased == {}


def test_what_was_eased_last_comes_back_first_step_by_step() -> None:
    box = Box()
    box.go_on(BUSY, 30)
    assert box.budget.ease_of("yard") is Ease.HALF
    box.go_on(WELL, RETURN_AFTER_S + 5)
    assert (box.budget.ease_of("yard"), box.budget.ease_of("kerb")) == (Ease.FULL, Ease.RARELY)
    box.go_on(WELL, 2 * RETURN_AFTER_S)
    assert box.budget.eased == {}


def test_a_return_that_makes_it_too_busy_again_is_tried_ever_more_rarely() -> None:
    box = Box()
    changes: list[float] = []
    for _ in range(1_000):
        box.at_s += 5
        step = box.budget.judge(WELL if box.budget.eased else BUSY, box.at_s)
        if step and step.is_return:
            changes.append(box.at_s)
    waits = [later - earlier for earlier, later in pairwise(changes)]
    assert waits[:4] == sorted(waits[:4])
    assert waits[-1] >= 900


def test_without_a_limit_only_heat_eases() -> None:
    box = Box(Limits(0, 78))
    box.go_on(Load(100, None), 600)
    assert box.budget.eased == {}
    box.go_on(HOT, 10)
    assert box.budget.eased != {}


def test_it_reaches_the_cameras_and_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    feeds = [SimpleNamespace(camera=name, ease=Ease.FULL, decoder_pids=[]) for name in RANKS]
    watches: Any = [SimpleNamespace(feed=feed) for feed in feeds]
    monkeypatch.setattr(load_watch, "hottest_c", lambda: 81.0)
    watch = LoadWatch(watches, RANKS, LIMITS)
    for number in range(2):
        watch.look(5.0 * number)
    assert [feed.ease for feed in feeds] == [Ease.FULL, Ease.FULL, Ease.HALF, Ease.HALF]
    said = load_state(watch)
    assert (said["degrees_c"], said["eased"]) == (81.0, {"kerb": "half", "wall": "half"})
    assert said["why"] == "81 °C, eased from 78 °C on"
    assert "cameras of rank 9 (kerb, wall) are looked at half as often: 81 °C" in caplog.text
    text = exposition(load_samples(watch))
    assert 'saqshy_camera_eased{camera="kerb"} 1\n' in text
    assert 'saqshy_camera_eased{camera="gate"} 0\n' in text
    assert "saqshy_hottest_celsius 81\n" in text
    assert "saqshy_eased_total 1\n" in text
    monkeypatch.setattr(load_watch, "hottest_c", lambda: 60.0)
    for number in range(20):
        watch.look(100 + 5.0 * number)
    assert {feed.ease for feed in feeds} == {Ease.FULL}
    assert load_state(watch)["why"] == ""


def test_own_processes_are_measured(tmp_path: Path) -> None:
    cpu = load_watch.OwnCpu(lambda: [1 << 30])
    cpu.percent()
    sum(range(3_000_000))
    assert cpu.percent() > 0
