"""Runs a whole agent, decoders, model, outbox and bus, for a while, and says what it cost."""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edge_agent.app import Agent
from edge_agent.bench.bus import BenchBus
from edge_agent.bench.growth import Growth
from edge_agent.bench.scenes import write_box
from edge_agent.bench.tree import cpu_s, members, name, pss_bytes, tree_cpu_s
from edge_agent.errors import EdgeError
from edge_agent.self_report import stage_seconds
from edge_agent.sources.feed import Arrival
from edge_agent.supervisor import Outcome

_WARM_UP_S = 6.0
"""Opening, first inference, first background: not what a box does all day."""
_LEAST_LOOKS = 12
"""At the processes' memory, spread over the run; a long run is looked at once a minute."""
_LOOK_EVERY_S = 60.0


class Lags:
    """From the decoded frame to its report's arrival at a listener of the bus, or to the disk without one."""

    def __init__(self) -> None:
        self._decoded_s: dict[tuple[bytes, int], float] = {}
        self.stored_ms: list[float] = []
        self.published_ms: list[float] = []

    def stored(self, arrival: Arrival, outcomes: Sequence[Outcome]) -> None:
        """Called by the cameras' threads."""
        now_s = time.monotonic()
        for outcome in outcomes:
            self._decoded_s.setdefault(
                (outcome.report.event_id, outcome.report.revision), arrival.decoded_at_s
            )
            self.stored_ms.append((now_s - arrival.decoded_at_s) * 1e3)

    def published(self, event_id: bytes, revision: int) -> None:
        decoded_s = self._decoded_s.pop((event_id, revision), None)
        if decoded_s is not None:
            self.published_ms.append((time.monotonic() - decoded_s) * 1e3)


async def measure(
    sources: Sequence[str], cameras: int, seconds: float, fps: float, model: Path | None
) -> dict[str, Any]:
    """Run the bench. Raises ``EdgeError``."""
    with tempfile.TemporaryDirectory(prefix="saqshy-bench-") as text:
        folder = Path(text)
        settings = write_box(folder, sources, cameras, fps, model)
        lags = Lags()
        bus = BenchBus(folder, lags.published)
        agent = Agent(settings, stored=lags.stored)
        try:
            if agent.refused:
                raise next(iter(agent.refused.values()))
            has_bus = await bus.start()
            return await _observe(agent, bus if has_bus else None, lags, seconds)
        finally:
            await asyncio.to_thread(agent.close)
            await bus.stop()


async def _observe(agent: Agent, bus: BenchBus | None, lags: Lags, seconds: float) -> dict[str, Any]:
    box, site = agent.settings.box.id, agent.settings.box.site or "bench"
    running = asyncio.ensure_future(agent.run(bus.credentials(box, site)) if bus else agent.watch_only())
    try:
        await _sleep(running, _WARM_UP_S)
        begin = _Reading.take(agent, bus)
        lags.stored_ms.clear()
        lags.published_ms.clear()
        growth = Growth(os.getpid())
        every_s = min(_LOOK_EVERY_S, seconds / _LEAST_LOOKS)
        while (left_s := seconds - (time.monotonic() - begin.at_s)) > 0:
            await _sleep(running, min(left_s, every_s))
            growth.look(time.monotonic() - begin.at_s)
        return _answer(agent, bus, lags, begin, _Reading.take(agent, bus), growth)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _sleep(running: asyncio.Future[None], seconds: float) -> None:
    """Wait, unless the agent ends: then its error is the bench's."""
    done, _ = await asyncio.wait([running], timeout=seconds)
    if done:
        running.result()
        raise EdgeError("the agent ended")


class _Reading(NamedTuple):
    """All counters at one instant."""

    at_s: float
    cpu_s: float
    decode_cpu_s: float
    bus_cpu_s: float
    frames: int
    received: int
    dropped: int
    inferred: int
    stages_s: dict[str, float]

    @classmethod
    def take(cls, agent: Agent, bus: BenchBus | None) -> "_Reading":
        watches = agent.supervisor.watches
        stages = [stage_seconds(watch) for watch in watches]
        server = agent.decoders.pid
        return cls(
            at_s=time.monotonic(),
            cpu_s=tree_cpu_s(os.getpid()),
            decode_cpu_s=tree_cpu_s(server) if server else 0.0,
            bus_cpu_s=cpu_s(bus.pid) if bus and bus.pid else 0.0,
            frames=sum(watch.pipeline.counters.frames for watch in watches),
            received=sum(watch.feed.received for watch in watches),
            dropped=sum(watch.feed.dropped for watch in watches),
            inferred=sum(watch.pipeline.counters.frames_inferred for watch in watches),
            stages_s={stage: sum(each[stage] for each in stages) for stage in stages[0]},
        )


def _answer(
    agent: Agent, bus: BenchBus | None, lags: Lags, begin: _Reading, end: _Reading, growth: Growth
) -> dict[str, Any]:
    cameras = len(agent.supervisor.watches)
    camera_s = (end.at_s - begin.at_s) * cameras
    lag_ms = lags.published_ms if bus else lags.stored_ms
    stages = {stage: end.stages_s[stage] - begin.stages_s[stage] for stage in end.stages_s}
    cpu_s_spent = end.cpu_s - begin.cpu_s - growth.cost_s
    return {
        "cameras": cameras,
        "seconds": round(end.at_s - begin.at_s, 1),
        "model": agent.detector.manifest.name,
        "cpu_s_per_camera_s": round(cpu_s_spent / camera_s, 4),
        "cpu_s_without_inference": round((cpu_s_spent - stages["infer"]) / camera_s, 4),
        "pss_mib": round(growth.peak_mib, 1),
        "growth": growth.slopes(),
        "fps": round((end.frames - begin.frames) / camera_s, 2),
        "dropped": end.dropped - begin.dropped,
        "frames_inferred": end.inferred - begin.inferred,
        "lag_to": "bus" if bus else "outbox, for nats-server is not installed",
        "lag_ms_p50": _quantile(lag_ms, 0.5),
        "lag_ms_p99": _quantile(lag_ms, 0.99),
        "reports": len(lag_ms),
        "frame_ms_p50": _quantile([ms for watch in agent.supervisor.watches for ms in watch.lags_ms], 0.5),
        "frame_ms_p99": _quantile([ms for watch in agent.supervisor.watches for ms in watch.lags_ms], 0.99),
        "stages": {
            "decode": round((end.decode_cpu_s - begin.decode_cpu_s) / camera_s, 4),
            **{stage: round(seconds / camera_s, 4) for stage, seconds in stages.items()},
            "bus": round((end.bus_cpu_s - begin.bus_cpu_s) / camera_s, 4),
        },
        "processes": {f"{pid} {name(pid)}": round(pss_bytes(pid) / 2**20, 1) for pid in members(os.getpid())},
    }


def _quantile(values: Sequence[float], share: float) -> float | None:
    """None when nothing was measured."""
    if not values:
        return None
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 1)
