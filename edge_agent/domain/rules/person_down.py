"""The rule ``person_down``: someone who stood lies on the ground and does not get up."""

from dataclasses import dataclass
from typing import NamedTuple

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Reals, Track
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.visits import Spell, Visit, Visits
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind, ObjectClass
from shared.messages import Phase

UPRIGHT = 0.75
"""Who stands or walks is less wide than this share of the height."""
UPRIGHT_FRAMES = 4
LOW = 0.53
"""Who lies has less than this share of his standing height. Sitting and squatting leave more."""
LONG = 0.85
"""Or is so wide, in standing heights, that nobody sits or squats so."""
STRETCHED = 0.1
"""Or something of him came so much nearer to the camera, in standing heights: who lies along the view, seen
from above, is hardly lower than one who sits, but whoever sits or squats has his feet where they were."""
LOW_LAID = 0.85
"""Then less than this share of the height is low enough."""
FALL = 0.33
"""The head came down by this share of the height. Where a car hides the legs, it is the feet that rise."""
GAP_S = 6.0
"""Models see lying people badly."""
PACE_M_S = 0.5
"""And who lies does not go far meanwhile."""
SAME_PLACE = 1.0
"""Who moves by this share of the standing height does not lie."""
STANDING = 0.9
"""Who has this share of the standing height stands."""
SLIM, SLIM_S = 1.25, 1.2
"""So does whoever was for so long not so much wider for his height than standing: one who walked off, and
shrank in both. Who falls is on the ground by then."""
SMOOTH = 0.3
"""How much of a shape the newest look makes up: boxes jitter."""
SMOOTH_PLACE = 0.6
"""And of where he stands: who walks is soon elsewhere."""


class _Shape(NamedTuple):
    """A box, in pixels."""

    width_px: float
    height_px: float
    top_px: float
    bottom_px: float

    @classmethod
    def of(cls, track: Track) -> "_Shape":
        left, top, right, bottom = (float(edge) for edge in track.box)
        return cls(right - left, max(1.0, bottom - top), top, bottom)

    @property
    def width_share(self) -> float:
        return self.width_px / self.height_px

    def towards(self, other: "_Shape", size: float, place: float) -> "_Shape":
        """This shape, changed by these shares of what is between it and another."""
        shares = size, size, place, place
        return _Shape(*(a + share * (b - a) for a, b, share in zip(self, other, shares, strict=True)))


@dataclass(slots=True)
class _Body:
    """One person's bearing."""

    lying: Spell
    standing: _Shape | None = None
    """As he last stood or walked, smoothed."""
    upright_frames: int = 0
    slim_s: float = 0.0
    """How long he has been short, but no wider for it than standing."""
    late: _Shape | None = None
    """Of late, smoothed."""
    foot_px: tuple[float, float] = (0.0, 0.0)
    """Where he lay down."""


