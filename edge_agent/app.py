"""The agent's one place where parts are built and handed to each other."""

import asyncio
import logging
import os
import signal
import time
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path

import cv2

from edge_agent.box_watch import BoxWatch
from edge_agent.clips import ClipKeeper, Sealing
from edge_agent.commands import Commands, LiveViews
from edge_agent.domain.fields import SceneError
from edge_agent.domain.load import Limits as LoadLimits
from edge_agent.domain.scene import Scene
from edge_agent.domain.scene_file import parse_scene
from edge_agent.errors import EdgeError, ModelRefused, Refused, SettingsRefused
from edge_agent.evidence.vault import Limits, Vault
from edge_agent.inference.model import BUNDLED_MODEL
from edge_agent.inference.runtime import Detector, open_detector
from edge_agent.inference.state_file import StatesFolder
from edge_agent.link.credentials import Credentials
from edge_agent.link.nats import NatsLink
from edge_agent.load_watch import LoadWatch
from edge_agent.memory import MemoryFile
from edge_agent.metrics import MetricsServer
from edge_agent.outbox.envelope import Envelope
from edge_agent.outbox.relay import Relay
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.thinning import Thinning
from edge_agent.pipeline import CameraPipeline
from edge_agent.provisioning.setup import SetupMode
from edge_agent.self_report import health_of, samples_of
from edge_agent.settings import CameraSettings, Settings
from edge_agent.sources.address import parse_address
from edge_agent.sources.clip_pipe import NO_CLIPS, ClipTerms
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from edge_agent.supervisor import CameraWatch, Stored, Supervisor
from edge_agent.tracks.log import TrackLog
from edge_agent.tracks.record import Header
from shared.identity import check_identity
from shared.messages import VERSION, CameraHealth, CameraState, Health
from shared.sealed import recipient_id

log = logging.getLogger(__name__)


def now_us() -> int:
    """UTC in microseconds: the agent's one look at the wall clock."""
    return time.time_ns() // 1000


