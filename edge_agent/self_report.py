"""What the agent says about itself: ``/health`` and the numbers of ``/metrics``."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edge_agent.clips import ClipKeeper
from edge_agent.metrics import Sample
from edge_agent.outbox.state import RelayState
from shared.messages import CameraState, ClipLoss

if TYPE_CHECKING:
    from edge_agent.app import Agent


def health_of(agent: "Agent") -> dict[str, Any]:
    """``status`` is ``ok`` when every camera is live and the hub is there; the rest says what is not."""
    states = {watch.feed.camera: watch.feed.state.name.lower() for watch in agent.supervisor.watches}
    states |= dict.fromkeys(agent.refused, CameraState.REFUSED.name.lower())
    link = agent.relay.state if agent.relay else None
    is_connected = link is not None and link.is_connected
    is_ok = is_connected and all(state == "live" for state in states.values())
    return {
        "status": "ok" if is_ok else "degraded",
        "box": agent.settings.box.id,
        "hub": _hub_state(link),
        "cameras": states,
        "conditions": {watch.feed.camera: _conditions(watch.pipeline) for watch in agent.supervisor.watches},
        "wrong": [f"{kind.slug} {camera or 'box'}" for kind, camera in agent.box_watch.ailments.told],
        "outbox_waiting": agent.outbox.waiting(),
        "clips": clips_state(agent.clips),
        "uptime_s": int(time.monotonic() - agent.started_s),
    }


def _conditions(pipeline: Any) -> dict[str, str | bool | None]:
    """What the camera's picture says of light and weather, and whether its rules wait."""
    now = pipeline.conditions
    return {"light": now.light, "infrared": now.is_infrared, "weather": now.weather, "pause": pipeline.pause}


def clips_state(clips: ClipKeeper | None) -> dict[str, Any] | None:
    """What the vault holds and what it lost since the start; None when no clips are made."""
    if clips is None:
        return None
    vault = clips.vault
    dropped = {why.name.lower(): count for why, count in vault.dropped.items()}
    return {"kept": len(vault), "kept_bytes": vault.size_bytes, "dropped": dropped}


def _hub_state(link: RelayState | None) -> str:
    if link is None:
        return "not enrolled"
    return "connected" if link.is_connected else link.denied or link.fault or "away"


def samples_of(agent: "Agent") -> Iterator[Sample]:
    """All metrics, those of one name together."""
    yield from _camera_samples(agent)
    yield from _outbox_samples(agent)
    yield from clip_samples(agent.clips)
    yield from _link_samples(agent)


def _camera_samples(agent: "Agent") -> Iterator[Sample]:
    watches = agent.supervisor.watches
    cameras = [({"camera": watch.feed.camera}, watch, watch.pipeline.counters) for watch in watches]
    for labels, watch, _ in cameras:
        is_live = watch.feed.state is CameraState.LIVE
        yield Sample("saqshy_camera_up", "gauge", "Whether the camera gives pictures.", labels, is_live)
    for labels, watch, _ in cameras:
        yield Sample("saqshy_frames_total", "counter", "Frames received.", labels, watch.feed.received)
    for labels, watch, _ in cameras:
        text = "Due frames that nobody looked at."
        yield Sample("saqshy_frames_dropped_total", "counter", text, labels, watch.feed.dropped)
    for labels, _, counters in cameras:
        yield Sample("saqshy_frames_inferred_total", "counter", "Frames seen by the model.", labels,
                     counters.frames_inferred)  # fmt: skip
    for labels, watch, _ in cameras:
        yield Sample("saqshy_reports_total", "counter", "Reports stored.", labels, watch.reports)
    for labels, watch, _ in cameras:
        for fault, count in sorted(watch.feed.faults.items()):
            text = "How often the camera's decoder ended, by fault."
            yield Sample("saqshy_camera_faults_total", "counter", text, {**labels, "fault": fault}, count)
    for labels, watch, _ in cameras:
        for stage, seconds in stage_seconds(watch).items():
            text = "Processor time spent on the camera's frames, by stage."
            yield Sample("saqshy_stage_seconds_total", "counter", text, {**labels, "stage": stage}, seconds)


def stage_seconds(watch: Any) -> dict[str, float]:
    """Processor time of one camera's watch by stage, without decoding, which is another process's."""
    counters = watch.pipeline.counters
    return {
        "motion": counters.motion_s,
        "infer": counters.infer_s,
        "track": counters.track_s,
        "rules": counters.rules_s,
        "report": counters.report_s,
        "outbox": watch.outbox_s,
    }


def _outbox_samples(agent: "Agent") -> Iterator[Sample]:
    yield Sample(
        "saqshy_outbox_waiting", "gauge", "Rows that the bus has not got yet.", {}, agent.outbox.waiting()
    )
    for lane, count in agent.outbox.lost().items():
        text = "Rows that the full outbox forgot."
        yield Sample("saqshy_outbox_lost_total", "counter", text, {"lane": lane}, count)


def clip_samples(clips: ClipKeeper | None) -> Iterator[Sample]:
    """Of the vault and who fills it."""
    if clips is None:
        return
    vault = clips.vault
    yield Sample("saqshy_clips_recorded_total", "counter", "Clips recorded.", {}, clips.recorded)
    yield Sample("saqshy_clips_kept", "gauge", "Clips in the vault.", {}, len(vault))
    yield Sample("saqshy_clips_kept_bytes", "gauge", "What the vault holds.", {}, vault.size_bytes)
    for why in ClipLoss:
        if count := vault.dropped[why]:
            text = "Clips that were dropped or never kept, by reason."
            yield Sample("saqshy_clips_dropped_total", "counter", text, {"why": why.name.lower()}, count)


def _link_samples(agent: "Agent") -> Iterator[Sample]:
    if agent.relay is None:
        return
    state = agent.relay.state
    yield Sample("saqshy_link_up", "gauge", "Whether the bus is connected.", {}, state.is_connected)
    yield Sample("saqshy_link_connects_total", "counter", "Connections made.", {}, state.connects)
    yield Sample("saqshy_link_failures_total", "counter", "Connections that ended.", {}, state.failures)
    yield Sample("saqshy_rows_sent_total", "counter", "Rows that the bus has stored.", {}, state.sent)
    yield Sample(
        "saqshy_rows_sent_again_total", "counter", "Rows that the hub asked for again.", {}, state.sent_again
    )
    yield Sample(
        "saqshy_messages_refused_total",
        "counter",
        "Messages that the bus will never take.",
        {},
        state.refused,
    )
