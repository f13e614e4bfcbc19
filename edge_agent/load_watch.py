"""Measures what the box's own processes use and how hot it is, and has cameras eased; see ``domain.load``."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edge_agent.domain.load import Ease, Limits, Load, LoadBudget, Step
from edge_agent.machine import hottest_c
from edge_agent.supervisor import CameraWatch

log = logging.getLogger(__name__)

PERIOD_S = 5.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_WORDS = {Ease.FULL: "in full again", Ease.HALF: "half as often", Ease.RARELY: "rarely"}


class OwnCpu:
    """Processor time of this process and of some others, from one look to the next."""

    def __init__(self, pids: Callable[[], Sequence[int]]) -> None:
        self._pids = pids
        self._cores = len(os.sched_getaffinity(0))
        self._before_s: dict[int, float] = {}
        self._at_s = time.monotonic()

    def percent(self) -> float:
        """Of all cores that we may use, since the last call. A process that is new counts from now on."""
        at_s, self._at_s = self._at_s, time.monotonic()
        before_s = self._before_s
        self._before_s = {pid: spent_s for pid in self._pids() if (spent_s := _cpu_s(pid)) is not None}
        self._before_s[os.getpid()] = time.process_time()
        used_s = sum(now_s - before_s.get(pid, now_s) for pid, now_s in self._before_s.items())
        return 100 * used_s / max(1e-3, (self._at_s - at_s) * self._cores)


def _cpu_s(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


class LoadWatch:
    """Looks every few seconds. ``ranks``: 1 (the most important) to 9, by camera."""

    def __init__(self, watches: Sequence[CameraWatch], ranks: Mapping[str, int], limits: Limits) -> None:
        self._watches = watches
        self._ranks = ranks
        self._cpu = OwnCpu(self._decoders)
        self.budget = LoadBudget({watch.feed.camera: ranks[watch.feed.camera] for watch in watches}, limits)
        self.load = Load(0.0, None)
        """As last measured."""
        self.steps = 0
        """How often cameras were eased since the start."""
        self.why = ""
        """Why they are eased."""

    @property
    def cameras(self) -> list[str]:
        """All that may be eased."""
        return [watch.feed.camera for watch in self._watches]

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.to_thread(self.look, time.monotonic())
            await asyncio.sleep(PERIOD_S)

    def look(self, now_s: float) -> Step | None:
        """One round; gives what it changed."""
        self.load = Load(self._cpu.percent(), hottest_c())
        step = self.budget.judge(self.load, now_s)
        if step is not None:
            self._tell(step)
        for watch in self._watches:
            watch.feed.ease = self.budget.ease_of(watch.feed.camera)
        if not self.budget.eased:
            self.why = ""
        return step

    def _tell(self, step: Step) -> None:
        cameras = [camera for camera in self.cameras if self._ranks[camera] == step.rank]
        self.steps += not step.is_return
        self.why = self.why if step.is_return else step.why
        text = "load: cameras of rank %d (%s) are looked at %s: %s"
        log.warning(text, step.rank, ", ".join(cameras), _WORDS[step.ease], step.why)

    def _decoders(self) -> list[int]:
        return [pid for watch in self._watches for pid in watch.feed.decoder_pids]
