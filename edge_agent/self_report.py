"""What the agent says about itself: ``/health`` and the numbers of ``/metrics``."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from edge_agent.clips import ClipKeeper
from edge_agent.domain.conditions import Conditions
from edge_agent.domain.rules.duty import Tally
from edge_agent.domain.scene import RuleSpec
from edge_agent.load_watch import LoadWatch
from edge_agent.metrics import Sample
from edge_agent.outbox.state import RelayState
from edge_agent.sources.feed import CameraFeed
from edge_agent.supervisor import CameraWatch, Pipeline
from shared.messages import CameraState, ClipLoss

if TYPE_CHECKING:
    from edge_agent.app import Agent


def health_of(agent: "Agent") -> dict[str, Any]:
    """``status`` is ``ok`` when every camera is live and looked at in full, nothing is wrong with the box and
    the hub is there; the rest says what is not."""
    states = {watch.feed.camera: watch.feed.state.name.lower() for watch in agent.supervisor.watches}
    states |= dict.fromkeys(agent.refused, CameraState.REFUSED.name.lower())
    link = agent.relay.state if agent.relay else None
    is_connected = link is not None and link.is_connected
    wrong = [f"{kind.slug} {camera or 'box'}" for kind, camera in agent.box_watch.ailments.told]
    is_well = not wrong and not agent.load_watch.budget.eased and agent.outbox.fault is None
    is_ok = is_connected and is_well and all(state == "live" for state in states.values())
    return {
        "status": "ok" if is_ok else "degraded",
        "box": agent.settings.box.id,
        "hub": _hub_state(link),
        "cameras": states,
        "faults": {w.feed.camera: str(w.feed.last_failure) for w in agent.supervisor.watches if w.feed.fault},
        "evidence": {
            w.feed.camera: _main_stream(w.feed) for w in agent.supervisor.watches if w.feed.recorder
        },
        "conditions": {watch.feed.camera: _conditions(watch.pipeline) for watch in agent.supervisor.watches},
        "wrong": wrong,
        "load": load_state(agent.load_watch),
        "outbox_waiting": agent.outbox.waiting(),
        "outbox_fault": agent.outbox.fault,
        "clips": clips_state(agent.clips),
        "uptime_s": int(time.monotonic() - agent.started_s),
    }


def _main_stream(feed: CameraFeed) -> str:
    """How the stream does that clips are cut of, where it is another one."""
    return feed.recorder.state.name.lower() if feed.recorder else ""


def _conditions(pipeline: Pipeline) -> dict[str, str | bool | None]:
    """What the camera's picture says of light and weather, and whether its rules wait."""
    now = pipeline.conditions
    return {"light": now.light, "infrared": now.is_infrared, "weather": now.weather, "pause": pipeline.pause}


def load_state(load_watch: LoadWatch) -> dict[str, Any]:
    """How busy and hot the box is, and which cameras it therefore looks at less."""
    cpu_percent, degrees_c = load_watch.load
    eased = {camera: ease.name.lower() for camera, ease in load_watch.budget.eased.items()}
    return {
        "cpu_percent": round(cpu_percent, 1),
        "degrees_c": degrees_c,
        "eased": eased,
        "why": load_watch.why,
    }


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
    for watch in agent.supervisor.watches:
        yield from rule_samples(watch.feed.camera, watch.pipeline.tallies)
    yield from condition_samples(agent.supervisor.watches)
    yield from load_samples(agent.load_watch)
    yield from _outbox_samples(agent)
    yield from clip_samples(agent.clips)
    yield from _link_samples(agent)


def _camera_samples(agent: "Agent") -> Iterator[Sample]:
    watches = agent.supervisor.watches
    cameras = [({"camera": watch.feed.camera}, watch, watch.pipeline.counters) for watch in watches]
    for labels, watch, _ in cameras:
        is_live = watch.feed.state is CameraState.LIVE
        yield Sample("saqshy_camera_up", "gauge", "Whether the camera gives pictures.", labels, is_live)
    yield from _main_stream_samples(watches)
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


def _main_stream_samples(watches: Sequence[CameraWatch]) -> Iterator[Sample]:
    for watch in watches:
        if watch.feed.recorder:
            is_live = watch.feed.recorder.state is CameraState.LIVE
            text = "Whether the stream comes that clips are cut of, where it is another one."
            yield Sample("saqshy_camera_evidence_up", "gauge", text, {"camera": watch.feed.camera}, is_live)


def condition_samples(watches: Sequence[CameraWatch]) -> Iterator[Sample]:
    """Under what light and weather each camera sees, and whether its rules wait."""
    for watch in watches:
        labels = {"camera": watch.feed.camera, **_condition_labels(watch.pipeline.conditions)}
        text = "1 for the light and the weather that the camera's picture shows, or its scene says."
        yield Sample("saqshy_camera_conditions", "gauge", text, labels, 1)
    for watch in watches:
        text = "Whether the camera's rules wait: its picture as a whole is in doubt."
        is_paused = watch.pipeline.pause is not None
        yield Sample("saqshy_rules_paused", "gauge", text, {"camera": watch.feed.camera}, is_paused)


def _condition_labels(now: Conditions) -> dict[str, str]:
    return {"light": now.light, "infrared": str(now.is_infrared).lower(), "weather": now.weather}


def rule_samples(camera: str, tallies: Sequence[tuple[RuleSpec, Tally]]) -> Iterator[Sample]:
    """What became of each rule's sightings; ``shadowed`` is what a rule in shadow would have told."""
    for spec, tally in tallies:
        labels = {"camera": camera, "rule": spec.key, "mode": spec.mode.value}
        for outcome in ("reported", "shadowed", "cooled"):
            text = "What rules saw, by what became of it."
            count = getattr(tally, outcome)
            yield Sample("saqshy_sightings_total", "counter", text, {**labels, "outcome": outcome}, count)


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
    text = "Whether the disk takes the outbox's rows."
    yield Sample("saqshy_outbox_up", "gauge", text, {}, agent.outbox.fault is None)
    for lane, count in agent.outbox.lost().items():
        text = "Rows that the full outbox forgot, or held back as too many."
        yield Sample("saqshy_outbox_lost_total", "counter", text, {"lane": lane}, count)


def load_samples(load_watch: LoadWatch) -> Iterator[Sample]:
    """Of the budget, and who is looked at less for its sake."""
    cpu_percent, degrees_c = load_watch.load
    text = "Share of the box's cores that its own processes use."
    yield Sample("saqshy_cpu_ratio", "gauge", text, {}, cpu_percent / 100)
    if degrees_c is not None:
        yield Sample("saqshy_hottest_celsius", "gauge", "The hottest thermal zone.", {}, degrees_c)
    text = "How often cameras were eased for the load's sake."
    yield Sample("saqshy_eased_total", "counter", text, {}, load_watch.steps)
    for camera in load_watch.cameras:
        text = "How much less the camera is looked at: 0 in full, 1 half as often, 2 rarely."
        yield Sample(
            "saqshy_camera_eased", "gauge", text, {"camera": camera}, load_watch.budget.ease_of(camera)
        )


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
