"""Pictures for models: the quick way over I420 planes shows the same as the long way over colours."""

import cv2
import numpy as np
import pytest

from edge_agent.inference.model import InputSpec
from edge_agent.inference.picture import PictureMaker


def smooth_bgr(wide: int, high: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return cv2.resize(
        rng.integers(70, 190, (9, 16, 3), np.uint8), (wide, high), interpolation=cv2.INTER_CUBIC
    )


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("size", [(768, 432), (640, 360), (1920, 1080), (100, 300)])
def test_planes_first_shows_what_colours_first_shows(fit: str, colour: str, size: tuple[int, int]) -> None:
    maker = PictureMaker(InputSpec(320, 192, colour=colour, fit=fit))  # type: ignore[arg-type]
    bgr = smooth_bgr(*size)
    long_way, place = (maker.from_bgr(bgr)[0].copy(), maker.from_bgr(bgr)[1])
    quick, same_place = maker.from_i420(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), None)
    assert place == same_place
    assert np.abs(long_way.astype(int) - quick).mean() < 3


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_mark_in_a_region_is_found_back_in_the_frame(fit: str) -> None:
    """A white mark's place in the model's picture leads back to its place in the frame."""
    frame = np.full((360, 640, 3), 40, np.uint8)
    frame[200:240, 300:360] = 255
    maker = PictureMaker(InputSpec(160, 96, fit=fit))  # type: ignore[arg-type]
    picture, place = maker.from_i420(
        cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420), (201.3, 100.9, 460.2, 300.5)
    )
    assert place.region == (200, 100, 462, 302)
    y, x = np.nonzero(picture[..., 0] > 150)
    to_frame = np.array([place.width / 160, place.height / 96])
    low = np.array([x.min(), y.min()]) * to_frame + (place.left, place.top)
    high = np.array([x.max() + 1, y.max() + 1]) * to_frame + (place.left, place.top)
    np.testing.assert_allclose(low, [300, 200], atol=to_frame.max())
    np.testing.assert_allclose(high, [360, 240], atol=to_frame.max())


def test_the_letterbox_stays_grey_when_the_shape_changes() -> None:
    maker = PictureMaker(InputSpec(64, 64, fit="letterbox"))
    white = np.full((100, 200, 3), 255, np.uint8)
    tall = np.full((200, 100, 3), 255, np.uint8)
    for image in (white, tall, white):
        for picture in (
            maker.from_bgr(image)[0],
            maker.from_i420(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), None)[0],
        ):
            shown = np.abs(picture.astype(int) - 255).max(-1) < 12
            grey = np.abs(picture.astype(int) - 114).max(-1) < 4
            assert shown.sum() == 64 * 32
            assert grey.sum() == 64 * 32


@pytest.mark.parametrize("region", [(50, 50, 50, 90), (700, 10, 900, 50), (90, 40, 10, 50)])
def test_an_empty_region_is_the_whole_frame(region: tuple[int, int, int, int]) -> None:
    frame = np.zeros((540, 640), np.uint8)
    assert PictureMaker(InputSpec(64, 64)).from_i420(frame, region)[1].region == (0, 0, 640, 360)


def test_fine_stripes_become_grey_and_not_a_pattern() -> None:
    """Scaling 1080p down by plain linear sampling would show stripes that are not there."""
    frame = np.full((1080 * 3 // 2, 1920), 128, np.uint8)
    frame[:1080:2] = 235
    frame[1:1080:2] = 16
    picture, _ = PictureMaker(InputSpec(320, 180)).from_i420(frame, None)
    assert picture.std() < 3
