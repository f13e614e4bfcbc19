"""From a point in the picture to a place on the ground: a homography fitted to surveyed points.

The normalised direct linear transform (Hartley and Zisserman, Multiple View Geometry, 2nd ed., algorithm
4.2). The ground is taken as flat, which streets are within the error radius.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edge_agent.domain.detection import Reals
from shared.geo import LatLon, from_plane, to_plane

LEAST_POINTS = 4
LARGEST_MISS = 3.0
"""How many times ``pixel_error_px`` the points may miss by, root mean square."""
_FLAT = 1e-4
"""Below this ratio of singular values the points lie on a line and fix no plane."""
LEAST_FOCAL, MOST_FOCAL = 0.2, 12.0
"""Focal lengths of street cameras, in widths of the picture: 136 and 5 degrees across."""
MOST_STEEP = 0.97
"""Sine of how far down a camera looks, 76 degrees: beyond it the picture does not tell its focal length."""
FARTHEST_M = 500.0
"""Near the horizon a pixel is a kilometre: beyond this error no place is given."""


class SurveyedPoint(NamedTuple):
    """One point that was found both in the picture and on the ground."""

    px: tuple[float, float]
    place: LatLon


class GroundError(ValueError):
    """The calibration points fix no ground plane: ``fault`` says why, ``way_out`` what to do."""

    def __init__(self, fault: str, way_out: str) -> None:
        super().__init__(f"{fault}; {way_out}")
        self.fault = fault
        self.way_out = way_out


class GroundPoint(NamedTuple):
    """A place on the ground."""

    east_m: float
    """East of the calibration's origin."""
    north_m: float
    sigma_m: float
    """One standard deviation of the horizontal error."""


class Ground:
    """A calibrated camera's ground plane.

    ``matrix`` (3, 3) takes pixels to metres east and north of ``origin``; ``residual_m`` is the calibration
    points' root mean square miss on the ground; ``pixel_error_px`` is how well a foot point is known.
    ``size_px``, width and height of the picture, tells where its middle is: with it, where what stands above
    the ground shows.
    """

    def __init__(
        self,
        matrix: Reals,
        origin: LatLon,
        residual_m: float,
        pixel_error_px: float,
        size_px: tuple[int, int] | None = None,
    ) -> None:
        self.matrix = matrix
        self.size_px = size_px
        self._outward = None if size_px is None else _outward(matrix, size_px)
        self._rows: list[list[float]] = matrix.tolist()
        self._back: list[list[float]] = np.linalg.inv(matrix).tolist()
        self.origin = origin
        self.residual_m = residual_m
        self.pixel_error_px = pixel_error_px

    def locate(self, x_px: float, y_px: float) -> GroundPoint | None:
        """Where on the ground a pixel shows, or None at and above the horizon."""
        (a, b, c), (d, e, f), (g, h, i) = self._rows
        east, north = a * x_px + b * y_px + c, d * x_px + e * y_px + f
        weight = g * x_px + h * y_px + i
        # The calibration points have weight 1 on average; what has another sign lies behind the camera.
        if weight <= 1e-6:
            return None
        east_m, north_m = east / weight, north / weight
        sigma_m = math.hypot(
            self.pixel_error_px * self._stretches(east_m, north_m, weight)[0], self.residual_m
        )
        return GroundPoint(east_m, north_m, sigma_m) if sigma_m <= FARTHEST_M else None

    def pixel_of(self, east_m: float, north_m: float) -> tuple[float, float] | None:
        """The pixel in which a place on the ground shows, or None for one behind the camera."""
        (a, b, c), (d, e, f), (g, h, i) = self._back
        weight = g * east_m + h * north_m + i
        if weight <= 1e-9:
            return None
        return (a * east_m + b * north_m + c) / weight, (d * east_m + e * north_m + f) / weight

    def seen_at(self, x_px: float, y_px: float) -> tuple[float, float] | None:
        """How the camera sees the ground at a pixel: metres a pixel across the view, and how far down it
        looks there, from 0, along the ground, to 1, straight down. None where nothing is located."""
        point = self.locate(x_px, y_px)
        if point is None:
            return None
        weight = self._rows[2][0] * x_px + self._rows[2][1] * y_px + self._rows[2][2]
        along_m, across_m = self._stretches(point.east_m, point.north_m, weight)
        return across_m, min(1.0, across_m / along_m)

    def _stretches(self, east_m: float, north_m: float, weight: float) -> tuple[float, float]:
        """The Jacobian's stretches, metres a pixel in the worst and in the best direction: its singular
        values, written out because each track's place is asked for in each picture."""
        (a, b, _), (d, e, _), (g, h, _) = self._rows
        p, q = (a - east_m * g) / weight, (b - east_m * h) / weight
        r, s = (d - north_m * g) / weight, (e - north_m * h) / weight
        total = p * p + q * q + r * r + s * s
        largest = math.sqrt((total + math.hypot(p * p + q * q - r * r - s * s, 2 * (p * r + q * s))) / 2)
        return largest, abs(p * s - q * r) / largest

    @property
    def knows_heights(self) -> bool:
        """Whether ``pixel_above`` can be asked."""
        return self._outward is not None

    def pixel_above(self, east_m: float, north_m: float, up_m: float) -> tuple[float, float] | None:
        """Where a place above the ground shows, px; None when it lies behind the camera.

        Only where ``knows_heights``.
        """
        assert self._outward is not None
        (a, b, c, d), (e, f, g, h), (p, q, r, s) = self._outward
        weight = p * east_m + q * north_m + r * up_m + s
        if weight <= 1e-6:
            return None
        x_px = (a * east_m + b * north_m + c * up_m + d) / weight
        return x_px, (e * east_m + f * north_m + g * up_m + h) / weight

    def place(self, point: GroundPoint) -> LatLon:
        """A ground point in degrees."""
        return from_plane(self.origin, point.east_m, point.north_m)


