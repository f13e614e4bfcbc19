"""The states of a zone, taught by a few pictures of each: which one it is in, or that none of them fits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Frame, Reals
from edge_agent.domain.zone_picture import ZonePicture, cut_zone

UNKNOWN = "unknown"
LEAST_PICTURES = 3
"""Of each state; below it nothing can be held back to test with."""
MOST_STATES = 12
_RIDGE = 0.005
"""Keeps a few hundred numbers from being fitted by a dozen pictures; chosen on pictures of other zones."""
_STEPS = 200
_FAR_FACTOR = 1.35
"""A picture may be so much farther from the nearest taught one than these are from each other."""
LEAST_SURE = 0.57
"""Of two states the better must have this probability; of more it must lead by as much as it would then."""


class Reading(NamedTuple):
    """What a zone's picture was taken for."""

    state: str
    """One of the taught ones, or ``UNKNOWN``."""
    sure: float
    """Probability of the best taught state, 0 to 1."""
    distance: float
    """To the nearest taught picture, in units of what is allowed: above 1 is unknown."""


@dataclass(frozen=True)
class StateModel:
    """A fitted classifier over N pictures' vectors of D numbers, for S states."""

    names: tuple[str, ...]
    examples: Reals
    """(N, D) float32, from ``middle``."""
    middle: Reals
    """(D,): the mean of all pictures' vectors."""
    scale: float
    """The mean square of the examples' lengths."""
    weights: Reals
    """(S, N): of the products with the examples; the logistic regression in its dual form."""
    bias: Reals
    """(S,)"""
    far: float
    """The largest distance to the nearest example at which a picture is still known."""

    def read(self, vector: Reals) -> Reading:
        """Judge one picture's vector (D,)."""
        if vector.shape != self.examples.shape[1:] or not np.isfinite(vector).all():
            raise ValueError(f"a vector of {vector.shape} where {self.examples.shape[1:]} is needed")
        offset = vector - self.middle
        distance = float(np.sqrt(((self.examples - offset) ** 2).sum(1).min())) / self.far
        likeness = self.examples @ offset / self.scale
        shares = _softmax((self.weights @ likeness + self.bias)[None])[0]
        best, least_lead = int(shares.argmax()), 2 * LEAST_SURE - 1
        first, second = np.sort(shares)[::-1][:2]
        is_known = distance <= 1 and first - second >= least_lead
        return Reading(self.names[best] if is_known else UNKNOWN, float(first), distance)


@dataclass(frozen=True)
class ZoneStates:
    """A state model with the eye that it was taught through."""

    model: StateModel
    describe: Callable[[ZonePicture], Reals]

    def read(self, frame: Frame, polygon_px: Reals) -> Reading:
        """Which state the zone is in."""
        return self.model.read(self.describe(cut_zone(frame, polygon_px)))


class Grade(NamedTuple):
    """How one state fared when each picture was judged by a model that had not seen it."""

    state: str
    pictures: int
    right: int
    unknown: int
    taken_for: str
    """The state that it was most often taken for instead; empty when there is none."""

    @property
    def accuracy(self) -> float:
        return self.right / self.pictures


def fit_states(vectors: Reals, labels: Sequence[str]) -> StateModel:
    """Fit N pictures' vectors, (N, D) of length 1, with a state's name each; at least two states.

    Multinomial logistic regression with a ridge, each state weighing the same however many pictures it has.
    """
    names = tuple(sorted(set(labels)))
    numbers = np.array([names.index(label) for label in labels], np.int64)
    middle = np.asarray(vectors, np.float32).mean(0)
    examples = np.asarray(vectors, np.float32) - middle
    products = (examples @ examples.T).astype(np.float64)
    scale = max(float(products.trace()) / len(numbers), 1e-9)
    weights, bias = _fit(products / scale, numbers, len(names))
    far = _reach(products, numbers) * _FAR_FACTOR
    return StateModel(names, examples, middle, scale, weights, bias, far)


def cross_validate(vectors: Reals, labels: Sequence[str], folds: int = 10) -> list[Grade]:
    """Judge each picture by a model fitted without it and its fold; the states by name."""
    names = sorted(set(labels))
    fold = np.zeros(len(labels), np.int64)
    for name in names:
        rows = [row for row, label in enumerate(labels) if label == name]
        fold[rows] = np.arange(len(rows)) % min(folds, len(labels))
    taken = [""] * len(labels)
    for number in np.unique(fold):
        kept = fold != number
        model = fit_states(
            vectors[kept], [label for label, is_kept in zip(labels, kept, strict=True) if is_kept]
        )
        for row in np.flatnonzero(~kept).tolist():
            taken[row] = model.read(vectors[row]).state
    return [
        _grade(name, [t for t, label in zip(taken, labels, strict=True) if label == name]) for name in names
    ]


def _grade(name: str, taken: list[str]) -> Grade:
    wrong = [state for state in taken if state not in (name, UNKNOWN)]
    most = max(sorted(set(wrong)), key=wrong.count, default="")
    return Grade(name, len(taken), taken.count(name), taken.count(UNKNOWN), most)


def _fit(products: Reals, numbers: NDArray[np.int64], count: int) -> tuple[Reals, Reals]:
    """Weights (S, N) and bias (S,) by accelerated gradient steps [Nesterov 1983]."""
    share = 1.0 / (count * np.bincount(numbers, minlength=count)[numbers])
    wanted = np.eye(count)[numbers]
    kernel = products + 1.0  # the bias is a number that all pictures share
    limit = float(np.linalg.eigvalsh(kernel * np.sqrt(np.outer(share, share)))[-1]) / 2 + _RIDGE
    momentum, weights = 1.0, np.zeros((count, len(numbers)))
    ahead = weights
    for _ in range(_STEPS):
        slope = (share[:, None] * (_softmax((ahead @ kernel).T) - wanted)).T + _RIDGE * ahead
        before, weights = weights, ahead - slope / limit
        last, momentum = momentum, (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = weights + (last - 1) / momentum * (weights - before)
    return weights.astype(np.float32), weights.sum(1).astype(np.float32)


def _reach(products: Reals, numbers: NDArray[np.int64]) -> float:
    """The largest of the distances from each example to the nearest other of its state."""
    squares = np.diag(products)
    distances = np.sqrt(np.maximum(0, squares[:, None] + squares[None] - 2 * products))
    others = (numbers[:, None] == numbers[None]) & ~np.eye(len(numbers), dtype=np.bool_)
    nearest = np.where(others, distances, np.inf).min(1)
    found = nearest[np.isfinite(nearest)]
    return max(float(np.quantile(found, 0.95)), 0.02) if len(found) else 0.5


def _softmax(values: Reals) -> Reals:
    raised = np.exp(values - values.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)
