"""The shapes that are drawn many times: cube, prism, square; corners in [-1, 1], and normals."""

import numpy as np

from demo.rendering.instances import Floats

_Point = tuple[float, float, float]


def cube() -> Floats:
    """Return a cube as ``(30, 6)``: five faces, none below."""
    quads: list[tuple[_Point, list[_Point]]] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            if axis == 2 and sign < 0:
                continue
            normal = [0.0, 0.0, 0.0]
            normal[axis] = sign
            corners: list[_Point] = []
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                corner = [0.0, 0.0, 0.0]
                corner[axis], corner[(axis + 1) % 3], corner[(axis + 2) % 3] = sign, a * sign, float(b)
                corners.append((corner[0], corner[1], corner[2]))
            quads.append(((normal[0], normal[1], normal[2]), corners))
    return _triangles(quads)


def walls() -> Floats:
    """Return the four sides of the cube, ``(24, 6)``."""
    return cube()[:24]


def prism() -> Floats:
    """Return a roof, ``(18, 6)``. Its ridge leads along x; the normals of its slopes fit half sizes of 1."""
    a, b, c, d = (-1.0, -1.0, -1.0), (1.0, -1.0, -1.0), (1.0, 1.0, -1.0), (-1.0, 1.0, -1.0)
    low, high = (-1.0, 0.0, 1.0), (1.0, 0.0, 1.0)
    return _triangles(
        [
            ((0.0, -2.0, 1.0), [a, b, high, low]),
            ((0.0, 2.0, 1.0), [c, d, low, high]),
            ((-1.0, 0.0, 0.0), [d, a, low]),
            ((1.0, 0.0, 0.0), [b, c, high]),
        ]
    )


def square() -> Floats:
    """Return a square on the ground, ``(6, 6)``."""
    return _triangles([((0.0, 0.0, 1.0), [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])])


def _triangles(faces: list[tuple[_Point, list[_Point]]]) -> Floats:
    rows = []
    for normal, corners in faces:
        for second in range(1, len(corners) - 1):
            for corner in (corners[0], corners[second], corners[second + 1]):
                rows.append((*corner, *normal))
    return np.array(rows, dtype=np.float32)
