"""Decoding as little as is wanted, and what is decoded is right."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from edge_agent.sources.picture import to_i420
from edge_agent.sources.reader import Reader, Seen, Timed
from tests.fakes.clips import write_clip

FPS = 12
MOVES_FROM_S = 6.4


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds, a key frame every four; something moves from 6.4 s on."""
    path = tmp_path_factory.mktemp("reader") / "clip.mp4"
    return write_clip(
        path, seconds=10, fps=FPS, size=(320, 180), gop_s=4, noise=1.5, moves=lambda t: t >= MOVES_FROM_S
    )


def packets(clip: Path) -> Iterator[tuple[Timed, Reader]]:
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        reader = Reader(video.codec_context, 5)
        for packet in container.demux(video):
            if packet.size and packet.pts is not None and packet.time_base is not None:
                yield Timed(packet, float(packet.pts * packet.time_base), 0.0, False), reader


def every_picture(clip: Path) -> dict[float, np.ndarray]:
    with av.open(str(clip)) as container:
        return {round(p.time or 0, 3): to_i420(p) for p in container.decode(video=0)}


def is_right(seen: Seen, truth: dict[float, np.ndarray]) -> bool:
    return np.array_equal(to_i420(seen.picture), truth[round(seen.pts_s, 3)])


def test_closely_every_due_picture_comes_and_is_right(clip: Path) -> None:
    truth = every_picture(clip)
    found = [seen for timed, reader in packets(clip) if (seen := reader.push(timed, True))]
    assert len(found) == 50
    assert all(is_right(seen, truth) for seen in found)


def test_loosely_a_still_scene_is_decoded_now_and_then(clip: Path) -> None:
    truth = every_picture(clip)
    found = [seen for timed, reader in packets(clip) if (seen := reader.push(timed, False))]
    still = [seen for seen in found if seen.pts_s < MOVES_FROM_S]
    times_s = [seen.pts_s for seen in still]
    assert len(times_s) <= 5, "of 32 that would be due"
    assert all(later - earlier <= 2.01 for earlier, later in itertools.pairwise(times_s))
    assert all(is_right(seen, truth) for seen in found)


def test_motion_is_noticed_long_before_the_next_key_frame(clip: Path) -> None:
    found = [seen for timed, reader in packets(clip) if (seen := reader.push(timed, False))]
    first_s = min(seen.pts_s for seen in found if seen.pts_s >= MOVES_FROM_S)
    assert first_s - MOVES_FROM_S < 0.5


@pytest.mark.parametrize("closely_from_s", [0.5, 3.1, 4.0, 4.1, 6.0])
def test_looking_closely_again_goes_on_at_once_and_right(clip: Path, closely_from_s: float) -> None:
    truth = every_picture(clip)
    found: list[Seen] = []
    for timed, reader in packets(clip):
        assert timed.pts_s is not None
        seen = reader.push(timed, timed.pts_s >= closely_from_s)
        if seen and timed.pts_s >= closely_from_s:
            found.append(seen)
    assert found[0].pts_s - closely_from_s < 1 / FPS + 0.2
    assert all(is_right(seen, truth) for seen in found)


def test_a_damaged_packet_costs_pictures_and_nothing_else(clip: Path) -> None:
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        reader = Reader(video.codec_context, 5)
        found = 0
        for number, packet in enumerate(container.demux(video)):
            if not packet.size or packet.pts is None or packet.time_base is None:
                continue
            pts_s = float(packet.pts * packet.time_base)
            damaged = packet
            if number % 10 == 3:
                damaged = av.Packet(bytes(reversed(bytes(packet))))
                damaged.pts, damaged.dts, damaged.time_base = packet.pts, packet.dts, packet.time_base
            found += reader.push(Timed(damaged, pts_s, 0.0, False), True) is not None
    assert found > 30
