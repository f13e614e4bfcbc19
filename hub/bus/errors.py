"""What can go wrong between the hub and its bus.

StartRefused (hub.errors)
  BusUnfit        the bus cannot run as it is: the program, its keys, its configuration; a person must act
    PortTaken     another program listens on the port
BusError
  BusAway         nobody answers at the moment; trying again is right
"""

from hub.errors import HubError, StartRefused


class BusUnfit(StartRefused):
    """The bus cannot run as it is: ``what`` is wrong, ``way_out`` helps."""


class PortTaken(BusUnfit):
    """Another program listens on the bus's port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} of {host} is taken", "choose another port, or stop the program that has it"
        )
        self.port = port


class BusError(HubError):
    """The bus does not do what the hub needs."""


class BusAway(BusError):
    """Nobody answers on the bus."""
