"""A zone cut out of a picture, and what it looks like in numbers: colours and edges on a small grid."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Frame, Reals

SIDE_PX = 64
"""A zone's picture is scaled to so many pixels each way, whatever its shape."""
_CELL_PX = 8
_BINS = 9
_COLOUR_CELLS = 4
_NOISE_LEVELS = 4.0
"""Edges weaker than this are noise and weigh little."""


class ZonePicture(NamedTuple):
    """The rectangle around a zone, in whole pixels of the frame; 2 x 2 at least."""

    luma: NDArray[np.uint8]
    """(H, W)"""
    u: NDArray[np.uint8]
    """(H / 2, W / 2), 128 is colourless."""
    v: NDArray[np.uint8]


def cut_zone(frame: Frame, polygon_px: Reals) -> ZonePicture:
    """The part of a frame around a zone's corners (M, 2), widened to even pixels."""
    left, top = (max(0, int(side) // 2 * 2) for side in polygon_px.min(0))
    right = min(frame.width, (int(polygon_px[:, 0].max()) // 2 + 1) * 2)
    bottom = min(frame.height, (int(polygon_px[:, 1].max()) // 2 + 1) * 2)
    u, v = chroma_planes(frame)
    halves = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
    return ZonePicture(frame.luma[top:bottom, left:right], u[halves], v[halves])


def chroma_planes(frame: Frame) -> NDArray[np.uint8]:
    """The two colour planes of a frame, (2, H / 2, W / 2), without a copy."""
    return frame.i420[frame.height :].reshape(2, frame.height // 2, frame.width // 2)


def scaled(plane: NDArray[np.uint8], side: int) -> Reals:
    """A plane as means over a grid of side x side, (side, side) float32."""
    rows, columns = (_spans(length, side) for length in plane.shape)
    sums = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1), np.float64)
    sums[1:, 1:] = plane.astype(np.float64).cumsum(0).cumsum(1)
    whole = sums[rows[1]][:, columns[1]] - sums[rows[0]][:, columns[1]]
    whole -= sums[rows[1]][:, columns[0]] - sums[rows[0]][:, columns[0]]
    areas = np.outer(rows[1] - rows[0], columns[1] - columns[0])
    return (whole / areas).astype(np.float32)


def describe(picture: ZonePicture) -> Reals:
    """What a zone looks like, (656,) float32 of length 1: edge directions, brightness and colours.

    Histograms of oriented gradients [Dalal and Triggs 2005] over 8 x 8 cells with local contrast taken out,
    then brightness, its spread and the colours over 4 x 4 cells. Edges weigh as much as colours do.
    """
    luma = scaled(picture.luma, SIDE_PX)
    edges = _edge_directions(luma)
    colours = _colours(luma, scaled(picture.u, _COLOUR_CELLS), scaled(picture.v, _COLOUR_CELLS))
    return np.concatenate([_unit(edges), _unit(colours)]) / np.float32(np.sqrt(2))


def _spans(length: int, side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """From and up to which pixel each of ``side`` cells goes; at least one pixel each."""
    edges = np.arange(side + 1) * length / side
    start = np.minimum(edges[:-1].astype(np.intp), length - 1)
    return start, np.maximum(np.ceil(edges[1:] - 1e-9).astype(np.intp), start + 1)


def _edge_directions(luma: Reals) -> Reals:
    padded = np.pad(luma, 1, mode="edge")
    right = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    strength = np.hypot(right, down)
    turn = (np.arctan2(down, right) % np.pi) / np.pi * _BINS
    low = np.floor(turn).astype(np.intp) % _BINS
    share = (turn - np.floor(turn)).astype(np.float32)
    cells = SIDE_PX // _CELL_PX
    place = np.arange(SIDE_PX) // _CELL_PX
    base = (place[:, None] * cells + place[None, :]) * _BINS
    flat = np.bincount((base + low).ravel(), (strength * (1 - share)).ravel(), cells * cells * _BINS)
    flat += np.bincount((base + (low + 1) % _BINS).ravel(), (strength * share).ravel(), cells * cells * _BINS)
    blocks = flat.reshape(cells, cells, _BINS) / _CELL_PX**2
    energy = np.pad((blocks**2).sum(2), 1, mode="edge")
    around = sum(energy[dy : dy + cells, dx : dx + cells] for dy in range(3) for dx in range(3)) / 9
    blocks = blocks / np.sqrt(around + (_NOISE_LEVELS / _BINS) ** 2)[..., None]
    return np.minimum(blocks, 1.0).astype(np.float32).ravel()


def _colours(luma: Reals, u: Reals, v: Reals) -> Reals:
    step = SIDE_PX // _COLOUR_CELLS
    cells = luma.reshape(_COLOUR_CELLS, step, _COLOUR_CELLS, step)
    means, spread = cells.mean((1, 3)), cells.std((1, 3))
    bright = (means - means.mean()) / 64
    parts = (
        bright,
        spread / 32,
        (u - 128) / 24,
        (v - 128) / 24,
        np.full_like(means, (means.mean() - 128) / 256),
    )
    return np.concatenate([np.asarray(part, np.float32).ravel() for part in parts])


def _unit(vector: Reals) -> Reals:
    return vector / max(float(np.linalg.norm(vector)), 1e-6)
