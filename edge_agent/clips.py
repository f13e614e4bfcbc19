"""Clips of events: asked of the decoder, sealed as they come, kept in the vault; redacted when the hub asks.

The original is sealed to the hub's key while it is recorded: from then on this box cannot read it. To make a
redacted one it needs the file's key, which only the hub can hand it, for that one job.
"""

import hashlib
import json
import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from edge_agent.domain.detection import Detections, Frame, Track
from edge_agent.domain.redaction import Look, spans
from edge_agent.evidence.sealing import Sealer, sign_manifest
from edge_agent.evidence.vault import Clip, Vault
from edge_agent.sources.clip_pipe import Begun, ClipBroken, Ended, read_records
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from edge_agent.sources.recorder import LONGEST_S
from edge_agent.sources.redacting import redacted
from edge_agent.supervisor import Outcome
from shared.kinds import Lane
from shared.messages import ClipLoss
from shared.nkey import Key
from shared.sealed import MAX_EVENTS, Form, Manifest, open_chunks

_log = logging.getLogger(__name__)

OTHER_STREAM_US = 1_000_000
"""Two streams of a camera come within this of each other; what was private at any moment of it is covered."""
MAX_AT_ONCE = 4
"""Clips being recorded on a box; each holds a thread and at most some hundred kilobytes."""
_LOOKS_KEPT_US = 100_000_000
_LANES = tuple(Lane)


class Sealing(NamedTuple):
    """Who seals, and to whom."""

    box: str
    key: Key
    recipients: Mapping[str, bytes]
    """X25519 public keys by their ``recipient_id``."""


@dataclass(slots=True)
class Running:
    """A clip that is being recorded."""

    camera: str
    size: tuple[int, int]
    """Of the pictures that are looked at; the clip's own may be others."""
    slack_us: int
    begun_us: int
    lane: int
    events: list[str] = field(default_factory=list[str])
    is_closed: bool = False


class ClipKeeper:
    """``saw`` and ``began`` are called by the cameras' threads, everything else by any."""

    def __init__(self, vault: Vault, decoders: DecoderServer) -> None:
        self.vault = vault
        self._decoders = decoders
        self._sealing: Sealing | None = None
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._looks: dict[str, deque[Look]] = {}
        self._threads: set[threading.Thread] = set()
        self._redacting = threading.Lock()
        self.recorded = 0

    def seal_for(self, sealing: Sealing) -> None:
        """From now on clips are kept; before, nobody could ever open them."""
        self._sealing = sealing

    # --- from the cameras' threads --------------------------------------------------------------------------

    def saw(self, feed: CameraFeed, frame: Frame, tracks: Sequence[Track], seen: Detections) -> None:
        """Remember what was in the picture, for as long as a clip of it may still be cut."""
        looks = self._looks.setdefault(feed.camera, deque())
        with self._lock:
            looks.append(Look(frame.captured_at_us, tuple(tracks), seen))
            while looks[0].at_us < frame.captured_at_us - _LOOKS_KEPT_US:
                looks.popleft()

    def began(self, feed: CameraFeed, frame: Frame, outcomes: Sequence[Outcome]) -> None:
        """Have a clip cut of each event that begins with a picture."""
        if self._sealing is None:
            return
        for outcome in outcomes:
            if outcome.snapshot_jpeg is not None:
                self._record(feed, frame, outcome.report.event_id.hex(), _LANES.index(outcome.lane))

    def _record(self, feed: CameraFeed, frame: Frame, event: str, lane: int) -> None:
        if self._joins(feed, frame, event, lane):
            return
        with self._lock:
            is_full = len(self._running) >= MAX_AT_ONCE or feed.camera in self._running
        fd = None if is_full else feed.cut()
        if fd is None:
            why = ClipLoss.TOO_MANY if is_full else ClipLoss.CAMERA_GONE
            self.vault.note_dropped(event, Form.ORIGINAL, why)
            return
        size = (frame.width, frame.height)
        slack_us = OTHER_STREAM_US if feed.recorder else 0
        running = Running(feed.camera, size, slack_us, frame.captured_at_us, lane, [event])
        with self._lock:
            self._running[feed.camera] = running
        thread = threading.Thread(target=self._work, args=[fd, running], name="clip", daemon=True)
        self._threads = {one for one in self._threads if one.is_alive()} | {thread}
        thread.start()

    def _joins(self, feed: CameraFeed, frame: Frame, event: str, lane: int) -> bool:
        """Whether the event is shown by the clip that is being recorded of its camera anyhow."""
        with self._lock:
            running = self._running.get(feed.camera)
            is_early = running and frame.captured_at_us - running.begun_us < LONGEST_S / 2 * 1e6
            if not running or running.is_closed or len(running.events) >= MAX_EVENTS or not is_early:
                return False
            running.events.append(event)
            running.lane = min(running.lane, lane)
        feed.cut_on()
        return True

    # --- recording ------------------------------------------------------------------------------------------

    def _work(self, fd: int, running: Running) -> None:
        try:
            why = self._keep(fd, running)
        except OSError as error:
            _log.error("clip of camera %s: %s", running.camera, error)
            why = ClipLoss.DISK
        except ClipBroken as error:
            _log.warning("clip of camera %s: %s", running.camera, error)
            why = ClipLoss.BROKEN_OFF
        finally:
            with self._lock:
                running.is_closed = True
                if self._running.get(running.camera) is running:
                    del self._running[running.camera]
        if why:
            for event in running.events:
                self.vault.note_dropped(event, Form.ORIGINAL, why)

    def _keep(self, fd: int, running: Running) -> ClipLoss | None:
        """Record one clip; why there is none, if so."""
        sealing = self._sealing
        assert sealing
        with self.vault.new_file(running.events[0], Form.ORIGINAL) as file:
            draft = Draft(file, sealing)
            begun: Begun | None = None
            ended: Ended | None = None
            for record in read_records(fd):
                if isinstance(record, bytes):
                    draft.add(record)
                elif isinstance(record, Begun):
                    begun = record
                else:
                    ended = record
            if begun is None or not draft.video_bytes:
                return ClipLoss.NO_PICTURE
            with self._lock:
                running.is_closed = True
                looks = list(self._looks.get(running.camera, ()))
            latest_us = looks[-1].at_us if looks else begun.at_us
            ends_at_us = ended.at_us if ended else max(begun.at_us, latest_us)
            draft.add_regions(_regions(looks, begun.at_us, ends_at_us, running))
            facts = Facts(
                running.camera, Form.ORIGINAL, list(running.events), running.lane, begun.at_us, ends_at_us,
                is_whole=ended is not None and ended.is_whole,
            )  # fmt: skip
            draft.finish(self.vault, facts)
        self.recorded += 1
        return None

    def close(self) -> None:
        """Wait for what is being recorded; its decoders are gone, so it ends by itself."""
        for thread in list(self._threads):
            thread.join(5)

    # --- when the hub asks ----------------------------------------------------------------------------------

    def redact(self, event: str, file_key: bytes) -> Clip:
        """Make the redacted clip of an event, unless there is one. One at a time, at the lowest priority.

        Raises ``ClipBroken``, ``SealBroken``, ``OSError`` and ``SourceFailed``; ``LookupError`` when there is
        no original.
        """
        with self._redacting:
            made = self.vault.find(event, Form.REDACTED)
            original = self.vault.find(event, Form.ORIGINAL)
            if made:
                return made
            if original is None or self._sealing is None:
                raise LookupError(self.vault.why_gone(event) or ClipLoss.NEVER_MADE)
            return self._redact(original, file_key, self._sealing)

    def _redact(self, original: Clip, file_key: bytes, sealing: Sealing) -> Clip:
        was = original.manifest
        regions = b"".join(_part(original, file_key, was.video_bytes, was.plain_bytes))
        video = _part(original, file_key, 0, was.video_bytes)
        with self.vault.new_file(was.events[0], Form.REDACTED) as file:
            draft = Draft(file, sealing)
            for piece in redacted(self._decoders, regions, video):
                draft.add(piece)
            facts = Facts(
                was.camera, Form.REDACTED, was.events, was.lane, was.begins_at_us, was.ends_at_us,
                is_whole=was.is_whole,
            )  # fmt: skip
            draft.finish(self.vault, facts)
        made = self.vault.find(was.events[0], Form.REDACTED)
        if made is None:
            raise LookupError(ClipLoss.VAULT_FULL)
        return made


