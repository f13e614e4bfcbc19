"""What the hub asks of this box: clips, piece by piece, and live views. Events always go first."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from edge_agent.clips import ClipKeeper
from edge_agent.domain.detection import Detections, Frame, Track
from edge_agent.domain.privacy import everything
from edge_agent.errors import EdgeError, LinkFailed
from edge_agent.evidence.snapshot import make_view
from edge_agent.evidence.vault import Clip
from edge_agent.outbox.store import Outbox
from edge_agent.sources.clip_pipe import ClipBroken
from edge_agent.sources.feed import CameraFeed
from shared import subjects
from shared.codec import WireError, decode, encode
from shared.messages import (
    MAX_PART_BYTES,
    VERSION,
    ClipLoss,
    ClipReply,
    ClipRequest,
    ClipState,
    ClipStep,
    LivePicture,
    LiveRequest,
    ViewRefusal,
)
from shared.sealed import LENGTH, MAGIC, MAX_HEADER_BYTES, Form, SealBroken

_log = logging.getLogger(__name__)

_LIVE_EVERY_US = 450_000
"""About two pictures a second."""
_BEHIND_EVENTS_S = 2.0
"""A part waits at most so long for the outbox; the hub's own limit is longer."""


class Link(Protocol):
    """What commands need of a link; ``edge_agent.link.nats`` has the real one."""

    async def tell(self, subject: str, body: bytes) -> None: ...
    async def hear(self, subject: str, take: Callable[[bytes], Awaitable[None]]) -> None: ...


class LiveViews:
    """Leases of live views, at most ``most`` at once, and their pictures; nothing is encoded without one."""

    def __init__(self, cameras: Sequence[str], most: int) -> None:
        self._cameras = frozenset(cameras)
        self._most = most
        self._lock = threading.Lock()
        self._leases: dict[str, float] = {}
        self._last_us: dict[str, int] = {}
        self._show: Callable[[LivePicture], None] | None = None
        self.encoded = 0

    def show_to(self, show: Callable[[LivePicture], None] | None) -> None:
        """Where pictures go, from the cameras' threads; None while there is no link."""
        self._show = show

    def lease(self, camera: str, now_s: float, lease_s: float) -> str:
        """Begin, renew or, with a ``lease_s`` of 0, end a view; why not, if so. ``now_s`` is monotonic."""
        with self._lock:
            self._leases = {name: until for name, until in self._leases.items() if until > now_s}
            if not lease_s:
                self._leases.pop(camera, None)
                return ""
            if camera not in self._cameras:
                return ViewRefusal.NO_CAMERA
            if camera not in self._leases and len(self._leases) >= self._most:
                return ViewRefusal.FULL
            self._leases[camera] = now_s + lease_s
        return ""

    def is_looked_at(self, camera: str, now_s: float) -> bool:
        """Whether a lease runs."""
        with self._lock:
            return self._leases.get(camera, 0.0) > now_s

    def saw(self, feed: CameraFeed, frame: Frame, tracks: Sequence[Track], seen: Detections) -> None:
        """Send the frame, redacted, when somebody looks and the last one is long enough ago."""
        show = self._show
        if (
            show is None
            or feed.camera not in self._leases
            or not self.is_looked_at(feed.camera, time.monotonic())
        ):
            return
        if frame.captured_at_us - self._last_us.get(feed.camera, 0) < _LIVE_EVERY_US:
            return
        self._last_us[feed.camera] = frame.captured_at_us
        self.encoded += 1
        jpeg = make_view(frame, everything(tracks, seen))
        show(LivePicture(VERSION, feed.camera, frame.captured_at_us, jpeg))


