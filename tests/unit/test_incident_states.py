"""What people may do with an incident, in which state."""

import pytest

from hub.domain.incident import Action, Allowed, Refused, State, Verdict, allowed_actions, transition


@pytest.mark.parametrize(
    ("state", "action", "becomes"),
    [
        (State.NEW, Action.ACKNOWLEDGE, State.ACKNOWLEDGED),
        (State.NEW, Action.RESOLVE, State.RESOLVED),
        (State.ACKNOWLEDGED, Action.RESOLVE, State.RESOLVED),
        (State.RESOLVED, Action.REOPEN, State.ACKNOWLEDGED),
        (State.CLOSED, Action.REOPEN, State.ACKNOWLEDGED),
        (State.CLOSED, Action.NOTE, State.CLOSED),
    ],
)
def test_a_move(state: State, action: Action, becomes: State) -> None:
    step = transition(state, Verdict.CONFIRMED, action)
    assert step == Allowed(becomes, Verdict.CONFIRMED, changed=becomes is not state)


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (State.NEW, Action.REOPEN),
        (State.RESOLVED, Action.ACKNOWLEDGE),
        (State.CLOSED, Action.RESOLVE),
        (State.CLOSED, Action.VERDICT),
    ],
)
def test_a_move_that_is_refused_says_why(state: State, action: Action) -> None:
    step = transition(state, Verdict.TEST, action, Verdict.CONFIRMED)
    assert step == Refused(f"an incident that is {state} cannot take the action {action}")


def test_closing_wants_a_verdict_and_may_bring_it() -> None:
    assert isinstance(transition(State.RESOLVED, None, Action.CLOSE), Refused)
    closed = transition(State.NEW, None, Action.CLOSE, Verdict.FALSE_ALARM)
    assert closed == Allowed(State.CLOSED, Verdict.FALSE_ALARM, changed=True)


def test_a_verdict_keeps_the_state_and_may_be_changed_until_it_is_closed() -> None:
    first = transition(State.ACKNOWLEDGED, None, Action.VERDICT, Verdict.DUPLICATE)
    assert first == Allowed(State.ACKNOWLEDGED, Verdict.DUPLICATE, changed=True)
    assert isinstance(transition(State.NEW, None, Action.VERDICT), Refused)
    again = transition(State.CLOSED, Verdict.TEST, Action.CLOSE, Verdict.CONFIRMED)
    assert again == Allowed(State.CLOSED, Verdict.TEST, changed=False)


def test_repeating_what_is_done_changes_nothing() -> None:
    assert transition(State.ACKNOWLEDGED, None, Action.ACKNOWLEDGE) == Allowed(
        State.ACKNOWLEDGED, None, changed=False
    )


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("verdict", [None, *Verdict])
def test_what_is_offered_is_allowed(state: State, verdict: Verdict | None) -> None:
    for action in allowed_actions(state, verdict):
        assert isinstance(transition(state, verdict, action, Verdict.CONFIRMED), Allowed)


def test_the_offers_of_a_new_incident() -> None:
    offers = allowed_actions(State.NEW, None)
    assert offers == [Action.ACKNOWLEDGE, Action.RESOLVE, Action.VERDICT, Action.NOTE]
