"""A street for tests of rules: things walk and stand where a script says, five frames a second."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from edge_agent.domain.detection import Track
from edge_agent.domain.motion import Motion
from edge_agent.domain.rules.duty import Duty, Found
from edge_agent.domain.scene import Scene
from edge_agent.domain.scene_file import parse_scene
from shared.kinds import ObjectClass

FPS = 5
START_US = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC, five in the morning in Almaty."""
SIZES_PX = {
    ObjectClass.PERSON: (34, 100),
    ObjectClass.CAR: (150, 90),
    ObjectClass.BAG: (30, 30),
    ObjectClass.DOG: (50, 30),
    ObjectClass.SHEEP: (50, 30),
    ObjectClass.FIRE: (60, 60),
}
"""Width and height. A person of 100 px makes a metre 59 px, a car of 90 px 60 px."""


class Thing(NamedTuple):
    """One thing in one frame: ``foot_px`` is where it stands."""

    id: int
    object_class: ObjectClass
    foot_px: tuple[float, float]
    is_seen: bool = True
    size_px: tuple[float, float] | None = None
    """Width and height where they are not its class's."""
    speed_px_s: tuple[float, float] = (0.0, 0.0)
    """As the tracker has it, to the right and down."""
    seen_before_s: float = 0.0
    """So long before it is shown for the first time it was first seen."""
    is_carried: bool = False
    """The tracker carried it on without looking."""


Script = Callable[[float], Iterable[Thing]]
"""What is there at a time, in seconds."""


class Told(NamedTuple):
    """A sighting with its time, in seconds."""

    t_s: float
    phase: str
    thread: int
    reason: dict[str, float]


def scene_of(*parts: str) -> Scene:
    """A scene of 1000 x 600 px with these sections."""
    camera = '[camera]\nid = "street"\nsize_px = [1000, 600]\n'
    return parse_scene(camera + "\n".join(parts), "street.toml")


def still_motion(*, is_global: bool = False, is_switch: bool = False) -> Motion:
    return Motion(np.zeros((75, 125), np.bool_), 0.0, is_global, is_switch)


class Street:
    """Plays a script to the rules of a scene. Remembers what a tracker would: since when, and how still."""

    def __init__(self, scene: Scene) -> None:
        self.duty = Duty(scene)
        self.found: list[Found] = []
        self._now_s = 0.0
        self._first_us: dict[int, int] = {}
        self._last_us: dict[int, int] = {}
        self._hits: dict[int, int] = {}
        self._still: dict[int, tuple[tuple[float, float], int]] = {}

    def play(self, seconds: float, script: Script, motion: Motion | None = None) -> list[Told]:
        """Go on for so long; the script's time is counted from the start of the street."""
        told: list[Told] = []
        for _ in range(round(seconds * FPS)):
            at_us = START_US + round(self._now_s * 1e6)
            tracks = [self._track(thing, at_us) for thing in script(self._now_s)]
            found = self.duty.step(tracks, motion or still_motion(), at_us)
            self.found += found
            told += [
                Told(self._now_s, f.sighting.phase.name, f.sighting.thread, f.sighting.reason) for f in found
            ]
            self._now_s = round(self._now_s + 1 / FPS, 6)
        return told

    def wait_until(self, t_s: float) -> None:
        """Nothing is looked at until then."""
        self._now_s = t_s

    def _track(self, thing: Thing, at_us: int) -> Track:
        first_us = self._first_us.setdefault(thing.id, at_us - round(thing.seen_before_s * 1e6))
        if thing.is_seen:
            self._last_us[thing.id] = at_us
            self._hits[thing.id] = self._hits.get(thing.id, 8) + (not thing.is_carried)
        anchor, since_us = self._still.get(thing.id, (thing.foot_px, at_us))
        if np.hypot(anchor[0] - thing.foot_px[0], anchor[1] - thing.foot_px[1]) > 5:
            anchor, since_us = thing.foot_px, at_us
        self._still[thing.id] = anchor, since_us
        width, height = thing.size_px or SIZES_PX[thing.object_class]
        x, y = thing.foot_px
        return Track(
            id=thing.id,
            object_class=thing.object_class,
            box=np.array([x - width / 2, y - height, x + width / 2, y], np.float32),
            score=0.8,
            first_seen_us=first_us,
            last_seen_us=self._last_us.get(thing.id, first_us - 1),
            hits=self._hits.get(thing.id, 8),
            velocity_px_s=thing.speed_px_s,
            still_since_us=since_us,
        )
