"""Make the weights and the inputs of the recordings of other networks: by formula, so that no file has to hold them."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Init = tuple[str, float, float]


def make_tensor(name: str, shape: tuple[int, ...], init: Init) -> NDArray[Any]:
    """Return the tensor of a name.

    Args:
        name: As the reference calls it; the seed is its CRC-32.
        shape: Of the tensor.
        init: A kind and two numbers a and b: ``n`` for a + b · z, with z from a standard normal distribution, ``abs``
            for the same with its absolute value, ``int`` for the whole number a.
    """
    kind, a, b = init
    if kind == "int":
        return np.full(shape, int(a), np.int64)
    z = np.asarray(np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape, dtype=np.float32))
    values = (np.abs(z) if kind == "abs" else z) * np.float32(b)
    values += np.float32(a)
    return np.asarray(values, np.float32).reshape(shape)


def make_images(seed: int, count: int, height: int, width: int) -> NDArray[np.float32]:
    """Return prepared pictures ``(count, 3, height, width)``: white noise, and squares with noise, in turn."""
    generator = np.random.default_rng(seed)
    images = np.empty((count, 3, height, width), np.float32)
    for number in range(count):
        if number % 2 == 0:
            images[number] = generator.standard_normal((3, height, width), dtype=np.float32)
        else:
            coarse = generator.standard_normal((3, -(-height // 16), -(-width // 16)), dtype=np.float32)
            images[number] = np.repeat(np.repeat(coarse, 16, 1), 16, 2)[:, :height, :width]
            images[number] += np.float32(0.3) * generator.standard_normal((3, height, width), dtype=np.float32)
    return images


def make_picture(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return a picture ``(height, width, 3)``: coloured squares of 8 pixels with noise."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 200, (-(-height // 8), -(-width // 8), 3))
    noise = generator.integers(0, 56, (height, width, 3))
    return (np.repeat(np.repeat(coarse, 8, 0), 8, 1)[:height, :width] + noise).astype(np.uint8)


def picked(size: int) -> NDArray[np.int64]:
    """Return which numbers of an array of a size the whole recordings keep: flat indices, ascending."""
    return np.arange(size) if size <= 4096 else np.sort(np.random.default_rng(7).choice(size, 4096, replace=False))
