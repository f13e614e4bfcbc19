"""Which cameras are looked at less while the box is too busy or too hot. Pure.

The least important go first, all of one rank together: at half their rate, then rarely. What was eased
last comes back first, once there has been room for a while.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

OVER_LOOKS = 2
"""One look over a limit is a moment, two are a state."""
ROOM_SHARE = 0.75
"""There is room below this share of the budget: less would be over it again at once."""
COOLER_C = 5.0
RETURN_AFTER_S = 30.0
RELAPSE_S = 120.0
MOST_RETURN_S = 900.0
"""A return that was soon taken back makes the next one wait twice as long, up to this."""


class Ease(IntEnum):
    """How much less a camera is looked at."""

    FULL = 0
    HALF = 1
    RARELY = 2
    """As while nothing moves: key frames, and what makes the stream grow."""


class Load(NamedTuple):
    """What was measured. ``cpu_percent``: of all cores that the box may use; ``degrees_c``: None where the
    machine tells of no heat."""

    cpu_percent: float
    degrees_c: float | None


class Limits(NamedTuple):
    """From where on cameras are eased; a ``cpu_percent`` of 0 sets no limit."""

    cpu_percent: float
    ease_at_c: float


class Step(NamedTuple):
    """One change: all cameras of a rank, from one ease to the next or back."""

    rank: int
    ease: Ease
    why: str
    """The measured number and its limit."""
    is_return: bool = False


class LoadBudget:
    """Decides look by look. ``ranks``: 1 (the most important) to 9, by camera."""

    def __init__(self, ranks: Mapping[str, int], limits: Limits) -> None:
        self._ranks = dict(ranks)
        self._limits = limits
        least_first = sorted(set(ranks.values()), reverse=True)
        self._ladder = [(rank, ease) for rank in least_first for ease in (Ease.HALF, Ease.RARELY)]
        self._taken = 0
        self._looks_over = 0
        self._room_since_s: float | None = None
        self._returned_s: float | None = None
        self._return_after_s = RETURN_AFTER_S

    def ease_of(self, camera: str) -> Ease:
        """How much less a camera is to be looked at now."""
        eased = dict(self._ladder[: self._taken])
        return eased.get(self._ranks[camera], Ease.FULL)

    @property
    def eased(self) -> dict[str, Ease]:
        """The cameras that are not looked at in full."""
        found = {camera: self.ease_of(camera) for camera in self._ranks}
        return {camera: ease for camera, ease in found.items() if ease is not Ease.FULL}

    def judge(self, load: Load, at_s: float) -> Step | None:
        """Take one look, of ``at_s`` (monotonic); gives what changes."""
        why = self._over(load)
        if why:
            self._room_since_s = None
            self._looks_over += 1
            return self._ease(why, at_s) if self._looks_over >= OVER_LOOKS else None
        self._looks_over = 0
        if not self._has_room(load):
            self._room_since_s = None
            return None
        self._room_since_s = at_s if self._room_since_s is None else self._room_since_s
        return self._return(load, at_s) if at_s - self._room_since_s >= self._return_after_s else None

    def _over(self, load: Load) -> str:
        limits = self._limits
        if load.degrees_c is not None and load.degrees_c >= limits.ease_at_c:
            return f"{load.degrees_c:.0f} °C, eased from {limits.ease_at_c:.0f} °C on"
        if limits.cpu_percent and load.cpu_percent > limits.cpu_percent:
            return f"{load.cpu_percent:.0f} % of the processor, budget {limits.cpu_percent:.0f} %"
        return ""

    def _has_room(self, load: Load) -> bool:
        is_cool = load.degrees_c is None or load.degrees_c < self._limits.ease_at_c - COOLER_C
        return is_cool and (
            not self._limits.cpu_percent or load.cpu_percent < ROOM_SHARE * self._limits.cpu_percent
        )

    def _ease(self, why: str, at_s: float) -> Step | None:
        self._looks_over = 0
        if self._taken == len(self._ladder):
            return None
        if self._returned_s is not None:
            is_relapse = at_s - self._returned_s < RELAPSE_S
            longer_s = min(2 * self._return_after_s, MOST_RETURN_S)
            self._return_after_s = longer_s if is_relapse else RETURN_AFTER_S
            self._returned_s = None
        rank, ease = self._ladder[self._taken]
        self._taken += 1
        return Step(rank, ease, why)

    def _return(self, load: Load, at_s: float) -> Step | None:
        self._room_since_s = at_s
        if not self._taken:
            return None
        self._taken -= 1
        self._returned_s = at_s
        rank, ease = self._ladder[self._taken]
        heat = "" if load.degrees_c is None else f", {load.degrees_c:.0f} °C"
        why = f"{load.cpu_percent:.0f} % of the processor{heat}"
        return Step(rank, Ease(ease - 1), why, is_return=True)
