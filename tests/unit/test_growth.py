"""A run's growth is the slope of what its processes hold."""

import mmap
import os
from pathlib import Path

import pytest

from edge_agent.bench.growth import Growth, slope_per_h
from edge_agent.bench.tree import descriptors


def test_the_slope_is_that_of_the_line_of_least_squares() -> None:
    assert slope_per_h([(0, 10.0), (1800, 11.0), (3600, 12.0)]) == 2.0
    assert slope_per_h([(0, 5.0), (900, 7.0), (1800, 7.0), (2700, 5.0)]) == 0.0
    assert slope_per_h([(0, 5.0)]) == 0.0
    assert slope_per_h([]) == 0.0


def test_what_leaks_shows_in_its_own_slope(tmp_path: Path) -> None:
    growth, held = Growth(os.getpid()), []
    for step in range(10):
        held.append(os.open(tmp_path, os.O_RDONLY))
        growth.look(3600.0 * step)
    descriptors_per_h = growth.slopes()["descriptors_per_h"]
    for fd in held:
        os.close(fd)
    assert descriptors_per_h == pytest.approx(1.0)
    assert growth.slopes()["shared_mib_per_h"] == 0.0
    assert growth.cost_s > 0


def test_memory_that_two_hold_is_shared_memory_once() -> None:
    growth = Growth(os.getpid())
    fds: list[int] = []
    for step in range(10):
        fd = os.memfd_create("test")
        os.ftruncate(fd, mmap.PAGESIZE * 256)
        fds += [fd, os.dup(fd)]
        growth.look(3600.0 * step)
    mine = [one for one in descriptors(os.getpid()) if one.is_memory]
    for fd in fds:
        os.close(fd)
    assert len(mine) == 20
    assert growth.slopes()["shared_mib_per_h"] == pytest.approx(mmap.PAGESIZE * 256 / 2**20)
