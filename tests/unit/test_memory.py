"""A rule that remembers goes on after a restart, and its open event keeps its id."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent.domain.detection import Detections, Frame
from edge_agent.domain.rules import table
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, region_track
from edge_agent.domain.scene import RuleSpec
from edge_agent.memory import MemoryFile
from edge_agent.pipeline import CameraPipeline, Outcome
from shared.kinds import Kind, ObjectClass
from shared.messages import Phase
from tests.street import START_US, scene_of

ZONE = '[[zone]]\nid = "yard"\npolygon_px = [[100, 100], [300, 100], [300, 300]]'
FORM = RuleForm("zone", frozenset({ObjectClass.OBJECT}), {"cooldown_s": Parameter(0, 0, DAY_S)})
PICTURE = np.random.default_rng(1).integers(40, 200, (900, 1000), np.uint8)


class Counting:
    """Begins at the third picture it ever saw, ends at the sixth."""

    def __init__(self, spec: RuleSpec) -> None:
        self._spec = spec
        self._pictures = 0

    def step(self, view: View) -> list[Sighting]:
        self._pictures += 1
        phase = {3: Phase.BEGIN, 6: Phase.END}.get(self._pictures)
        subject, reason = region_track(np.zeros(4), view.at_us), {"pictures": float(self._pictures)}
        return (
            [Sighting(Kind.DUMP, phase, 7, self._spec.place_id, subject, 1, reason)]
            if phase is not None
            else []
        )

    def retract(self, sighting: Sighting) -> None:
        """Never asked here."""

    def stop(self) -> list[Sighting]:
        return []

    def remember(self) -> dict[str, Any]:
        return {"pictures": self._pictures}

    def recall(self, memory: dict[str, Any]) -> None:
        self._pictures = int(memory["pictures"])


class Blind:
    """Sees nothing."""

    def detect_i420(self, *_: object, **__: object) -> Detections:
        return Detections.empty()


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(table.RULES, Kind.DUMP, RuleEntry(Counting, FORM, 3, lambda _: True))


class Box:
    """A box with one camera, switched on: its clock is 05:00 in Almaty plus ``second``."""

    def __init__(self, file: Path, second: int, hours: str = "", rules: int = 1) -> None:
        rule = f'[[rule]]\nkind = "dump"\nzone = "yard"\n{hours}\n' * rules
        self.second, self.file = second, MemoryFile(file)
        self.pipeline = CameraPipeline(scene_of(ZONE, rule), Blind(), randomness=os.urandom)
        self.file.recall(self.pipeline)

    def watch(self, pictures: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for _ in range(pictures):
            at_us = START_US + self.second * 1_000_000
            outcomes += self.pipeline.step(Frame("street", 0, at_us, PICTURE, 1000, 600, True), at_us)
            self.second += 1
        self.file.keep(self.pipeline, is_urgent=True)
        return [one for one in outcomes if one.report.kind is Kind.DUMP]


def test_an_open_event_ends_after_the_restart_under_its_own_id(tmp_path: Path) -> None:
    before = Box(tmp_path / "memory" / "street.json", 0)
    (begun,) = before.watch(4 + 1)
    (ended,) = Box(tmp_path / "memory" / "street.json", before.second).watch(4)
    assert (begun.report.phase, ended.report.phase) == (Phase.BEGIN, Phase.END)
    assert (ended.report.event_id, ended.report.revision) == (begun.report.event_id, 1)
    assert ended.report.reason == {"pictures": 6}


def test_two_rules_of_a_kind_in_one_zone_remember_each_their_own(tmp_path: Path) -> None:
    before = Box(tmp_path / "street.json", 0, rules=2)
    begun = before.watch(4)
    ended = Box(tmp_path / "street.json", before.second, rules=2).watch(4)
    assert len({one.report.event_id for one in begun}) == 2
    assert {one.report.event_id for one in ended} == {one.report.event_id for one in begun}
    assert [one.report.phase for one in ended] == [Phase.END, Phase.END]


def test_it_remembers_over_its_hours_off_duty(tmp_path: Path) -> None:
    """Off duty from 05:01 to 05:02."""
    box = Box(tmp_path / "street.json", 56, 'hours = ["04:00-05:01", "05:02-05:30"]')
    assert not box.watch(2)
    assert [one.report.reason["pictures"] for one in box.watch(65)] == [3]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "[]",
        lambda _: '{"rules": {}}',
        lambda text: text.replace('"version":3', '"version":2'),
        lambda text: text.replace('"pictures":5', '"pictures":"many"'),
        lambda text: text.replace('"pictures":5', '"other":5'),
    ],
    ids=["torn", "a-list", "half", "older-rule", "no-number", "older-shape"],
)
def test_a_spoiled_memory_is_no_reason_to_stop(
    tmp_path: Path, spoil: Any, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "street.json"
    Box(file, 0).watch(5)
    file.write_text(spoil(file.read_text()))
    with caplog.at_level(logging.ERROR):
        begun = Box(file, 10).watch(4)
    assert [one.report.phase for one in begun] == [Phase.BEGIN]


def test_a_disk_that_is_gone_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    Box(tmp_path / "file" / "street.json", 0).watch(3)
    assert "a restart forgets what rules learned" in caplog.text


def test_no_file_without_a_rule_that_remembers(tmp_path: Path) -> None:
    pipeline = CameraPipeline(scene_of(ZONE), Blind(), randomness=bytes)
    MemoryFile(tmp_path / "street.json").keep(pipeline, is_urgent=True)
    assert not (tmp_path / "street.json").exists()


def test_the_memory_is_json(tmp_path: Path) -> None:
    Box(tmp_path / "street.json", 0).watch(5)
    assert json.loads((tmp_path / "street.json").read_text())["rules"]["dump/yard"]["rule"] == {"pictures": 5}
