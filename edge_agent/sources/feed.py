"""A camera as the agent knows it: pictures in a mailbox, whatever happens behind it.

The decoder is dumb and tries once; all that is about trying again is here, once for every kind of source.
"""

import contextlib
import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from edge_agent.domain.detection import Frame
from edge_agent.domain.load import Ease
from edge_agent.errors import SourceFailed, SourceFault
from edge_agent.mailbox import Mailbox
from edge_agent.sources.address import Address, FileAddress
from edge_agent.sources.backoff import Backoff
from edge_agent.sources.clip_pipe import NO_CLIPS, ClipTerms, new_pipe
from edge_agent.sources.decoders import Decoder, DecoderServer
from edge_agent.sources.dialogue import Alive, Picture, Ring, Size, Watch, new_ring_fd
from shared.messages import CameraState

log = logging.getLogger(__name__)

OPEN_LIMIT_S = 3.5
"""The decoder gives up opening after 3 s; one that says nothing by now hangs."""
SILENCE_LIMIT_S = 3.0
CLOCK_JUMP_S = 5.0
"""Pictures are late by less; a time service slews less, and sets the clock by more."""
_GOOD_AFTER_S = 5.0
"""Pictures for this long make the next pause short again."""


_EASED = {Ease.FULL: Watch.CLOSELY, Ease.HALF: Watch.HALF, Ease.RARELY: Watch.LOOSELY}


class Arrival(NamedTuple):
    """A frame with what the pipeline must know about its way here."""

    frame: Frame
    is_seam: bool
    """Pictures before this one say nothing about it: the camera was away, or the clip starts over."""
    decoded_at_s: float
    """Monotonic."""


