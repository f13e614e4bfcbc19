"""What a trial is: one camera, its scene file, who moves before it, and what should be reported."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from shared.geo import LatLon
from simulator.actors import Actor
from simulator.camera import Camera
from simulator.trials.canvas import Canvas, GroundPatch
from simulator.world import Point, to_latlon

CONDITIONS = ("day", "dusk", "night", "snow", "rain", "wind", "ir_switch", "headlights")
HEIGHTS_M = (4.0, 6.0, 8.0)
NEAREST_M, FARTHEST_M = 5.0, 25.0
"""How far from its focus a camera stands."""
FPS = 5.0
_MISS = {"day": 0.08, "dusk": 0.08, "wind": 0.08, "rain": 0.09, "snow": 0.10}
_DARK_MISS = 0.10


@dataclass(frozen=True)
class Variant:
    """Under which circumstances a kind is tried."""

    condition: str
    distance_m: float
    height_m: float
    switch_share: float | None = None
    """When in the trial the camera goes between colour and infrared, 0 to 1; None: it does not."""

    @property
    def is_dark(self) -> bool:
        """Whether it is night."""
        return self.condition in ("night", "headlights", "ir_switch")

    @property
    def falls(self) -> str:
        """What falls from the sky: nothing, ``snow`` or ``rain``."""
        return self.condition if self.condition in ("snow", "rain") else ""

    @property
    def shake_px(self) -> float:
        """How far the wind moves the picture, standard deviation."""
        return 0.8 if self.condition == "wind" else 0.0

    @property
    def miss(self) -> float:
        """The share of clearly visible things that the detector misses."""
        return _MISS.get(self.condition, _DARK_MISS)


def draw_variant(rng: np.random.Generator, number: int) -> Variant:
    """The variant of a kind's trial ``number``: conditions and heights in turn, the rest drawn."""
    condition = CONDITIONS[number % len(CONDITIONS)]
    return Variant(
        condition,
        float(rng.uniform(NEAREST_M, FARTHEST_M)),
        HEIGHTS_M[(number + number // len(CONDITIONS)) % len(HEIGHTS_M)],
        float(rng.uniform(0.05, 0.95)) if condition == "ir_switch" else None,
    )


class Due(NamedTuple):
    """Something that should be reported, once."""

    kind: str
    begin_s: float
    due_s: float
    """When a perfect observer would report it."""
    place: Point
    actor_id: int | None = None
    """Asked for only when this one is clearly seen between begin and due; None: always asked for."""
    end_s: float | None = None
    late_s: float = 15.0
    far_m: float = 8.0

    @property
    def latlon(self) -> LatLon:
        """Its place in WGS-84."""
        return to_latlon(self.place)


class Stretch(NamedTuple):
    """A span in which the camera's pictures are looked at."""

    from_s: float
    to_s: float
    fps: float = FPS


Paint = Callable[[Canvas, float], None]
"""Writes into the picture of an instant, in place."""


class Lesson(NamedTuple):
    """A file of taught states that the scene names, and the pictures to teach it from."""

    file: str
    zone: str
    pictures: tuple[tuple[str, float], ...]
    """Each a state and the instant at which ``Trial.paint`` shows it, before or after the trial."""


@dataclass(frozen=True)
class Trial:
    """One trial. Times are seconds from its start, places metres on the street's plane."""

    camera: Camera
    scene_toml: str
    seconds: float
    actors: tuple[Actor, ...]
    due: tuple[Due, ...] = ()
    """Empty in a trial that must stay silent."""
    unseen: frozenset[int] = frozenset()
    """Actors that the detector has no class for: painted, never detected."""
    patches: tuple[GroundPatch, ...] = ()
    paint: Paint | None = None
    """Called before actors and weather are painted."""
    finish: Paint | None = None
    """Called after all else: what happens to the lens or the camera."""
    pace: tuple[Stretch, ...] = ()
    """Only these spans are shown, the clock goes on between them; empty: all of it."""
    starts_at: str = ""
    """ISO 8601; empty: eleven in the morning by day, ten in the evening at night, local time."""
    lessons: tuple[Lesson, ...] = ()
    variant: Variant | None = None
    """Under which circumstances it is played, where these are not the ones that were drawn."""
    setup: Callable[[Any], None] | None = None
    """Called with the camera's pipeline before the first picture."""


Builder = Callable[[np.random.Generator, Variant], Trial]
"""Makes a trial; the same draw and variant give the same one."""
