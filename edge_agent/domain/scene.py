"""What a camera looks at: its zones, tripwires, calibration and rules."""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.conditions import Profile
from edge_agent.domain.geometry import Point
from edge_agent.domain.ground import Ground
from edge_agent.domain.schedule import Moment, Span
from edge_agent.domain.states import ZoneStates
from shared.kinds import Kind, ObjectClass


class Mode(StrEnum):
    """What a rule does with what it finds."""

    ON = "on"
    SHADOW = "shadow"
    """Judges and counts, never reports."""
    OFF = "off"


class Direction(StrEnum):
    """Which way over a tripwire counts, for someone at its ``from_px`` who looks to its ``to_px``."""

    LEFT_TO_RIGHT = "left_to_right"
    RIGHT_TO_LEFT = "right_to_left"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Zone:
    """An area of the picture."""

    id: str
    polygon_px: NDArray[np.float64]
    """(M, 2)"""


@dataclass(frozen=True, slots=True)
class Tripwire:
    """A line in the picture."""

    id: str
    from_px: Point
    to_px: Point
    direction: Direction


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One rule of one camera."""

    kind: Kind
    mode: Mode
    zone: Zone | None
    tripwire: Tripwire | None
    other_zones: dict[str, Zone]
    """Further zones by their key: ``lane``, ``container``."""
    other_tripwires: dict[str, Tripwire]
    """Further lines by their key: ``heading``, ``stop_line``."""
    classes: frozenset[ObjectClass]
    hours: tuple[Span, ...]
    limits: dict[str, float]
    """All parameters of the kind, by name with unit."""
    states: ZoneStates | None = None
    """The taught states of the zone, where a file was named."""
    moments: dict[str, tuple[Moment, ...]] = field(default_factory=dict[str, tuple[Moment, ...]])
    """Moments of the week by their key, in local time."""
    timezone: tzinfo = UTC
    nth: int = 1
    """Counts the scene's rules of its kind and place."""

    @property
    def key(self) -> str:
        """What tells it from the camera's other rules, also after the box started again."""
        return f"{self.kind.slug}/{self.place_id}" + (f"/{self.nth}" if self.nth > 1 else "")

    @property
    def outline_px(self) -> NDArray[np.float64]:
        """The zone's corners or the tripwire's ends, (M, 2)."""
        if self.zone is not None:
            return self.zone.polygon_px
        assert self.tripwire is not None
        return np.array([self.tripwire.from_px, self.tripwire.to_px])

    @property
    def place_id(self) -> str:
        """The zone or tripwire that it watches."""
        place = self.zone or self.tripwire
        assert place is not None
        return place.id


@dataclass(frozen=True, slots=True)
class Scene:
    """One camera's scene."""

    camera: str
    name: str
    width: int
    height: int
    timezone: tzinfo
    min_score: float
    look_px: tuple[int, int, int, int]
    """Left, top, right, bottom: the part of the picture that the model is shown."""
    profile: Profile = Profile.AUTO
    """Under which light and weather it is looked at."""
    tile_px: int | None = None
    """Width of the tiles that the model is shown one by one; 0: the model's size chooses; None: no tiles."""
    ground: Ground | None = None
    zones: dict[str, Zone] = field(default_factory=dict[str, Zone])
    tripwires: dict[str, Tripwire] = field(default_factory=dict[str, Tripwire])
    rules: tuple[RuleSpec, ...] = ()
    text: str = ""
    """The scene file that it was read from."""