def fit_ground(
    points: Sequence[SurveyedPoint], pixel_error_px: float, size_px: tuple[int, int] | None = None
) -> Ground:
    """Fit a ground plane to at least four points, least squares.

    ``pixel_error_px`` (above 0) is how well the points were clicked, and later a foot point is known;
    ``size_px`` is the picture's width and height. Raises ``GroundError`` that names the point which spoils
    the fit, counted from 1.
    """
    if len(points) < LEAST_POINTS:
        raise GroundError(f"{len(points)} points given", f"survey at least {LEAST_POINTS}")
    origin = LatLon(
        sum(p.place.lat_deg for p in points) / len(points), sum(p.place.lon_deg for p in points) / len(points)
    )
    pixels = np.array([p.px for p in points], np.float64)
    metres = np.array([to_plane(origin, p.place) for p in points], np.float64)
    matrix = _fit(pixels, metres)
    miss_px = _miss_px(matrix, pixels, metres) if matrix is not None else np.full(len(points), np.inf)
    if matrix is None or _rms(miss_px) > LARGEST_MISS * pixel_error_px:
        raise _complaint(pixels, metres, miss_px, pixel_error_px)
    _check_each(pixels, metres, pixel_error_px)
    residual_m = _rms(np.linalg.norm(_apply(matrix, pixels) - metres, axis=1))
    return Ground(matrix, origin, residual_m, pixel_error_px, size_px)


def _outward(matrix: Reals, size_px: tuple[int, int]) -> list[list[float]] | None:
    """(3, 4): from metres east, north and up to a pixel and its weight; None when that can't be told.

    The ground's two axes are seen through one lens at a right angle and equally long; with square pixels and
    the lens's axis in the picture's middle this fixes its focal length, and with it the way up (Zhang, A
    flexible new technique for camera calibration, 2000). Straight from above any lens fits: None.
    """
    to_pixel = np.linalg.inv(matrix)
    middle = np.array([[1, 0, size_px[0] / 2], [0, 1, size_px[1] / 2], [0, 0, 1]])
    inward = np.linalg.inv(middle) @ to_pixel
    (e_x, n_x), (e_y, n_y), (e_z, n_z) = inward[:, :2].tolist()
    skew, uneven = e_x * n_x + e_y * n_y, e_x**2 + e_y**2 - n_x**2 - n_y**2
    skew_deep, uneven_deep = e_z * n_z, e_z**2 - n_z**2
    strength = skew**2 + uneven**2
    focal_square = -strength / min(-1e-30, skew * skew_deep + uneven * uneven_deep)
    focal_px = math.sqrt(focal_square)
    if not LEAST_FOCAL * size_px[0] < focal_px < MOST_FOCAL * size_px[0]:
        return None
    lens = np.diag([focal_px, focal_px, 1.0])
    east, north, _ = (np.linalg.inv(lens) @ inward).T
    up = np.cross(east, north) / math.sqrt(np.linalg.norm(east) * np.linalg.norm(north))
    if abs(up[2]) > MOST_STEEP * float(np.linalg.norm(up)):
        return None
    outward = np.column_stack([to_pixel[:, :2], middle @ lens @ up, to_pixel[:, 2]])
    return outward.tolist()


