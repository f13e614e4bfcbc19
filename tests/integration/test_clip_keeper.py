"""From an event to a sealed clip in the vault, and to a redacted one, with real decoder processes."""

import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from nacl.public import PrivateKey

from edge_agent.clips import ClipKeeper, Sealing
from edge_agent.domain.detection import Detections, Track
from edge_agent.domain.privacy import private_regions
from edge_agent.domain.redaction import Span
from edge_agent.evidence.vault import Clip, Limits, Vault
from edge_agent.sources.address import parse_address
from edge_agent.sources.clip_pipe import NO_CLIPS, ClipTerms
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import Arrival, CameraFeed
from edge_agent.sources.redactor import Regions
from shared.kinds import Lane, ObjectClass
from shared.messages import CameraState
from shared.nkey import KeyKind, make_key
from shared.sealed import Form, open_chunks, read_header, read_manifest, recipient_id, unseal_key

HUB = PrivateKey(bytes(range(32)))
BOX = make_key(KeyKind.USER, bytes(32))
TERMS = ClipTerms(1.5, 1.0, 4 << 20)
HEAD_PX = (140, 60, 180, 110)
SIZE = (320, 180)
LARGE = 2


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quiet grey street with a person whose head is noise: no pixel of it can be guessed from another."""
    folder = tmp_path_factory.mktemp("street")
    for scale, name in ((1, "street.mp4"), (LARGE, "large.mp4")):
        _film(folder / name, scale)
    return folder


def _film(path: Path, scale: int) -> None:
    """The same view, ``scale`` times as large."""
    chance = np.random.default_rng(3)
    options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "12"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options=options)
        stream.width, stream.height = SIZE[0] * scale, SIZE[1] * scale
        stream.pix_fmt, stream.gop_size = "yuv420p", 10
        left, top, right, bottom = HEAD_PX
        # Squares of 4 pixels: fine enough for a face, coarse enough to survive the encoder.
        head = np.kron(chance.integers(0, 2, (13, 10)) * 200 + 28, np.ones((4, 4)))[
            : bottom - top, : right - left
        ]
        for _ in range(200):
            picture = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
            picture[top:bottom, left:right] = head[..., None]
            picture[bottom:170, left:right] = 60
            picture[:8, :8] = chance.integers(0, 255)
            picture = picture.repeat(scale, axis=0).repeat(scale, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))


class Watcher:
    """Does what a camera's watch does, with a person where the picture has one."""

    def __init__(self, feed: CameraFeed, keeper: ClipKeeper) -> None:
        self.feed, self.keeper = feed, keeper

    def see(self, frames: int) -> Arrival:
        arrival = None
        box = np.array([140, 60, 180, 170], np.float32)
        for _ in range(frames):
            arrival = self.feed.mailbox.take(30)
            assert arrival, self.feed.last_failure
            at_us = arrival.frame.captured_at_us
            track = Track(1, ObjectClass.PERSON, box, 0.9, at_us, at_us, 9, (0, 0), at_us)
            self.keeper.saw(self.feed, arrival.frame, [track], Detections.empty())
        assert arrival
        return arrival

    def tell(self, arrival: Arrival, event: int, lane: Lane = Lane.STANDARD) -> None:
        report = SimpleNamespace(event_id=event.to_bytes(16, "big"))
        outcome: Any = SimpleNamespace(report=report, lane=lane, snapshot_jpeg=b"jpeg")
        self.keeper.began(self.feed, arrival.frame, [outcome])


@pytest.fixture
def watcher(street: Path, server: DecoderServer, tmp_path: Path) -> Iterator[Watcher]:
    yield from _watcher(street, server, tmp_path, None)


@pytest.fixture
def two_streams(street: Path, server: DecoderServer, tmp_path: Path) -> Iterator[Watcher]:
    """The small stream is looked at, clips are cut of the large one."""
    large = parse_address("file:large.mp4", street)
    recorder = CameraFeed("cam-1", large, 10, server, random.random, TERMS, is_shown=False)
    yield from _watcher(street, server, tmp_path, recorder)


def _watcher(
    street: Path, server: DecoderServer, tmp_path: Path, recorder: CameraFeed | None
) -> Iterator[Watcher]:
    vault = Vault(tmp_path / "vault", Limits(1 << 30, 30, 0), lambda: 1)
    keeper = ClipKeeper(vault, server)
    key = bytes(HUB.public_key)
    keeper.seal_for(Sealing("box-1", BOX, {recipient_id(key): key}))
    terms = NO_CLIPS if recorder else TERMS
    small = parse_address("file:street.mp4", street)
    feed = CameraFeed("cam-1", small, 10, server, random.random, terms, recorder)
    feed.start()
    yield Watcher(feed, keeper)
    feed.stop()
    keeper.close()


def recorded(watcher: Watcher, event: int) -> Clip:
    return recorded_by(watcher.keeper, f"{event:032x}", lambda: watcher.see(1))


def recorded_by(keeper: ClipKeeper, event: str, go_on: Callable[[], object]) -> Clip:
    for _ in range(100):
        clip = keeper.vault.find(event, Form.ORIGINAL)
        if clip:
            return clip
        go_on()
    raise AssertionError(keeper.vault.dropped)


def opened(clip: Clip) -> bytes:
    body = clip.path.read_bytes()
    manifest = read_manifest(clip.signed, BOX.public)
    key = unseal_key(read_header(io.BytesIO(body).read)[0], bytes(HUB))
    return b"".join(open_chunks(io.BytesIO(body).read, key, manifest))[: manifest.video_bytes]


def pictures(video: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(video)) as container:
        return [frame.to_ndarray()[: frame.height] for frame in container.decode(video=0)]


