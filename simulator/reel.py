"""Films on disk: H.264 with a key frame every second, and beside it everything a box, a hub and a scorer
need."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import av
import cv2
import numpy as np

from simulator.film import Filmer, SeenBox, Shot
from simulator.ground import GroundMap, ground_map
from simulator.scenes import Scene, make_scene
from simulator.survey import scene_toml
from simulator.truth import base_map, cameras_document, truth_document
from simulator.weather import WEATHERS
from simulator.world import street

_QUALITY = "25"
"""libx264's constant rate factor; the pictures of a good street camera at 1–2 Mbit/s."""


@dataclass(frozen=True)
class Order:
    """What is to be filmed."""

    scene: str
    seed: int
    seconds: float
    weather: str = "clear"
    fps: int = 10
    size_px: tuple[int, int] = (640, 360)
    camera_count: int = 4

    def make(self) -> Scene:
        """The scene; the same order always gives the same one."""
        return make_scene(self.scene, self.seed, self.seconds, self.size_px)


@lru_cache(maxsize=1)
def _ground(seed: int, weather: str) -> GroundMap:
    return ground_map(street(seed), WEATHERS[weather])


def shots(order: Order, scene: Scene, camera_index: int) -> Iterator[Shot]:
    """The pictures of one camera, in order."""
    camera = scene.cameras[camera_index]
    weather = WEATHERS[order.weather]
    filmer = Filmer(
        scene.world, camera, weather, _ground(scene.world.seed, order.weather), order.seed + camera_index
    )
    for number in range(round(order.seconds * order.fps)):
        yield filmer.shoot(scene.actors, number / order.fps)


def film_camera(order: Order, camera_index: int, folder: Path) -> list[list[SeenBox]]:
    """Film one camera to ``<camera>.mp4`` and give its boxes by frame."""
    cv2.setNumThreads(1)
    scene = order.make()
    name = scene.cameras[camera_index].id
    boxes: list[list[SeenBox]] = []
    with av.open(str(folder / f"{name}.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(order.fps))
        stream.width, stream.height = order.size_px
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = order.fps
        stream.codec_context.thread_count = 1
        stream.options = {
            "preset": "veryfast",
            "crf": _QUALITY,
            "bf": "0",
            "keyint_min": str(order.fps),
            "sc_threshold": "0",
        }
        for number, shot in enumerate(shots(order, scene, camera_index)):
            frame = av.VideoFrame.from_ndarray(_i420(shot.bgr), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, order.fps)
            container.mux(stream.encode(frame))
            boxes.append(shot.boxes)
        container.mux(stream.encode())
    return boxes


def _i420(bgr: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)


def film(order: Order, folder: Path, jobs: int = 1) -> Path:
    """Film a scene into ``folder`` and write its truth; returns the truth's path."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = order.make()
    count = min(order.camera_count, len(scene.cameras))
    work = [(order, i, folder) for i in range(count)]
    if jobs > 1:
        with ProcessPoolExecutor(min(jobs, count), get_context("spawn")) as pool:
            filmed = list(pool.map(film_camera, *zip(*work, strict=True)))
    else:
        filmed = [film_camera(*w) for w in work]
    boxes = {scene.cameras[i].id: rows for i, rows in enumerate(filmed)}
    for camera in scene.cameras[:count]:
        (folder / f"{camera.id}.scene.toml").write_text(scene_toml(scene, camera), encoding="utf-8")
    _write(folder / "cameras.json", cameras_document(scene, count))
    _write(folder / "base.geojson", base_map(scene.world))
    return _write(folder / "truth.json", truth_document(scene, order.fps, boxes))


def _write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
    return path
