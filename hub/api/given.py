"""What handlers are given by name; ``Desk`` in ``hub.api.application`` holds it."""

from typing import TypeAlias

from litestar.di import NamedDependency

from hub.services.devices import Devices
from hub.services.feed import Feed
from hub.services.ingest import Ingest
from hub.services.parts import Parts

GivenParts: TypeAlias = NamedDependency[Parts]
GivenFeed: TypeAlias = NamedDependency[Feed]
GivenDevices: TypeAlias = NamedDependency[Devices]
GivenIngest: TypeAlias = NamedDependency[Ingest]
