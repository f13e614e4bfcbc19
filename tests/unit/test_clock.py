"""How good a report's time is said to be: never better than it is, whatever happens to the clock."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from edge_agent.machine import read_clock
from edge_agent.mailbox import Mailbox
from edge_agent.supervisor import CameraWatch
from shared.messages import Clock, ClockSource

SAMPLES = 18_000
FRAME_US = 200_000
BOOT_US = 1_780_000_000_000_000
JUMPS_US = (-3 * 86_400_000_000, 10 * 365 * 86_400_000_000, -BOOT_US)
"""Three days back, ten years on, 1970."""
SLEW_MS = 20


class Kernel:
    """A clock as Linux keeps it: set at once, it is unsynchronised until the time service has it back."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.true_us, self.error_us, self._is_synced = BOOT_US, -BOOT_US, False

    def go_on(self) -> None:
        self.true_us += FRAME_US
        if self._rng.random() < 0.002:
            self.error_us, self._is_synced = self._rng.choice(JUMPS_US), False
        elif not self._is_synced and self._rng.random() < 0.02:
            self.error_us, self._is_synced = self._rng.randint(-SLEW_MS * 1000, SLEW_MS * 1000), True

    def read(self) -> Clock:
        return Clock(ClockSource.NTP, SLEW_MS) if self._is_synced else Clock(ClockSource.UNVERIFIED, 0)


class Stating:
    """A pipeline that notes under which clock each frame was judged."""

    def __init__(self) -> None:
        self.clock = Clock(ClockSource.NTP, 1)
        self.tracks, self.seen, self.motion, self.is_quiet = [], None, None, False
        self.said: list[Clock] = []

    def reconnected(self, _at_us: int) -> None:
        pass

    def step(self, _frame: object, _now_us: int) -> list[object]:
        self.said.append(self.clock)
        return []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_stated_error_is_never_exceeded(seed: int) -> None:
    kernel, pipeline = Kernel(random.Random(seed)), Stating()
    mailbox: Mailbox[Any] = Mailbox()
    feed: Any = SimpleNamespace(camera="gate", mailbox=mailbox, is_alive=True, watch=lambda **_: None)
    chain: Any = pipeline
    outbox: Any = None
    watch = CameraWatch(feed, chain, outbox, lambda: 0, read_clock=kernel.read)
    errors_us = []
    for _ in range(SAMPLES):
        kernel.go_on()
        at_us = kernel.true_us + kernel.error_us
        mailbox.put(
            SimpleNamespace(frame=SimpleNamespace(captured_at_us=at_us), is_seam=False, decoded_at_s=0)
        )
        watch.run_once()
        errors_us.append(abs(kernel.error_us))
    assert len(pipeline.said) == SAMPLES
    vouched = [
        (clock, error) for clock, error in zip(pipeline.said, errors_us, strict=True) if clock.uncertainty_ms
    ]
    assert 0.5 * SAMPLES < len(vouched) < SAMPLES
    assert [one for one in vouched if one[1] > one[0].uncertainty_ms * 1000] == []
    assert all(error <= SLEW_MS * 1000 for clock, error in vouched if clock.source is ClockSource.NTP)


def test_the_kernel_is_asked() -> None:
    clock = read_clock()
    assert (clock.source is ClockSource.UNVERIFIED) == (clock.uncertainty_ms == 0)
