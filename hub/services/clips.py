"""Clips: fetched from their box piece by piece, kept sealed as they came, opened only to be shown."""

import asyncio
import contextlib
import hashlib
import io
import logging
import os
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct
from nacl.public import SealedBox
from sqlmodel import col, select

from hub.bus.asking import Box, BoxLine
from hub.bus.errors import BusAway
from hub.db import queries_counters
from hub.db.tables import Device, Event, Incident, TimelineEntry
from hub.domain.incident import ActorKind
from hub.errors import HubError, NotFound, StateConflict, TooOften
from hub.services.looks import Looks
from hub.services.parts import Parts
from shared.messages import ClipLoss, ClipReply, ClipState, ClipStep
from shared.nkey import sealing_key
from shared.sealed import (
    Form,
    Manifest,
    SealBroken,
    SignedManifest,
    open_chunks,
    read_header,
    read_manifest,
    unseal_key,
)

_log = logging.getLogger(__name__)

MAX_AT_ONCE = 8
MAX_SEALED_BYTES = 80 << 20
MAX_WISHES = 64
"""Clips that are asked for and have not come, those of boxes that are away included."""
_PAUSE_S = 1.0
_AWAY_PAUSE_S = 5.0
_REDACT_WITHIN_S = 300
_MAX_FAILED = 1_000


class ClipRefused(HubError):
    """What a box sent is not the clip that was asked for; nothing of it is kept."""


