"""Real clips, real models: what the box counts is what a person counts by eye.

How it was counted: contact sheets with one picture of every second of the clip (people), and of every 0.4 s
of its lower left part with a ruler in pixels (cars), were looked at from the first to the last. Then the
rendered clips were looked at in the same way, with both models.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

from edge_agent.cli.edge import app

SCENES = Path(__file__).parents[1] / "scenes"
MODELS = ["coco_ssd_mobilenet_v1_quant", "yolox_nano"]
pytestmark = [pytest.mark.data, pytest.mark.slow]

VISITS_BY_EYE = [(6, 20), (23, 45), (51, 70), (75, 87), (93, 120), (124, 136)]
"""One by one, six people come in from below, stand at the table and leave to the right: from and to, s."""


class CarByEye(NamedTuple):
    """A car's middle in pixels at some seconds, from when it is wholly in view to the end of the clip."""

    name: str
    t_s: list[float]
    x_px: list[float]
    y_px: list[float]


CARS_BY_EYE = [
    CarByEye(
        "red estate car",
        [0.8, 1.6, 2.4, 3.2, 4.0, 4.8, 5.6, 6.4, 7.2, 8.0, 8.8],
        [47, 82, 123, 156, 193, 221, 245, 266, 281, 291, 305],
        [323, 322, 320, 316, 316, 318, 317, 312, 313, 312, 311],
    ),
    CarByEye(
        "grey saloon",
        [4.4, 4.8, 5.6, 6.4, 7.2, 8.0, 8.8],
        [62, 76, 122, 164, 197, 220, 240],
        [338, 338, 334, 329, 326, 323, 323],
    ),
    CarByEye(
        "red saloon",
        [6.4, 7.2, 8.0, 8.8],
        [52, 89, 126, 156],
        [325, 324, 321, 320],
    ),
]


def watch(data_dir: Path, out: Path, clip: str, model: str, scene: str) -> dict[str, Any]:
    """Run the command as a technician does; gives what it printed."""
    arguments = [
        *("--source", str(data_dir / "videos" / clip), "--model", str(data_dir / "models" / model)),
        *("--scene", str(SCENES / scene), "--json"),
        *("--events", str(out / "events.jsonl"), "--tracks", str(out / "tracks.jsonl")),
    ]
    result = CliRunner().invoke(app, ["watch", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("model", MODELS)
def test_each_person_who_comes_is_told_of_once(data_dir: Path, tmp_path: Path, model: str) -> None:
    clip = "one-by-one-person-detection.mp4"
    answer = watch(data_dir, tmp_path, clip, model, "one-by-one-person.toml")
    events = read_lines(tmp_path / "events.jsonl")
    assert answer["frames"] == 697
    assert answer["events_by_kind"] == {"intrusion": len(VISITS_BY_EYE)}
    assert answer["tracks"] == len(VISITS_BY_EYE)
    for event, (came_s, went_s) in zip(events, VISITS_BY_EYE, strict=True):
        assert came_s < event["t_s"] < went_s
        assert event["subject"] == "person"
        assert event["track_count"] == 1
    assert len({event["event_id"] for event in events}) == len(VISITS_BY_EYE)


@pytest.mark.parametrize("model", MODELS)
def test_a_car_keeps_its_id_while_it_is_in_view(data_dir: Path, tmp_path: Path, model: str) -> None:
    clip = "udacity_solidWhiteRight_960x540.mp4"
    watch(data_dir, tmp_path, clip, model, "solid-white-right.toml")
    frames = read_lines(tmp_path / "tracks.jsonl")
    ids = {car.name: ids_over(frames, car) for car in CARS_BY_EYE}
    assert all(len(found) == 1 for found in ids.values()), ids
    assert len(set.union(*ids.values())) == len(CARS_BY_EYE), ids


def ids_over(frames: list[dict[str, Any]], car: CarByEye) -> set[int | None]:
    """The ids of the tracks nearest to the car in each frame of its span; None where there is none."""
    found: set[int | None] = set()
    for frame in frames:
        if car.t_s[0] <= frame["t_s"] <= car.t_s[-1]:
            at = np.array(
                [np.interp(frame["t_s"], car.t_s, car.x_px), np.interp(frame["t_s"], car.t_s, car.y_px)]
            )
            found.add(nearest(frame["tracks"], at))
    return found


def nearest(tracks: list[dict[str, Any]], at: np.ndarray) -> int | None:
    """The track whose box holds the point, the one with the nearest middle when there are several."""
    holding = [
        (float(np.hypot(*(at - (box[:2] + box[2:]) / 2))), track["id"])
        for track in tracks
        if (box := np.array(track["box"]))[0] <= at[0] <= box[2] and box[1] <= at[1] <= box[3]
    ]
    return min(holding)[1] if holding else None


def test_the_same_clip_gives_the_same_bytes(data_dir: Path, tmp_path: Path) -> None:
    clip, scene = "udacity_solidWhiteRight_960x540.mp4", "solid-white-right.toml"
    outcomes: list[tuple[bytes, bytes, int]] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        answer = watch(data_dir, tmp_path / name, clip, MODELS[0], scene)
        files = [(tmp_path / name / f"{kind}.jsonl").read_bytes() for kind in ("events", "tracks")]
        outcomes.append((files[0], files[1], answer["detections"]))
    assert outcomes[0] == outcomes[1]