class CameraFeed:
    """Keeps one camera's decoder alive in a thread of its own.

    ``mailbox`` holds the newest frame. Everything else that is public may be read at any time by any thread.
    """

    def __init__(
        self,
        camera: str,
        address: Address,
        fps: float,
        server: DecoderServer,
        chance: Callable[[], float] = random.random,
        clips: ClipTerms = NO_CLIPS,
        recorder: "CameraFeed | None" = None,
        *,
        is_shown: bool = True,
    ) -> None:
        """``recorder``: another stream of the camera that clips are cut of. One that is not ``is_shown``
        keeps its packets for that and decodes nothing."""
        self.camera = camera
        self.address = address
        self.mailbox: Mailbox[Arrival] = Mailbox()
        self.fault: SourceFault | None = None
        self.last_failure: SourceFailed | None = None
        self.faults: dict[SourceFault, int] = {}
        self.received = 0
        self.recorder = recorder
        self._is_shown = is_shown
        self.ease = Ease.FULL
        """How much less to look than asked for; whoever watches the box's load sets it."""
        self._frame_times_s: deque[float] = deque(maxlen=32)
        self._fps = fps
        self._clips = clips
        self._server = server
        self._backoff = Backoff(chance)
        self._stopping = threading.Event()
        self._decoder: Decoder | None = None
        self._watch = Watch.CLOSELY
        self._wall_us: int | None = None
        """The wall clock at the monotonic clock's zero, as the last picture has it."""
        self._skipped = 0
        self._skipped_before = 0
        self._thread = threading.Thread(target=self.run, name=f"feed-{camera}", daemon=True)

    def start(self) -> None:
        self._thread.start()
        if self.recorder:
            self.recorder.start()

    def signal_stop(self) -> None:
        """Ask the feed to end; ``stop`` also waits for it."""
        self._stopping.set()
        self.mailbox.close()
        if self.recorder:
            self.recorder.signal_stop()
        decoder = self._decoder
        if decoder is not None:
            decoder.kill()

    def stop(self) -> None:
        """Signal, end the decoder, wait until the thread is done."""
        self.signal_stop()
        if self.recorder:
            self.recorder.stop()
        if self._thread.is_alive():
            self._thread.join(SILENCE_LIMIT_S + 1)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive() and (self.recorder is None or self.recorder.is_alive)

    @property
    def decoder_pids(self) -> list[int]:
        """Of both streams' decoders."""
        pids = [self.decoder_pid, self.recorder.decoder_pid if self.recorder else None]
        return [pid for pid in pids if pid is not None]

    @property
    def decoder_pid(self) -> int | None:
        decoder = self._decoder
        return decoder.pid if decoder else None

    @property
    def dropped(self) -> int:
        """Due frames that nobody looked at: replaced in the mailbox, or left out for want of a free slot."""
        return self.mailbox.dropped + self._skipped_before + self._skipped

    @property
    def fps(self) -> float:
        """Frames a second that came lately; fewer than asked for while nothing moves."""
        times_s = list(self._frame_times_s)
        if len(times_s) < 2 or self.fault is not None:
            return 0.0
        return (len(times_s) - 1) / max(1e-3, time.monotonic() - times_s[0])

    @property
    def state(self) -> CameraState:
        if self.fault in (SourceFault.REFUSED, SourceFault.REDIRECTED):
            return CameraState.REFUSED
        if not self._frame_times_s:
            return CameraState.STARTING
        return CameraState.LIVE if self.fault is None else CameraState.STALE

    def watch(self, *, is_close: bool) -> None:
        """Ask for every due picture, or, while nothing moves, for a look now and then."""
        how = _EASED[self.ease] if is_close else Watch.LOOSELY
        decoder = self._decoder
        if how == self._watch or decoder is None:
            return
        self._watch = how
        try:
            decoder.talk.watch(how)
        except SourceFailed:
            return  # its own thread notices too, and starts another, which looks closely

    def cut(self) -> int | None:
        """Have a clip of what was and what comes written into a pipe; see ``clip_pipe.read_records``.

        None when there is no decoder that could. The caller reads and closes it.
        """
        if self.recorder:
            return self.recorder.cut()
        decoder = self._decoder
        if decoder is None or not self._clips.most_bytes:
            return None
        reading, writing = new_pipe()
        try:
            decoder.talk.cut(writing)
        except SourceFailed:
            os.close(reading)
            return None
        finally:
            os.close(writing)
        return reading

    def cut_on(self) -> None:
        """Have the clip that is being cut go on as long as one that would be begun now."""
        if self.recorder:
            self.recorder.cut_on()
            return
        decoder = self._decoder
        if decoder is not None:
            with contextlib.suppress(SourceFailed):
                decoder.talk.cut_on()

    def run(self) -> None:
        """Try, say what went wrong, pause, try again, until stopped."""
        while not self._stopping.is_set():
            try:
                self.run_once()
            except SourceFailed as failure:
                if self._stopping.is_set():
                    return
                self._note(failure)
                self._stopping.wait(self._backoff.pause_s(failure.fault))

    def run_once(self) -> None:
        """One decoder's life. Returns when stopped, else raises ``SourceFailed``."""
        decoder = self._server.decoder()
        self._watch = Watch.CLOSELY
        self._decoder = decoder
        try:
            self._give_order(decoder)
            self._listen(decoder)
        finally:
            self._decoder = None
            self._skipped_before += self._skipped
            self._skipped = 0
            decoder.end()

    def _note(self, failure: SourceFailed) -> None:
        self.faults[failure.fault] = self.faults.get(failure.fault, 0) + 1
        if self.fault is not failure.fault:
            log.warning("camera %s: %s (%s)", self.camera, failure, self.address.shown)
        self.fault = failure.fault
        self.last_failure = failure

    def _give_order(self, decoder: Decoder) -> None:
        order: dict[str, Any] = {"fps": self._fps, "clips": list(self._clips), "is_shown": self._is_shown}
        if isinstance(self.address, FileAddress):
            fd = _open_clip(self.address)
            try:
                decoder.talk.order({**order, "scheme": "file", "parts": []}, [fd])
            finally:
                os.close(fd)
        else:
            decoder.talk.order({**order, "scheme": self.address.scheme, "parts": list(self.address)}, [])

    def _listen(self, decoder: Decoder) -> None:
        ring: Ring | None = None
        limit_s = OPEN_LIMIT_S
        first_s: float | None = None
        decoder.talk.listen(SILENCE_LIMIT_S)  # it has the order and begins to open
        while not self._stopping.is_set():
            said = decoder.talk.listen(limit_s)
            limit_s = SILENCE_LIMIT_S
            if isinstance(said, Size):
                ring = _give_ring(decoder, said)
            elif isinstance(said, Picture) and ring is not None:
                self._receive(decoder, said, ring)
                first_s = time.monotonic() if first_s is None else first_s
                if time.monotonic() - first_s > _GOOD_AFTER_S:
                    self._backoff.reset()
            elif not isinstance(said, Alive):
                raise SourceFailed(SourceFault.CRASHED, "the decoder shows a picture of no size")
            elif not self._is_shown:
                self._note_well()

    def _receive(self, decoder: Decoder, said: Picture, ring: Ring) -> None:
        i420 = ring.slots[said.slot].copy()
        decoder.talk.free(said.slot)
        width, height = ring.size
        frame = Frame(self.camera, self.received, said.captured_at_us, i420, width, height, said.is_key)
        self._note_well()
        self.received += 1
        self._skipped = said.skipped
        is_seam = (said.is_seam or self._is_clock_set(said)) and self.received > 1
        self.mailbox.put(Arrival(frame, is_seam, said.decoded_at_ns / 1e9))

    def _note_well(self) -> None:
        """Pictures come, or, where none are shown, packets."""
        if self.fault is not None:
            log.info("camera %s: pictures again", self.camera)
        self.fault = None
        self._frame_times_s.append(time.monotonic())

    def _is_clock_set(self, said: Picture) -> bool:
        """Whether the wall clock was set since the picture before: spans over this one mean nothing."""
        before_us, self._wall_us = self._wall_us, said.captured_at_us - said.decoded_at_ns // 1000
        return before_us is not None and abs(self._wall_us - before_us) > CLOCK_JUMP_S * 1e6


def _open_clip(address: FileAddress) -> int:
    try:
        return os.open(address.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise SourceFailed(SourceFault.UNREACHABLE, f"the clip cannot be opened: {error.strerror}") from error


def _give_ring(decoder: Decoder, size: Size) -> Ring:
    fd = new_ring_fd(size)
    try:
        decoder.talk.give_ring(fd)
        return Ring(fd, size)
    finally:
        os.close(fd)
