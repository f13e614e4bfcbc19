"""What is kept of a camera's tracks, and what of it survives."""

from pathlib import Path

import numpy as np
import pytest

from edge_agent.domain.detection import Track
from edge_agent.tracks.log import TrackLog, recordings
from edge_agent.tracks.record import Header, Moment, RecordDamaged, read_recording
from shared.kinds import ObjectClass

START_US = 1_767_225_600_000_000
HEADER = Header("gate", "[camera]")


def moment(n: int, *, is_seam: bool = False) -> Moment:
    at_us = START_US + n * 200_000
    box = np.array([10 + n / 8, 20, 60 + n / 8, 120], np.float32)
    track = Track(7, ObjectClass.CAR, box, 0.875, START_US, at_us - 5, n + 1, (3.0, -1.0), at_us - 10)
    return Moment(at_us, [track] * (n % 3), is_seam, n % 7 == 0, is_switch=False)


def log_to(folder: Path, quota_bytes: int = 1 << 20, keep_days: float = 7) -> TrackLog:
    return TrackLog(folder, HEADER, keep_days, quota_bytes)


def test_what_was_followed_is_read_back(tmp_path: Path) -> None:
    log = log_to(tmp_path / "gate")
    moments = [moment(n, is_seam=n == 3) for n in range(130)]
    for one in moments:
        log.add(one)
    log.flush()
    (file,) = recordings(tmp_path / "gate")
    found = read_recording(file)
    assert (found.header, found.lost_bytes) == (HEADER, 0)
    assert [(m.at_us, *m[2:]) for m in found.moments] == [(m.at_us, *m[2:]) for m in moments]
    for got, put in zip(found.moments, moments, strict=True):
        for track, original in zip(got.tracks, put.tracks, strict=True):
            assert np.allclose(track.box, original.box)
            assert track.score == pytest.approx(original.score)
            for name in ("id", "object_class", "first_seen_us", "last_seen_us", "hits", "still_since_us"):
                assert getattr(track, name) == getattr(original, name)


@pytest.mark.parametrize("kept_share", [0.3, 0.7, 0.999])
def test_a_cut_file_gives_all_whole_blocks(tmp_path: Path, kept_share: float) -> None:
    log = log_to(tmp_path)
    for n in range(300):
        log.add(moment(n))
    log.flush()
    (file,) = recordings(tmp_path)
    content = file.read_bytes()
    whole = len(read_recording(file).moments)
    file.write_bytes(content[: int(len(content) * kept_share)])
    found = read_recording(file)
    assert 0 < len(found.moments) < whole
    assert len(found.moments) % 51 == 0
    assert found.lost_bytes > 0


def test_a_flipped_bit_ends_the_reading_there(tmp_path: Path) -> None:
    log = log_to(tmp_path)
    for n in range(300):
        log.add(moment(n))
    log.flush()
    (file,) = recordings(tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    assert 0 < len(read_recording(file).moments) < 300
    content[9] ^= 4
    file.write_bytes(content)
    with pytest.raises(RecordDamaged):
        read_recording(file)


def test_the_oldest_go_when_room_is_up(tmp_path: Path) -> None:
    for start in range(6):
        log = log_to(tmp_path, quota_bytes=2_500)
        for n in range(60):
            log.add(moment(n + 20_000 * start))
        log.flush()
    left = recordings(tmp_path)
    assert 1 < len(left) < 6
    assert read_recording(left[-1]).moments[0].at_us == moment(100_000).at_us
    assert sum(file.stat().st_size for file in left[:-1]) <= 2_500


def test_a_folder_that_cannot_be_written_costs_the_log_only(tmp_path: Path) -> None:
    (tmp_path / "gate").write_text("in the way")
    log = log_to(tmp_path / "gate")
    for n in range(120):
        log.add(moment(n))
    (tmp_path / "gate").unlink()
    log.add(moment(200))
    log.flush()
    assert len(read_recording(recordings(tmp_path / "gate")[0]).moments) > 0
