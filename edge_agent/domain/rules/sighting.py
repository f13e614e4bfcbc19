"""What a rule is shown and what it says."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from edge_agent.domain import geometry
from edge_agent.domain.conditions import Conditions
from edge_agent.domain.detection import Frame, Reals, Track
from edge_agent.domain.geometry import Point
from edge_agent.domain.ground import Ground, GroundPoint
from edge_agent.domain.motion import Motion
from edge_agent.domain.rules.berth import LENGTH_M, middle_px
from edge_agent.domain.scene import RuleSpec, Zone
from edge_agent.domain.statics import Static
from shared.kinds import Kind, ObjectClass
from shared.messages import Phase

BODY_M = {
    ObjectClass.PERSON: 1.7,
    ObjectClass.BICYCLE: 1.7,
    ObjectClass.MOTORCYCLE: 1.6,
    ObjectClass.CAR: 1.5,
    ObjectClass.BUS: 3.0,
    ObjectClass.TRUCK: 2.8,
}
"""How high a thing is, metres: the measure where a camera is not calibrated."""
_OTHER_M = 0.5
JUST_NOW_S = 1.0


class Sighting(NamedTuple):
    """Something that a rule saw, with the numbers that decided it."""

    kind: Kind
    phase: Phase
    thread: int
    """Sightings of one rule with the same number tell of the same event."""
    place_id: str
    subject: Track
    track_count: int
    reason: dict[str, float]


@dataclass(frozen=True)
class View:
    """One frame as the rules see it."""

    at_us: int
    elapsed_s: float
    """Since the frame before; 0 after a pause in which the rules were frozen."""
    tracks: list[Track]
    ground: Ground | None
    frame: Frame | None = None
    """The picture itself, for rules that look at pixels; None where tracks are replayed."""
    conditions: Conditions = Conditions()  # noqa: RUF009  # frozen
    """The light and the weather."""
    motion: Motion | None = None
    """Where something moves; None where tracks are replayed."""
    statics: tuple[Static, ...] = ()
    """What lies there and is new, for rules whose form asks for it; empty where tracks are replayed."""
    headings: Mapping[int, Point] = field(default_factory=dict[int, Point])
    """Which way vehicles drove last, by track id: unit vectors east and north. On a calibrated camera."""
    _depths: dict[tuple[str, int, Point], float] = field(default_factory=dict[tuple[str, int, Point], float])
    _middles: dict[tuple[int, Point], Point] = field(default_factory=dict[tuple[int, Point], Point])

    def is_seen(self, track: Track) -> bool:
        """Whether it is there now, rather than waited for."""
        return track.last_seen_us >= self.at_us

    def of(self, classes: Iterable[ObjectClass]) -> list[Track]:
        """The tracks of some classes."""
        return [track for track in self.tracks if track.object_class in classes]

    def depth_px(self, zone: Zone, track: Track) -> float:
        """How deep the place where it stands lies in a zone; below 0 outside."""
        key = zone.id, track.id, track.foot_px
        if key not in self._depths:
            self._depths[key] = geometry.depth_of_point(self.standing_px(track), zone.polygon_px)
        return self._depths[key]

    def began_px(self, track: Track) -> Point:
        """Where its foot was when it was first seen, if that was just now, else where it is: a thing is told
        of after two or three looks, and in half a second a car goes five metres."""
        ago_s = (self.at_us - track.first_seen_us) / 1e6
        if ago_s > JUST_NOW_S:
            return track.foot_px
        (x, y), (right, down) = track.foot_px, track.velocity_px_s
        return x - right * ago_s, y - down * ago_s

    def standing_px(self, track: Track) -> Point:
        """Where it stands: its foot point; for a vehicle before a calibrated camera the ground under its
        middle."""
        if self.ground is None or track.object_class not in LENGTH_M:
            return track.foot_px
        key = track.id, track.foot_px
        if key not in self._middles:
            self._middles[key] = middle_px(track, self.headings.get(track.id), self.ground)
        return self._middles[key]

    def spot(self, track: Track) -> "Spot":
        """Where it stands."""
        return Spot(track.foot_px, self._locate(track.foot_px), metres_per_px(track))

    def _locate(self, point_px: Point) -> GroundPoint | None:
        return self.ground.locate(*point_px) if self.ground else None

    def line_distance_m(self, point_px: Point, start: Point, end: Point, scale: float) -> float:
        """How far a foot point is from an endless line, metres; above 0 to the right of from-to. ``scale`` is
        metres per pixel where there is no map."""
        foot, a, b = (self._locate(p) for p in (point_px, start, end))
        if foot is None or a is None or b is None:
            return geometry.side_of_line(start, end, point_px) * scale
        # The picture's y runs down, the ground's north up: mirrored, or left and right would change places.
        east, north = (a.east_m, -a.north_m), (b.east_m, -b.north_m)
        return geometry.side_of_line(east, north, (foot.east_m, -foot.north_m))


class Spot(NamedTuple):
    """A place where something stood, as far as it is known."""

    foot_px: Point
    place: GroundPoint | None
    metres_per_px: float

    def distance_m(self, actor: "Spot") -> float:
        """Metres to where a person or vehicle stands; its height is the measure where there is no map."""
        if self.place is not None and actor.place is not None:
            return math.hypot(
                self.place.east_m - actor.place.east_m, self.place.north_m - actor.place.north_m
            )
        return math.dist(self.foot_px, actor.foot_px) * actor.metres_per_px


def metres_per_px(track: Track) -> float:
    """What a pixel is at a thing's place, taken from its height."""
    return BODY_M.get(track.object_class, _OTHER_M) / max(1.0, track.height_px)


def region_track(
    box: Reals,
    at_us: int,
    *,
    since_us: int | None = None,
    object_class: ObjectClass = ObjectClass.UNKNOWN,
    number: int = 0,
) -> Track:
    """A stand-in for a sighting about a part of the picture that no track stands for.

    ``box``: (4,), left, top, right, bottom in pixels. ``since_us``: since when it has been there, ``at_us``
    if not given. ``number`` is below 1, so that it never is the number of a real track.
    """
    began_us = at_us if since_us is None else since_us
    return Track(number, object_class, box, 1.0, began_us, at_us, 1, (0.0, 0.0), began_us)


class Rule(Protocol):
    """One rule of one camera. Knows nothing of the other rules; keeps state per track."""

    def __init__(self, spec: RuleSpec) -> None: ...

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        ...

    def retract(self, sighting: Sighting) -> None:
        """A sighting's report was kept back: say it again as long as it holds, if it can."""
        ...

    def stop(self) -> list[Sighting]:
        """Go off duty: end what is still open."""
        ...


@runtime_checkable
class Doubting(Protocol):
    """A rule that judges the camera itself: the others pause while it doubts."""

    @property
    def doubts(self) -> bool:
        """Whether what the picture shows is not to be trusted now."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A rule whose judgement takes longer than a box may run without a break: it keeps what it must not
    forget outside of itself."""

    def remember(self) -> dict[str, Any]:
        """What it knows, in JSON's own types; instants as observed. What it gives after ``stop`` tells of
        nothing open."""
        ...

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on from what ``remember`` gave, right after being made. Raises ``LookupError``, ``TypeError`` or
        ``ValueError`` for what another version wrote; the rule is then made anew."""
        ...


def rounded(reason: dict[str, float]) -> dict[str, float]:
    """Numbers as they are reported: hundredths. Rounding keeps order, so the verdict stands."""
    return {name: round(value, 2) for name, value in reason.items()}