class Facts(NamedTuple):
    """What a manifest says beside the sums."""

    camera: str
    form: Form
    events: list[str]
    lane: int
    begins_at_us: int
    ends_at_us: int
    is_whole: bool


class Draft:
    """A clip on its way into the vault, sealed as it comes."""

    def __init__(self, file: IO[bytes], sealing: Sealing) -> None:
        self._file = file
        self._sealing = sealing
        self._sealer = Sealer(file.write, sealing.recipients)
        self._digest = hashlib.sha256()
        self.video_bytes = 0

    def add(self, video: bytes) -> None:
        self._digest.update(video)
        self.video_bytes += len(video)
        self._sealer.add(video)

    def add_regions(self, regions: bytes) -> None:
        """After the video."""
        self._sealer.add(regions)

    def finish(self, vault: Vault, facts: Facts) -> None:
        """Sign it and hand it to the vault."""
        manifest = Manifest(
            version=1,
            box=self._sealing.box,
            video_sha256=self._digest.hexdigest(),
            video_bytes=self.video_bytes,
            **facts._asdict(),
            **self._sealer.finish()._asdict(),
        )
        vault.keep(self._file, manifest, sign_manifest(manifest, self._sealing.key))


def _regions(looks: Sequence[Look], begins_at_us: int, ends_at_us: int, running: Running) -> bytes:
    """Spans as the redactor reads them: counted from the clip's beginning."""
    found = spans(looks, begins_at_us, ends_at_us, running.size)
    rows = [
        [one.begins_at_us - begins_at_us, one.ends_at_us - begins_at_us, one.is_blind, one.regions]
        for one in found
    ]
    said = {"size": running.size, "slack_us": running.slack_us, "spans": rows}
    return json.dumps(said, separators=(",", ":")).encode()


def _part(clip: Clip, file_key: bytes, begin: int, end: int) -> Iterator[bytes]:
    """What was sealed, from ``begin`` to ``end``; the file is read to its end, and so proved whole."""
    at = 0
    with clip.path.open("rb") as file:
        for chunk in open_chunks(file.read, file_key, clip.manifest):
            yield chunk[max(0, begin - at) : max(0, end - at)]
            at += len(chunk)
