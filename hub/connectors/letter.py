"""What every connector is given, and the shape that all of them have."""

from typing import Any, NamedTuple, Protocol

from hub.domain.dispatch import Answer


class Letter(NamedTuple):
    """One dispatch on its way to one receiver."""

    url: str
    secret: str
    idempotency_key: str
    """The same at each attempt, so that the receiver can know a repetition."""
    message: str
    """opened, updated or resolved."""
    notice: dict[str, Any]
    """See ``hub.domain.notice``."""

    def __repr__(self) -> str:
        return f"Letter({self.idempotency_key})"  # neither the secret nor the address


class Connector(Protocol):
    """A way to reach an agency."""

    async def deliver(self, letter: Letter) -> Answer:
        """Try once. Every way to fail is an ``Answer``, none an exception."""
        ...

    async def close(self) -> None:
        """Let go of connections; nothing is delivered after it."""
        ...
