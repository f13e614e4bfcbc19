"""The one loader and runner of TFLite models, for LiteRT and for the older tflite-runtime."""

import importlib
import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.detection import Detections
from edge_agent.errors import ModelRefused
from edge_agent.inference.decoders import DECODERS, Found
from edge_agent.inference.model import InputSpec, Manifest, ModelFile, read_model
from edge_agent.inference.picture import Bytes, PictureMaker, Placement, Region
from edge_agent.inference.trial import pass_trial

Runtime = Literal["auto", "litert", "tflite"]
MODULES = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}
_INPUT_KINDS = (np.uint8, np.int8, np.float32)
_REAL_VALUES = {"bytes": (1.0, 0.0), "0..255": (1.0, 0.0), "0..1": (1 / 255, 0.0), "-1..1": (2 / 255, -1.0)}
"""Range in the manifest → factor and offset from a pixel's value to the model's real number."""


class Detector(Protocol):
    """What the pipeline needs of a model; ``TfliteDetector`` is the real one."""

    @property
    def manifest(self) -> Manifest: ...

    def detect(self, image_bgr: Bytes, *, min_score: float) -> Detections:
        """Things in a picture (H, W, 3); boxes in its pixels. ``min_score`` above 0 and below 1."""
        ...

    def detect_i420(self, frame_i420: Bytes, region: Region | None, *, min_score: float) -> Detections:
        """Things in a region (or all) of an I420 frame (H * 3 // 2, W); boxes in the whole frame's pixels."""
        ...

    def close(self) -> None: ...


def open_detector(
    path: Path, threads: int = 1, runtime: Runtime = "auto", *, state_dir: Path | None = None
) -> "TfliteDetector":
    """Check a model, try it once in a child process, and make it ready.

    ``path`` is a ``.tflite`` file or its folder. The outcome of the trial is remembered in ``state_dir``
    (default: the user's cache folder) by the file's sha256, so that only the first start pays for it.

    Raises:
        ModelRefused: damaged, unknown, unfit for the runtime, or it crashed or hung in its trial.
    """
    model = read_model(path)
    chosen = choose_runtime(runtime)
    content = pass_trial(model, chosen, state_dir).content_of(model)
    return TfliteDetector(msgspec.structs.replace(model, content=content), threads, chosen)


def choose_runtime(wanted: Runtime) -> str:
    """The name of the installed runtime: LiteRT where both are.

    Raises:
        ModelRefused: the wanted one, or with "auto" any, is not installed.
    """
    names = tuple(MODULES) if wanted == "auto" else (wanted,)
    for name in names:
        if importlib.util.find_spec(MODULES[name].split(".")[0]) is not None:
            return name
    raise ModelRefused(
        "model runtime", f"{' and '.join(names)} not installed", "install the extra [edge] (or [edge-tflite])"
    )


