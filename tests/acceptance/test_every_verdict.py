"""Each kind's trials through the real pipeline: every report's verdict is computed again from its numbers."""

import pytest

from edge_agent.domain import ailments
from edge_agent.domain.rules.table import RULES, verdict_holds
from shared.kinds import Kind
from shared.messages import EventReport, Phase
from simulator.trials.player import play
from simulator.trials.run import Order, make

SEED = 20_261
MOST_TRIALS = 12


def reports_of(kind: Kind) -> list[EventReport]:
    """What the first trials of a kind tell of it, up to the first that tells anything."""
    for number in range(MOST_TRIALS):
        trial, variant, rng = make(Order(kind.slug, False, number, SEED))
        told = [report for _, report in play(trial, variant, rng).reports if report.kind is kind]
        if told:
            return told
    raise AssertionError(f"no trial of {kind.slug} tells it")


def hangs_on_its_numbers(kind: Kind, reason: dict[str, float]) -> bool:
    """Whether another number at some place would be another verdict."""
    changes = ({**reason, name: other} for name in reason for other in (-1e6, 0.0, 1e6))
    return not all(verdict_holds(kind, changed) for changed in changes)


@pytest.mark.parametrize("kind", sorted(RULES), ids=lambda kind: kind.slug)
def test_a_verdict_follows_from_its_numbers(kind: Kind) -> None:
    told = reports_of(kind)
    assert any(report.phase is Phase.BEGIN for report in told)
    for report in told:
        assert verdict_holds(kind, report.reason), (report.phase.name, report.reason)
    assert hangs_on_its_numbers(kind, told[0].reason), told[0].reason


def test_the_box_itself_has_one_for_each_kind_that_it_tells() -> None:
    assert not set(ailments.HOLDS) & set(RULES)
    hot = {"value": 91.0, "bound": 85.0}
    assert verdict_holds(Kind.BOX_OVERHEATED, hot)
    assert all(hangs_on_its_numbers(kind, hot) for kind in (Kind.BOX_OVERHEATED, Kind.DISK_FULL))
    assert verdict_holds(Kind.CAMERA_LOST, {"away_s": 61.0, "limit_s": 60.0})
    assert not verdict_holds(Kind.CAMERA_LOST, {"away_s": 59.0, "limit_s": 60.0})
