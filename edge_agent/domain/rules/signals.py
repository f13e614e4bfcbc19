"""Rules about a traffic light: ``red_light``, who passes it at red, and ``signal_fault``, when it fails."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Reals, Track
from edge_agent.domain.geometry import Point
from edge_agent.domain.lamps import Shown, luma_of, patch_of, read_colourless, read_signal
from edge_agent.domain.rules.flow import (
    SAME_WAY_COS,
    Flow,
    Vehicle,
    box_of,
    footprint,
    place_on_plane,
    scale_of,
    velocity_on_plane,
)
from edge_agent.domain.rules.form import DAY_S, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, region_track, rounded
from edge_agent.domain.scene import Direction, RuleSpec, Tripwire, Zone
from shared.kinds import VEHICLES, Kind
from shared.messages import Phase

FLICKER_S = 0.7
"""LED lights flicker against the camera's shutter: so long a gap in a colour is none."""
CONFIRM_FRAMES = 2
"""A colour is believed when it was read in so many frames in a row."""
HIDDEN_SHARE = 0.3
"""A vehicle's box over so much of the light hides it."""
BRIDGE_S = 6.0
"""A colour that was there before and is there after so long out of sight was there all along: no light is
green for less than five seconds and amber for three before it is red again."""
BRISK_M_S, JUST_OVER_S = 3.0, 0.8
"""Who goes at least so fast and passed the line at most so long ago by its speed came over it."""
BEYOND_LOOKS = 2
BESIDE = 0.3
"""A front may be off the stop line's end by this share of it: at first a heading is known badly."""


class Light:
    """One traffic light, read frame by frame: what it shows and since when."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._box: Reals = box_of(zone)
        self._candidate = Shown.UNKNOWN
        self._candidate_us = 0
        self._frames = 0
        self._agreed_us = 0
        self._colour = Shown.UNKNOWN
        """The last that was shown."""
        self._colour_us = self._colour_until_us = 0
        self.shown = Shown.UNKNOWN
        self.since_us = 0

    def step(self, view: View) -> Shown:
        """Read one frame; gives the plain reading. ``shown`` follows when it is sure of it."""
        reading = self._read(view)
        if reading is self._candidate:
            self._frames += 1
        else:
            self._candidate, self._candidate_us, self._frames = reading, view.at_us, 1
        if reading is self.shown:
            self._agreed_us = view.at_us
        elif reading > Shown.DARK:
            if self._frames >= CONFIRM_FRAMES:
                self._show(reading, view.at_us)
        elif view.at_us - self._agreed_us > FLICKER_S * 1e6 and self._frames >= CONFIRM_FRAMES:
            self._show(reading, view.at_us)
        return reading

    def _show(self, shown: Shown, at_us: int) -> None:
        if self.shown > Shown.DARK:
            self._colour, self._colour_us, self._colour_until_us = self.shown, self.since_us, self._agreed_us
        is_back = shown is self._colour and self._candidate_us - self._colour_until_us <= BRIDGE_S * 1e6
        since_us = self._colour_us if is_back else self._candidate_us
        self.shown, self.since_us, self._agreed_us = shown, since_us, at_us

    def _read(self, view: View) -> Shown:
        if view.frame is None or any(self._hides(track) for track in view.of(VEHICLES)):
            return Shown.UNKNOWN
        if view.conditions.is_infrared:
            return read_colourless(luma_of(view.frame, self._zone.polygon_px))
        return read_signal(patch_of(view.frame, self._zone.polygon_px))

    def _hides(self, track: Track) -> bool:
        shared = float(box_math.overlaps(track.box[None], self._box[None])[0, 0])
        return shared > HIDDEN_SHARE * float(box_math.areas(self._box[None])[0])


class _Front(NamedTuple):
    """Where a vehicle's front is about the stop line."""

    past_m: float
    """How far past it; below 0 before it."""
    going_m_s: float
    """How fast it goes over it."""
    is_across: bool
    """It is between the line's ends."""


@dataclass(slots=True)
class _Run:
    """One vehicle's way over the stop line."""

    before_m: float
    """How far its front was past the line in the frame before; below 0 before it."""
    hits: int = 0
    beyond: int = 0
    """In how many pictures it was found as far beyond the line as counts."""
    passed_us: int | None = None
    """When its front passed; None while it has not."""
    is_told: bool = False


