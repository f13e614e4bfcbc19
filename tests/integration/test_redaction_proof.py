"""No original pixel of a head region leaves the box: not in a clip, not in a snapshot, not in a live view.

The street is grey all over, and so is a fine chequerboard once it is blurred to blocks. Whoever walks through
it has such a head: in a picture that leaves the box every pixel must be grey. What is left of one strip of
four pixels is black and white, so every test here is run against weakened redactions too, and must see them.
"""

import io
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import pytest

from edge_agent.clips import ClipKeeper, Sealing
from edge_agent.commands import LiveViews
from edge_agent.domain import redaction
from edge_agent.domain.detection import Detections, Frame, Track
from edge_agent.domain.privacy import everything
from edge_agent.domain.redaction import Look, Span
from edge_agent.evidence.snapshot import make_snapshot
from edge_agent.evidence.vault import Limits, Vault
from edge_agent.sources.address import parse_address
from edge_agent.sources.clip_pipe import ClipTerms
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from shared.kinds import Lane, ObjectClass
from shared.messages import LivePicture
from shared.sealed import Form, read_header, recipient_id, unseal_key
from tests.integration.test_clip_keeper import BOX, HUB, opened, recorded_by

WIDTH, HEIGHT = 320, 180
FPS, SECONDS = 10, 12
STEP_PX = 6
"""Between two pictures of the film; the box looks at every second one."""
GREY, CONTRAST = 128, 100
CELL_PX = 4
NUMBER_PX = 8
BITS = 8
FLAT = 40
"""Levels. An encoder's ringing stays below; a cell of the head that is left stands 100 above or below."""
NO_OUTLINE = np.array([[0, 0], [1, 0]], np.float64)


def person_at(number: int) -> np.ndarray:
    """Box of who walks there and back, (4,)."""
    left = 20 + STEP_PX * (20 - abs(number % 40 - 20)) * 2
    return np.array([left, 50, left + 40, 150], np.float32)