class TfliteDetector:
    """One model, ready. Calls from several threads wait for each other."""

    def __init__(self, model: ModelFile, threads: int, runtime: str) -> None:
        """Load checked bytes. Call ``open_detector`` instead, unless the process may die.

        Raises:
            ModelRefused: the runtime does not take it, or its shapes are not the manifest's.
        """
        self.manifest = model.manifest
        self.runtime = runtime
        if model.manifest.decoder not in DECODERS:
            raise ModelRefused(
                model.path,
                f"decoder {model.manifest.decoder!r} is unknown",
                f"use one of {', '.join(DECODERS)}",
            )
        self._lock = threading.Lock()
        self._decoder = DECODERS[model.manifest.decoder](model.manifest)
        self._pictures = PictureMaker(model.manifest.input)
        self._interpreter = _load(model, threads, runtime)
        self._outputs = self._checked_outputs(model.path)
        self._input_index, self._fill = self._checked_input(model.path)

    def detect(self, image_bgr: Bytes, *, min_score: float) -> Detections:
        """See ``Detector.detect``."""
        with self._lock:
            return self._infer(*self._pictures.from_bgr(image_bgr), min_score)

    def detect_i420(self, frame_i420: Bytes, region: Region | None, *, min_score: float) -> Detections:
        """See ``Detector.detect_i420``."""
        with self._lock:
            return self._infer(*self._pictures.from_i420(frame_i420, region), min_score)

    def close(self) -> None:
        """Give the model's memory back. The detector cannot be used any more."""
        with self._lock:
            del self._interpreter

    def signature(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Inputs and outputs as the file has them, as text: ``uint8 [1, 300, 300, 3]``."""
        both = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        return tuple(map(_describe, both[0])), tuple(map(_describe, both[1]))

    def _infer(self, picture: Bytes, placement: Placement, min_score: float) -> Detections:
        self._interpreter.set_tensor(self._input_index, self._fill(picture))
        self._interpreter.invoke()
        found = self._decoder.decode([read() for read in self._outputs], min_score)
        return _in_frame(found, placement)

    def _checked_input(self, path: Path) -> tuple[int, Callable[[Bytes], NDArray[Any]]]:
        inputs = self._interpreter.get_input_details()
        spec = self.manifest.input
        wanted = (1, 3, spec.height, spec.width) if spec.layout == "nchw" else (1, spec.height, spec.width, 3)
        shapes = [tuple(int(side) for side in entry["shape"]) for entry in inputs]
        if shapes != [wanted] or inputs[0]["dtype"] not in _INPUT_KINDS:
            raise ModelRefused(
                path, f"its input is {shapes}, not {[wanted]}", "correct the manifest's [input]"
            )
        return int(inputs[0]["index"]), input_filler(spec, inputs[0]["dtype"], inputs[0]["quantization"])

    def _checked_outputs(self, path: Path) -> list[Callable[[], NDArray[np.float32]]]:
        outputs = self._interpreter.get_output_details()
        shapes = [tuple(int(side) for side in entry["shape"]) for entry in outputs]
        wanted = self._decoder.expected_shapes()
        if len(shapes) != len(wanted) or not all(map(_has_shape, shapes, wanted)):
            raise ModelRefused(
                path,
                f"its outputs {shapes} do not fit the decoder {self.manifest.decoder}",
                "correct the manifest",
            )
        return [_reader(self._interpreter, entry) for entry in outputs]


def _describe(entry: dict[str, Any]) -> str:
    return f"{np.dtype(entry['dtype']).name} {[int(side) for side in entry['shape']]}"


def _has_shape(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        w in (-1, s) and s > 0 for s, w in zip(shape, wanted, strict=True)
    )


def _load(model: ModelFile, threads: int, runtime: str) -> Any:
    """An interpreter over the checked bytes, never over the file, which may change in between."""
    try:
        module = importlib.import_module(MODULES[runtime])
        interpreter = module.Interpreter(model_content=model.content, num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, ImportError, AttributeError) as fault:
        reason = " ".join(str(fault).split())[:200]
        raise ModelRefused(
            model.path, f"the {runtime} runtime does not take it ({reason})", "choose another model"
        ) from fault
    return interpreter


def _reader(interpreter: Any, entry: dict[str, Any]) -> Callable[[], NDArray[np.float32]]:
    """Reads one output as real numbers, whatever it is stored as; what is not a number becomes 0."""
    index, (scale, zero) = int(entry["index"]), entry["quantization"]
    if entry["dtype"] != np.float32:
        return lambda: (
            (interpreter.get_tensor(index).astype(np.float32) - np.float32(zero)) * np.float32(scale)
        )

    def read() -> NDArray[np.float32]:
        values = interpreter.get_tensor(index)
        flat = values.reshape(-1)
        if not np.isfinite(np.vdot(flat, flat)):  # a tenth of the cost of looking at each value
            np.nan_to_num(values, copy=False, nan=0, posinf=0, neginf=0)
        return values

    return read


def input_filler(
    spec: InputSpec, kind: Any, quantization: tuple[float, int]
) -> Callable[[Bytes], NDArray[Any]]:
    """A function from the picture (h, w, 3) uint8 to the input tensor; float buffers are used again."""
    factor, offset = _REAL_VALUES[spec.range]
    if kind == np.float32:
        return _float_filler(spec, factor, offset)
    limits = np.iinfo(kind)
    real, (scale, zero) = np.arange(256) * factor + offset, quantization
    stored = np.round(real / scale + zero) if spec.range != "bytes" else np.arange(256) + limits.min
    table = np.clip(stored, limits.min, limits.max).astype(kind)
    is_plain = np.array_equal(table, np.arange(256))

    def fill(picture: Bytes) -> NDArray[Any]:
        values = picture if is_plain else cv2.LUT(picture, table)
        return (values.transpose(2, 0, 1) if spec.layout == "nchw" else values)[None]

    return fill


def _float_filler(spec: InputSpec, factor: float, offset: float) -> Callable[[Bytes], NDArray[np.float32]]:
    is_nchw = spec.layout == "nchw"
    shape = (1, 3, spec.height, spec.width) if is_nchw else (1, spec.height, spec.width, 3)
    buffer = np.empty(shape, np.float32)

    def fill(picture: Bytes) -> NDArray[np.float32]:
        np.copyto(buffer[0], picture.transpose(2, 0, 1) if is_nchw else picture)
        if (factor, offset) != (1.0, 0.0):
            np.multiply(buffer, factor, out=buffer)
            np.add(buffer, offset, out=buffer)
        return buffer

    return fill


def _in_frame(found: Found, placement: Placement) -> Detections:
    """Boxes from fractions to pixels of the frame, cut at the region's edge; what is then empty goes."""
    if not len(found.scores):
        return Detections.empty()
    left, top, right, bottom = placement.region
    scale = np.array([placement.width, placement.height] * 2, np.float32)
    boxes = found.boxes * scale + np.array([placement.left, placement.top] * 2, np.float32)
    boxes = np.clip(boxes, [left, top] * 2, [right, bottom] * 2).astype(np.float32)
    real = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
    return Detections(
        boxes[real],
        np.minimum(found.scores[real], 1).astype(np.float32),
        found.classes[real].astype(np.int16),
    )
