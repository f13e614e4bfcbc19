"""Which trials each kind has, and which scenes must stay silent. A new kind is one line here."""

from shared.kinds import Kind
from simulator.trials import places
from simulator.trials.trial import Builder

BUILDERS: dict[Kind, Builder] = {
    Kind.INTRUSION: places.intrusion,
    Kind.LINE_CROSSED: places.line_crossed,
}

QUIET: dict[str, Builder] = {}
