"""The demo model's network: plain 3x3 convolutions, which int8 kernels and CPU training do fastest."""

import math

import keras
from keras import layers

WIDTH, HEIGHT, STRIDE = 320, 192, 4
PRIOR = 0.01
"""How likely a cell is a thing's centre before any training; keeps the first steps calm."""


def build(label_count: int) -> keras.Model:
    """Input (B, 192, 320, 3), values 0 to 1. Outputs (B, 48, 80, ·): class logits and edge roots."""
    picture = keras.Input((HEIGHT, WIDTH, 3), name="picture")
    x = _conv(picture, 16, 2)
    fine = _block(_conv(x, 24, 2), 24)
    middle = _block(_conv(fine, 48, 2), 48)
    coarse = _block(_block(_conv(middle, 72, 2), 72), 72)
    far = _block(_conv(coarse, 96, 2), 96)
    coarse = _merge(far, coarse, 64)
    middle = _merge(coarse, middle, 48)
    x = _merge(middle, fine, 32)
    logits = _head(_conv(x, 32), label_count, "logits", math.log(PRIOR / (1 - PRIOR)))
    # Square roots of distances in cells: never below 0, and 2 (16 pixels) to begin with.
    roots = layers.ReLU(name="roots", dtype="float32")(_head(_conv(x, 24), 4, "edges", 2.0))
    return keras.Model(picture, [logits, roots])


def _head(x, channels: int, name: str, bias: float):
    # In float32 even where training runs in bfloat16: losses need the digits.
    start = keras.initializers.Constant(bias)
    return layers.Conv2D(channels, 1, name=name, bias_initializer=start, dtype="float32")(x)


def _conv(x, channels: int, stride: int = 1, size: int = 3):
    x = layers.Conv2D(channels, size, stride, padding="same", use_bias=False)(x)
    return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.98)(x))


def _block(x, channels: int):
    return layers.Add()([x, _conv(_conv(x, channels), channels)])


def _merge(small, large, channels: int):
    """Coarse features, enlarged, join finer ones."""
    up = layers.UpSampling2D(2, interpolation="nearest")(_conv(small, channels, size=1))
    return layers.Add()([up, _conv(large, channels, size=1)])