class Agent:
    """The parts of a running box. ``close`` takes them down in the order opposite to that of their making."""

    def __init__(self, settings: Settings, stored: Stored | None = None) -> None:
        """Build everything that needs no hub. Raises ``EdgeError``.

        ``stored`` is told of every report after it is safe on the disk.
        """
        self.settings = settings
        self.started_s = time.monotonic()
        self.dead = asyncio.Event()
        self.why_dead = ""
        self.relay: Relay | None = None
        self.refused_model: ModelRefused | None = None
        self.refused: dict[str, Refused] = {}
        for one in settings.refused:
            self.refuse(one.id, one.error)
        self._loop = asyncio.get_running_loop()
        self._parts = ExitStack()
        try:
            self._build(stored)
        except BaseException:
            self._parts.close()
            raise

    def _build(self, stored: Stored | None) -> None:
        settings = self.settings
        # Its own threads gain nothing on pictures this small, and spin while they wait for the next.
        cv2.setNumThreads(1)
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.outbox = Outbox(settings.state_dir / "outbox.db", now_us=now_us, thinning=Thinning())
        self._parts.callback(self.outbox.close)
        self.detector = self._open_model()
        self._parts.callback(self.detector.close)
        self.decoders = DecoderServer()
        self._parts.callback(self.decoders.close)
        self.decoders.start()
        self.live = LiveViews([camera.id for camera in settings.cameras], settings.evidence.live_cameras)
        self.clips = self._open_clips()
        if self.clips:
            self._parts.callback(self.clips.close)
        watches = [watch for camera in settings.cameras if (watch := self._watch(camera, stored))]
        self.supervisor = Supervisor(watches, self.refuse, self.die)
        self._parts.callback(self.supervisor.stop)
        self.load_watch = LoadWatch(
            watches,
            {camera.id: camera.rank for camera in settings.cameras},
            LoadLimits(settings.budget.cpu_percent, settings.budget.ease_at_c),
        )
        self.box_watch = BoxWatch(
            watches,
            self.outbox,
            settings.state_dir,
            settings.health,
            self._clock_set,
            has_model=self.refused_model is None,
        )

    def _open_model(self) -> Detector:
        """The configured model; the bundled one while the configured one is refused, which is reported."""
        try:
            return open_model(self.settings)
        except ModelRefused as error:
            if self.settings.model.path is None:
                raise
            log.error("the bundled model is used instead: %s", error)
            self.refused_model = error
            return open_detector(
                BUNDLED_MODEL, self.settings.model.threads, state_dir=self.settings.state_dir
            )

    def _clock_set(self, jumped_s: float) -> None:
        """What was timed is void: the service starts the agent anew, with the right time."""
        self.die(f"the clock was set by {jumped_s:+.0f} s")

    def _watch(self, camera: CameraSettings, stored: Stored | None) -> CameraWatch | None:
        """One camera, or None when its own configuration is wrong: the others go on."""
        try:
            scene = read_scene(self.settings, camera)
            address = parse_address(camera.url, self.settings.clips_dir)
            recorder = self._recorder(camera)
        except Refused as error:
            self.refuse(camera.id, error)
            return None
        terms = NO_CLIPS if recorder else self._clip_terms()
        feed = CameraFeed(camera.id, address, camera.fps, self.decoders, clips=terms, recorder=recorder)
        pipeline = CameraPipeline(scene, self.detector, randomness=os.urandom)
        return CameraWatch(
            feed, pipeline, self.outbox, now_us, stored, self._track_log(scene), self._memory_of(scene),
            witnesses=[self.live, *([self.clips] if self.clips else [])],
            began=self.clips.began if self.clips else None,
        )  # fmt: skip

    def _recorder(self, camera: CameraSettings) -> CameraFeed | None:
        """The stream that clips are cut of, where it is another one. Raises ``SourceRefused``."""
        if camera.evidence_url is None or not self.settings.evidence.ring_mib:
            return None
        address = parse_address(camera.evidence_url, self.settings.clips_dir, "evidence_url")
        terms = self._clip_terms()
        return CameraFeed(camera.id, address, camera.fps, self.decoders, clips=terms, is_shown=False)

    def _clip_terms(self) -> ClipTerms:
        wanted = self.settings.evidence
        return ClipTerms(wanted.before_s, wanted.after_s, round(wanted.ring_mib * (1 << 20)))

    def _open_clips(self) -> ClipKeeper | None:
        """The vault and who fills it; None when clips are not wanted, or the disk has no place for them."""
        wanted = self.settings.evidence
        if not wanted.ring_mib:
            return None
        limits = Limits(wanted.quota_mib << 20, wanted.keep_days, wanted.keep_free_mib << 20)
        try:
            vault = Vault(self.settings.state_dir / "vault", limits, now_us)
        except OSError as error:
            log.error("no clips: the vault cannot be used (%s); events go on without", error)
            return None
        return ClipKeeper(vault, self.decoders)

    def _seal_for(self, credentials: Credentials) -> None:
        key = credentials.evidence_key
        if key is None:
            log.warning("no clips: the hub gave no key to seal them to; enrol this box again")
        elif self.clips:
            self.clips.seal_for(Sealing(credentials.box, credentials.key, {recipient_id(key): key}))

    def _commands(self, credentials: Credentials) -> Commands:
        return Commands(
            credentials.site, credentials.box, credentials.key.unsealing_key(), self.clips, self.live,
            self.outbox, self.settings.evidence.send_kib_s << 10,
        )  # fmt: skip

    def _memory_of(self, scene: Scene) -> MemoryFile:
        """Where a camera's slow rules keep what they know over a restart."""
        return MemoryFile(self.settings.state_dir / "memory" / f"{scene.camera}.json")

    def _track_log(self, scene: Scene) -> TrackLog | None:
        """Where a camera's tracks are kept for ``edge replay``."""
        kept = self.settings.tracks
        if not kept.keep_days:
            return None
        folder = self.settings.state_dir / "tracks" / scene.camera
        return TrackLog(folder, Header(scene.camera, scene.text), kept.keep_days, kept.quota_mib << 20)

    def refuse(self, camera: str, error: Refused) -> None:
        """A camera's own configuration is wrong; it is left out, and the heartbeat says so."""
        log.error("camera %s is left out: %s", camera, error)
        self.refused[camera] = error

    def die(self, why: str) -> None:
        """From any thread: a part is gone without which the agent must not pretend to work."""
        self.why_dead = self.why_dead or why
        self._loop.call_soon_threadsafe(self.dead.set)

    def close(self) -> None:
        self._parts.close()

    def health(self) -> Health:
        """The heartbeat."""
        uptime_s = int(time.monotonic() - self.started_s)
        lost = sum(self.outbox.lost().values())
        cameras = [
            CameraHealth(feed.camera, feed.state, round(feed.fps * 10), feed.dropped)
            for feed in (watch.feed for watch in self.supervisor.watches)
            if feed.camera not in self.refused
        ]
        cameras += [CameraHealth(id_, CameraState.REFUSED, 0, 0) for id_ in self.refused if _is_name(id_)]
        return Health(VERSION, now_us(), uptime_s, version("saqshy"), self.outbox.waiting(), lost, cameras)

    # --- life -----------------------------------------------------------------------------------------------

    async def run(self, credentials: Credentials) -> None:
        """Watch and report until cancelled. Raises ``EdgeError`` when a part dies."""
        self._seal_for(credentials)
        self.relay = Relay(
            self.outbox,
            Envelope(credentials.site, credentials.box, self.outbox.epoch),
            lambda: NatsLink(credentials),
            self.health,
            self._commands(credentials),
        )
        self.supervisor.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.relay.run(), name="relay")
                self._look_after(tasks)
        except* EdgeError as group:
            raise group.exceptions[0] from None

    async def watch_only(self) -> None:
        """Watch and store until cancelled; nobody carries the reports away. Raises ``EdgeError``."""
        self.supervisor.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._look_after(tasks)
        except* EdgeError as group:
            raise group.exceptions[0] from None

    def _look_after(self, tasks: asyncio.TaskGroup) -> None:
        tasks.create_task(self.box_watch.run(), name="box")
        tasks.create_task(self.load_watch.run(), name="load")
        tasks.create_task(self._until_dead(), name="watches")

    async def _until_dead(self) -> None:
        await self.dead.wait()
        raise EdgeError(self.why_dead)