class ClipLost(HubError):
    """There is no clip, or its box cannot give it."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class Stage(StrEnum):
    """Where a clip is."""

    ASKED = "asked"
    """The box was told, or will be when its turn comes."""
    REDACTING = "redacting"
    SENDING = "sending"
    AWAY = "away"
    """The box does not answer; the clip comes when it is back."""
    HERE = "here"
    FAILED = "failed"


class Progress(Struct, frozen=True):
    """How far a clip is."""

    state: Stage
    have_bytes: int = 0
    size_bytes: int = 0
    sha256: str | None = None
    """Of the mp4 that is here, as its box signed it."""
    cause: str | None = None
    """Why it failed: a name of ``ClipLoss`` in small letters, ``altered``, ``box_failed``, ``too_slow``,
    ``box_revoked`` or ``hub_disk``."""
    detail: str = ""


class _Source(NamedTuple):
    event_id: bytes
    incident_id: str
    camera: str
    to: Box
    box_key: str


_Key = tuple[str, Form]


class Clips:
    """Wishes stay until their clip is here or cannot come, whatever the line and the hub do meanwhile."""

    def __init__(self, parts: Parts, line: BoxLine, looks: Looks) -> None:
        self._parts = parts
        self._line = line
        self._looks = looks
        self._folder = parts.evidence_dir / "clips"
        self._running: dict[_Key, asyncio.Task[None]] = {}
        self._progress: dict[_Key, Progress] = {}
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    def resume(self) -> None:
        """Take up the wishes that an earlier run of the hub left."""
        for path in sorted(self._folder.glob("*/*.wish"))[:MAX_WISHES]:
            event, _, form = path.stem.partition("-")
            self._begin((event, Form[form.upper()]))

    async def ask(self, event: str, form: Form, by: str) -> Progress:
        """Have a clip fetched; written into the incident's history. Raises ``NotFound`` and ``TooOften``."""
        source = await self._source(event)
        key = (event, form)
        if self._path(event, form).exists() or key in self._running:
            return self.progress(event, form)
        if len(self._running) >= MAX_WISHES:
            raise TooOften(f"{MAX_WISHES} clips are on their way already", 10)
        self._begin(key)
        await self._note(source, form, by)
        return self.progress(event, form)

    def progress(self, event: str, form: Form) -> Progress:
        """How far it is. Raises ``NotFound`` when nobody asked for it."""
        path = self._path(event, form)
        if path.exists():
            size, digest = path.stat().st_size, _said_digest(path.with_suffix(".json"))
            return Progress(Stage.HERE, size, size, digest)
        found = self._progress.get((event, form))
        if found is None:
            raise NotFound("nobody has asked for this clip yet")
        return found

    async def video(self, event: str, form: Form, by: str) -> bytes:
        """The clip's mp4, checked and opened. Raises ``NotFound``, and ``ClipRefused`` for a changed file."""
        source = await self._source(event)
        path = self._path(event, form)
        if not path.exists():
            raise NotFound("this clip is not here; ask for it first")
        await self._looks.note(by, f"clip_{form.name.lower()}", source.camera, event)
        try:
            return await asyncio.to_thread(self._open, source, form, path)
        except SealBroken as error:
            raise ClipRefused(f"clip of event {event}: {error}") from error

    async def close(self) -> None:
        """End all fetches; what came so far, and what is wanted, stays for the next start."""
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    # --- fetching -------------------------------------------------------------------------------------------

    def _begin(self, key: _Key) -> None:
        self._progress[key] = Progress(Stage.ASKED)
        self._running[key] = asyncio.create_task(self._run(key))

    async def _run(self, key: _Key) -> None:
        """Try until it is here or cannot come."""
        wish = self._path(*key).with_suffix(".wish")
        try:
            await asyncio.to_thread(_keep_wish, wish)
            while True:
                if await self._try(key):
                    break
                await asyncio.sleep(_AWAY_PAUSE_S)
            await asyncio.to_thread(wish.unlink, True)
        except OSError as error:
            self._fail(key, "hub_disk", error)
        finally:
            self._running.pop(key, None)

    async def _try(self, key: _Key) -> bool:
        """Whether the matter is settled; if not, the box is away."""
        try:
            async with self._turns:
                await self._fetch(await self._source(key[0]), key[1])
            self._progress.pop(key, None)
        except BusAway as error:
            so_far = self._progress[key]
            self._progress[key] = msgspec.structs.replace(so_far, state=Stage.AWAY, detail=str(error))
            return False
        except ClipLost as error:
            self._fail(key, error.cause, error)
        except (ClipRefused, SealBroken) as error:
            self._fail(key, "altered", error)
        except StateConflict as error:
            self._fail(key, "box_revoked", error)
        except NotFound as error:
            self._fail(key, "never_made", error)
        return True

    def _fail(self, key: _Key, cause: str, error: Exception) -> None:
        _log.warning("clip of event %s: %s", key[0], error)
        self._progress.pop(key, None)
        self._progress[key] = Progress(Stage.FAILED, cause=cause, detail=str(error))
        if len(self._progress) > _MAX_FAILED:
            del self._progress[next(one for one in self._progress if one not in self._running)]

    async def _fetch(self, source: _Source, form: Form) -> None:
        key = (source.event_id.hex(), form)
        self._progress[key] = Progress(Stage.ASKED)
        if form is Form.REDACTED:
            await self._have_redacted(source)
        head = await self._ready(source, form, ClipStep.HEAD)
        manifest = check_manifest(head.manifest, source.box_key, key[0], form, source.camera)
        path = self._path(*key)
        part = path.with_suffix(f".{manifest.sealed_sha256[:16]}.part")
        have = part.stat().st_size if part.exists() else 0
        with part.open("ab") as file:
            while have < manifest.sealed_bytes:
                self._progress[key] = Progress(Stage.SENDING, have, manifest.sealed_bytes)
                reply = await self._ready(source, form, ClipStep.PART, offset=have)
                if reply.offset != have or not reply.body:
                    raise ClipRefused("the box sent another part than the one asked for")
                file.write(reply.body)
                have += len(reply.body)
        await asyncio.to_thread(_settle, part, path, manifest, head.manifest)

    async def _have_redacted(self, source: _Source) -> None:
        """Hand the box the original's file key, sealed to the box, so that it makes a redacted clip."""
        head = await self._ready(source, Form.ORIGINAL, ClipStep.HEAD)
        event = source.event_id.hex()
        manifest = check_manifest(head.manifest, source.box_key, event, Form.ORIGINAL, source.camera)
        header, raw = read_header(io.BytesIO(head.body).read)
        if hashlib.sha256(raw).hexdigest() != manifest.header_sha256:
            raise ClipRefused("header: not the one of the manifest")
        file_key = unseal_key(header, bytes(self._parts.evidence_key))
        sealed = bytes(SealedBox(sealing_key(source.box_key)).encrypt(file_key))
        self._progress[event, Form.REDACTED] = Progress(Stage.REDACTING)
        await self._ready(source, Form.ORIGINAL, ClipStep.REDACT, key=sealed)

    async def _ready(
        self, source: _Source, form: Form, step: ClipStep, *, offset: int = 0, key: bytes = b""
    ) -> ClipReply:
        """The box's answer once it is ready. Raises ``BusAway`` and ``ClipLost``."""
        for _ in range(_REDACT_WITHIN_S):
            reply = await self._line.clip(source.to, source.event_id, form, step, offset=offset, key=key)
            if reply.state is ClipState.READY:
                return reply
            if reply.state is not ClipState.WORKING:
                raise ClipLost(_cause(reply.detail), f"box {source.to.box}: {reply.detail}")
            await asyncio.sleep(_PAUSE_S)
        raise ClipLost("too_slow", f"box {source.to.box} was not ready within {_REDACT_WITHIN_S} s")

    # --- what is here ---------------------------------------------------------------------------------------

    def _open(self, source: _Source, form: Form, path: Path) -> bytes:
        signed = path.with_suffix(".json").read_bytes()
        manifest = check_manifest(signed, source.box_key, source.event_id.hex(), form, source.camera)
        with path.open("rb") as file:
            header, _ = read_header(file.read)
            file.seek(0)
            key = unseal_key(header, bytes(self._parts.evidence_key))
            plain = b"".join(open_chunks(file.read, key, manifest))
        video = plain[: manifest.video_bytes]
        if hashlib.sha256(video).hexdigest() != manifest.video_sha256:
            raise SealBroken("video: not the one of the manifest")
        return video

    def _path(self, event: str, form: Form) -> Path:
        return self._folder / event[:2] / f"{event}-{form.name.lower()}.clip"

    async def _source(self, event: str) -> _Source:
        """Where an event's clip lies. Raises ``NotFound``, and ``StateConflict`` for a revoked box."""
        try:
            event_id = bytes.fromhex(event)
        except ValueError:
            raise NotFound(f"there is no event {event[:64]!r}") from None
        async with self._parts.database.reading() as db:
            query = select(Event).where(col(Event.event_id) == event_id).limit(1)
            row = (await db.exec(query)).first()
            device = await db.get(Device, row.box) if row else None
        if row is None or device is None or row.camera is None:
            raise NotFound(f"there is no event {event[:64]!r} of a camera")
        if device.state != "enrolled":
            raise StateConflict(f"box {row.box} was revoked; what it kept is not believed")
        return _Source(event_id, row.incident_id, row.camera, Box(device.site, device.id), device.nkey_public)

    async def _note(self, source: _Source, form: Form, by: str) -> None:
        """Who wanted to see what stays in the incident's history."""
        now_us = self._parts.now_us()
        async with self._parts.database.transaction() as db:
            incident = await db.get(Incident, source.incident_id)
            if incident is None:
                raise NotFound("the event's incident is gone")
            what = f"clip_{form.name.lower()}_asked"
            detail = {"camera": source.camera}
            db.add(
                TimelineEntry(
                    incident_id=source.incident_id, at_us=now_us, actor_kind=ActorKind.USER, actor=by,
                    what=what, detail=detail,
                )
            )  # fmt: skip
            incident.change_seq = await queries_counters.take(db, queries_counters.CHANGE_SEQ)
            change_seq = incident.change_seq
        self._parts.changes.publish(change_seq)