def picture_of(number: int) -> np.ndarray:
    """Luma of the film's picture, (H, W), with its number in the corner: black and white squares."""
    luma = np.full((HEIGHT, WIDTH), GREY, np.uint8)
    left, top, right, bottom = (int(side) for side in person_at(number))
    down = top + round(0.33 * (bottom - top))
    rows, columns = np.mgrid[top:down, left:right]
    is_white = ((rows - top) // CELL_PX + (columns - left) // CELL_PX) % 2
    luma[top:down, left:right] = np.where(is_white, GREY + CONTRAST, GREY - CONTRAST)
    for bit in range(BITS):
        luma[:NUMBER_PX, bit * NUMBER_PX : (bit + 1) * NUMBER_PX] = 188 if number >> bit & 1 else 68
    return luma


def number_of(luma: np.ndarray) -> int:
    squares = luma[2 : NUMBER_PX - 2, : BITS * NUMBER_PX].reshape(-1, BITS, NUMBER_PX)[:, :, 2:-2]
    return sum(1 << bit for bit in range(BITS) if squares[:, bit].mean() > GREY)


def bare_pixels(luma: np.ndarray) -> int:
    """How many pixels are not grey, the number aside."""
    rest = luma.astype(int)
    rest[:NUMBER_PX, : BITS * NUMBER_PX] = GREY
    return int((np.abs(rest - GREY) > FLAT).sum())


def test_the_film_has_bare_heads_everywhere() -> None:
    for number in range(FPS * SECONDS):
        luma = picture_of(number)
        assert number_of(luma) == number
        assert bare_pixels(luma) == 40 * 33


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("street")
    options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "8"}
    with av.open(str(folder / "street.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = WIDTH, HEIGHT, "yuv420p", FPS
        for number in range(FPS * SECONDS):
            planes = np.full((HEIGHT * 3 // 2, WIDTH), GREY, np.uint8)
            planes[:HEIGHT] = picture_of(number)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        container.mux(stream.encode(None))
    return folder


def track_of(frame: Frame) -> Track:
    """A perfect eye: the person where the picture has one."""
    at_us = frame.captured_at_us
    box = person_at(number_of(frame.i420[:HEIGHT]))
    return Track(1, ObjectClass.PERSON, box, 0.9, at_us, at_us, 9, (0, 0), at_us)


Eye = Callable[[Frame], tuple[list[Track], Detections]]


def _followed(frame: Frame) -> tuple[list[Track], Detections]:
    return [track_of(frame)], Detections.empty()


def _barely_seen(frame: Frame) -> tuple[list[Track], Detections]:
    classes = np.array([ObjectClass.PERSON], np.int16)
    return [], Detections(track_of(frame).box[None], np.full(1, 0.1, np.float32), classes)


class Recorded:
    """An original in a vault, and what is needed to make the redacted one."""

    def __init__(self, street: Path, server: DecoderServer, folder: Path) -> None:
        self.keeper = ClipKeeper(Vault(folder, Limits(1 << 30, 30, 0), lambda: 1), server)
        key = bytes(HUB.public_key)
        self.keeper.seal_for(Sealing("box-1", BOX, {recipient_id(key): key}))
        terms = ClipTerms(1.5, 1.5, 4 << 20)
        address = parse_address("file:street.mp4", street)
        self.feed = CameraFeed("cam-1", address, 5, server, random.random, terms)
        self.eye: Eye = _followed

    def record(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Luma of the original's and of the redacted clip's pictures."""
        self.feed.start()
        try:
            self.see(10)
            report = SimpleNamespace(event_id=bytes(16))
            outcome: Any = SimpleNamespace(report=report, lane=Lane.STANDARD, snapshot_jpeg=b"jpeg")
            self.keeper.began(self.feed, self.last, [outcome])
            clip = recorded_by(self.keeper, bytes(16).hex(), lambda: self.see(1))
        finally:
            self.feed.stop()
        key = unseal_key(read_header(io.BytesIO(clip.path.read_bytes()).read)[0], bytes(HUB))
        made = self.keeper.redact(bytes(16).hex(), key)
        assert made.manifest.form is Form.REDACTED
        return lumas(opened(clip)), lumas(opened(made))

    def see(self, frames: int) -> None:
        for _ in range(frames):
            arrival = self.feed.mailbox.take(30)
            assert arrival, self.feed.last_failure
            self.last = arrival.frame
            self.keeper.saw(self.feed, self.last, *self.eye(self.last))


def lumas(video: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(video), "r") as container:
        return [frame.to_ndarray()[:HEIGHT] for frame in container.decode(video=0)]


@pytest.mark.parametrize("eye", [_followed, _barely_seen])
def test_no_original_pixel_of_a_head_is_in_any_picture_of_a_clip(
    street: Path, server: DecoderServer, tmp_path: Path, eye: Eye
) -> None:
    recorded = Recorded(street, server, tmp_path)
    recorded.eye = eye
    was, now = recorded.record()
    assert len(now) == len(was) >= 25
    numbers = [number_of(luma) for luma in was]
    # The street is shown, but for the last moment, after the last look.
    assert [number_of(luma) for luma in now[:-3]] == numbers[:-3]
    assert min(bare_pixels(luma) for luma in was) > 1_000
    assert [bare_pixels(luma) for luma in now] == [0] * len(now)


def _moved(track: Track) -> Track:
    """By its own width."""
    left, top, right, bottom = track.box
    return replace(track, box=np.array([right, top, 2 * right - left, bottom], np.float32))


def _off_by_one_box(looks: Sequence[Look], *rest: Any) -> list[Span]:
    return redaction.spans(
        [Look(at, [_moved(one) for one in tracks], seen) for at, tracks, seen in looks], *rest
    )


def _off_in_time(looks: Sequence[Look], *rest: Any) -> list[Span]:
    """By one look."""
    return redaction.spans([look._replace(at_us=look.at_us + 200_000) for look in looks], *rest)


def _only_where_it_was_seen(looks: Sequence[Look], begins_at_us: int, *rest: Any) -> list[Span]:
    """Between two looks only the earlier one's place."""
    seen = [look for look in looks if look.at_us >= begins_at_us]
    ends_us = [look.at_us - 1 for look in seen[1:]] + [begins_at_us + 60_000_000]
    return [
        redaction.spans([look], look.at_us, look.at_us, (WIDTH, HEIGHT))[0]._replace(ends_at_us=end_us)
        for look, end_us in zip(seen, ends_us, strict=True)
    ]


def _nothing(
    _looks: Sequence[Look], begins_at_us: int, ends_at_us: int, _size: tuple[int, int]
) -> list[Span]:
    return [Span(begins_at_us, ends_at_us, False, [])]


@pytest.mark.parametrize("weakened", [_off_by_one_box, _off_in_time, _only_where_it_was_seen, _nothing])
def test_a_weaker_redaction_of_clips_is_seen(
    street: Path,
    server: DecoderServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    weakened: Callable[..., list[Span]],
) -> None:
    monkeypatch.setattr("edge_agent.clips.spans", weakened)
    _, now = Recorded(street, server, tmp_path).record()
    assert max(bare_pixels(luma) for luma in now) > 30


def frames() -> Iterator[Frame]:
    for number in range(0, 40, 3):
        planes = np.full((HEIGHT * 3 // 2, WIDTH), GREY, np.uint8)
        planes[:HEIGHT] = picture_of(number)
        yield Frame("cam-1", number, 1_000_000 * (number + 1), planes, WIDTH, HEIGHT, is_key=True)


def snapshots(see: Eye) -> Iterator[bytes]:
    """As a camera's pipeline makes them; the frame around the subject is drawn elsewhere."""
    for frame in frames():
        corner = np.array([0, 0, 8, 8], np.float32)
        yield make_snapshot(frame, everything(*see(frame)), corner, NO_OUTLINE)


def views(see: Eye) -> Iterator[bytes]:
    shown: list[LivePicture] = []
    live = LiveViews(["cam-1"], 1)
    live.show_to(shown.append)
    live.lease("cam-1", time.monotonic(), 60)
    feed: Any = SimpleNamespace(camera="cam-1")
    for frame in frames():
        live.saw(feed, frame, *see(frame))
    return (picture.jpeg for picture in shown)


def most_bare(jpegs: Iterator[bytes]) -> int:
    found = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE) for jpeg in jpegs]
    assert len(found) == len(list(frames()))
    return max(bare_pixels(np.asarray(luma, np.uint8)) for luma in found)


def _beside(frame: Frame) -> tuple[list[Track], Detections]:
    return [_moved(track_of(frame))], Detections.empty()


def _late(frame: Frame) -> tuple[list[Track], Detections]:
    """By one picture."""
    box = person_at(number_of(frame.i420[:HEIGHT]) - 1)
    return [replace(track_of(frame), box=box)], Detections.empty()


def _unseen(_frame: Frame) -> tuple[list[Track], Detections]:
    return [], Detections.empty()


@pytest.mark.parametrize("pictures", [snapshots, views])
@pytest.mark.parametrize("see", [_followed, _barely_seen])
def test_no_original_pixel_of_a_head_is_in_a_picture_that_is_sent(
    pictures: Callable[..., Iterator[bytes]], see: Eye
) -> None:
    assert most_bare(pictures(see)) == 0


@pytest.mark.parametrize("pictures", [snapshots, views])
@pytest.mark.parametrize("weakened", [_beside, _late, _unseen])
def test_a_weaker_redaction_of_pictures_is_seen(
    pictures: Callable[..., Iterator[bytes]], weakened: Eye
) -> None:
    assert most_bare(pictures(weakened)) > 30
