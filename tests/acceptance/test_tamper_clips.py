"""Real clips: nothing is told of them as they are; what is done to them is told within its limit."""

import itertools
from pathlib import Path

import pytest

from edge_agent.domain.rules.tampered import Cause
from tests.lens_films import (
    FPS,
    Deed,
    LensCamera,
    and_back,
    blinded,
    blurred,
    clip_frames,
    covered,
    darkened,
    moved,
    sprayed,
)

CLIPS = [
    "car-detection.mp4",
    "one-by-one-person-detection.mp4",
    "traffic_frames.mp4",
    "udacity_solidWhiteRight_960x540.mp4",
]
STANDING = CLIPS[:2]
"""Of cameras that stand still; the others drive."""
DEEDS = [
    (darkened, Cause.DARK),
    (blinded, Cause.BRIGHT),
    (blurred, Cause.BLURRED),
    (covered, Cause.COVERED),
    (sprayed, Cause.COVERED),
    (moved, Cause.MOVED),
]
pytestmark = pytest.mark.data


@pytest.mark.parametrize("clip", CLIPS)
def test_an_untouched_clip_is_no_tampering(data_dir: Path, clip: str) -> None:
    frames = clip_frames(data_dir / "videos" / clip)
    camera = LensCamera(frames[0].width, frames[0].height)
    assert camera.play(and_back(frames), max(60, len(frames) / FPS)) == []


@pytest.mark.slow
@pytest.mark.parametrize("clip", STANDING)
@pytest.mark.parametrize(("deed", "cause"), DEEDS, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_done_to_a_clip_is_told(data_dir: Path, clip: str, deed: Deed, cause: Cause) -> None:
    frames = clip_frames(data_dir / "videos" / clip)
    camera, pictures = LensCamera(frames[0].width, frames[0].height), and_back(frames)
    camera.play(pictures, 60)
    told = camera.play(pictures, 40, deed)
    assert [(t.phase, t.cause) for t in told] == [("BEGIN", cause)]
    assert 30 <= told[0].t_s - 60 <= 33
    assert [t.phase for t in camera.play(pictures, 20)] == ["END"]


@pytest.mark.parametrize("clip", STANDING)
def test_a_clip_that_freezes_is_told(data_dir: Path, clip: str) -> None:
    frames = clip_frames(data_dir / "videos" / clip)
    camera, pictures = LensCamera(frames[0].width, frames[0].height), and_back(frames)
    camera.play(pictures, 60)
    told = camera.play(itertools.repeat(frames[30]), 70)
    assert [(t.phase, t.cause) for t in told] == [("BEGIN", Cause.FROZEN)]
    assert 60 <= told[0].t_s - 60 <= 63
