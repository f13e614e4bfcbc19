"""Works frames through one camera's pipeline and writes down what comes of it: inside ``edge watch``."""

import hashlib
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from edge_agent.domain.detection import Frame, Track
from edge_agent.domain.fields import SceneError
from edge_agent.domain.scene import Scene
from edge_agent.errors import SettingsRefused
from edge_agent.evidence.rendering import RenderedClip
from edge_agent.inference.runtime import Detector
from edge_agent.pipeline import CameraPipeline
from shared.messages import EventReport, Phase

Sight = tuple[Frame, bool]
"""A frame, and whether the camera was away before it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Records:
    """The files that were asked for. A file that is not wanted is None."""

    def __init__(
        self, scene: Scene, events: Path | None, tracks: Path | None, render: Path | None, fps: float
    ) -> None:
        """Raises ``SettingsRefused`` when one cannot be written."""
        self._events = _open_text(events, "--events")
        self._tracks = _open_text(tracks, "--tracks")
        try:
            self._render = RenderedClip(render, scene, fps) if render else None
        except OSError as error:
            raise _refused(render, "--render", error) from None

    def __enter__(self) -> "Records":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for text in (self._events, self._tracks):
            if text:
                text.close()
        if self._render:
            self._render.close()

    def write(self, frame: Frame, t_s: float, tracks: list[Track], reports: list[EventReport]) -> None:
        """Note one frame, ``t_s`` after the first."""
        if self._events:
            self._events.writelines(_line(report_record(report, t_s)) for report in reports)
            self._events.flush()
        if self._tracks:
            seen = [track for track in tracks if track.last_seen_us >= frame.captured_at_us]
            self._tracks.write(_line(_tracks_record(frame, t_s, seen)))
        if self._render:
            texts = [f"{report.kind.slug} {report.phase.name.lower()} {report.zone}" for report in reports]
            self._render.add(frame, t_s, tracks, texts)


def watch_frames(
    sights: Iterator[Sight], scene: Scene, file: str, detector: Detector, records: Records, *, is_live: bool
) -> dict[str, Any]:
    """Work all frames through; gives the sums. A camera is watched until Ctrl-C.

    Raises ``SettingsRefused`` when the scene was drawn on pictures of another size.
    """
    randomness = os.urandom if is_live else _same_every_time(scene.camera)
    pipeline = CameraPipeline(scene, detector, randomness=randomness)
    began: Counter[str] = Counter()
    ids: set[int] = set()
    first_us = last_us = 0
    begun_cpu_s = time.process_time()
    try:
        for frame, is_seam in sights:
            if is_seam:
                pipeline.reconnected(frame.captured_at_us)
            first_us, last_us = first_us or frame.captured_at_us, frame.captured_at_us
            reports = [outcome.report for outcome in pipeline.step(frame, frame.captured_at_us)]
            began.update(report.kind.slug for report in reports if report.phase is Phase.BEGIN)
            ids.update(track.id for track in pipeline.tracks)
            records.write(frame, (last_us - first_us) / 1e6, pipeline.tracks, reports)
    except SceneError as error:
        raise SettingsRefused(file, f"{error.key} {error.fault}", error.way_out) from None
    except KeyboardInterrupt:
        if not is_live:
            raise
    cpu_s = time.process_time() - begun_cpu_s
    return _sums(pipeline, began, len(ids), cpu_s, (last_us - first_us) / 1e6)


def _sums(
    pipeline: CameraPipeline, began: Counter[str], track_count: int, cpu_s: float, seconds: float
) -> dict[str, Any]:
    counters, times_s = pipeline.counters, pipeline.infer_times_s
    return {
        "frames": counters.frames,
        "frames_inferred": counters.frames_inferred,
        "detections": counters.detections,
        "tracks": track_count,
        "events": began.total(),
        "cpu_s": round(cpu_s, 3),
        "cpu_s_per_camera_s": round(cpu_s / seconds, 4) if seconds else None,
        "infer_ms_p50": round(1000 * statistics.median(times_s), 2) if times_s else None,
        "light": str(pipeline.conditions.light),
        "infrared": pipeline.conditions.is_infrared,
        "weather": str(pipeline.conditions.weather),
        "events_by_kind": dict(sorted(began.items())),
    }


def report_record(report: EventReport, t_s: float) -> dict[str, Any]:
    """A report as one JSON object, in the units that people use."""
    position = report.position
    return {
        "event_id": report.event_id.hex(),
        "revision": report.revision,
        "phase": report.phase.name.lower(),
        "kind": report.kind.slug,
        "camera": report.camera,
        "observed_at": _iso(report.observed_at_us),
        "observed_at_us": report.observed_at_us,
        "t_s": round(t_s, 3),
        "lat": position.lat_deg if position else None,
        "lon": position.lon_deg if position else None,
        "sigma_m": position.sigma_m if position else None,
        "image_point": report.image_point,
        "score": report.score,
        "track_count": report.track_count,
        "zone": report.zone,
        "subject": report.subject.slug,
        "reason": report.reason,
    }


def _tracks_record(frame: Frame, t_s: float, tracks: list[Track]) -> dict[str, Any]:
    listed = [
        {
            "id": track.id,
            "class": track.object_class.slug,
            "box": [round(float(side), 1) for side in track.box],
            "score": round(track.score, 3),
        }
        for track in tracks
    ]
    return {"t_s": round(t_s, 3), "frame": frame.number, "tracks": listed}


def _iso(at_us: int) -> str:
    moment = _EPOCH + timedelta(microseconds=at_us)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"


def _open_text(path: Path | None, option: str) -> IO[str] | None:
    try:
        return path.open("w", buffering=1, encoding="utf-8") if path else None
    except OSError as error:
        raise _refused(path, option, error) from None


def _refused(path: Path | None, option: str, error: OSError) -> SettingsRefused:
    return SettingsRefused(option, f"{path} cannot be written ({error.strerror})", "give a path that can be")


def _same_every_time(seed: str) -> Callable[[int], bytes]:
    """Bytes that look random and are the same on every run, so that a clip's event ids are."""
    numbers = count()
    return lambda size: hashlib.shake_256(f"{seed} {next(numbers)}".encode()).digest(size)
