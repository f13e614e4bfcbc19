"""The vault: sealed clips on the box's disk, within a quota, whole or not there at all.

A clip is two files, ``<first event>-<form>.clip`` and ``….json``, its signed manifest. The manifest is
written last; a clip without one was being written when the power went, and is removed at the next start.
"""

import contextlib
import json
import logging
import os
import shutil
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from shared.messages import ClipLoss
from shared.sealed import Form, Manifest, SignedManifest

_log = logging.getLogger(__name__)

_CLIP, _MANIFEST, _PART = ".clip", ".json", ".part"
_LEDGER = "dropped.jsonl"
_MAX_LEDGER = 1_000
_DAY_US = 86_400_000_000
_MAX_CLIPS = 20_000
"""The index of so many takes about 10 MiB."""


class Limits(NamedTuple):
    """How much the vault may hold, and how long."""

    quota_bytes: int
    retention_days: float
    keep_free_bytes: int
    """So much of the disk stays free for the outbox, whatever the quota says."""


class Clip(NamedTuple):
    """A clip in the vault."""

    path: Path
    signed: bytes
    """Its signed manifest as it is sent."""
    manifest: Manifest

    @property
    def worth(self) -> tuple[int, int, int]:
        """What goes first has the lowest: redacted ones (they can be made again), then the least important
        lane, then the oldest."""
        return (-self.manifest.form, -self.manifest.lane, self.manifest.begins_at_us)


class Dropped(NamedTuple):
    """A clip that is not there any more, or never was, and why."""

    event: str
    form: int
    at_us: int
    why: str


