"""Clips: fetched from their box piece by piece, kept sealed as they came, opened only to be shown."""

import asyncio
import contextlib
import hashlib
import io
import logging
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct
from nacl.public import SealedBox
from sqlmodel import col, select

from hub.bus.asking import Box, BoxLine
from hub.bus.errors import BusAway
from hub.db import queries_counters
from hub.db.tables import Device, Event, Incident, TimelineEntry
from hub.domain.incident import ActorKind
from hub.errors import HubError, NotFound, StateConflict, TooOften
from hub.services.parts import Parts
from shared.messages import ClipReply, ClipState, ClipStep
from shared.nkey import sealing_key
from shared.sealed import (
    Form,
    Manifest,
    SealBroken,
    open_chunks,
    read_header,
    read_manifest,
    unseal_key,
)

_log = logging.getLogger(__name__)

MAX_AT_ONCE = 8
MAX_SEALED_BYTES = 80 << 20
_TRIES = 20
_PAUSE_S = 1.0
_REDACT_WITHIN_S = 300


class ClipRefused(HubError):
    """What a box sent is not the clip that was asked for; nothing of it is kept."""


class ClipLost(HubError):
    """There is no clip, or its box cannot give it."""


class Progress(Struct, frozen=True):
    """How far a clip is."""

    state: str
    """``waiting``, ``here`` or ``failed``."""
    have_bytes: int
    size_bytes: int
    detail: str


class _Source(NamedTuple):
    event_id: bytes
    incident_id: str
    camera: str
    to: Box
    box_key: str


class Clips:
    """Fetches run on whether or not somebody waits; asked again, a broken one goes on where it was."""

    def __init__(self, parts: Parts, line: BoxLine) -> None:
        self._parts = parts
        self._line = line
        self._folder = parts.evidence_dir / "clips"
        self._running: dict[tuple[str, Form], asyncio.Task[None]] = {}
        self._progress: dict[tuple[str, Form], Progress] = {}

    async def ask(self, event: str, form: Form, by: str) -> Progress:
        """Have a clip fetched; written into the incident's history. Raises ``NotFound`` and ``TooOften``."""
        source = await self._source(event)
        key = (event, form)
        if self._path(event, form).exists() or key in self._running:
            return self.progress(event, form)
        if len(self._running) >= MAX_AT_ONCE:
            raise TooOften(f"{MAX_AT_ONCE} clips are being fetched at the moment", 10)
        await self._note(source, form, by)
        self._progress[key] = Progress("waiting", 0, 0, "")
        self._running[key] = asyncio.create_task(self._run(key, self._fetch(source, form)))
        return self.progress(event, form)

    def progress(self, event: str, form: Form) -> Progress:
        """How far it is. Raises ``NotFound`` when nobody asked for it."""
        path = self._path(event, form)
        if path.exists():
            size = path.stat().st_size
            return Progress("here", size, size, "")
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
        _log.info("clip of event %s (%s) shown to %s", event, form.name.lower(), by)
        try:
            return await asyncio.to_thread(self._open, source, form, path)
        except SealBroken as error:
            raise ClipRefused(f"clip of event {event}: {error}") from error

    async def close(self) -> None:
        """End all fetches; what came so far stays for the next try."""
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    # --- fetching -------------------------------------------------------------------------------------------

    async def _run(self, key: tuple[str, Form], work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            self._progress.pop(key, None)
        except (ClipRefused, ClipLost, BusAway, SealBroken, OSError) as error:
            _log.warning("clip of event %s: %s", key[0], error)
            self._progress[key] = Progress("failed", 0, 0, str(error))
        finally:
            self._running.pop(key, None)

    async def _fetch(self, source: _Source, form: Form) -> None:
        if form is Form.REDACTED:
            await self._have_redacted(source)
        head = await self._ready(source, form, ClipStep.HEAD)
        manifest = check_manifest(head.manifest, source.box_key, source.event_id.hex(), form, source.camera)
        path = self._path(source.event_id.hex(), form)
        part = path.with_suffix(f".{manifest.sealed_sha256[:16]}.part")
        await asyncio.to_thread(part.parent.mkdir, 0o700, True, True)
        have = part.stat().st_size if part.exists() else 0
        with part.open("ab") as file:
            while have < manifest.sealed_bytes:
                self._progress[source.event_id.hex(), form] = Progress(
                    "waiting", have, manifest.sealed_bytes, ""
                )
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
        await self._ready(source, Form.ORIGINAL, ClipStep.REDACT, key=sealed)

    async def _ready(
        self, source: _Source, form: Form, step: ClipStep, *, offset: int = 0, key: bytes = b""
    ) -> ClipReply:
        """The box's answer once it is ready; patient with a box that is away for a moment."""
        away = 0
        for _ in range(_REDACT_WITHIN_S):
            try:
                reply = await self._line.clip(source.to, source.event_id, form, step, offset=offset, key=key)
            except BusAway:
                away += 1
                if away >= _TRIES:
                    raise
                await asyncio.sleep(_PAUSE_S)
                continue
            if reply.state is ClipState.READY:
                return reply
            if reply.state is not ClipState.WORKING:
                raise ClipLost(f"box {source.to.box}: {reply.detail or 'it has no such clip'}")
            await asyncio.sleep(_PAUSE_S)
        raise ClipLost(f"box {source.to.box} was not ready within {_REDACT_WITHIN_S} s")

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