def _fit(pixels: Reals, metres: Reals) -> Reals | None:
    """The homography from pixels to metres with mean weight 1 over the points, or None when there is none."""
    to_unit_px, to_unit_m = _normaliser(pixels), _normaliser(metres)
    if to_unit_px is None or to_unit_m is None:
        return None
    x, y = _apply(to_unit_px, pixels).T
    u, v = _apply(to_unit_m, metres).T
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows = np.concatenate(
        [
            np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], 1),
            np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], 1),
        ]
    )
    _, strengths, directions = np.linalg.svd(rows)
    if strengths[7] < _FLAT * strengths[0]:
        return None
    matrix = np.linalg.inv(to_unit_m) @ directions[-1].reshape(3, 3) @ to_unit_px
    weights = np.column_stack([pixels, np.ones(len(pixels))]) @ matrix[2]
    if not (np.all(weights > 0) or np.all(weights < 0)):
        return None
    return matrix / weights.mean()


def _normaliser(points: Reals) -> Reals | None:
    """The similarity that puts points around 0 at mean distance sqrt 2, or None when they lie on a line."""
    centre = points.mean(0)
    spread = np.linalg.svd(points - centre, compute_uv=False)
    if spread[1] < _FLAT * max(float(spread[0]), 1e-12):
        return None
    scale = math.sqrt(2) / float(np.linalg.norm(points - centre, axis=1).mean())
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])


def _apply(matrix: Reals, points: Reals) -> Reals:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return mapped[:, :2] / mapped[:, 2:]


def _miss_px(matrix: Reals, pixels: Reals, metres: Reals) -> Reals:
    """How far from its pixel each place falls when it is put back into the picture, (N,)."""
    return np.linalg.norm(_apply(np.linalg.inv(matrix), metres) - pixels, axis=1)


def _rms(values: Reals) -> float:
    return float(np.sqrt((values**2).mean()))


def _check_each(pixels: Reals, metres: Reals, pixel_error_px: float) -> None:
    """Ask the other points where each one should be. A point at a corner bends the common fit towards itself,
    so that it seems to fit even when it is wrong."""
    said: list[tuple[float, int, float]] = []
    is_wrong = False
    for number in range(len(pixels) if len(pixels) > LEAST_POINTS else 0):
        others = np.arange(len(pixels)) != number
        matrix = _fit(pixels[others], metres[others])
        if matrix is None:
            continue
        miss_px = float(_miss_px(matrix, pixels[~others], metres[~others])[0])
        said.append((round(_rms(_miss_px(matrix, pixels[others], metres[others])), 2), number, miss_px))
        if not is_wrong and miss_px > LARGEST_MISS * pixel_error_px:
            spread = _amplified(matrix, pixels[others], metres[others], metres[~others])
            is_wrong = miss_px > LARGEST_MISS * pixel_error_px * math.hypot(1, spread)
    if is_wrong:
        agreement_px, number, miss_px = min(said)
        x, y = pixels[number]
        raise GroundError(
            f"point {number + 1} is {miss_px:.0f} px from where the others put it",
            f"measure point {number + 1} at [{x:g}, {y:g}] again: "
            f"without it they agree to {agreement_px:.1f} px",
        )


def _amplified(matrix: Reals, pixels: Reals, metres: Reals, place: Reals) -> float:
    """By how much a place's pixel moves when each of the points is off by one pixel, root sum of squares."""
    there = _apply(np.linalg.inv(matrix), place)
    total = 0.0
    for row, column in np.ndindex(*pixels.shape):
        shifted = pixels.copy()
        shifted[row, column] += 1.0
        other = _fit(shifted, metres)
        total += (
            math.inf if other is None else float(((_apply(np.linalg.inv(other), place) - there) ** 2).sum())
        )
    return math.sqrt(total)


def _complaint(pixels: Reals, metres: Reals, miss_px: Reals, pixel_error_px: float) -> GroundError:
    """Say which point spoils the fit: the one without which the others agree best."""
    if len(pixels) == LEAST_POINTS:
        return GroundError(
            "the points lie on a line, or in another order than on the ground",
            "check each against the picture",
        )
    left: list[float] = []
    for number in range(len(pixels)):
        others = np.arange(len(pixels)) != number
        matrix = _fit(pixels[others], metres[others])
        left.append(math.inf if matrix is None else _rms(_miss_px(matrix, pixels[others], metres[others])))
    if not np.isfinite(left).any():
        return GroundError("the points lie on a line", "survey points that span the ground")
    # Of five points any four fit exactly: then the one that the common fit misses most is named.
    worst = min(range(len(left)), key=lambda n: (round(left[n], 2), -miss_px[n]))
    x, y = pixels[worst]
    return GroundError(
        f"the points disagree by {_rms(miss_px):.1f} px, {LARGEST_MISS * pixel_error_px:.1f} px allowed",
        f"measure point {worst + 1} at [{x:g}, {y:g}] again: without it they agree to {left[worst]:.1f} px",
    )
