"""What people do with an incident: its states, its verdict, and the one function that moves it."""

from enum import StrEnum
from typing import Any, NamedTuple


class State(StrEnum):
    """Where the work on an incident stands."""

    NEW = "new"
    """Nobody has looked at it."""
    ACKNOWLEDGED = "acknowledged"
    """An operator has it."""
    RESOLVED = "resolved"
    """Dealt with on the street; its papers are not."""
    CLOSED = "closed"
    """Done, with a verdict."""


class Verdict(StrEnum):
    """What it was, in an operator's judgement."""

    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    DUPLICATE = "duplicate"
    TEST = "test"


class Action(StrEnum):
    """What an operator may do; the words of the API."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    VERDICT = "verdict"
    NOTE = "note"


class ActorKind(StrEnum):
    """Who wrote a line of the timeline."""

    SYSTEM = "system"
    BOX = "box"
    USER = "user"
    AGENCY = "agency"


class Entry(NamedTuple):
    """A line of an incident's timeline."""

    at_us: int
    actor_kind: ActorKind
    actor: str
    what: str
    detail: dict[str, Any]


class Allowed(NamedTuple):
    """The incident after an action; ``changed`` is false when the action says what already is."""

    state: State
    verdict: Verdict | None
    changed: bool


class Refused(NamedTuple):
    """The action is not possible now, and why."""

    why: str


_MOVES: dict[Action, dict[State, State]] = {
    Action.ACKNOWLEDGE: {State.NEW: State.ACKNOWLEDGED, State.ACKNOWLEDGED: State.ACKNOWLEDGED},
    Action.RESOLVE: {
        State.NEW: State.RESOLVED,
        State.ACKNOWLEDGED: State.RESOLVED,
        State.RESOLVED: State.RESOLVED,
    },
    Action.CLOSE: dict.fromkeys(State, State.CLOSED),
    Action.REOPEN: {State.RESOLVED: State.ACKNOWLEDGED, State.CLOSED: State.ACKNOWLEDGED},
    Action.NOTE: {state: state for state in State},
    Action.VERDICT: {state: state for state in State if state is not State.CLOSED},
}


def transition(
    state: State, verdict: Verdict | None, action: Action, given: Verdict | None = None
) -> Allowed | Refused:
    """Apply ``action``. ``given`` is the verdict of ``Action.VERDICT``, and may come with ``Action.CLOSE``.

    Repeating an action that has been done is allowed and changes nothing, so that a lost answer may be asked
    for again. A note changes nothing but the timeline.
    """
    target = _MOVES[action].get(state)
    if target is None:
        return Refused(f"an incident that is {state} cannot take the action {action}")
    if action is Action.VERDICT and given is None:
        return Refused("a verdict must be one of " + ", ".join(Verdict))
    judged = verdict if given is None or target is state is State.CLOSED else given
    if action is Action.CLOSE and judged is None:
        return Refused("an incident is closed with a verdict; give one first")
    return Allowed(target, judged, changed=(target, judged) != (state, verdict))


def allowed_actions(state: State, verdict: Verdict | None) -> list[Action]:
    """The actions that would change or annotate an incident now, in the order of ``Action``."""
    return [action for action in Action if _is_offered(state, verdict, action)]


def _is_offered(state: State, verdict: Verdict | None, action: Action) -> bool:
    if action in (Action.NOTE, Action.VERDICT):
        return state in _MOVES[action]
    step = transition(state, verdict, action)
    return isinstance(step, Allowed) and step.changed
