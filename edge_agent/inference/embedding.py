"""What turns a zone's picture into numbers for the taught states: built in, or a detector's own features."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from edge_agent.domain.detection import Reals
from edge_agent.domain.zone_picture import ZonePicture, describe
from edge_agent.errors import ModelRefused
from edge_agent.inference.model import read_model
from edge_agent.inference.picture import Bytes
from edge_agent.inference.runtime import MODULES, choose_runtime, input_filler
from edge_agent.inference.trial import pass_trial

_GRID = 4
"""Features are averaged over so many cells each way: where in the zone something lies tells its state."""
_LEAST_SIDE, _MOST_SIDE = 8, 24
"""Of a feature map that is neither edges (too fine) nor whole things (too coarse)."""
_LEAST_CHANNELS = 32


class Embedding(Protocol):
    """An eye with a name; a state model can only be used through the eye that it was taught through."""

    @property
    def name(self) -> str: ...
    def describe(self, picture: ZonePicture) -> Reals:
        """The picture as a vector (D,) float32 of length 1."""
        ...


class BuiltIn:
    """Edge directions and colours on a grid; see ``zone_picture.describe``."""

    name = "grid-1"

    def describe(self, picture: ZonePicture) -> Reals:
        """See ``Embedding``."""
        return describe(picture)


class Backbone:
    """A detector's own features, taken out of the middle of it. Costs a second copy of the model."""

    def __init__(self, path: Path, state_dir: Path | None = None) -> None:
        """``path`` is a model's file or folder. Raises ``ModelRefused`` when it is not fit."""
        model, runtime = read_model(path), choose_runtime("auto")
        pass_trial(model, runtime, state_dir)
        self.name = f"backbone-1:{model.manifest.sha256}"
        self._spec = model.manifest.input
        self._interpreter = _open(model.content, runtime)
        entry = self._interpreter.get_input_details()[0]
        self._input = int(entry["index"])
        self._fill = input_filler(self._spec, entry["dtype"], entry["quantization"])
        self._read = self._find_features(path)

    def describe(self, picture: ZonePicture) -> Reals:
        """See ``Embedding``."""
        size = (self._spec.width, self._spec.height)
        colours = cv2.resize(_colours(picture), size, interpolation=cv2.INTER_AREA)
        if self._spec.colour == "rgb":
            colours = cv2.cvtColor(colours, cv2.COLOR_BGR2RGB)
        self._interpreter.set_tensor(self._input, self._fill(np.asarray(colours, np.uint8)))
        self._interpreter.invoke()
        features = _pooled(self._read())
        return features / max(float(np.linalg.norm(features)), 1e-6)

    def _find_features(self, path: Path) -> Callable[[], Reals]:
        """The last and widest feature map of a middle size; gives its real numbers, (h, w, channels)."""
        tensors = {int(t["index"]): t for t in self._interpreter.get_tensor_details()}
        made = [int(index) for op in self._interpreter._get_ops_details() for index in op["outputs"]]
        maps = [tensors[index] for index in made if index in tensors and _is_map(tensors[index]["shape"])]
        if not maps:
            way_out = "teach without --model: the built-in eye needs none"
            raise ModelRefused(path, "has no feature map that could describe a zone", way_out)
        widest = max(int(one["shape"][3]) for one in maps if _is_map(one["shape"]))
        chosen = [one for one in maps if int(one["shape"][3]) == widest][-1]
        scale, zero = chosen["quantization"]
        index = int(chosen["index"])

        def read() -> Reals:
            values = self._interpreter.get_tensor(index)[0].astype(np.float32)
            return (values - zero) * np.float32(scale) if scale else values

        return read


def _is_map(shape: Any) -> bool:
    if len(shape) != 4 or int(shape[0]) != 1:
        return False
    rows, columns, channels = (int(side) for side in shape[1:])
    return all(_LEAST_SIDE <= side <= _MOST_SIDE for side in (rows, columns)) and channels >= _LEAST_CHANNELS


def _open(content: bytes, runtime: str) -> Any:
    """An interpreter that keeps what lies between input and output, which delegates would not."""
    module = importlib.import_module(MODULES[runtime])
    interpreter = module.Interpreter(
        model_content=content,
        experimental_op_resolver_type=module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    return interpreter


def _colours(picture: ZonePicture) -> Bytes:
    """The picture as BGR, (H, W, 3)."""
    planes = [picture.luma, picture.u, picture.v]
    i420 = np.concatenate([plane.reshape(-1) for plane in planes]).reshape(-1, picture.luma.shape[1])
    return np.asarray(cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420), np.uint8)


def _pooled(features: Reals) -> Reals:
    """Means over a grid of 4 x 4 cells, (16 * channels,)."""
    rows = np.linspace(0, features.shape[0], _GRID + 1).astype(int)
    columns = np.linspace(0, features.shape[1], _GRID + 1).astype(int)
    cells = [
        features[rows[r] : rows[r + 1], columns[c] : columns[c + 1]].mean((0, 1))
        for r in range(_GRID)
        for c in range(_GRID)
    ]
    return np.concatenate(cells).astype(np.float32)
