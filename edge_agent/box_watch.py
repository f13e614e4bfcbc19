"""Looks after the box itself every few seconds: cameras away, heat, disk, clock, model. Reports go the same
way as those of the rules, through the outbox."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edge_agent.domain.ailments import ANCIENT, JUMP, UNSET, Ailments, Finding
from edge_agent.errors import OutboxFault
from edge_agent.machine import BUILT_AT_US, Moment, free_mib, hottest_c, read_clock, try_disk
from edge_agent.outbox.store import Outbox
from edge_agent.settings import HealthSettings
from edge_agent.supervisor import CameraWatch
from shared.kinds import TRAITS, Kind
from shared.messages import CameraState, ClockSource, EventReport

log = logging.getLogger(__name__)

PERIOD_S = 5.0
LARGEST_JUMP_S = 5.0
"""Time services slew what is less; by more the clock is set at once."""
UNSET_S = 900.0
"""A time service has so long to set the clock."""
COOLER_C = 5.0
FREER = 1.25
"""The second thresholds: well again when cooler by this, freer by this factor."""


class BoxWatch:
    """All that is no camera's picture. ``has_model``: the configured model is used, and was not refused.

    ``clock_set`` hears that the wall clock was set by more than ``LARGEST_JUMP_S``: what was timed is void.
    """

    def __init__(
        self,
        watches: Sequence[CameraWatch],
        outbox: Outbox,
        state_dir: Path,
        limits: HealthSettings,
        clock_set: Callable[[float], None],
        *,
        has_model: bool,
    ) -> None:
        self.ailments = Ailments(os.urandom)
        self.clock = read_clock()
        self._watches = watches
        self._outbox = outbox
        self._state_dir = state_dir
        self._limits = limits
        self._clock_set = clock_set
        self._has_model = has_model
        self._moment = self._began = Moment.now()
        self._seen_s: dict[str, float] = {}

    async def run(self) -> None:
        """Look after the box until cancelled."""
        while True:
            await asyncio.to_thread(self.look, Moment.now())
            await asyncio.sleep(PERIOD_S)

    def look(self, now: Moment) -> list[EventReport]:
        """One round; gives what it stored."""
        jumped_s = now.jumped_s(self._moment)
        self._moment = now
        self.clock = read_clock()
        findings = [*self._findings(now), self._clock_finding(now, jumped_s)]
        judged = [self.ailments.judge(finding, now.wall_us, self.clock) for finding in findings]
        reports = [report for report in judged if report is not None]
        self._store(reports)
        if abs(jumped_s) > LARGEST_JUMP_S:
            self._clock_set(jumped_s)
        return reports

    def _findings(self, now: Moment) -> Iterator[Finding]:
        for watch in self._watches:
            yield self._camera(watch, now)
        degrees_c, most_c = hottest_c(), self._limits.hottest_c
        if degrees_c is not None:
            is_hot = True if degrees_c >= most_c else False if degrees_c < most_c - COOLER_C else None
            reason = {"value": degrees_c, "bound": most_c}
            yield Finding(Kind.BOX_OVERHEATED, None, is_hot, reason, hold_s=3 * PERIOD_S)
        yield self._disk()
        reason = {"value": float(self._has_model), "bound": 1.0}
        yield Finding(Kind.MODEL_REFUSED, None, not self._has_model, reason)

    def _camera(self, watch: CameraWatch, now: Moment) -> Finding:
        """Counted on the monotonic clock: a camera is not away because the time was set."""
        feed, now_s = watch.feed, now.mono_us / 1e6
        if feed.state in (CameraState.LIVE, CameraState.REFUSED):
            # A refused one never gives pictures; the heartbeat says so.
            self._seen_s[feed.camera] = now_s
        away_s = now_s - self._seen_s.setdefault(feed.camera, self._began.mono_us / 1e6)
        limit_s = self._limits.camera_lost_s
        reason = {"away_s": away_s, "limit_s": limit_s}
        return Finding(Kind.CAMERA_LOST, feed.camera, away_s >= limit_s, reason)

    def _disk(self) -> Finding:
        least_mib = self._limits.least_free_mib
        try:
            left_mib = free_mib(self._state_dir)
            try_disk(self._state_dir)
            self._outbox.probe()
        except (OSError, OutboxFault) as error:
            log.error("%s: %s", self._state_dir, error)
            left_mib = 0.0
        is_full = True if left_mib < least_mib else False if left_mib >= least_mib * FREER else None
        return Finding(Kind.DISK_FULL, None, is_full, {"value": left_mib, "bound": least_mib})

    def _clock_finding(self, now: Moment, jumped_s: float) -> Finding:
        if abs(jumped_s) > LARGEST_JUMP_S:
            reason = {"cause": JUMP, "value": abs(jumped_s), "bound": LARGEST_JUMP_S}
            return Finding(Kind.CLOCK_FAULT, None, is_bad=True, reason=reason)
        if now.wall_us < BUILT_AT_US:
            reason = {"cause": ANCIENT, "value": (BUILT_AT_US - now.wall_us) / 1e6, "bound": 0.0}
            return Finding(Kind.CLOCK_FAULT, None, is_bad=True, reason=reason)
        is_unset = self.clock.source is ClockSource.UNVERIFIED
        return Finding(
            Kind.CLOCK_FAULT, None, is_unset, {"cause": UNSET, "value": UNSET_S, "bound": UNSET_S}, UNSET_S
        )

    def _store(self, reports: Sequence[EventReport]) -> None:
        for report in reports:
            where = report.camera or "the box"
            log.warning("%s: %s %s %s", where, report.kind.slug, report.phase.name.lower(), report.reason)
        if not reports:
            return
        try:
            self._outbox.put([(TRAITS[report.kind].lane, report) for report in reports])
        except OutboxFault as fault:
            log.error("%s", fault)