class RedLight:
    """The light was red for ``grace_s`` when a vehicle's front passed the stop line, and is red still when it
    is ``past_m`` beyond. A vehicle that hides the light is judged when the light is seen again. For a person
    to review, never a fine: where the front is, is an estimate.

    The zone is drawn tightly around the light, the stop line across the lanes that it is for; the line's
    direction says which way counts.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._light = Light(spec.zone)
        self._line: Tripwire = spec.other_tripwires["stop_line"]
        self._flow = Flow(spec.zone, spec.classes)
        self._runs: dict[int, _Run] = {}

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        self._light.step(view)
        vehicles = self._flow.step(view)
        alive = {vehicle.visit.thread for vehicle in self._flow.all}
        self._runs = {thread: run for thread, run in self._runs.items() if thread in alive}
        return [s for vehicle in vehicles for s in self._follow(vehicle, view)]

    def retract(self, sighting: Sighting) -> None:
        """A passage is a moment: it is not told of later."""

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []

    def _follow(self, vehicle: Vehicle, view: View) -> list[Sighting]:
        front, visit = self._front(vehicle, view), vehicle.visit
        if front is None:
            self._runs.pop(visit.thread, None)
            return []
        run = self._runs.get(visit.thread)
        if run is None:
            run = self._runs[visit.thread] = _Run(front.past_m, passed_us=_came_over(front, view.at_us))
        if front.past_m <= 0:
            run.passed_us = None
        elif run.before_m <= 0 and front.is_across:
            # When it passed lies between two frames: the earlier one gives it the benefit of the doubt.
            run.passed_us = view.at_us - round(visit.step_s * 1e6)
        run.before_m = front.past_m
        # Who was only carried on by the tracker may have braked, and one look may be at who passes in front.
        is_found, run.hits = visit.track.hits > run.hits, visit.track.hits
        is_beyond = front.is_across and front.past_m >= self._spec.limits["past_m"]
        run.beyond = run.beyond + is_found if is_beyond else 0
        return self._tell(run, vehicle, front.past_m) if run.beyond >= BEYOND_LOOKS else []

    def _front(self, vehicle: Vehicle, view: View) -> _Front | None:
        """Where its front is. The way over the line is its heading, which at first is known badly."""
        track, heading = vehicle.visit.track, vehicle.heading
        scale = scale_of(track)
        start, end = (place_on_plane(view, p, scale) for p in (self._line.from_px, self._line.to_px))
        if start is None or end is None:
            return None
        if self._line.direction is Direction.RIGHT_TO_LEFT:
            start, end = end, start
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = (dx * dx + dy * dy) ** 0.5
        # The way over the line runs to the right of who looks along it.
        across: Point = (-dy / length, dx / length)
        going = velocity_on_plane(view, track, scale)
        speed = math.hypot(*going) if going else 0.0
        # A track that passed from one vehicle to another has the old one's heading for a second.
        way = (going[0] / speed, going[1] / speed) if going and speed >= BRISK_M_S else heading
        if way is not None and way[0] * across[0] + way[1] * across[1] < SAME_WAY_COS:
            return None
        ground = footprint(view, track, across, scale)
        if ground is None or going is None:
            return None
        x, y = ground.front[0] - start[0], ground.front[1] - start[1]
        along = (x * dx + y * dy) / (length * length)
        return _Front(
            x * across[0] + y * across[1],
            going[0] * across[0] + going[1] * across[1],
            -BESIDE <= along <= 1 + BESIDE,
        )

    def _tell(self, run: _Run, vehicle: Vehicle, past_m: float) -> list[Sighting]:
        limits = self._spec.limits
        is_red = self._light.shown is Shown.RED
        if run.is_told or run.passed_us is None or vehicle.heading is None or not is_red:
            return []
        red_s = (run.passed_us - self._light.since_us) / 1e6
        if red_s < limits["grace_s"]:
            return []
        run.is_told = True
        reason = {
            "red_s": red_s,
            "grace_s": limits["grace_s"],
            "past_m": past_m,
            "limit_m": limits["past_m"],
        }
        visit, place = vehicle.visit, self._spec.place_id
        return [Sighting(Kind.RED_LIGHT, Phase.BEGIN, visit.thread, place, visit.track, 1, rounded(reason))]


def _came_over(front: _Front, at_us: int) -> int | None:
    """When a vehicle that was not seen before the line passed it; None when it may have come from elsewhere.

    A thing is shown after two or three looks, and in half a second it goes five metres; so fast so shortly
    beyond the line nobody has started off or turned in.
    """
    is_brisk = front.going_m_s >= BRISK_M_S and 0 < front.past_m <= JUST_OVER_S * front.going_m_s
    return at_us - round(front.past_m / front.going_m_s * 1e6) if is_brisk and front.is_across else None


def _passed_at_red(reason: dict[str, float]) -> bool:
    return reason["red_s"] >= reason["grace_s"] and reason["past_m"] >= reason["limit_m"]


RED_LIGHT = RuleEntry(
    RedLight,
    RuleForm(
        "zone",
        VEHICLES,
        {
            "grace_s": Parameter(0.5, 0, 10),
            "past_m": Parameter(3, 1, 30),
            "cooldown_s": Parameter(0, 0, DAY_S),
        },
        tripwires=("stop_line",),
        required=frozenset({"stop_line"}),
        needs_pixels=True,
    ),
    version=1,
    holds=_passed_at_red,
)

BLINKS = 3
BLINKING_S = 8.0
"""An amber that goes on so often in so long blinks: out of service by plan, no fault."""
WORKING_CHANGES = 2
"""After a fault the light works again when it has changed its colour so often."""
LONGEST_STEP_S = 15.0
"""Between two looks at a still street; what was longer away is not counted."""
_CYCLES = 2
_THREAD = 1


class SignalFault:
    """The light shows nothing, or the same, for two cycles; ``cycle_s`` is its longest. A state: ends when
    the light has changed twice, or blinks amber.

    Time in which a vehicle hides it or the sun blinds the camera is not counted.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._box = box_of(spec.zone)
        self._light = Light(spec.zone)
        self._limit_s = _CYCLES * spec.limits["cycle_s"]
        self._shown = Shown.UNKNOWN
        """The last that was sure."""
        self._unchanged_s = 0.0
        self._changes = 0
        self._told: dict[str, float] = {}
        self._was_amber = False
        self._blinks_us: list[int] = []
        self._at_us = 0

    def step(self, view: View) -> list[Sighting]:
        """Judge one frame."""
        self._at_us = view.at_us
        reading = self._light.step(view)
        is_blinking = self._blinks(reading, view.at_us)
        shown = self._light.shown
        if shown is Shown.UNKNOWN or reading is Shown.UNKNOWN:
            return []
        if is_blinking:
            self._unchanged_s = 0.0
            self._changes = WORKING_CHANGES
        elif shown is not self._shown:
            self._changes += self._shown is not Shown.UNKNOWN and shown is not Shown.DARK
            self._shown, self._unchanged_s = shown, 0.0
        else:
            self._unchanged_s += min(view.elapsed_s, LONGEST_STEP_S)
        return self._tell()

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while it lasts."""
        del sighting
        self._told = {}

    def stop(self) -> list[Sighting]:
        """End what is open."""
        told, self._told = self._told, {}
        self._unchanged_s = 0.0
        return [self._sighting(self._at_us, Phase.END, told)] if told else []

    def remember(self) -> dict[str, Any]:
        """What is open, and how long the light has shown the same."""
        return {"told": self._told, "shown": int(self._shown), "unchanged_s": self._unchanged_s}

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on from there."""
        told = {str(name): float(value) for name, value in memory["told"].items()}
        shown, unchanged_s = Shown(int(memory["shown"])), float(memory["unchanged_s"])
        self._told, self._shown, self._unchanged_s = told, shown, unchanged_s

    def _blinks(self, reading: Shown, at_us: int) -> bool:
        """Whether amber blinks; a single dark frame between two ambers is enough at 5 frames a second."""
        if reading is Shown.AMBER and not self._was_amber:
            self._blinks_us.append(at_us)
        if reading is not Shown.UNKNOWN:
            self._was_amber = reading is Shown.AMBER
        self._blinks_us = [us for us in self._blinks_us if at_us - us <= BLINKING_S * 1e6]
        return len(self._blinks_us) >= BLINKS

    def _tell(self) -> list[Sighting]:
        if self._told:
            if self._changes < WORKING_CHANGES:
                return []
            told, self._told = self._told, {}
            return [self._sighting(self._at_us, Phase.END, told)]
        if self._unchanged_s < self._limit_s:
            return []
        self._changes = 0
        self._told = rounded(
            {"cause": float(self._shown), "unchanged_s": self._unchanged_s, "limit_s": self._limit_s}
        )
        return [self._sighting(self._at_us, Phase.BEGIN, self._told)]

    def _sighting(self, at_us: int, phase: Phase, reason: dict[str, float]) -> Sighting:
        subject = region_track(self._box, at_us)
        return Sighting(Kind.SIGNAL_FAULT, phase, _THREAD, self._spec.place_id, subject, 0, dict(reason))


def _is_unchanged(reason: dict[str, float]) -> bool:
    return reason["unchanged_s"] >= reason["limit_s"] and reason["cause"] >= Shown.DARK


SIGNAL_FAULT = RuleEntry(
    SignalFault,
    RuleForm(
        "zone",
        frozenset(),
        {"cycle_s": Parameter(90, 5, 600), "cooldown_s": Parameter(0, 0, DAY_S)},
        needs_pixels=True,
    ),
    version=1,
    holds=_is_unchanged,
)
