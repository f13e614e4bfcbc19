"""Teaches the states of a zone from folders of pictures: inside ``edge teach``."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from edge_agent.domain.detection import Frame
from edge_agent.domain.scene import Scene, Zone
from edge_agent.domain.states import (
    LEAST_PICTURES,
    MOST_STATES,
    UNKNOWN,
    Grade,
    cross_validate,
    fit_states,
)
from edge_agent.domain.zone_picture import ZonePicture, cut_zone
from edge_agent.errors import StatesRefused
from edge_agent.inference.embedding import Embedding
from edge_agent.inference.picture import Bytes
from edge_agent.inference.state_file import MAX_PICTURES, Taught

GOOD_PICTURES = 5
POOR_ACCURACY = 0.8
"""Below it the technician is warned: a rule that sees a state in 3 of 4 samples is then wrong too often."""
_LEAST_PX, _MOST_PX = 16, 8_192
_MOST_BYTES = 40_000_000
_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,31}\Z")


class Lesson(NamedTuple):
    """What was taught, and what to be warned of."""

    taught: Taught
    warnings: list[str]


def teach(folder: Path, eye: Embedding, scene: Scene | None = None, zone: Zone | None = None) -> Lesson:
    """Fit the states whose names are the sub-folders of ``folder`` to the pictures in them.

    With ``scene`` and ``zone`` the pictures are whole ones of that camera, else the zone cut out of them.
    Raises ``StatesRefused`` that names the folder or picture at fault.
    """
    files = _files(folder)
    pictures = [(state, _read_picture(path, scene, zone)) for state, paths in files.items() for path in paths]
    vectors = np.stack([eye.describe(picture) for _, picture in pictures])
    labels = [state for state, _ in pictures]
    grades = cross_validate(vectors, labels)
    return Lesson(Taught(eye.name, fit_states(vectors, labels), grades), _warnings(grades))


def _files(folder: Path) -> dict[str, list[Path]]:
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    except OSError as error:
        way_out = "give a folder with a sub-folder of pictures for each state"
        raise StatesRefused(folder, f"cannot be read ({error.strerror})", way_out) from None
    if not 2 <= len(folders) <= MOST_STATES:
        found = ", ".join(path.name for path in folders) or "none"
        way_out = f"make 2 to {MOST_STATES} sub-folders, as ok/ and overflow/"
        raise StatesRefused(folder, f"holds {len(folders)} states ({found})", way_out)
    files = {path.name: _pictures_in(path) for path in folders}
    if sum(map(len, files.values())) > MAX_PICTURES:
        raise StatesRefused(folder, f"holds over {MAX_PICTURES} pictures", "keep 5 to 20 of each state")
    return files


def _pictures_in(folder: Path) -> list[Path]:
    if not _NAME.match(folder.name) or folder.name == UNKNOWN:
        fault = "no picture teaches what is unknown" if folder.name == UNKNOWN else "is no name of a state"
        way_out = "name it with a-z, 0-9 and _, as overflow"
        raise StatesRefused(folder, fault, way_out)
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS)
    if len(found) < LEAST_PICTURES:
        way_out = f"give at least {LEAST_PICTURES}, better {GOOD_PICTURES} to 20, in different light"
        raise StatesRefused(folder, f"holds {len(found)} pictures", way_out)
    return found


def _read_picture(path: Path, scene: Scene | None, zone: Zone | None) -> ZonePicture:
    image = _decoded(path)
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    if min(height, width) < _LEAST_PX or max(height, width) > _MOST_PX:
        way_out = f"give one of {_LEAST_PX} to {_MOST_PX} px each way"
        raise StatesRefused(path, f"is a picture of {image.shape[1]} x {image.shape[0]} px", way_out)
    i420 = np.asarray(cv2.cvtColor(image[:height, :width], cv2.COLOR_BGR2YUV_I420), np.uint8)
    frame = Frame("", 0, 0, i420, width, height, True)
    if scene is None or zone is None:
        return cut_zone(frame, np.array([(0, 0), (width, height)], np.float64))
    if (width, height) != (scene.width, scene.height):
        fault = f"is of {width} x {height} px, the scene of {scene.width} x {scene.height}"
        raise StatesRefused(path, fault, "give whole pictures of this camera, or crops without --zone")
    return cut_zone(frame, zone.polygon_px)


def _decoded(path: Path) -> Bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise StatesRefused(path, f"is larger than {_MOST_BYTES} bytes", "take it out or make it smaller")
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise StatesRefused(path, f"cannot be read ({error.strerror})", "take it out") from None
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    if image is None:
        raise StatesRefused(path, "is no whole picture", "take it out or save it anew as JPEG or PNG")
    return np.asarray(image, np.uint8)


def _warnings(grades: Sequence[Grade]) -> list[str]:
    warnings: list[str] = []
    for grade in grades:
        if grade.pictures < GOOD_PICTURES:
            warnings.append(f"{grade.state}: {grade.pictures} pictures only; give {GOOD_PICTURES} to 20")
        if grade.accuracy < POOR_ACCURACY:
            taken = f", most often taken for {grade.taken_for}" if grade.taken_for else ""
            warnings.append(
                f"{grade.state}: only {grade.right} of {grade.pictures} recognised{taken}; "
                "give more pictures in the light that it errs in, or draw the zone closer"
            )
    return warnings
