"""How urgent, and who is told."""

import pytest

from hub.domain.routing import AGENCIES, Leg, Receiver, Route, legs, starting_routes
from hub.domain.severity import DOUBTFUL_PERMILLE, Severity, rate, usual_severity
from shared.kinds import Kind, Programme


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_severity_and_somebody_who_answers(kind: Kind) -> None:
    receivers = [Receiver(number, agency.id, True) for number, agency in enumerate(AGENCIES)]
    assert usual_severity(kind) in Severity
    assert legs(kind, usual_severity(kind), starting_routes(), receivers)


@pytest.mark.parametrize("kind", Kind)
def test_doubt_lowers_by_one_step_at_most_and_never_what_is_critical(kind: Kind) -> None:
    usual = usual_severity(kind)
    doubtful = rate(kind, 1, DOUBTFUL_PERMILLE - 1)
    assert usual.rank <= doubtful.severity.rank <= usual.rank + 1
    assert doubtful.severity is usual or "one camera" in doubtful.why
    assert rate(kind, 2, 0).severity is usual
    assert rate(kind, 1, DOUBTFUL_PERMILLE).severity is usual
    if usual is Severity.CRITICAL:
        assert doubtful.severity is usual


def test_dumping_is_told_to_the_waste_utility_and_to_the_police() -> None:
    receivers = [Receiver(1, "police", True), Receiver(2, "waste", True), Receiver(3, "water", True)]
    told = legs(Kind.DUMPING_ACT, Severity.MEDIUM, starting_routes(), receivers)
    assert {leg.agency_id for leg in told} == {"police", "waste"}
    assert all("kind dumping_act" in leg.why for leg in told)


def test_a_receiver_is_told_once_and_a_disabled_one_not_at_all() -> None:
    routes = [
        Route(2, None, None, None, "police"),
        Route(1, Kind.CROWD, Programme.LAW_AND_ORDER, Severity.HIGH, "police"),
    ]
    receivers = [Receiver(7, "police", True), Receiver(8, "police", False)]
    assert legs(Kind.CROWD, Severity.HIGH, routes, receivers) == [
        Leg(7, "police", "route 1: kind crowd, programme law_and_order, severity high or more urgent")
    ]
    assert legs(Kind.CROWD, Severity.LOW, routes, receivers) == [Leg(7, "police", "route 2: everything")]
    assert legs(Kind.CROWD, Severity.LOW, routes, []) == []
