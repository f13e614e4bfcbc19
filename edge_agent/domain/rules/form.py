"""What each rule's file says of its rule: how to make it, what a scene may set, when its verdict holds."""

from collections.abc import Callable
from typing import NamedTuple

from edge_agent.domain.rules.sighting import Rule
from edge_agent.domain.scene import Mode, RuleSpec
from shared.kinds import ObjectClass

WHOLE_PICTURE = "picture"
DAY_S = 86_400.0
PEOPLE = frozenset({ObjectClass.PERSON})
Reason = dict[str, float]


class Parameter(NamedTuple):
    """One number of a rule; the unit is in its name."""

    default: float
    least: float
    most: float


class TaughtStates(NamedTuple):
    """What a rule makes of the states that a technician taught."""

    opens: frozenset[str]
    """States that open an event; the file must know one of them."""
    clears: frozenset[str]
    """States that end it; the file must know one of them. All others say neither."""
    is_required: bool = True
    """Without a file it can't judge; else it goes by the picture alone."""


class RuleForm(NamedTuple):
    """What a rule takes from a scene file. The defaults are the event catalogue's start values."""

    place: str
    """``zone`` or ``tripwire``: the key that says where it looks; ``WHOLE_PICTURE`` asks for none."""
    classes: frozenset[ObjectClass]
    """The things that it is about, when the scene does not say."""
    numbers: dict[str, Parameter]
    """Always with ``cooldown_s``."""
    zones: tuple[str, ...] = ()
    """Keys of further zones that it may be given."""
    tripwires: tuple[str, ...] = ()
    """Keys of further lines that it may be given: a stop line, or an arrow from ``from_px`` to ``to_px``."""
    required: frozenset[str] = frozenset()
    """Those of ``zones`` and ``tripwires`` that it can't do without."""
    states: TaughtStates | None = None
    """It takes a file of taught states, by the key ``states``."""
    moments: tuple[str, ...] = ()
    """Keys of lists of moments of the week: ``["Mon 08:00", "Thu 08:00"]``; all are required."""
    needs_pixels: bool = False
    """It looks at the picture itself, so kept tracks alone cannot replay it."""
    needs_ground: bool = False
    """It measures on the ground: a scene without a calibration may not ask for it."""
    needs_statics: bool = False
    """It asks for ``View.statics``: only then are they computed."""
    is_everywhere: bool = False
    """It is in every scene that has what it needs, with its defaults where the scene does not list it."""
    is_watchman: bool = False
    """It judges the camera itself, also while the other rules pause; they pause while it ``doubts``."""
    shows_end: bool = False
    """The picture in which it ended is evidence too: before and after."""
    mode: Mode = Mode.ON
    """How it runs when the scene does not say."""


class RuleEntry(NamedTuple):
    """A kind's rule."""

    make: Callable[[RuleSpec], Rule]
    form: RuleForm
    version: int
    """Goes up when the rule judges the same pictures differently."""
    holds: Callable[[Reason], bool]
    """Computes the verdict again from a sighting's numbers alone."""
