"""Who judges when: schedules, modes, freezing, blackout and cooldown, the same for all rules of a camera."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, cast

from edge_agent.domain.conditions import Conditions
from edge_agent.domain.detection import Frame, Track
from edge_agent.domain.geometry import Point
from edge_agent.domain.motion import Motion
from edge_agent.domain.rules.berth import Headings
from edge_agent.domain.rules.sighting import Doubting, Remembering, Rule, Sighting, View
from edge_agent.domain.rules.table import RULES
from edge_agent.domain.scene import Mode, RuleSpec, Scene
from edge_agent.domain.schedule import is_on_duty
from edge_agent.domain.statics import Static, Statics
from shared.kinds import ObjectClass
from shared.messages import Phase

BLACKOUT_S = 15.0
"""After a day/night switch, a turned camera, a reconnect."""
FREEZE_S = 1.0
"""After a global change of the picture that does not last."""
TURNED_S = 3.0
"""A global change that lasts so long is a turned camera, or a new scene: a blackout follows."""


MAX_OPEN = 256
"""Events of one rule that may still go on; beyond it the oldest hears no more."""


class Pause(StrEnum):
    """Why the rules do not judge a frame."""

    FROZEN = "frozen"
    BLACKOUT = "blackout"
    DOUBTFUL = "doubtful"
    """The camera is covered, moved, frozen: what its picture shows is not to be trusted."""


@dataclass(slots=True)
class Tally:
    """What became of one rule's sightings, since start."""

    reported: int = 0
    shadowed: int = 0
    cooled: int = 0
    """Kept back because another was reported so shortly before."""
    paused_frames: int = 0


class Found(NamedTuple):
    """A sighting to be reported, and the number of the rule that saw it."""

    rule: int
    sighting: Sighting


