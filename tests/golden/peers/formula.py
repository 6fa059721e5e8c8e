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
        shape: The shape of the tensor.
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


def make_pairs(
    seed: int, height: int, width: int, channels: int = 3, gain: float = 1.0, offset: float = 0.0
) -> NDArray[np.float32]:
    """Return a query and four candidates ``(5, channels, height, width)``.

    The candidates are the query 32 pixels further right, the query 48 pixels further left and 16 further up with more
    noise, another picture, and the query itself.
    """
    generator = np.random.default_rng(seed)
    size = height + 64, width + 96

    def surroundings() -> NDArray[np.float32]:
        coarse = generator.standard_normal((channels, -(-size[0] // 8), -(-size[1] // 8)), dtype=np.float32)
        squares = np.repeat(np.repeat(coarse, 8, 1), 8, 2)[:, : size[0], : size[1]]
        return squares + np.float32(0.5) * generator.standard_normal((channels, *size), dtype=np.float32)

    def view(scene: NDArray[np.float32], top: int, left: int, noise: float = 0.0) -> NDArray[np.float32]:
        part = scene[:, top : top + height, left : left + width]
        if not noise:
            return part
        return part + np.float32(noise) * generator.standard_normal(part.shape, dtype=np.float32)

    scene, other = surroundings(), surroundings()
    query = view(scene, 32, 48)
    pictures = (query, view(scene, 32, 80, 0.1), view(scene, 48, 0, 0.3), view(other, 32, 48), query)
    return (np.stack(pictures) * np.float32(gain) + np.float32(offset)).astype(np.float32)


def make_picture(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return a picture ``(height, width, 3)``: coloured squares of 8 pixels with noise."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 200, (-(-height // 8), -(-width // 8), 3))
    noise = generator.integers(0, 56, (height, width, 3))
    return (np.repeat(np.repeat(coarse, 8, 0), 8, 1)[:height, :width] + noise).astype(np.uint8)


def picked(size: int) -> NDArray[np.int64]:
    """Return which numbers of an array of a size the whole recordings keep: flat indices, ascending."""
    return np.arange(size) if size <= 4096 else np.sort(np.random.default_rng(7).choice(size, 4096, replace=False))