class PersonDown:
    """A person seen upright turns flat, head down, and stays so in one place for ``limit_s``. What was never
    seen upright, a bag or a bench, is no person down; nor is one who sits, who rides, or whose legs are
    hidden. An act: each person once.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._visits = Visits(spec.classes, GAP_S, PACE_M_S)
        self._bodies: dict[int, _Body] = {}

    def step(self, view: View) -> list[Sighting]:
        """Tell of each person who has lain for long enough and was not told of."""
        borne = [t.box for t in view.of(VEHICLES | {ObjectClass.BICYCLE}) if view.is_seen(t)]
        sightings: list[Sighting] = []
        for visit in self._visits.step(view):
            body = self._bodies.setdefault(visit.thread, _Body(Spell(GAP_S)))
            reason = self._look(visit, body, borne, view)
            if reason is not None and _lay(reason) and not visit.is_told:
                visit.is_told = True
                sightings.append(self._sighting(visit, reason))
        known = {visit.thread for visit in self._visits.all}
        self._bodies = {thread: body for thread, body in self._bodies.items() if thread in known}
        return sightings

    def _look(self, visit: Visit, body: _Body, borne: list[Reals], view: View) -> dict[str, float] | None:
        """Note how a person is; gives the numbers while he lies."""
        now = _Shape.of(visit.track)
        body.late = body.late.towards(now, SMOOTH, SMOOTH) if body.late else now
        if body.standing is None or body.upright_frames < UPRIGHT_FRAMES:
            reason, is_down = dict[str, float](), False
        else:
            reason = _compare(body.late, body.standing)
            has_fallen = now.top_px - body.standing.top_px >= FALL * body.standing.height_px
            is_down = _is_low(reason) and has_fallen and view.depth_px(self._zone, visit.track) >= 0
            is_down = is_down and not any(_covers(box, visit.track.box) for box in borne)
        if is_down and not self._is_where_he_lay(visit, body):
            body.lying.reset()
        low_s = body.lying.observe(is_down, visit.step_s)
        if self._is_upright(now, body, visit.step_s) and not is_down:
            body.standing = body.standing.towards(now, SMOOTH, SMOOTH_PLACE) if body.standing else now
            body.upright_frames += 1
        return {"low_s": low_s, "limit_s": self._spec.limits["limit_s"], **reason} if is_down else None

    @staticmethod
    def _is_upright(now: _Shape, body: _Body, step_s: float) -> bool:
        if body.standing is None or body.upright_frames < UPRIGHT_FRAMES:
            return now.width_share <= UPRIGHT
        if now.height_px >= STANDING * body.standing.height_px:
            body.slim_s = 0.0
            return now.width_share <= UPRIGHT
        is_slim = now.width_share <= min(UPRIGHT, SLIM * body.standing.width_share)
        body.slim_s = body.slim_s + step_s if is_slim else 0.0
        return body.slim_s >= SLIM_S

    @staticmethod
    def _is_where_he_lay(visit: Visit, body: _Body) -> bool:
        assert body.standing is not None
        foot = visit.track.foot_px
        if body.lying.frames == 0:
            body.foot_px = foot
        away_px = max(abs(foot[0] - body.foot_px[0]), abs(foot[1] - body.foot_px[1]))
        if away_px <= SAME_PLACE * body.standing.height_px:
            return True
        body.foot_px = foot
        return False

    def _sighting(self, visit: Visit, reason: dict[str, float]) -> Sighting:
        return Sighting(
            Kind.PERSON_DOWN, Phase.BEGIN, visit.thread, self._spec.place_id, visit.track, 1, rounded(reason)
        )

    def retract(self, sighting: Sighting) -> None:
        """Tell of it again while he lies."""
        self._visits.retract(sighting)

    def stop(self) -> list[Sighting]:
        """An act leaves nothing open."""
        return []


def _covers(vehicle: Reals, person: Reals) -> bool:
    """Whether a person is mostly behind, in or on a vehicle."""
    shared = float(box_math.overlaps(person[None], vehicle[None])[0, 0])
    return shared >= 0.5 * float(box_math.areas(person[None])[0])


def _compare(late: _Shape, standing: _Shape) -> dict[str, float]:
    """How low a person is, and how low he must be to lie, given what else changed."""
    length = late.width_px / standing.height_px
    stretched = (late.bottom_px - standing.bottom_px) / standing.height_px
    is_laid = length >= LONG or stretched >= STRETCHED
    return {
        "height_share": late.height_px / standing.height_px,
        "low_limit": LOW_LAID if is_laid else LOW,
        "width_share": length,
        "drift": stretched,
    }


def _is_low(reason: dict[str, float]) -> bool:
    return reason["height_share"] <= reason["low_limit"]


def _lay(reason: dict[str, float]) -> bool:
    return _is_low(reason) and reason["low_s"] >= reason["limit_s"]


PERSON_DOWN = RuleEntry(
    PersonDown,
    RuleForm(
        "zone",
        PEOPLE,
        {"limit_s": Parameter(10, 3, DAY_S), "cooldown_s": Parameter(0, 0, DAY_S)},
    ),
    version=2,
    holds=_lay,
)
