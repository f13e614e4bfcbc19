"""What the hub refuses, as one small tree. The message of each is one line for people.

    HubError
      StartRefused         the hub cannot start as asked: the port, the folder, the settings
      RefusalError         something asked of the running hub is refused; ``status`` is its HTTP answer
        NotSignedIn        401
        NotAllowed         403
        NotFound           404, also for what the asker may not know of
        StateConflict      409
        InputRefused       422, with the fields
        TooOften           429, with the pause to keep
        NotReady           503
          BoxAway          503
          ViewsFull        503
          NoPicture        503

A command ends with exit code 2 on ``StartRefused`` and ``InputRefused``, and 1 on any other ``HubError``.
"""

from typing import NamedTuple


class HubError(Exception):
    """Something in the hub does not work."""


class StartRefused(HubError):
    """The hub cannot start: ``what`` is wrong, ``way_out`` helps."""

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(f"{what}; {way_out}")
        self.what = what
        self.way_out = way_out


class FieldFault(NamedTuple):
    """One field of what was sent, and what is wrong with it."""

    field: str
    detail: str


class RefusalError(HubError):
    """A request is refused, with the reason."""

    status = 400
    code = "refused"
    """The last part of the problem's ``type``; never changes its meaning."""
    title = "Refused"


class NotSignedIn(RefusalError):
    """There is no valid session."""

    status, code, title = 401, "not-signed-in", "Sign in first"


class NotAllowed(RefusalError):
    """The role does not allow it."""

    status, code, title = 403, "not-allowed", "Not allowed"


class NotFound(RefusalError):
    """There is no such thing, or the asker may not know of it."""

    status, code, title = 404, "not-found", "Not found"


class StateConflict(RefusalError):
    """The thing is not in a state in which this can be done."""

    status, code, title = 409, "conflict", "Not possible in this state"


class InputRefused(RefusalError):
    """What was sent is well formed but cannot be taken."""

    status, code, title = 422, "invalid", "Some fields cannot be taken"

    def __init__(self, *faults: FieldFault) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.detail}" for fault in faults))
        self.faults = faults


class TooOften(RefusalError):
    """Asked too often; ``retry_after_s`` is the pause to keep."""

    status, code, title = 429, "too-often", "Too many tries"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class NotReady(RefusalError):
    """A part of the hub that this needs is away at the moment."""

    status, code, title = 503, "not-ready", "Not ready"


class BoxAway(NotReady):
    """The box does not answer."""

    code, title = "box-away", "The box is away"


class ViewsFull(NotReady):
    """The box shows as many live views as it may."""

    code, title = "views-full", "Too many live views"


class NoPicture(NotReady):
    """The box is there, but its camera gives no picture."""

    code, title = "no-picture", "The camera gives no picture"
