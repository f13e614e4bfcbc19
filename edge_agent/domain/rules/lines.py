"""The rule ``line_crossed``: someone or something passes a tripwire."""

from dataclasses import dataclass

from edge_agent.domain.detection import Track
from edge_agent.domain.geometry import Point, segments_cross
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, metres_per_px, rounded
from edge_agent.domain.scene import Direction, RuleSpec
from shared.kinds import VEHICLES, Kind
from shared.messages import Phase


@dataclass(slots=True)
class _Way:
    """One thing's way about the line."""

    foot_px: Point
    side: int
    """1 to the right of the line, -1 to the left."""
    before_m: float
    """How far from the line it has been on the side where it is, or came from."""
    crossed_to: int = 0
    """The side that it crossed to and has not yet gone far enough into."""


class LineCrossed:
    """Over the line in a counted direction, and ``travel_m`` away from it on both sides: no dithering on it.

    The foot point's way from frame to frame is tested as a segment against the line's, since at 5 pictures a
    second nobody is ever seen on it.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.tripwire is not None
        self._spec = spec
        self._wire = spec.tripwire
        self._ways: dict[int, _Way] = {}
        self._told: set[int] = set()

    def step(self, view: View) -> list[Sighting]:
        """Tell of each thing that has gone far enough over the line and was not told of."""
        tracks = view.of(self._spec.classes)
        alive = {track.id for track in tracks}
        self._ways = {number: way for number, way in self._ways.items() if number in alive}
        self._told &= alive
        return [
            self._sighting(track, *travel)
            for track in tracks
            if view.is_seen(track) and (travel := self._follow(track, view)) is not None
        ]

    def _follow(self, track: Track, view: View) -> tuple[float, float] | None:
        """Move on by a frame; gives metres before and after the line when they are enough."""
        distance_m = self._distance_m(track.foot_px, track, view)
        side = 1 if distance_m > 0 else -1
        way = self._ways.get(track.id) or self._begin(track, view)
        crosses = segments_cross(way.foot_px, track.foot_px, self._wire.from_px, self._wire.to_px)
        way.foot_px = track.foot_px
        if side != way.side:
            self._change_side(way, side, crosses)
        if not way.crossed_to:
            way.before_m = max(way.before_m, abs(distance_m))
            return None
        travel_m = abs(distance_m)
        if travel_m < self._spec.limits["travel_m"]:
            return None
        before_m, way.before_m, way.crossed_to = way.before_m, travel_m, 0
        return (before_m, travel_m) if self._counts(track, side, before_m) else None

    def _begin(self, track: Track, view: View) -> _Way:
        """A thing that is shown for the first time was seen before that."""
        began_px = view.began_px(track)
        distance_m = self._distance_m(began_px, track, view)
        way = self._ways[track.id] = _Way(began_px, 1 if distance_m > 0 else -1, abs(distance_m))
        return way

    def _distance_m(self, point_px: Point, track: Track, view: View) -> float:
        return view.line_distance_m(point_px, self._wire.from_px, self._wire.to_px, metres_per_px(track))

    def _change_side(self, way: _Way, side: int, crosses: bool) -> None:
        """Note a change of side; whoever steps back before going far enough has not crossed."""
        way.side = side
        if way.crossed_to:
            way.crossed_to = 0
        elif crosses:
            way.crossed_to = side
        else:
            way.before_m = 0.0

    def _counts(self, track: Track, side: int, before_m: float) -> bool:
        wanted = {Direction.LEFT_TO_RIGHT: 1, Direction.RIGHT_TO_LEFT: -1}.get(self._wire.direction, side)
        if side != wanted or before_m < self._spec.limits["travel_m"] or track.id in self._told:
            return False
        self._told.add(track.id)
        return True

    def _sighting(self, track: Track, before_m: float, travel_m: float) -> Sighting:
        reason = {"travel_m": travel_m, "before_m": before_m, "limit_m": self._spec.limits["travel_m"]}
        return Sighting(
            Kind.LINE_CROSSED, Phase.BEGIN, track.id, self._spec.place_id, track, 1, rounded(reason)
        )

    def retract(self, sighting: Sighting) -> None:
        """A crossing is a moment: it is not told of later."""

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def _went_over(reason: dict[str, float]) -> bool:
    return reason["travel_m"] >= reason["limit_m"] and reason["before_m"] >= reason["limit_m"]


LINE_CROSSED = RuleEntry(
    LineCrossed,
    RuleForm(
        "tripwire",
        PEOPLE | VEHICLES,
        {"travel_m": Parameter(1, 0, 50), "cooldown_s": Parameter(0, 0, DAY_S)},
    ),
    version=1,
    holds=_went_over,
)