def _cause(detail: str) -> str:
    """A box's reason as one word."""
    try:
        return ClipLoss(detail).name.lower()
    except ValueError:
        return "box_failed"


def _said_digest(path: Path) -> str | None:
    """The SHA-256 that a kept manifest names; it was checked when it came, and is again when it is opened."""
    try:
        signed = msgspec.json.decode(path.read_bytes(), type=SignedManifest)
        return msgspec.json.decode(signed.manifest.encode(), type=Manifest).video_sha256
    except (OSError, ValueError):
        return None


def _keep_wish(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch()


def check_manifest(signed: bytes, box_key: str, event: str, form: Form, camera: str) -> Manifest:
    """A manifest that its box signed for just this. Raises ``SealBroken``."""
    manifest = read_manifest(signed, box_key)
    if event not in manifest.events or manifest.form is not form or manifest.camera != camera:
        raise SealBroken("manifest: it belongs to another clip")
    if manifest.sealed_bytes > MAX_SEALED_BYTES:
        raise SealBroken("manifest: the clip is larger than any that a box makes")
    return manifest


def _settle(part: Path, path: Path, manifest: Manifest, signed: bytes) -> None:
    """Keep what came when it is what the manifest names; else remove it. Raises ``ClipRefused``."""
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    if digest != manifest.sealed_sha256:
        part.unlink()
        raise ClipRefused("what the box sent is not what its manifest names; it was thrown away")
    beside = path.with_suffix(".json.part")
    with beside.open("wb") as file:
        file.write(signed)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path.with_suffix(".json"))
    part.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    with contextlib.suppress(OSError):
        os.fsync(handle)
    os.close(handle)
