"""What of a picture must be made unreadable before it leaves the box: heads and number plates."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Detections, Reals, Track
from shared.kinds import VEHICLES, ObjectClass

HEAD_SHARE = 0.35
"""The upper part of a person's box: head and shoulders, also of one who bends or is cut off at the knees."""
PLATE_SHARE = 0.6
"""The lower part of a vehicle's box: bumpers and plates, front and rear, of cars and lorries."""
MARGIN = 0.12
"""Boxes are wrong by about so much of their size; what lies that far outside is taken too."""
LEAST_PX = 4
_RIDDEN = frozenset({ObjectClass.BICYCLE, ObjectClass.MOTORCYCLE})
"""A rider is often seen as part of what he rides."""


def everything(tracks: Sequence[Track], seen: Detections) -> Detections:
    """All that may be a person or vehicle: what is followed, and what the model saw, however faintly."""
    boxes = np.array([track.box for track in tracks], np.float32).reshape(-1, 4)
    classes = np.array([track.object_class for track in tracks], np.int16)
    return Detections(
        np.concatenate([seen.boxes, boxes]),
        np.concatenate([seen.scores, np.ones(len(boxes), np.float32)]),
        np.concatenate([seen.classes, classes]),
    )


def private_regions(things: Detections, width: int, height: int) -> NDArray[np.int32]:
    """Regions to pixelate, (M, 4) left, top, right, bottom in whole pixels inside a width x height picture.

    ``things`` should be everything that may be a person or vehicle, faint ones included: a region too many
    costs a little sharpness, one too few a person's privacy.
    """
    regions = [
        region
        for box, number in zip(things.boxes, things.classes, strict=True)
        for region in _regions(box, ObjectClass(int(number)))
    ]
    if not regions:
        return np.empty((0, 4), np.int32)
    sides = np.array(regions)
    low = np.floor(sides[:, :2]).clip(0, (width, height))
    high = np.ceil(sides[:, 2:]).clip(0, (width, height))
    whole = np.concatenate([low, high], axis=1).astype(np.int32)
    return whole[((whole[:, 2:] - whole[:, :2]) > 0).all(axis=1)]


def _regions(box: Reals, object_class: ObjectClass) -> list[tuple[float, float, float, float]]:
    left, top, right, bottom = (float(side) for side in box)
    across, down = max(LEAST_PX, MARGIN * (right - left)), max(LEAST_PX, MARGIN * (bottom - top))
    regions: list[tuple[float, float, float, float]] = []
    if object_class is ObjectClass.PERSON or object_class in _RIDDEN:
        head = top + HEAD_SHARE * (bottom - top)
        regions.append((left - across, top - down, right + across, head))
    if object_class in VEHICLES:
        plates = bottom - PLATE_SHARE * (bottom - top)
        regions.append((left - across, plates, right + across, bottom + down))
    return regions
