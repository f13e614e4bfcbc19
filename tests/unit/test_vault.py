"""The vault keeps what matters most, whole, and says what it dropped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_agent.evidence.sealing import sign_manifest
from edge_agent.evidence.vault import Limits, Vault
from shared.messages import ClipLoss
from shared.nkey import KeyKind, make_key
from shared.sealed import Form, Manifest, read_manifest

BOX = make_key(KeyKind.USER, bytes(32))
DAY_US = 86_400_000_000
NOW_US = 100 * DAY_US
ROOMY = Limits(10_000, 30, 0)


def event(number: int) -> str:
    return f"{number:032x}"


def open_vault(folder: Path, limits: Limits = ROOMY, now_us: int = NOW_US) -> Vault:
    return Vault(folder, limits, lambda: now_us)


def put(
    vault: Vault,
    number: int,
    *,
    size: int = 1_000,
    lane: int = 2,
    at_us: int = NOW_US,
    form: Form = Form.ORIGINAL,
    more: tuple[int, ...] = (),
) -> None:
    manifest = Manifest(
        version=1, box="box-1", camera="cam-1", form=form, lane=lane,
        events=[event(n) for n in (number, *more)], begins_at_us=at_us, ends_at_us=at_us, is_whole=True,
        sealed_sha256="0" * 64, sealed_bytes=size,
        header_sha256="0" * 64, video_sha256="0" * 64, video_bytes=1, plain_bytes=1, chunks=1,
    )  # fmt: skip
    with vault.new_file(event(number), form) as file:
        file.write(bytes(size))
        vault.keep(file, manifest, sign_manifest(manifest, BOX))


def held(vault: Vault, *numbers: int) -> list[int]:
    return [n for n in numbers if vault.find(event(n), Form.ORIGINAL)]


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    put(open_vault(tmp_path), 1, more=(2,))
    vault = open_vault(tmp_path)
    clip = vault.find(event(2), Form.ORIGINAL)
    assert clip
    assert clip.path.stat().st_size == 1_000
    assert read_manifest(clip.signed, BOX.public).events == [event(1), event(2)]
    assert vault.size_bytes == 1_000
    assert vault.dropped == {}


def test_the_least_important_goes_first_and_of_that_the_oldest(tmp_path: Path) -> None:
    vault = open_vault(tmp_path, Limits(4_000, 30, 0))
    put(vault, 1, lane=0, at_us=NOW_US - 9)
    put(vault, 2, lane=3, at_us=NOW_US - 5)
    put(vault, 3, lane=3, at_us=NOW_US - 7)
    put(vault, 4, lane=2, at_us=NOW_US - 8)
    order = []
    for number in (5, 6, 7):
        put(vault, number, lane=1, at_us=NOW_US)
        order.append(held(vault, 1, 2, 3, 4))
    assert order == [[1, 2, 4], [1, 4], [1]]
    assert vault.why_gone(event(3)) == "the vault was full"
    assert vault.dropped == {"the vault was full": 3}


def test_a_redacted_clip_can_be_made_again_and_goes_before_originals(tmp_path: Path) -> None:
    vault = open_vault(tmp_path, Limits(2_000, 30, 0))
    put(vault, 1, lane=0, form=Form.REDACTED)
    put(vault, 2, lane=3)
    put(vault, 3, lane=3)
    assert held(vault, 2, 3) == [2, 3]
    assert vault.find(event(1), Form.REDACTED) is None


def test_old_clips_go(tmp_path: Path) -> None:
    put(open_vault(tmp_path), 1, at_us=NOW_US - 31 * DAY_US + 100, lane=0)
    vault = open_vault(tmp_path)
    assert held(vault, 1) == []
    assert vault.why_gone(event(1)) == "its time in the vault was over"
    assert not list(tmp_path.glob("*.clip"))


def test_the_disks_last_room_is_not_the_vaults(tmp_path: Path) -> None:
    put(open_vault(tmp_path), 1)
    vault = open_vault(tmp_path, Limits(10_000, 30, 1 << 60))
    assert held(vault, 1) == []
    assert vault.why_gone(event(1)) == "the vault was full"


def test_half_a_clip_is_removed_and_named(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    for number in (1, 2, 3, 4):
        put(vault, number)
    (tmp_path / f"{event(1)}-original.json").unlink()
    os.truncate(tmp_path / f"{event(2)}-original.clip", 999)
    (tmp_path / f"{event(3)}-original.clip").unlink()
    (tmp_path / f"{event(9)}-original.clip.part").write_bytes(b"half")
    again = open_vault(tmp_path)
    assert held(again, 1, 2, 3, 4) == [4]
    assert again.size_bytes == 1_000
    assert again.why_gone(event(9)) == "the box stopped while it was written"
    assert again.why_gone(event(2)) == "its files were damaged or not whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{event(4)}-original.clip", f"{event(4)}-original.json", "dropped.jsonl",
    ]  # fmt: skip


def test_a_clip_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    with vault.new_file(event(1), Form.ORIGINAL) as file:
        file.write(b"half")
    assert list(tmp_path.iterdir()) == []


def test_the_ledger_survives_a_torn_line(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    vault.note_dropped(event(1), Form.ORIGINAL, ClipLoss.TOO_MANY)
    with (tmp_path / "dropped.jsonl").open("ab") as file:
        file.write(b'["torn')
    assert open_vault(tmp_path).why_gone(event(1)) == "too many clips at once"


WRITER = """
import sys
from pathlib import Path
from tests.unit.test_vault import open_vault, put, Limits
vault = open_vault(Path(sys.argv[1]), Limits(1 << 40, 30, 0))
for number in range(100_000):
    put(vault, number, size=200_000)
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [2, 7])
def test_after_a_kill_every_clip_is_whole_and_none_that_was_kept_is_gone(tmp_path: Path, after: int) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert writer.stdout
    last = -1
    while last < after:
        last = int(writer.stdout.readline())
    time.sleep(0.003 * after)
    writer.send_signal(signal.SIGKILL)
    last = max([last, *(int(line) for line in writer.stdout.read().split("\n") if line)])
    writer.wait()
    writer.stdout.close()
    vault = open_vault(tmp_path, Limits(1 << 40, 30, 0))
    assert held(vault, *range(last + 1)) == list(range(last + 1))
    for path in tmp_path.glob("*.clip"):
        assert path.stat().st_size == 200_000
    assert not list(tmp_path.glob("*.part"))
