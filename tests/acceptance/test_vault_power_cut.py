"""The power goes at any line of writing and sending a clip: what is in the vault afterwards is whole.

A child process writes clips and sends one, and kills itself at its n-th line, for every n. What it had not
synced by then is cut in half, as a disk may do. The sweep is run against weakened vaults too, and sees them.
"""

import hashlib
import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from nacl.public import PrivateKey

from edge_agent import commands
from edge_agent.clips import Draft, Facts, Sealing
from edge_agent.evidence import vault as vault_module
from edge_agent.evidence.vault import Clip, Limits, Vault
from shared.messages import VERSION, ClipRequest, ClipStep
from shared.nkey import KeyKind, make_key
from shared.sealed import Form, open_chunks, read_header, recipient_id, unseal_key

HUB = PrivateKey(bytes(range(32)))
BOX = make_key(KeyKind.USER, bytes(32))
RECIPIENTS = {recipient_id(bytes(HUB.public_key)): bytes(HUB.public_key)}
MARK = b"what nobody may read on a stolen box "
CLIPS = 3
LIMITS = Limits(150_000, 1_000, 0)
"""Room for two of the three."""
TRACED = {"vault.py", "sealing.py"}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def plain(number: int) -> bytes:
    return MARK * 1_800 + bytes([number])


def event(number: int) -> str:
    return f"{number:032x}"


def open_vault(folder: Path) -> Vault:
    return Vault(folder, LIMITS, lambda: 100)


def work(folder: Path, told: Path) -> None:
    """Write clips, the worse ones later so that room is made, and send one to a hub."""
    vault = open_vault(folder)
    for number in range(CLIPS):
        with vault.new_file(event(number), Form.ORIGINAL) as file:
            draft = Draft(file, Sealing("box-1", BOX, RECIPIENTS))
            draft.add(plain(number))
            facts = Facts("cam-1", Form.ORIGINAL, [event(number)], 2, number, number + 1, is_whole=True)
            draft.finish(vault, facts)
        with told.open("a") as file:
            file.write(f"kept {number}\n")
    clip = vault.find(event(CLIPS - 1), Form.ORIGINAL)
    assert clip
    send(clip, told.with_name("hub"))


def send(clip: Clip, received: Path) -> None:
    """Go on where the hub is."""
    with received.open("ab") as hub:
        while hub.tell() < clip.manifest.sealed_bytes:
            request = ClipRequest(VERSION, bytes(16), bytes(16), 0, ClipStep.PART, hub.tell())
            hub.write(commands._part(request, clip).body)
            hub.flush()


def run_until(line: int, folder: Path, told: Path, weaken: Callable[[], None]) -> bool:
    """In a child that kills itself at its ``line``-th line; whether it lived to its end."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    try:
        _note_syncs(told.with_name("synced"))
        weaken()
        _kill_at(line)
        work(folder, told)
    except BaseException:  # noqa: BLE001 - the child must never go on with its parent's tests
        os._exit(1)
    os._exit(0)


def _kill_at(line: int) -> None:
    left = line

    def count(frame: FrameType, what: str, _argument: object) -> Any:
        nonlocal left
        if Path(frame.f_code.co_filename).name not in TRACED and frame.f_code.co_name != "_part":
            return None
        if what == "line":
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return count

    sys.settrace(count)


def _note_syncs(path: Path) -> None:
    really = os.fsync

    def fsync(handle: int) -> None:
        really(handle)
        with path.open("a") as file:
            file.write(f"{os.fstat(handle).st_ino}\n")

    os.fsync = fsync


def lose_what_was_not_synced(folder: Path, synced: Path) -> None:
    safe = {int(line) for line in synced.read_text().split()} if synced.exists() else set()
    for path in folder.iterdir():
        if path.stat().st_ino not in safe:
            os.truncate(path, path.stat().st_size // 2)


def faults(folder: Path, told: Path) -> list[str]:
    """What is wrong after a power cut; the vault is opened as at a restart."""
    found = [f"{path.name} can be read" for path in folder.iterdir() if MARK[:20] in path.read_bytes()]
    lose_what_was_not_synced(folder, told.with_name("synced"))
    vault = open_vault(folder)
    clips = [clip for n in range(CLIPS) if (clip := vault.find(event(n), Form.ORIGINAL))]
    names = {name for clip in clips for name in (clip.path.name, clip.path.with_suffix(".json").name)}
    found += [f"{p.name} is left over" for p in folder.iterdir() if p.name not in {*names, "dropped.jsonl"}]
    found += [f"{clip.path.name} is not whole" for clip in clips if not is_whole(clip)]
    if sum(path.stat().st_size for path in folder.glob("*.clip")) > LIMITS.quota_bytes:
        found.append("the quota is not kept")
    kept = [int(line.split()[1]) for line in told.read_text().splitlines()] if told.exists() else []
    there = {int(clip.manifest.events[0], 16) for clip in clips}
    for number in kept:
        made_room = {number + 1, number + 2} <= there
        if number not in there and not made_room:
            found.append(f"clip {number} was kept and is gone")
    hub = told.with_name("hub")
    if hub.exists() and not found:
        clip = clips[-1]
        send(clip, hub)
        if hashlib.sha256(hub.read_bytes()).hexdigest() != clip.manifest.sealed_sha256:
            found.append("what the hub got is another file")
    return found


def is_whole(clip: Clip) -> bool:
    body = clip.path.read_bytes()
    if hashlib.sha256(body).hexdigest() != clip.manifest.sealed_sha256:
        return False
    key = unseal_key(read_header(io.BytesIO(body).read)[0], bytes(HUB))
    opened = b"".join(open_chunks(io.BytesIO(body).read, key, clip.manifest))
    return opened == plain(int(clip.manifest.events[0], 16))


def sweep(folder: Path, weaken: Callable[[], None], *, stop_at_first: bool) -> tuple[int, list[str]]:
    """Cut the power at every line; how many there are, and what went wrong."""
    found: list[str] = []
    line, has_ended = 0, False
    while not has_ended and not (found and stop_at_first):
        line += 1
        here = folder / str(line)
        (here / "vault").mkdir(parents=True)
        has_ended = run_until(line, here / "vault", here / "told", weaken)
        found += [f"line {line}: {fault}" for fault in faults(here / "vault", here / "told")]
    return line, found


def test_a_power_cut_at_any_line_leaves_whole_clips_and_no_others(tmp_path: Path) -> None:
    lines, found = sweep(tmp_path, lambda: None, stop_at_first=False)
    assert found == []
    assert lines > 150, "the child was hardly traced"


def _never_syncs() -> None:
    os.fsync = lambda _handle: None


def _writes_in_place() -> None:
    vault_module._PART = ""


def _writes_plain() -> None:
    def add(self: Draft, video: bytes) -> None:
        self._file.write(video)

    Draft.add = add


def _syncs_the_manifest_only() -> None:
    noted = os.fsync

    def fsync(handle: int) -> None:
        if not str(Path(f"/proc/self/fd/{handle}").readlink()).endswith(".clip.part"):
            noted(handle)

    os.fsync = fsync


@pytest.mark.parametrize("weaken", [_never_syncs, _syncs_the_manifest_only, _writes_in_place, _writes_plain])
def test_a_weaker_vault_is_seen(tmp_path: Path, weaken: Callable[[], None]) -> None:
    assert sweep(tmp_path, weaken, stop_at_first=True)[1]


def test_a_vault_that_believes_what_it_finds_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vault, "make_room", lambda *_: None)
    assert any("quota" in fault for fault in sweep(tmp_path, lambda: None, stop_at_first=False)[1])
