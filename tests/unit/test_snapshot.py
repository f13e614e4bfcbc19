"""What leaves the box in a picture, and what does not."""

import cv2
import numpy as np
import pytest

from edge_agent.domain.detection import Detections, Frame
from edge_agent.domain.privacy import private_regions
from edge_agent.evidence.snapshot import MAX_SNAPSHOT_BYTES, make_snapshot, redact
from shared.kinds import ObjectClass

PERSON_BOX = np.array([300, 100, 360, 300], np.float32)
CAR_BOX = np.array([50, 200, 250, 320], np.float32)
NO_OUTLINE = np.array([[0, 0], [1, 0]], np.float64)


def things(*found: tuple[ObjectClass, np.ndarray]) -> Detections:
    boxes = np.array([box for _, box in found], np.float32).reshape(-1, 4)
    return Detections(boxes, np.full(len(found), 0.3, np.float32), np.array([c for c, _ in found], np.int16))


def noise_frame(width: int, height: int) -> Frame:
    i420 = np.random.default_rng(7).integers(0, 256, (height * 3 // 2, width), dtype=np.uint8)
    return Frame("street", 0, 1, i420, width, height, is_key=True)


def test_no_pixel_of_a_head_is_left() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    before = picture.copy()
    (region,) = private_regions(things((ObjectClass.PERSON, PERSON_BOX)), 640, 360)
    redact(picture, region[None])
    left, top, right, bottom = region
    assert left < 300
    assert top < 100
    assert right > 360
    assert bottom >= 100 + 0.35 * 200
    head, was = picture[top:bottom, left:right], before[top:bottom, left:right]
    assert len(np.unique(head.reshape(-1, 3), axis=0)) <= 42
    assert (head != was).any(axis=2).mean() > 0.99
    picture[top:bottom, left:right] = was
    assert np.array_equal(picture, before)


def test_blocks_of_a_large_head_are_large() -> None:
    """A face of 200 px must not stay readable because blocks are small."""
    picture = np.random.default_rng(2).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    redact(picture, np.array([[50, 50, 350, 350]], np.int32))
    assert len(np.unique(picture[50:350, 50:350].reshape(-1, 3), axis=0)) <= 25


def test_plates_front_and_rear_of_vehicles() -> None:
    for vehicle in (ObjectClass.CAR, ObjectClass.BUS, ObjectClass.TRUCK, ObjectClass.MOTORCYCLE):
        regions = private_regions(things((vehicle, CAR_BOX)), 640, 360)
        left, top, right, bottom = regions[-1]
        assert left <= 50
        assert right >= 250
        assert top <= 250
        assert bottom >= 320


def test_riders_have_heads() -> None:
    (head,) = private_regions(things((ObjectClass.BICYCLE, PERSON_BOX)), 640, 360)
    assert head[1] < 100


@pytest.mark.parametrize("object_class", [ObjectClass.BAG, ObjectClass.DOG, ObjectClass.OBJECT])
def test_things_and_animals_stay_as_they_are(object_class: ObjectClass) -> None:
    assert not len(private_regions(things((object_class, PERSON_BOX)), 640, 360))


def test_regions_stay_in_the_picture() -> None:
    boxes = [(-20, -30, 15, 60), (630, 340, 700, 400), (700, 10, 760, 90)]
    found = things(*((ObjectClass.PERSON, np.array(box)) for box in boxes))
    regions = private_regions(found, 640, 360)
    assert len(regions) == 2
    assert (regions >= 0).all()
    assert (regions[:, 2] <= 640).all()
    assert (regions[:, 3] <= 360).all()


def test_the_jpeg_is_redacted() -> None:
    stripes = np.full((540, 640), 128, np.uint8)
    stripes[:360, ::8] = stripes[:360, 1::8] = stripes[:360, 2::8] = 230
    frame = Frame("street", 0, 1, stripes, 640, 360, is_key=True)
    jpeg = make_snapshot(frame, things((ObjectClass.PERSON, PERSON_BOX)), PERSON_BOX, NO_OUTLINE)
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    flat = picture[105:160, 305:355].reshape(-1, 3).std(axis=0).mean()
    rough = picture[220:290, 305:355].reshape(-1, 3).std(axis=0).mean()
    assert picture.shape == (360, 640, 3)
    assert flat < rough / 4


@pytest.mark.parametrize("size_px", [(640, 360), (1920, 1080), (2560, 1440)])
def test_small_enough_for_the_wire_whatever_is_in_it(size_px: tuple[int, int]) -> None:
    jpeg = make_snapshot(noise_frame(*size_px), things(), PERSON_BOX, NO_OUTLINE)
    assert len(jpeg) <= MAX_SNAPSHOT_BYTES
    assert jpeg[:2] == b"\xff\xd8"
