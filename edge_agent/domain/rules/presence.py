"""Being in a zone, with inertia: three frames in a row to enter, a margin to leave, short gaps forgiven."""

from collections.abc import Iterable
from dataclasses import dataclass

from edge_agent.domain.detection import Track
from edge_agent.domain.rules.sighting import View
from edge_agent.domain.scene import Zone
from shared.kinds import ObjectClass

ENTER_FRAMES = 3
"""Inside only after so many frames in a row [Frigate]."""
LEAVE_MARGIN = 0.1
"""A foot point may stray over the edge by this share of the thing's height before it has left."""


@dataclass(slots=True)
class Stay:
    """One thing's stay in one zone."""

    frames: int = 0
    inside_s: float = 0.0
    unseen_s: float = 0.0

    @property
    def is_inside(self) -> bool:
        return self.frames >= ENTER_FRAMES


class Presence:
    """Who is in a zone, and for how long. ``gap_s``: unseen for at most so long still counts as there."""

    def __init__(self, zone: Zone, classes: Iterable[ObjectClass], gap_s: float) -> None:
        self._zone = zone
        self._classes = frozenset(classes)
        self._gap_s = gap_s
        self._stays: dict[int, Stay] = {}

    def step(self, view: View) -> list[tuple[Track, Stay]]:
        """Judge one frame; gives those that are inside."""
        tracks = view.of(self._classes)
        alive = {track.id for track in tracks}
        self._stays = {number: stay for number, stay in self._stays.items() if number in alive}
        inside: list[tuple[Track, Stay]] = []
        for track in tracks:
            stay = self._stays.setdefault(track.id, Stay())
            self._judge(stay, track, view)
            if stay.is_inside:
                inside.append((track, stay))
        return inside

    def _judge(self, stay: Stay, track: Track, view: View) -> None:
        if not view.is_seen(track):
            stay.unseen_s += view.elapsed_s
            return
        edge_px = -LEAVE_MARGIN * track.height_px if stay.is_inside else 0.0
        if view.depth_px(self._zone, track) < edge_px:
            stay.frames, stay.inside_s = 0, 0.0
        else:
            stay.inside_s += view.elapsed_s if stay.frames else 0.0
            stay.inside_s += stay.unseen_s if stay.frames and stay.unseen_s <= self._gap_s else 0.0
            stay.frames += 1
        stay.unseen_s = 0.0
