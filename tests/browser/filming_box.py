"""A whole box agent whose cameras are a simulated film; a test only says when something has happened."""

import asyncio
import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge_agent.app import Agent, now_us
from edge_agent.domain.detection import Detections, Frame, Track
from edge_agent.domain.privacy import everything
from edge_agent.evidence.snapshot import make_snapshot
from edge_agent.link.credentials import Credentials, Grant, open_key
from edge_agent.outbox.store import Snapshot
from edge_agent.pipeline import Outcome
from edge_agent.settings import read_settings
from edge_agent.sources.feed import CameraFeed
from shared.identity import time_ordered_id
from shared.kinds import TRAITS, Kind, ObjectClass
from shared.messages import VERSION, ClipLoss, Clock, ClockSource, EventReport, Phase, Position
from shared.sealed import Form

PATIENCE_S = 60.0
_SETTINGS = """[box]
id = "{name}"
state_dir = "state"
setup_port = 0
clips_dir = "{film}"
[evidence]
before_s = 3
after_s = 3
live_cameras = 1
keep_free_mib = 0
"""
_CAMERA = '[[camera]]\nid = "{id}"\nurl = "file:{film}/{id}.mp4"\nscene = "{film}/{id}.scene.toml"\n'
_NO_OUTLINE = np.array([[0, 0], [1, 0]], np.float64)


class Seen(NamedTuple):
    """What a camera's watch had before it last."""

    feed: CameraFeed
    frame: Frame
    tracks: Sequence[Track]
    seen: Detections


class _Eye:
    """Looks on beside the live view and the clips."""

    def __init__(self) -> None:
        self.last: dict[str, Seen] = {}
        self.count = 0

    def saw(self, feed: CameraFeed, frame: Frame, tracks: Sequence[Track], seen: Detections) -> None:
        self.last[feed.camera] = Seen(feed, frame, list(tracks), seen)
        self.count += 1


class FilmingBox:
    """``stop`` and ``start`` are a box's power switch: what it kept, it has again."""

    def __init__(
        self,
        folder: Path,
        name: str,
        enrol: Callable[[str, str], Grant],
        film: Path,
        cameras: Sequence[str],
    ) -> None:
        folder.mkdir(parents=True)
        text = _SETTINGS.format(name=name, film=film)
        text += "".join(_CAMERA.format(id=camera, film=film) for camera in cameras)
        (folder / "box.toml").write_text(text)
        self._folder = folder
        key = open_key(folder)
        self._credentials = Credentials(name, key, enrol(name, key.public))
        self._thread: threading.Thread | None = None
        self.start()

    def start(self) -> None:
        """Returns when every camera was looked at."""
        self.eye = _Eye()
        up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(up)), daemon=True)
        self._thread.start()
        assert up.wait(PATIENCE_S)
        cameras = {watch.feed.camera for watch in self.agent.supervisor.watches}
        self.wait(lambda: set(self.eye.last) == cameras)

    def stop(self) -> None:
        if self._thread:
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(PATIENCE_S)
        self._thread = None

    async def _live(self, up: threading.Event) -> None:
        self._loop, agent = asyncio.get_running_loop(), Agent(read_settings(self._folder / "box.toml"))
        for watch in agent.supervisor.watches:
            watch._witnesses = [*watch._witnesses, self.eye]
        self.agent, self._task = agent, asyncio.ensure_future(agent.run(self._credentials))
        up.set()
        try:
            await asyncio.wait([self._task])
        finally:
            await asyncio.to_thread(agent.close)

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Until something holds; looks at every picture."""
        pause = threading.Event()
        for _ in range(round(PATIENCE_S / 0.05)):
            if is_so():
                return
            pause.wait(0.05)
        raise AssertionError("it did not come to that")

    def report(
        self,
        kind: Kind,
        camera: str,
        place: tuple[float, float],
        reason: dict[str, float],
        *,
        lost: ClipLoss | None = None,
    ) -> None:
        """As a rule would: an event with its snapshot, and a clip of it, kept or ``lost``."""
        assert self.agent.clips
        last = self.eye.last[camera]
        event_id = time_ordered_id(now_us() // 1000, os.urandom(10))
        box = last.tracks[0].box if last.tracks else np.zeros(4, np.float32)
        jpeg = make_snapshot(
            last.frame, everything(last.tracks, last.seen), np.asarray(box, np.float32), _NO_OUTLINE
        )
        report = EventReport(
            version=VERSION, event_id=event_id, revision=0, phase=Phase.BEGIN, kind=kind, camera=camera,
            observed_at_us=last.frame.captured_at_us, clock=Clock(ClockSource.NTP, 8),
            position=Position.of(*place, 1.8), image_point=(500, 700), score=870, track_count=1,
            zone="yard", subject=ObjectClass.PERSON, rule_version=1, reason=reason,
            evidence_digest=hashlib.sha256(jpeg).digest(),
        )  # fmt: skip
        lane = TRAITS[kind].lane
        picture = Snapshot(event_id, camera, report.observed_at_us, jpeg)
        self.agent.outbox.put([(lane, report)], [picture])
        vault = self.agent.clips.vault
        if lost:
            vault.note_dropped(event_id.hex(), Form.ORIGINAL, lost)
            return
        self.agent.clips.began(last.feed, last.frame, [Outcome(report, jpeg, lane)])
        self.wait(lambda: vault.find(event_id.hex(), Form.ORIGINAL) is not None)
