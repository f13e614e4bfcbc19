"""How deep a thing stands in a zone, in metres."""

import numpy as np

from edge_agent.domain import geometry
from edge_agent.domain.detection import Reals, Track
from edge_agent.domain.ground import Ground
from edge_agent.domain.rules.sighting import View, metres_per_px
from edge_agent.domain.scene import Zone


class Plot:
    """A zone, measured on the ground where the camera is calibrated, else by who stands there."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._ground: Ground | None = None
        self._ring_m: Reals | None = None

    def depth_m(self, view: View, track: Track) -> float:
        """Metres from a foot point to the zone's edge; below 0 outside."""
        if view.ground is not self._ground:
            self._ground, self._ring_m = view.ground, _on_ground(self._zone, view.ground)
        place = view.spot(track).place if self._ring_m is not None else None
        if place is None or self._ring_m is None:
            return view.depth_px(self._zone, track) * metres_per_px(track)
        point = np.array([[place.east_m, place.north_m]])
        return float(geometry.depth_in_polygon(point, self._ring_m)[0])


def _on_ground(zone: Zone, ground: Ground | None) -> Reals | None:
    """(M, 2) metres; None when a corner is too near the horizon to have a place."""
    corners = [ground.locate(float(x), float(y)) for x, y in zone.polygon_px] if ground else [None]
    placed = [(corner.east_m, corner.north_m) for corner in corners if corner is not None]
    return np.array(placed) if len(placed) == len(corners) else None
