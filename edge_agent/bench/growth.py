"""Whether a run's processes grow: memory, descriptors, shared memory, and their slopes by least squares."""

import time
from typing import NamedTuple

import numpy as np

from edge_agent.bench.tree import descriptors, members, name, pss_bytes

SETTLE_SHARE = 0.1
"""The first part of a run fills caches and rings: it is no part of the slope."""


class _Sample(NamedTuple):
    at_s: float
    pss_mib: float
    agent_mib: float
    bus_mib: float
    """The rest of ``pss_mib`` is the decoders'."""
    descriptors: int
    shared_mib: float
    """Memory files that the processes hold open, each counted once."""


class Growth:
    """Samples of a process and all below it."""

    def __init__(self, root_pid: int) -> None:
        self._root_pid = root_pid
        self._samples: list[_Sample] = []
        self.cost_s = 0.0
        """Processor time that looking took, which is none of what was looked at."""

    def look(self, at_s: float) -> None:
        """Take a sample."""
        begun_s = time.thread_time()
        pids = members(self._root_pid)
        held = [one for pid in pids for one in descriptors(pid)]
        shared = {one.inode: one.size_bytes for one in held if one.is_memory}
        pss_mib = {pid: pss_bytes(pid) / 2**20 for pid in pids}
        bus_mib = sum(mib for pid, mib in pss_mib.items() if name(pid) == "nats-server")
        self._samples.append(
            _Sample(
                at_s,
                sum(pss_mib.values()),
                pss_mib[self._root_pid],
                bus_mib,
                len(held),
                sum(shared.values()) / 2**20,
            )
        )
        self.cost_s += time.thread_time() - begun_s

    @property
    def peak_mib(self) -> float:
        return max(sample.pss_mib for sample in self._samples)

    def slopes(self) -> dict[str, float]:
        """By how much each grows in an hour, as the line through all samples has it."""
        kept = self._samples[int(SETTLE_SHARE * len(self._samples)) :]
        return {
            "pss_mib_per_h": slope_per_h([(one.at_s, one.pss_mib) for one in kept]),
            "agent_mib_per_h": slope_per_h([(one.at_s, one.agent_mib) for one in kept]),
            "bus_mib_per_h": slope_per_h([(one.at_s, one.bus_mib) for one in kept]),
            "descriptors_per_h": slope_per_h([(one.at_s, float(one.descriptors)) for one in kept]),
            "shared_mib_per_h": slope_per_h([(one.at_s, one.shared_mib) for one in kept]),
        }


def slope_per_h(points: list[tuple[float, float]]) -> float:
    """Slope of the line of least squares through (seconds, value), in an hour; 0 for fewer than two times."""
    at_s, values = np.array(points, np.float64).reshape(-1, 2).T
    if len(at_s) < 2 or not (spread := float(((at_s - at_s.mean()) ** 2).sum())):
        return 0.0
    return round(3600 * float(((at_s - at_s.mean()) * (values - values.mean())).sum()) / spread, 3)
