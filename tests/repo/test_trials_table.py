"""Every rule of the box is tried: none goes out without a builder of trials."""

from edge_agent.domain.rules.table import RULES
from simulator.trials.quiet import SECONDS
from simulator.trials.run import QUIET, TRIALS_PER_QUIET
from simulator.trials.table import BUILDERS


def test_each_rule_has_trials() -> None:
    assert [kind.slug for kind in RULES if kind not in BUILDERS] == []


def test_the_quiet_scenes_are_twenty_camera_hours() -> None:
    assert len(QUIET) * TRIALS_PER_QUIET * SECONDS / 3600 >= 20