@dataclass(slots=True)
class _Post:
    """One rule at its post."""

    spec: RuleSpec
    rule: Rule | None
    """None while off duty."""
    tally: Tally
    reported_us: int | None = None
    reported: deque[int] = field(default_factory=lambda: deque[int](maxlen=MAX_OPEN))
    """Threads of the latest reported events; only these may go on."""
    cooling: set[int] = field(default_factory=set[int])
    doubting: Doubting | None = None
    """The rule, where it is one that may doubt the picture; asked for in each frame."""
    memory: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the rule knew when it last went off duty, or before the box started again."""

    @property
    def is_watchman(self) -> bool:
        return RULES[self.spec.kind].form.is_watchman

    def begin(self) -> Rule:
        """Make the rule; it goes on from what it knew, when it is one that remembers."""
        rule = RULES[self.spec.kind].make(self.spec)
        memory, self.memory = self.memory, {}
        self.reported.clear()
        self.cooling.clear()
        if isinstance(rule, Remembering) and memory.get("version") == RULES[self.spec.kind].version:
            try:
                rule.recall(memory["rule"])
                self.reported.extend(int(thread) for thread in memory["reported"])
            except (LookupError, TypeError, ValueError):
                return RULES[self.spec.kind].make(self.spec)
        return rule

    def remember(self) -> dict[str, Any]:
        """What the rule knows; nothing for one that keeps no memory."""
        if self.rule is None:
            return self.memory
        if not isinstance(self.rule, Remembering):
            return {}
        version = RULES[self.spec.kind].version
        return {"version": version, "reported": list(self.reported), "rule": self.rule.remember()}


class Duty:
    """All rules of one camera."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._posts = [_Post(spec, None, Tally()) for spec in scene.rules]
        self._at_us: int | None = None
        self._frozen_until_us = 0
        self._blackout_until_us = 0
        self._global_since_us: int | None = None
        self._was_paused = False
        self.pause: Pause | None = None
        """Why the rules did not judge the last frame; None when they did."""
        needed = any(
            RULES[s.kind].form.needs_statics and ObjectClass.OBJECT in s.classes and s.mode is not Mode.OFF
            for s in scene.rules
        )
        self._statics = Statics() if needed else None
        self._headings = Headings()

    @property
    def tallies(self) -> list[Tally]:
        """One for each rule, in the scene's order."""
        return [post.tally for post in self._posts]

    def step(
        self,
        tracks: list[Track],
        motion: Motion,
        at_us: int,
        frame: Frame | None = None,
        conditions: Conditions = Conditions(),  # noqa: B008  # frozen
    ) -> list[Found]:
        """Judge one frame, or let it pass when the picture as a whole is in doubt."""
        before_us, self._at_us = self._at_us, at_us
        ground = self._scene.ground
        # Blind or not: who stopped in a blackout stands somewhere all the same.
        headings = self._headings.step(tracks, ground, at_us) if ground else dict[int, Point]()
        view = View(at_us, 0.0, tracks, ground, frame, conditions, motion, headings=headings)
        found = self._judge_all(view, are_watchmen=True)
        self.pause = self._pause(motion, at_us, before_us)
        if self.pause is not None:
            self._was_paused = True
            for post in self._posts:
                post.tally.paused_frames += not post.is_watchman
            return found
        elapsed_s = 0.0 if before_us is None or self._was_paused else max(0.0, (at_us - before_us) / 1e6)
        self._was_paused = False
        statics = self._find_statics(frame, tracks, motion, at_us)
        view = View(at_us, elapsed_s, tracks, ground, frame, conditions, motion, statics, headings)
        return found + self._judge_all(view, are_watchmen=False)

    def _judge_all(self, view: View, *, are_watchmen: bool) -> list[Found]:
        found: list[Found] = []
        for number, post in enumerate(self._posts):
            if post.is_watchman is are_watchmen:
                sightings = self._judge(post, view)
                found += [Found(number, s) for s in sightings if self._may_report(post, s, view.at_us)]
        return found

    def memory(self) -> dict[str, Any]:
        """What the rules that remember know, by ``RuleSpec.key``; JSON's own types."""
        return {post.spec.key: memory for post in self._posts if (memory := post.remember())}

    def recall(self, memory: dict[str, Any]) -> None:
        """Let the rules go on from what ``memory`` gave, before the first frame."""
        for post in self._posts:
            known = memory.get(post.spec.key)
            post.memory = cast("dict[str, Any]", known) if isinstance(known, dict) else {}

    def black_out(self, at_us: int) -> None:
        """The camera was away, or turned: the rules wait until the scene is known again."""
        self._blackout_until_us = at_us + round(BLACKOUT_S * 1e6)
        if self._statics is not None:
            self._statics.restart(keep=True)

    def _find_statics(
        self, frame: Frame | None, tracks: list[Track], motion: Motion, at_us: int
    ) -> tuple[Static, ...]:
        """What lies there and is new, when a rule of the scene asks for it."""
        if self._statics is None or frame is None:
            return ()
        return self._statics.observe(frame.luma, tracks, at_us, is_still=motion.is_still)

    def _pause(self, motion: Motion, at_us: int, before_us: int | None) -> Pause | None:
        if motion.is_switch:
            self.black_out(at_us)
        if motion.is_global and before_us is not None:
            self._frozen_until_us = at_us + round(FREEZE_S * 1e6)
            self._global_since_us = at_us if self._global_since_us is None else self._global_since_us
            if at_us - self._global_since_us >= TURNED_S * 1e6:
                self.black_out(at_us)
                if self._statics is not None:
                    self._statics.restart(keep=False)
        elif at_us >= self._frozen_until_us:
            self._global_since_us = None
        if any(post.doubting is not None and post.doubting.doubts for post in self._posts):
            return Pause.DOUBTFUL
        if at_us < self._blackout_until_us:
            return Pause.BLACKOUT
        return Pause.FROZEN if at_us < self._frozen_until_us else None

    def _judge(self, post: _Post, view: View) -> list[Sighting]:
        if post.spec.mode is Mode.OFF:
            return []
        if not is_on_duty(post.spec.hours, view.at_us, self._scene.timezone):
            ended = post.rule.stop() if post.rule else []
            post.memory, post.rule, post.doubting = post.remember(), None, None
            return ended
        if post.rule is None:
            post.rule = post.begin()
            post.doubting = post.rule if isinstance(post.rule, Doubting) else None
        return post.rule.step(view)

    def _may_report(self, post: _Post, sighting: Sighting, at_us: int) -> bool:
        """Count a sighting; what goes on with a reported event is always reported, never what was not.

        A rule in shadow counts what it would report, its cooldown observed.
        """
        if sighting.phase is not Phase.BEGIN:
            return sighting.thread in post.reported
        cooldown_us = post.spec.limits["cooldown_s"] * 1e6
        if post.reported_us is not None and at_us - post.reported_us < cooldown_us:
            self._keep_back(post, sighting)
            return False
        post.reported_us = at_us
        post.cooling.clear()
        if post.spec.mode is Mode.SHADOW:
            post.tally.shadowed += 1
            return False
        post.tally.reported += 1
        post.reported.append(sighting.thread)
        return True

    def _keep_back(self, post: _Post, sighting: Sighting) -> None:
        """One was reported so shortly before; this one may be told of when the cooldown is over."""
        post.tally.cooled += sighting.thread not in post.cooling
        post.cooling.add(sighting.thread)
        if post.rule is not None:
            post.rule.retract(sighting)
