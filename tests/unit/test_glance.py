"""When a still scene is looked at."""

import itertools
from collections.abc import Iterable

from edge_agent.sources.glance import Glance, Look


def looks(packets: Iterable[tuple[float, int, bool]]) -> list[tuple[float, Look]]:
    glance = Glance()
    judged = [(at_s, glance.consider(at_s, size, is_key)) for at_s, size, is_key in packets]
    return [(at_s, look) for at_s, look in judged if look is not Look.NOT_NOW]


def stream(seconds: float, gop: int, fps: int = 25, size: int = 800) -> list[tuple[float, int, bool]]:
    return [(n / fps, 20_000 if n % gop == 0 else size, n % gop == 0) for n in range(int(seconds * fps))]


def test_key_frames_alone_when_they_come_each_second() -> None:
    assert looks(stream(5, 25)) == [(float(n), Look.KEY_ALONE) for n in range(5)]


def test_not_every_key_frame_of_a_stream_full_of_them() -> None:
    assert len(looks(stream(10, 5))) == 10


def test_a_watch_that_begins_between_key_frames_soon_keeps_to_them() -> None:
    """It once decoded every packet of a still scene: each costly look put off the cheap one."""
    begun_between = [(at_s, size, is_key) for at_s, size, is_key in stream(20, 50) if at_s >= 1.5]
    assert [look for _, look in looks(begun_between)] == [Look.ALL] + [Look.KEY_ALONE] * 9


def test_rare_key_frames_leave_no_longer_gap_than_two_seconds() -> None:
    found = looks(stream(20, 250))
    gaps = [b[0] - a[0] for a, b in itertools.pairwise(found)]
    assert max(gaps) <= 2.0
    assert (2.0, Look.ALL) in found


def test_growing_packets_mean_motion_at_once() -> None:
    packets = [(at_s, 800 if at_s < 5.4 else 1_300, is_key) for at_s, _, is_key in stream(10, 250)]
    found = [at_s for at_s, look in looks(packets) if look is Look.ALL and at_s >= 5.4]
    assert found[0] - 5.4 < 0.12


def test_one_large_packet_is_not_motion_and_noise_is_not_either() -> None:
    packets = [(at_s, 800 + (n * 7919) % 300, is_key) for n, (at_s, _, is_key) in enumerate(stream(10, 250))]
    calm = looks(packets)
    packets[136] = (packets[136][0], 1_300, False)
    assert looks(packets) == calm
    assert len(calm) == 5


def test_restless_packets_cost_a_look_every_so_often_at_most() -> None:
    packets = [(n / 25, 500 + (n // 15 % 2) * 5_000, n == 0) for n in range(250)]
    found = looks(packets)
    assert len(found) > 6
    assert all(b[0] - a[0] >= 0.4 for a, b in itertools.pairwise(found))


def test_what_is_kept_is_bounded() -> None:
    packets = [(n / 1000, 1 << 20, n == 0) for n in range(20)]
    assert (0.008, Look.ALL) in looks(packets)