class Commands:
    """Answers over one link after the other; ``send_bytes_s`` limits what clips take of it."""

    def __init__(
        self,
        site: str,
        box: str,
        seed: PrivateKey,
        clips: ClipKeeper | None,
        live: LiveViews,
        outbox: Outbox,
        send_bytes_s: int,
    ) -> None:
        self._site, self._box = site, box
        self._secret = seed
        self._clips = clips
        self._live = live
        self._outbox = outbox
        self._send_bytes_s = send_bytes_s
        self._redacting: dict[bytes, asyncio.Task[Clip]] = {}
        self._free_at_s = 0.0

    async def serve(self, link: Link) -> None:
        """Until cancelled. Raises ``LinkFailed``."""
        loop = asyncio.get_running_loop()
        on_way: set[asyncio.Task[None]] = set()

        async def tell(picture: LivePicture) -> None:
            try:
                await link.tell(subjects.live(self._site, self._box, picture.camera), encode(picture))
            except LinkFailed:
                return  # the link shows its own end

        def show(picture: LivePicture) -> None:
            if not on_way:  # a link slower than that gets fewer pictures
                task = loop.create_task(tell(picture))
                on_way.add(task)
                task.add_done_callback(on_way.discard)

        async def take_live(body: bytes) -> None:
            try:
                request = decode(LiveRequest, body)
            except WireError as error:
                _log.warning("a command of the hub is refused: %s", error)
                return
            refusal = self._live.lease(request.camera, time.monotonic(), request.lease_ms / 1e3)
            if refusal:
                await tell(LivePicture(VERSION, request.camera, 0, b"", refusal))

        async def take_clip(body: bytes) -> None:
            try:
                request = decode(ClipRequest, body)
            except WireError as error:
                _log.warning("a command of the hub is refused: %s", error)
                return
            reply = await self._answer(request)
            await link.tell(subjects.answer(self._site, self._box, request.request_id), encode(reply))

        self._live.show_to(lambda picture: loop.call_soon_threadsafe(show, picture) and None)
        try:
            await link.hear(subjects.command(self._site, self._box, "live"), take_live)
            await link.hear(subjects.command(self._site, self._box, "clip"), take_clip)
            await asyncio.Event().wait()
        finally:
            self._live.show_to(None)

    async def _answer(self, request: ClipRequest) -> ClipReply:
        if self._clips is None:
            return _no(request, ClipState.GONE, ClipLoss.NO_CLIPS)
        try:
            if request.step is ClipStep.REDACT:
                return await self._redact(request, self._clips)
            clip = self._clips.vault.find(request.event_id.hex(), Form(request.form))
            if clip is None:
                why = self._clips.vault.why_gone(request.event_id.hex())
                return _no(request, ClipState.GONE, why or ClipLoss.NEVER_MADE)
            if request.step is ClipStep.HEAD:
                return await asyncio.to_thread(_head, request, clip)
            await self._wait_turn()
            return await asyncio.to_thread(_part, request, clip)
        except OSError as error:
            return _no(request, ClipState.FAILED, f"the disk does not give it ({error.strerror})")

    async def _wait_turn(self) -> None:
        """Behind the events that wait, and no faster than allowed."""
        for _ in range(round(_BEHIND_EVENTS_S / 0.1)):
            if not self._outbox.waiting():
                break
            await asyncio.sleep(0.1)
        now_s = time.monotonic()
        pause_s = self._free_at_s - now_s
        self._free_at_s = max(now_s, self._free_at_s) + MAX_PART_BYTES / self._send_bytes_s
        if pause_s > 0:
            await asyncio.sleep(pause_s)

    async def _redact(self, request: ClipRequest, clips: ClipKeeper) -> ClipReply:
        task = self._redacting.get(request.event_id)
        if task is None:
            if self._redacting:
                return _no(request, ClipState.WORKING, "another clip is being redacted")
            try:
                key = SealedBox(self._secret).decrypt(request.key)
            except (CryptoError, ValueError):
                return _no(request, ClipState.FAILED, "the key is not sealed to this box")
            work = asyncio.to_thread(clips.redact, request.event_id.hex(), key)
            task = self._redacting[request.event_id] = asyncio.ensure_future(work)
        if not task.done():
            return _no(request, ClipState.WORKING, "")
        del self._redacting[request.event_id]
        try:
            clip = task.result()
        except LookupError as error:
            return _no(request, ClipState.GONE, str(error.args[0]))
        except (ClipBroken, SealBroken, EdgeError, OSError) as error:
            return _no(request, ClipState.FAILED, str(error))
        return ClipReply(VERSION, request.request_id, ClipState.READY, clip.manifest.sealed_bytes, 0, b"")


def _no(request: ClipRequest, state: ClipState, why: str) -> ClipReply:
    return ClipReply(VERSION, request.request_id, state, 0, request.offset, b"", b"", why[:200])


def _head(request: ClipRequest, clip: Clip) -> ClipReply:
    with clip.path.open("rb") as file:
        begin = file.read(len(MAGIC) + LENGTH.size + MAX_HEADER_BYTES)
    size = clip.manifest.sealed_bytes
    return ClipReply(VERSION, request.request_id, ClipState.READY, size, 0, begin, clip.signed)


def _part(request: ClipRequest, clip: Clip) -> ClipReply:
    with clip.path.open("rb") as file:
        file.seek(request.offset)
        body = file.read(MAX_PART_BYTES)
    size = clip.manifest.sealed_bytes
    return ClipReply(VERSION, request.request_id, ClipState.READY, size, request.offset, body)
