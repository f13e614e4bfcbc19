"""Clips cut from a running decoder: what was before the event is in them, and nothing was encoded again."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from edge_agent.sources.address import parse_address
from edge_agent.sources.clip_pipe import Begun, ClipTerms, Ended, read_records
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from tests.fakes.clips import write_clip

PATIENCE_S = 30.0
TERMS = ClipTerms(2, 1.5, 4 << 20)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "long.mp4", seconds=20, fps=10, size=(320, 180), gop_s=1, moves=lambda _: True)
    write_clip(folder / "short.mp4", seconds=3, fps=10, size=(320, 180), gop_s=1, moves=lambda _: True)
    return folder


@pytest.fixture
def camera(
    clips: Path, server: DecoderServer, keep: Callable[[CameraFeed], CameraFeed]
) -> Callable[..., CameraFeed]:
    def start(url: str = "file:long.mp4", terms: ClipTerms = TERMS) -> CameraFeed:
        return keep(CameraFeed("cam-1", parse_address(url, clips), 5, server, clips=terms))

    return start


def watch_until(feed: CameraFeed, frames: int) -> int:
    """Take frames; the time of the last."""
    at_us = 0
    for _ in range(frames):
        arrival = feed.mailbox.take(PATIENCE_S)
        assert arrival, feed.last_failure
        at_us = arrival.frame.captured_at_us
    return at_us


def cut(feed: CameraFeed) -> list[Begun | bytes | Ended]:
    fd = feed.cut()
    assert fd is not None
    return list(read_records(fd))


def pictures(records: list[Begun | bytes | Ended]) -> list[tuple[float, np.ndarray]]:
    video = b"".join(record for record in records if isinstance(record, bytes))
    with av.open(io.BytesIO(video), "r") as container:
        return [(frame.time, frame.to_ndarray()) for frame in container.decode(video=0)]


def test_a_clip_holds_what_was_before_it_was_asked_for(
    camera: Callable[..., CameraFeed], clips: Path
) -> None:
    feed = camera()
    event_us = watch_until(feed, 20)
    records = cut(feed)
    begun, ended = records[0], records[-1]
    assert isinstance(begun, Begun)
    assert isinstance(ended, Ended)
    assert ended.is_whole
    # Two seconds before, back to the key frame before that.
    assert 2.0e6 - 2e5 <= event_us - begun.at_us <= 3.5e6
    assert 1.2e6 <= ended.at_us - event_us <= 2.2e6
    shown = pictures(records)
    assert shown[0][0] == 0.0
    assert shown[-1][0] == pytest.approx((ended.at_us - begun.at_us) / 1e6, abs=0.15)
    with av.open(str(clips / "long.mp4")) as container:
        truth = [frame.to_ndarray() for frame in container.decode(video=0)]
    first = next(number for number, picture in enumerate(truth) if np.array_equal(picture, shown[0][1]))
    assert all(np.array_equal(picture, truth[first + number]) for number, (_, picture) in enumerate(shown)), (
        "a picture was encoded again, lost or repeated"
    )


def test_a_second_event_makes_the_clip_go_on(camera: Callable[..., CameraFeed]) -> None:
    feed = camera()
    watch_until(feed, 3)
    fd = feed.cut()
    assert fd is not None
    at_us = watch_until(feed, 5)
    feed.cut_on()
    ended = list(read_records(fd))[-1]
    assert isinstance(ended, Ended)
    assert ended.is_whole
    assert ended.at_us >= at_us + 1.3e6


def test_a_jump_of_the_stream_cuts_the_clip_short(camera: Callable[..., CameraFeed]) -> None:
    feed = camera("file:short.mp4", ClipTerms(1, 10, 4 << 20))
    watch_until(feed, 10)
    records = cut(feed)
    assert isinstance(records[-1], Ended)
    assert not records[-1].is_whole
    assert pictures(records)


def test_memory_for_less_than_asked_gives_a_shorter_past(
    camera: Callable[..., CameraFeed], clips: Path
) -> None:
    rate = (clips / "long.mp4").stat().st_size / 20
    feed = camera(terms=ClipTerms(10, 0.5, round(2.5 * rate)))
    event_us = watch_until(feed, 30)
    begun = cut(feed)[0]
    assert isinstance(begun, Begun)
    assert 0 <= event_us - begun.at_us < 3e6


def test_a_reader_that_goes_away_is_nothing_to_the_pictures(camera: Callable[..., CameraFeed]) -> None:
    feed = camera()
    watch_until(feed, 3)
    fd = feed.cut()
    assert fd is not None
    os.close(fd)
    watch_until(feed, 15)
    assert feed.faults == {}


def test_without_memory_there_are_no_clips(camera: Callable[..., CameraFeed]) -> None:
    feed = camera(terms=ClipTerms(2, 2, 0))
    watch_until(feed, 2)
    assert feed.cut() is None
