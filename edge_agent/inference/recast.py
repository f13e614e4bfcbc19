"""An old uint8 model with the same numbers as signed bytes, which newer processors multiply in half the time.

The first quantised models keep weights as unsigned bytes with one scale and a zero point somewhere near 128.
For those a runtime has no kernels that use the processor's dot products of bytes (AVX-512 VNNI and such).
Less its zero point nearly every weight fits a signed byte as it is; a channel that holds a larger one gets a
scale of its own, coarser by as much. Activations have their sign bit flipped where they enter and leave.

Imported in a model's trial alone: the schema takes 40 MiB.
"""

import importlib
from collections import Counter
from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_CONVOLUTION, _BY_DEPTH, _QUANTIZE = 3, 4, 114
"""Operators of TFLite's schema."""
_CHANNEL_AXIS = {_CONVOLUTION: 0, _BY_DEPTH: 3}
_SIGNED_VERSION, _FLIP_VERSION = 3, 2
_INT32, _UINT8, _INT8 = 2, 3, 9
_FLIP = 128
_LARGEST = 127
COARSER_SHARE = 0.1
"""A model of which more channels would lose precision stays as it is."""


class _Weights(NamedTuple):
    """A convolution's weights as signed bytes."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    """(channels,)"""
    coarser: NDArray[np.float64]
    """(channels,): 1 where every weight fits, more where the scale had to grow."""


def recast(content: bytes) -> bytes | None:
    """The model with signed convolutions; None where it has no unsigned ones, or would lose by it.

    Raises whatever a damaged file makes the schema's reader raise: call it where that does no harm.
    """
    schema: Any = importlib.import_module("ai_edge_litert.tools.flatbuffer_utils")
    model = schema.read_model_from_bytearray(content)
    if len(model.subgraphs) != 1:
        return None
    codes = [schema.get_builtin_code_from_operator_code(code) for code in model.operatorCodes]
    graph = _Graph(model, codes)
    chosen = graph.unsigned_convolutions()
    weights = [graph.signed_weights(operator) for operator in chosen]
    if not chosen or np.mean(np.concatenate([one.coarser for one in weights]) > 1) > COARSER_SHARE:
        return None
    for operator, one in zip(chosen, weights, strict=True):
        graph.set_weights(operator, one)
    graph.rewire(chosen, schema.schema_fb)
    return bytes(schema.convert_object_to_bytearray(model))


class _Graph:
    """The one graph of a model, under change."""

    def __init__(self, model: Any, codes: Sequence[int]) -> None:
        self._model = model
        self._graph = model.subgraphs[0]
        self._tensors = self._graph.tensors
        self._codes = codes

    def unsigned_convolutions(self) -> list[Any]:
        """Those with unsigned bytes throughout and weights that are theirs alone."""
        uses = Counter(int(tensor) for operator in self._graph.operators for tensor in operator.inputs)
        return [
            operator
            for operator in self._graph.operators
            if self._kind(operator) in _CHANNEL_AXIS
            and len(operator.inputs) == 3
            and all(uses[int(tensor)] == 1 for tensor in operator.inputs[1:])
            and self._is_unsigned(operator)
        ]

    def _kind(self, operator: Any) -> int:
        return self._codes[operator.opcodeIndex]

    def _is_unsigned(self, operator: Any) -> bool:
        source, weights, bias = (self._tensors[index] for index in operator.inputs)
        planes = [source, weights, self._tensors[operator.outputs[0]]]
        is_plain = all(one.type == _UINT8 and len(one.quantization.scale) == 1 for one in planes)
        has_values = all(self._model.buffers[one.buffer].data is not None for one in (weights, bias))
        return is_plain and has_values and bias.type == _INT32

    def signed_weights(self, operator: Any) -> _Weights:
        """Each weight less the zero point, as a signed byte where it fits."""
        tensor = self._tensors[operator.inputs[1]]
        axis = _CHANNEL_AXIS[self._kind(operator)]
        stored = np.asarray(self._model.buffers[tensor.buffer].data, np.uint8).reshape(tensor.shape)
        steps = np.moveaxis(stored.astype(np.int32) - int(tensor.quantization.zeroPoint[0]), axis, -1)
        coarser = np.maximum(1.0, np.abs(steps).reshape(-1, steps.shape[-1]).max(0) / _LARGEST)
        values = np.moveaxis(np.round(steps / coarser).astype(np.int8), -1, axis)
        return _Weights(values, (tensor.quantization.scale[0] * coarser).astype(np.float32), coarser)

    def set_weights(self, operator: Any, weights: _Weights) -> None:
        """Store the weights, and the biases in steps of input times weight, as the runtime wants them."""
        source, kernel, bias = (self._tensors[index] for index in operator.inputs)
        self._model.buffers[kernel.buffer].data = (
            np.ascontiguousarray(weights.values).reshape(-1).view(np.uint8)
        )
        kernel.type = _INT8
        steps = np.frombuffer(bytes(self._model.buffers[bias.buffer].data), np.int32)
        coarse = np.round(steps / weights.coarser).astype(np.int32)
        self._model.buffers[bias.buffer].data = coarse.view(np.uint8)
        step = np.float32(source.quantization.scale[0])
        axis = _CHANNEL_AXIS[self._kind(operator)]
        for tensor, scales, along in ((kernel, weights.scales, axis), (bias, step * weights.scales, 0)):
            quantization = copy(tensor.quantization)
            quantization.scale, quantization.zeroPoint = scales, np.zeros(len(scales), np.int64)
            quantization.quantizedDimension = along
            quantization.min = quantization.max = None
            tensor.quantization = quantization

    def rewire(self, chosen: Sequence[Any], schema: Any) -> None:
        """Let the chosen convolutions pass signed bytes to each other, and unsigned ones to all others."""
        for code in {operator.opcodeIndex for operator in chosen}:
            self._model.operatorCodes[code].version = _SIGNED_VERSION
        flip_code = schema.OperatorCodeT()
        flip_code.builtinCode = flip_code.deprecatedBuiltinCode = _QUANTIZE
        flip_code.version = _FLIP_VERSION
        self._model.operatorCodes.append(flip_code)

        def flip(source: int, target: int) -> Any:
            operator = schema.OperatorT()
            operator.opcodeIndex = len(self._model.operatorCodes) - 1
            operator.inputs, operator.outputs = [source], [target]
            return operator

        is_chosen = {id(operator) for operator in chosen}
        others = [operator for operator in self._graph.operators if id(operator) not in is_chosen]
        wanted = {int(t) for operator in others for t in operator.inputs} | set(map(int, self._graph.outputs))
        signed: dict[int, int] = {}
        operators: list[Any] = []
        for operator in self._graph.operators:
            if id(operator) not in is_chosen:
                operators.append(operator)
                continue
            source, target = int(operator.inputs[0]), int(operator.outputs[0])
            if source not in signed:
                signed[source] = self._signed_twin(source)
                operators.append(flip(source, signed[source]))
            signed[target] = self._signed_twin(target)
            operator.inputs[0], operator.outputs[0] = signed[source], signed[target]
            operators.append(operator)
            if target in wanted:
                operators.append(flip(signed[target], target))
        self._graph.operators = operators

    def _signed_twin(self, index: int) -> int:
        """A new tensor with the same real values; returns its number."""
        twin = copy(self._tensors[index])
        twin.quantization = copy(twin.quantization)
        twin.quantization.zeroPoint = [int(zero) - _FLIP for zero in twin.quantization.zeroPoint]
        twin.type = _INT8
        self._tensors.append(twin)
        return len(self._tensors) - 1
