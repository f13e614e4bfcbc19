"""What can go wrong between the hub and its bus.

BusError
  BusUnfit        it cannot run as it is: the program, its keys or its configuration; a person must act
    PortTaken     another program listens on the port
  BusAway         nobody answers at the moment; trying again is right
"""


class BusError(Exception):
    """The bus does not do what the hub needs."""


class BusUnfit(BusError):
    """The bus cannot run as it is: ``what`` is wrong, ``way_out`` helps."""

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(f"{what}; {way_out}")
        self.what = what
        self.way_out = way_out


class PortTaken(BusUnfit):
    """Another program listens on the bus's port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} of {host} is taken", "choose another port, or stop the program that has it"
        )
        self.port = port


class BusAway(BusError):
    """Nobody answers on the bus."""
