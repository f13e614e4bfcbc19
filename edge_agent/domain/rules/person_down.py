"""The rule ``person_down``: someone who stood lies on the ground and does not get up."""

from dataclasses import dataclass

from edge_agent.domain import boxes as box_math
from edge_agent.domain.detection import Reals
from edge_agent.domain.rules.form import DAY_S, PEOPLE, Parameter, RuleEntry, RuleForm
from edge_agent.domain.rules.sighting import Sighting, View, rounded
from edge_agent.domain.rules.visits import Spell, Visit, Visits
from edge_agent.domain.scene import RuleSpec
from shared.kinds import VEHICLES, Kind, ObjectClass
from shared.messages import Phase

UPRIGHT = 0.75
"""Who stands or walks is less wide than this share of the height."""
UPRIGHT_FRAMES = 4
FLAT = 0.7
"""Who lies is so wide for his height, seen from above; who sits or squats is not."""
GROWN = 1.7
"""And so many times as wide as when he stood."""
LOW = 0.53
"""Or has less than this share of the standing height: who lies along the view. Sitting leaves more."""
FALL = 0.3
"""The head came down by this share of the height. Where a car hides the legs, it is the feet that rise."""
GAP_S = 4.0
"""Models see lying people badly."""
SAME_PLACE = 1.0
"""Who moves by this share of the standing height does not lie."""
STANDING = 0.75
"""Who has less than this share of the standing height does not stand."""
SHRINK = 0.08
"""Who walks off grows smaller slowly; who falls does not become the measure."""
SMOOTH = 0.3
"""How much of a shape the newest look makes up: boxes jitter."""


@dataclass(slots=True)
class _Body:
    """One person's bearing."""

    lying: Spell
    height_px: float = 0.0
    """Standing, smoothed."""
    width_px: float = 0.0
    top_px: float = 0.0
    """Where the head was, standing, smoothed."""
    foot_px: tuple[float, float] = (0.0, 0.0)
    """Where he lay down."""
    upright_frames: int = 0
    shape_px: tuple[float, float] = (0.0, 0.0)
    """Width and height of late, smoothed."""


class PersonDown:
    """A person seen upright turns flat, head down, and stays so in one place for ``limit_s``. What was never
    seen upright, a bag or a bench, is no person down; nor is one who sits, who rides, or whose legs are
    hidden. An act: each person once.
    """

    def __init__(self, spec: RuleSpec) -> None:
        assert spec.zone is not None
        self._spec = spec
        self._zone = spec.zone
        self._visits = Visits(spec.classes, GAP_S)
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
        left, top, right, bottom = (float(edge) for edge in visit.track.box)
        width_px, height_px = self._shape(body, right - left, max(1.0, bottom - top))
        is_known = body.upright_frames >= UPRIGHT_FRAMES
        share = height_px / body.height_px if is_known else 1.0
        reason = {
            "low_s": 0.0,
            "limit_s": self._spec.limits["limit_s"],
            "width_share": width_px / height_px,
            "flat_limit": FLAT,
            "height_share": share,
            "low_limit": LOW,
            "grown": width_px / body.width_px if is_known else 1.0,
            "grown_limit": GROWN,
        }
        has_fallen = is_known and top - body.top_px >= FALL * body.height_px
        is_down = _is_flat(reason) and has_fallen and view.depth_px(self._zone, visit.track) >= 0
        is_down = is_down and not any(_covers(box, visit.track.box) for box in borne)
        if is_down and not self._is_where_he_lay(visit, body):
            body.lying.reset()
        reason["low_s"] = body.lying.observe(is_down, visit.step_s)
        is_tall = not is_known or bottom - top >= STANDING * body.height_px
        if not is_down and is_tall and right - left <= UPRIGHT * (bottom - top):
            self._stand(visit, body)
        return reason if is_down else None

    @staticmethod
    def _shape(body: _Body, width_px: float, height_px: float) -> tuple[float, float]:
        before = body.shape_px if body.shape_px[1] else (width_px, height_px)
        body.shape_px = (
            before[0] + SMOOTH * (width_px - before[0]),
            before[1] + SMOOTH * (height_px - before[1]),
        )
        return body.shape_px

    def _is_where_he_lay(self, visit: Visit, body: _Body) -> bool:
        foot = visit.track.foot_px
        if body.lying.frames == 0:
            body.foot_px = foot
        away_px = max(abs(foot[0] - body.foot_px[0]), abs(foot[1] - body.foot_px[1]))
        if away_px <= SAME_PLACE * body.height_px:
            return True
        body.foot_px = foot
        return False

    @staticmethod
    def _stand(visit: Visit, body: _Body) -> None:
        """Learn the standing height: of the latest moments, since he comes nearer or goes."""
        weight = SMOOTH if body.upright_frames else 1.0
        taller_px = visit.track.height_px - body.height_px
        body.height_px += (weight if taller_px > 0 else SHRINK) * taller_px
        body.width_px += weight * (float(visit.track.box[2] - visit.track.box[0]) - body.width_px)
        body.top_px += weight * (float(visit.track.box[1]) - body.top_px)
        body.upright_frames += 1

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


def _is_flat(reason: dict[str, float]) -> bool:
    is_wide = reason["width_share"] >= reason["flat_limit"]
    has_grown = reason["grown"] >= reason["grown_limit"]
    return (is_wide and has_grown) or reason["height_share"] <= reason["low_limit"]


def _lay(reason: dict[str, float]) -> bool:
    return _is_flat(reason) and reason["low_s"] >= reason["limit_s"]


PERSON_DOWN = RuleEntry(
    PersonDown,
    RuleForm(
        "zone",
        PEOPLE,
        {"limit_s": Parameter(10, 3, DAY_S), "cooldown_s": Parameter(0, 0, DAY_S)},
    ),
    version=1,
    holds=_lay,
)