def test_an_event_leaves_a_sealed_clip_that_only_the_hub_opens(watcher: Watcher) -> None:
    watcher.tell(watcher.see(20), 7)
    clip = recorded(watcher, 7)
    manifest = clip.manifest
    assert (manifest.box, manifest.camera, manifest.is_whole) == ("box-1", "cam-1", True)
    assert 2.4 <= (manifest.ends_at_us - manifest.begins_at_us) / 1e6 <= 4
    video = opened(clip)
    assert 24 <= len(pictures(video)) <= 40
    assert video[:200] not in clip.path.read_bytes()


def test_events_close_together_share_a_clip(watcher: Watcher) -> None:
    watcher.tell(watcher.see(15), 1, Lane.LOW)
    watcher.tell(watcher.see(5), 2, Lane.CRITICAL)
    clip = recorded(watcher, 2)
    assert clip.manifest.events == [f"{1:032x}", f"{2:032x}"]
    assert clip.manifest.lane == list(Lane).index(Lane.CRITICAL)
    assert (clip.manifest.ends_at_us - clip.manifest.begins_at_us) / 1e6 >= 2.9
    assert watcher.keeper.vault.find(f"{1:032x}", Form.ORIGINAL) is clip


def test_no_original_pixel_of_a_head_is_in_the_redacted_clip(watcher: Watcher) -> None:
    watcher.tell(watcher.see(20), 7)
    original = recorded(watcher, 7)
    key = unseal_key(read_header(io.BytesIO(original.path.read_bytes()).read)[0], bytes(HUB))
    made = watcher.keeper.redact(f"{7:032x}", key)
    assert made.manifest.form is Form.REDACTED
    assert watcher.keeper.redact(f"{7:032x}", key) is made
    was, now = pictures(opened(original)), pictures(opened(made))
    assert len(now) == len(was)
    assert_unreadable(was, now, 1)
    assert np.abs(was[5][120:, 10:130].astype(int) - now[5][120:, 10:130]).mean() < 6, (
        "the street was changed"
    )


def test_clips_are_cut_of_the_large_stream_and_redacted_where_the_small_one_was_looked_at(
    two_streams: Watcher,
) -> None:
    two_streams.tell(two_streams.see(25), 7)
    original = recorded(two_streams, 7)
    feed = two_streams.feed
    assert feed.recorder
    assert (feed.recorder.state, feed.recorder.received) == (CameraState.LIVE, 0), "it is never decoded"
    assert len(feed.decoder_pids) == 2
    key = unseal_key(read_header(io.BytesIO(original.path.read_bytes()).read)[0], bytes(HUB))
    made = two_streams.keeper.redact(f"{7:032x}", key)
    was, now = pictures(opened(original)), pictures(opened(made))
    assert was[0].shape == now[0].shape == (SIZE[1] * LARGE, SIZE[0] * LARGE)
    assert len(now) == len(was) >= 20
    assert_unreadable(was, now, LARGE)
    street = slice(LARGE * 120, None), slice(LARGE * 10, LARGE * 130)
    assert np.abs(was[5][street].astype(int) - now[5][street]).mean() < 6, "the street was changed"


def test_a_clip_that_an_older_box_kept_is_redacted_too() -> None:
    assert Regions.read(b"[[0, 5, false, [[1, 2, 3, 4]]]]") == Regions(
        [Span(0, 5, False, [[1, 2, 3, 4]])], None, 0
    )


def assert_unreadable(was: list[np.ndarray], now: list[np.ndarray], scale: int) -> None:
    for before, after in zip(was, now, strict=True):
        fine = [(residual(before[block]), residual(after[block])) for block in head_blocks(scale)]
        contrast = np.mean([was.std() for was, _ in fine])
        assert contrast > 60
        # The encoder rings at the blocks' edges, more or less from picture to picture; inside they are flat.
        assert np.median([now[2:-2, 2:-2].std() for _, now in fine]) < 0.2 * contrast
        joined = [np.concatenate([pair[n].ravel() for pair in fine]) for n in (0, 1)]
        assert abs(np.corrcoef(*joined)[0, 1]) < 0.15, "something finer than a block is left"


def residual(block: np.ndarray) -> np.ndarray:
    """What of a block is more than its mean."""
    return block - block.mean()


def head_blocks(scale: int) -> list[tuple[slice, slice]]:
    """The blocks of the person's head region that lie wholly on the head."""
    person = np.array([[140, 60, 180, 170]], np.float32)
    things = Detections(person, np.ones(1, np.float32), np.array([ObjectClass.PERSON], np.int16))
    left, top, right, bottom = (scale * int(side) for side in private_regions(things, *SIZE)[0])
    left, top, right, bottom = left & ~1, top & ~1, right + 1 & ~1, bottom + 1 & ~1
    side = max(8, round(0.2 * min(right - left, bottom - top)))
    blocks = [
        (slice(y, y + side), slice(x, x + side))
        for y in range(top, bottom - 2 * side, side)
        for x in range(left, right - 2 * side, side)
    ]
    a, b, c, d = (scale * side for side in HEAD_PX)
    return [(y, x) for y, x in blocks if a <= x.start and x.stop <= c and b <= y.start and y.stop <= d]


def test_without_a_key_of_the_hub_nothing_is_kept(
    street: Path, server: DecoderServer, tmp_path: Path
) -> None:
    keeper = ClipKeeper(Vault(tmp_path / "vault", Limits(1 << 30, 30, 0), lambda: 1), server)
    feed = CameraFeed("cam-1", parse_address("file:street.mp4", street), 10, server, random.random, TERMS)
    feed.start()
    try:
        watcher = Watcher(feed, keeper)
        watcher.tell(watcher.see(3), 1)
    finally:
        feed.stop()
    assert len(keeper.vault) == 0
    assert list((tmp_path / "vault").iterdir()) == []
