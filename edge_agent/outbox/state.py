"""What a box can say about its link to the hub."""

from dataclasses import dataclass


@dataclass
class RelayState:
    """Counts since the agent's start; rows, where nothing else is said."""

    is_connected: bool = False
    denied: str | None = None
    """What the bus refused; a person must act."""
    fault: str | None = None
    """The last failure, until something works again."""
    connects: int = 0
    failures: int = 0
    """Links that ended."""
    sent: int = 0
    sent_again: int = 0
    """Rows that the hub did not have although they had been sent."""
    duplicates: int = 0
    """Messages that the bus had already."""
    refused: int = 0
    """Messages that the bus will never take."""