def _is_name(text: str) -> bool:
    try:
        return bool(check_identity(text, "camera"))
    except ValueError:
        return False


def open_model(settings: Settings) -> Detector:
    """The configured model, or the bundled one. Raises ``ModelRefused``."""
    return open_detector(_model_path(settings), settings.model.threads, state_dir=settings.state_dir)


def _model_path(settings: Settings) -> Path:
    return settings.path_of(settings.model.path) if settings.model.path else BUNDLED_MODEL


def read_scene(settings: Settings, camera: CameraSettings) -> Scene:
    """A camera's scene. Raises ``SettingsRefused``."""
    path = settings.path_of(camera.scene)
    states = StatesFolder(path.parent, _model_path(settings), settings.state_dir)
    try:
        scene = parse_scene(path.read_text("utf-8"), str(path), states.open)
    except OSError as error:
        way_out = "give the path of its scene file"
        raise SettingsRefused(
            path, f"camera {camera.id}: cannot be read ({error.strerror})", way_out
        ) from None
    except UnicodeDecodeError:
        raise SettingsRefused(path, f"camera {camera.id}: is not UTF-8", "save it as UTF-8") from None
    except SceneError as error:
        raise SettingsRefused(path, f"camera {camera.id}: {error.key} {error.fault}", error.way_out) from None
    if scene.camera != camera.id:
        raise SettingsRefused(
            path, f"it is the scene of camera {scene.camera!r}, not {camera.id!r}", "rename one"
        )
    return scene


async def run_box(settings: Settings) -> None:
    """A box's whole life: enrolment where needed, then watching, until SIGTERM or SIGINT.

    Raises ``EdgeError`` when it cannot start or a part without which it must not pretend to work dies.
    """
    agent = Agent(settings)
    metrics = MetricsServer(partial(samples_of, agent), partial(health_of, agent))
    main = asyncio.ensure_future(_live(agent, metrics))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, main.cancel)
    try:
        await main
    except asyncio.CancelledError:
        log.info("stopping")
    finally:
        await metrics.stop()
        await asyncio.to_thread(agent.close)


async def _live(agent: Agent, metrics: MetricsServer) -> None:
    chosen = agent.settings.metrics
    try:
        port = await metrics.start(chosen.host, chosen.port)
    except OSError as error:
        where = f"{agent.settings.path}: metrics"
        raise SettingsRefused(
            where, f"port {chosen.port} is taken ({error.strerror})", "give another, or 0"
        ) from None
    log.info("metrics: http://%s:%d/metrics", chosen.host, port)
    async with SetupMode(agent.settings) as setup:
        await agent.run(await setup.credentials())