class Vault:
    """Thread-safe. ``now_us`` tells UTC in microseconds."""

    def __init__(self, folder: Path, limits: Limits, now_us: Callable[[], int]) -> None:
        """Raises ``OSError`` when the folder cannot be used."""
        self._folder = folder
        self._limits = limits
        self._now_us = now_us
        self._lock = threading.RLock()
        self._clips: dict[tuple[str, int], Clip] = {}
        self._of_event: dict[tuple[str, int], Clip] = {}
        self._dropped: deque[Dropped] = deque(maxlen=_MAX_LEDGER)
        self.dropped: Counter[ClipLoss] = Counter()
        """How many were dropped since the start."""
        self.size_bytes = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._read_ledger()
        self._recover()
        self.make_room()

    def __len__(self) -> int:
        return len(self._clips)

    def find(self, event: str, form: Form) -> Clip | None:
        """The clip that shows an event (its id in hex)."""
        with self._lock:
            return self._of_event.get((event, form))

    def why_gone(self, event: str) -> str | None:
        """Why there is no clip of an event, if that is known."""
        with self._lock:
            return next((d.why for d in reversed(self._dropped) if d.event == event), None)

    @contextlib.contextmanager
    def new_file(self, event: str, form: Form) -> Iterator[IO[bytes]]:
        """A file to write a clip to; it goes away unless ``keep`` is called with its manifest.

        Raises ``OSError`` when the disk takes nothing.
        """
        part = self._folder / f"{_stem(event, form)}{_CLIP}{_PART}"
        try:
            with part.open("wb") as file:
                yield file
        finally:
            part.unlink(missing_ok=True)

    def keep(self, file: IO[bytes], manifest: Manifest, signed: bytes) -> None:
        """Make a written clip the vault's own. It is safe on the disk when this returns."""
        file.flush()
        os.fsync(file.fileno())
        stem = _stem(manifest.events[0], manifest.form)
        clip = Clip(self._folder / f"{stem}{_CLIP}", signed, manifest)
        with self._lock:
            Path(file.name).replace(clip.path)
            _sync_folder(self._folder)
            part = self._folder / f"{stem}{_MANIFEST}{_PART}"
            with part.open("wb") as beside:
                beside.write(signed)
                beside.flush()
                os.fsync(beside.fileno())
            part.replace(clip.path.with_suffix(_MANIFEST))
            _sync_folder(self._folder)
            self._take_in(clip)
            self.make_room()

    def make_room(self, wanted_bytes: int = 0) -> None:
        """Drop what is too old, and, while there is too much, the least important and of that the oldest."""
        with self._lock:
            oldest_us = self._now_us() - round(self._limits.retention_days * _DAY_US)
            for clip in [c for c in self._clips.values() if c.manifest.ends_at_us < oldest_us]:
                self._drop(clip, ClipLoss.EXPIRED)
            excess = self._excess_bytes() + wanted_bytes
            for clip in sorted(self._clips.values(), key=lambda c: c.worth):
                if excess <= 0 and len(self._clips) <= _MAX_CLIPS:
                    return
                self._drop(clip, ClipLoss.VAULT_FULL)
                excess -= clip.manifest.sealed_bytes

    def note_dropped(self, event: str, form: Form, why: ClipLoss) -> None:
        """A clip could not be kept in the first place."""
        with self._lock:
            self.dropped[why] += 1
            entry = Dropped(event, form, self._now_us(), why)
            self._dropped.append(entry)
            _log.warning("clip of event %s dropped: %s", event, why)
            with contextlib.suppress(OSError), (self._folder / _LEDGER).open("ab") as file:
                file.write(json.dumps(entry).encode() + b"\n")

    def _excess_bytes(self) -> int:
        over_quota = self.size_bytes - self._limits.quota_bytes
        missing = self._limits.keep_free_bytes - shutil.disk_usage(self._folder).free
        return max(over_quota, min(missing, self.size_bytes))

    def _take_in(self, clip: Clip) -> None:
        manifest = clip.manifest
        key = (manifest.events[0], int(manifest.form))
        before = self._clips.get(key)
        self.size_bytes += manifest.sealed_bytes - (before.manifest.sealed_bytes if before else 0)
        self._clips[key] = clip
        self._of_event.update({(event, int(manifest.form)): clip for event in manifest.events})

    def _drop(self, clip: Clip, why: ClipLoss) -> None:
        """The manifest goes first: should the power go between, the rest is removed at the next start."""
        manifest = clip.manifest
        clip.path.with_suffix(_MANIFEST).unlink(missing_ok=True)
        clip.path.unlink(missing_ok=True)
        del self._clips[manifest.events[0], int(manifest.form)]
        self.size_bytes -= manifest.sealed_bytes
        for event in manifest.events:
            if self._of_event.get((event, int(manifest.form))) is clip:
                del self._of_event[event, int(manifest.form)]
            self.note_dropped(event, manifest.form, why)

    def _recover(self) -> None:
        """Take in what is whole; remove what is not, and say so."""
        for part in self._folder.glob(f"*{_PART}"):
            part.unlink()
            if part.suffixes == [_CLIP, _PART]:
                self._note_lost(part, ClipLoss.POWER_CUT)
        for path in self._folder.glob(f"*{_CLIP}"):
            clip = _read(path)
            if clip:
                self._take_in(clip)
                continue
            has_manifest = path.with_suffix(_MANIFEST).exists()
            path.unlink()
            path.with_suffix(_MANIFEST).unlink(missing_ok=True)
            self._note_lost(path, ClipLoss.DAMAGED if has_manifest else ClipLoss.POWER_CUT)
        for path in self._folder.glob(f"*{_MANIFEST}"):
            if not path.with_suffix(_CLIP).exists():
                path.unlink()

    def _note_lost(self, path: Path, why: ClipLoss) -> None:
        """A redacted clip is not lost: it is made again when it is asked for."""
        event, _, form = path.name.partition(".")[0].partition("-")
        if form == Form.ORIGINAL.name.lower():
            self.note_dropped(event, Form.ORIGINAL, why)

    def _read_ledger(self) -> None:
        path = self._folder / _LEDGER
        with contextlib.suppress(FileNotFoundError):
            for line in path.read_bytes().splitlines()[-_MAX_LEDGER:]:
                with contextlib.suppress(ValueError, TypeError):  # the last line of a power cut
                    self._dropped.append(Dropped(*json.loads(line)))
            fresh = path.with_suffix(_PART)
            fresh.write_bytes(b"".join(json.dumps(entry).encode() + b"\n" for entry in self._dropped))
            fresh.replace(path)


def _stem(event: str, form: Form) -> str:
    return f"{event}-{form.name.lower()}"


def _read(path: Path) -> Clip | None:
    """A clip of the folder, or None when it is not whole."""
    try:
        signed = path.with_suffix(_MANIFEST).read_bytes()
        text = msgspec.json.decode(signed, type=SignedManifest).manifest
        manifest = msgspec.json.decode(text.encode(), type=Manifest)
        is_whole = path.stat().st_size == manifest.sealed_bytes
    except (OSError, ValueError):
        return None
    is_own = path.stem == _stem(manifest.events[0], manifest.form)
    return Clip(path, signed, manifest) if is_whole and is_own else None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
