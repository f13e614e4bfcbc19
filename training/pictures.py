"""Training pictures: the simulated town as a box would get it, through H.264 and the agent's own scaling."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.inference.model import InputSpec
from edge_agent.inference.picture import PictureMaker, Region
from shared.kinds import ObjectClass
from simulator.film import Filmer, SeenBox
from simulator.ground import ground_map
from simulator.practice import random_camera, random_crowd
from simulator.weather import varied
from simulator.world import street

SIZE_PX = (640, 360)
INPUT = InputSpec(width=320, height=192, colour="rgb", range="0..1", fit="letterbox")
CAMERAS_PER_STREET = 4
CASTS_PER_CAMERA = 16
FRAMES_PER_CAST = 2
EMPTY_SHARE = 0.08
LABELS = ("person", "car", "truck", "bicycle", "bag")
LABEL_OF = {
    ObjectClass.PERSON: 0,
    ObjectClass.CAR: 1,
    ObjectClass.TRUCK: 2,
    ObjectClass.BUS: 2,
    ObjectClass.BICYCLE: 3,
    ObjectClass.BAG: 4,
}
"""The simulator's class → the model's label; what is missing (dogs) is background."""
MOST_BOXES = 32
BOX_FIELDS = 6
"""Per box: left, top, right, bottom in the model's picture, label (-1: no box), visible fraction."""


class Frame(NamedTuple):
    """One decoded frame and the truth about it."""

    i420: NDArray[np.uint8]
    boxes: list[SeenBox]


def clips(seed: int, street_number: int) -> Iterator[list[Frame]]:
    """The frames of each camera of one street. The same numbers give the same pictures."""
    rng = np.random.default_rng([seed, street_number])
    weather, world = varied(rng), street(int(rng.integers(1 << 30)))
    below = ground_map(world, weather)
    for _ in range(CAMERAS_PER_STREET):
        filmer = Filmer(world, random_camera(rng, SIZE_PX), weather, below, int(rng.integers(1 << 30)))
        yield _film(rng, filmer)


def _film(rng: np.random.Generator, filmer: Filmer) -> list[Frame]:
    shots = []
    for _ in range(CASTS_PER_CAMERA):
        t_s = float(rng.uniform(0, 1000))
        cast = [] if rng.random() < EMPTY_SHARE else random_crowd(rng, filmer.camera, t_s)
        shots += [filmer.shoot(cast, t_s + 0.2 * step) for step in range(FRAMES_PER_CAST)]
    decoded = _through_h264([shot.bgr for shot in shots], int(rng.integers(18, 33)))
    return [Frame(i420, shot.boxes) for i420, shot in zip(decoded, shots, strict=True)]


def _through_h264(frames: list[NDArray[np.uint8]], crf: int) -> list[NDArray[np.uint8]]:
    """What H.264 leaves of pictures (H, W, 3) BGR: I420 frames (H * 3 // 2, W)."""
    packed = io.BytesIO()
    options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
    with av.open(packed, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=5, options=options)
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "bgr24")))
        film.mux(stream.encode(None))
    packed.seek(0)
    with av.open(packed) as film:
        return [frame.to_ndarray(format="yuv420p") for frame in film.decode(video=0)]


def model_views(
    rng: np.random.Generator, frame: Frame, maker: PictureMaker
) -> Iterator[tuple[NDArray, NDArray]]:
    """The whole frame and one part of it, as the model gets them, each with its boxes."""
    for region in (None, _part(rng, frame)):
        picture, place = maker.from_i420(frame.i420, region)
        to_model = np.array([INPUT.width / place.width, INPUT.height / place.height] * 2)
        left, top, right, bottom = place.region
        boxes = np.full((MOST_BOXES, BOX_FIELDS), -1, np.float32)
        shown = [b for b in frame.boxes if b.object_class in LABEL_OF][:MOST_BOXES]
        for row, seen in zip(boxes, shown, strict=False):
            box = np.array(seen.box)
            inside = np.clip(box, [left, top] * 2, [right, bottom] * 2)
            share = np.prod(inside[2:] - inside[:2]) / max(np.prod(box[2:] - box[:2]), 1e-6)
            if share > 0:
                row[:4] = (inside - np.array([left, top] * 2)) * to_model
                row[4:] = LABEL_OF[seen.object_class], seen.visible_fraction * share
        yield picture, boxes


def _part(rng: np.random.Generator, frame: Frame) -> Region:
    """A part of the frame, as the motion gate would cut it: around a thing where there is one."""
    wide, high = SIZE_PX
    width = rng.uniform(0.35, 0.85) * wide
    height = min(width / rng.uniform(0.9, 2.0), high)
    x, y = rng.uniform(0, wide), rng.uniform(0, high)
    if frame.boxes and rng.random() < 0.85:
        x1, y1, x2, y2 = frame.boxes[rng.integers(len(frame.boxes))].box
        x, y = (x1 + x2) / 2 + rng.normal(0, width / 6), (y1 + y2) / 2 + rng.normal(0, height / 6)
    left, top = np.clip(x - width / 2, 0, wide - width), np.clip(y - height / 2, 0, high - height)
    return float(left), float(top), float(left + width), float(top + height)


def draw_street(folder: Path, seed: int, street_number: int) -> None:
    """One street's pictures and boxes as two ``.npy`` files; what is already there is kept."""
    done = folder / f"boxes-{seed}-{street_number:04d}.npy"
    if done.exists():
        return
    rng = np.random.default_rng([seed, street_number, 1])
    maker, pictures, boxes = PictureMaker(INPUT), [], []
    for clip in clips(seed, street_number):
        for frame in clip:
            for picture, truth in model_views(rng, frame, maker):
                pictures.append(picture.copy())
                boxes.append(truth)
    np.save(folder / f"pictures-{seed}-{street_number:04d}.npy", np.stack(pictures))
    np.save(done, np.stack(boxes))


def main() -> None:
    """``pictures.py FOLDER SEED FIRST STREETS [STEP]``: draw every STEP-th of the streets from FIRST."""
    cv2.setNumThreads(1)
    folder, seed, first, count, step = Path(sys.argv[1]), *map(int, [*sys.argv[2:], "1"][:4])
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, count, step):
        draw_street(folder, seed, number)


if __name__ == "__main__":
    main()
