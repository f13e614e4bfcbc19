"""What other rules would have made of what was followed: old rules and new on the same tracks, compared."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edge_agent.domain.fields import SceneError
from edge_agent.domain.motion import Motion
from edge_agent.domain.rules.duty import Duty
from edge_agent.domain.rules.table import RULES
from edge_agent.domain.scene import RuleSpec, Scene
from edge_agent.domain.scene_file import parse_scene
from edge_agent.errors import SettingsRefused
from edge_agent.tracks.log import recordings
from edge_agent.tracks.record import Moment, RecordDamaged, Recording, read_recording
from shared.messages import Phase

_NO_CELLS = np.zeros((0, 0), np.bool_)
_PAUSE_S = 60.0
"""A longer gap between frames, and a new start: the rules begin afresh, as they did then."""
SAME_S = 1.0
"""Two events of a kind and place that begin so close together are the same one."""


class Begun(NamedTuple):
    """An event that rules told of."""

    at_us: int
    kind: str
    place: str
    reason: dict[str, float]


class Difference(NamedTuple):
    """What changes with the new rules; each list in order of time."""

    same: list[Begun]
    only_old: list[Begun]
    only_new: list[Begun]
    moments: int
    seconds: float
    lost_bytes: int
    unjudged: list[str]
    """Kinds of the new scene whose rules look at pixels, which are not kept."""


def replay(folder: Path, new: Scene) -> Difference:
    """Compare the rules under which ``folder``'s tracks were kept with ``new``.

    Raises ``SettingsRefused``: nothing to read, another camera's tracks, or a picture of another size.
    """
    read = [_read(file) for file in recordings(folder)]
    if not any(one.moments for one in read):
        raise SettingsRefused(
            folder, "holds no tracks", "give a camera's folder below the box's state/tracks"
        )
    old_events: list[Begun] = []
    new_events: list[Begun] = []
    for text, group in groupby(read, key=lambda one: one.header.scene_text):
        old = _scene_then(text, folder)
        _check_fit(folder, old, new)
        for run in _runs([moment for one in group for moment in one.moments]):
            old_events += events_of(old, run)
            new_events += events_of(new, run)
    moments = [moment for one in read for moment in one.moments]
    return Difference(
        *_compare(old_events, new_events),
        moments=len(moments),
        seconds=(moments[-1].at_us - moments[0].at_us) / 1e6,
        lost_bytes=sum(one.lost_bytes for one in read),
        unjudged=sorted({spec.kind.slug for spec in new.rules if _is_blind(spec)}),
    )


def events_of(scene: Scene, moments: Iterable[Moment]) -> list[Begun]:
    """The events that a scene's rules tell of, from tracks alone."""
    duty = Duty(scene)
    begun: list[Begun] = []
    for moment in moments:
        if moment.is_seam:
            duty.black_out(moment.at_us)
        share = 1.0 if moment.is_global else 0.0
        motion = Motion(_NO_CELLS, share, is_global=moment.is_global, is_switch=moment.is_switch)
        for found in duty.step(list(moment.tracks), motion, moment.at_us):
            sighting = found.sighting
            if sighting.phase is Phase.BEGIN:
                begun.append(Begun(moment.at_us, sighting.kind.slug, sighting.place_id, sighting.reason))
    return begun


def _is_blind(spec: RuleSpec) -> bool:
    """Whether tracks alone don't tell; the rules that are in every scene are not counted."""
    form = RULES[spec.kind].form
    return form.needs_pixels and not form.is_everywhere


def as_record(begun: Begun, moment_text: Callable[[int], str]) -> dict[str, Any]:
    """An event as one JSON object."""
    return {
        "at": moment_text(begun.at_us), "kind": begun.kind, "place": begun.place, "reason": begun.reason
    }  # fmt: skip


def _read(file: Path) -> Recording:
    try:
        return read_recording(file)
    except OSError as error:
        raise SettingsRefused(file, f"cannot be read ({error.strerror})", "check its rights") from None
    except RecordDamaged as error:
        raise SettingsRefused(file, f"is no file of tracks ({error})", "move it out of the folder") from None


def _scene_then(text: str, folder: Path) -> Scene:
    try:
        return parse_scene(text, f"the scene kept in {folder}")
    except SceneError as error:
        raise SettingsRefused(
            error.file, f"{error.key} {error.fault}", "it is of another version of this program: remove it"
        ) from None


def _check_fit(folder: Path, old: Scene, new: Scene) -> None:
    if old.camera != new.camera:
        raise SettingsRefused(
            folder, f"holds tracks of {old.camera}, the scene is of {new.camera}", "give that camera's scene"
        )
    if (old.width, old.height) != (new.width, new.height):
        raise SettingsRefused(
            folder,
            f"holds tracks in {old.width} x {old.height}, the scene has {new.width} x {new.height}",
            "draw the scene on a picture of the tracks' size",
        )


def _runs(moments: Sequence[Moment]) -> Iterable[list[Moment]]:
    """Cut where the camera was away for long, or time ran backwards."""
    run: list[Moment] = []
    for moment in moments:
        if run and not 0 < moment.at_us - run[-1].at_us <= _PAUSE_S * 1e6:
            yield run
            run = []
        run.append(moment)
    if run:
        yield run


def _compare(old: list[Begun], new: list[Begun]) -> tuple[list[Begun], list[Begun], list[Begun]]:
    """Which events both have, only the old rules tell, only the new."""
    same: list[Begun] = []
    only_old: list[Begun] = []
    left = list(new)
    for event in old:
        twin = next((other for other in left if _is_same(event, other)), None)
        if twin is None:
            only_old.append(event)
        else:
            left.remove(twin)
            same.append(twin)
    return same, only_old, left


def _is_same(one: Begun, other: Begun) -> bool:
    is_near = abs(one.at_us - other.at_us) <= SAME_S * 1e6
    return is_near and (one.kind, one.place) == (other.kind, other.place)
