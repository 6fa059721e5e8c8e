"""The numbers that the shaders get for each thing: rows of 32-bit floats."""

from dataclasses import dataclass, field
from enum import IntEnum
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from demo.rendering.houses import Colour, Feature, House

FACADE_FLOATS = 24
BOX_FLOATS = 16
BLOB_FLOATS = 12

Floats = NDArray[np.float32]


class Surface(IntEnum):
    """Name the surface of a box; the numbers have the meaning of ``box.glsl``."""

    PLAIN = 0
    TILES = 1  # a roof
    STRIPES = 2  # an awning
    SIGN = 3
    RAIL = 4
    CAR_CABIN = 5
    CAR_BODY = 6
    LAMP = 7  # shines by night
    HEDGE = 8
    FLAT_ROOF = 9
    SHADE = 10  # under a car
    CAR_BACK = 11  # the box of a van


@dataclass
class Things:
    """Gather the things to draw.

    Boxes stand on their middle ``(x, y, z)`` with half sizes along, aside and up; ``yaw_deg`` turns along to the right.

    Attributes:
        facades: Rows of ``FACADE_FLOATS``.
        boxes: Rows of ``BOX_FLOATS``.
        roofs: Rows of ``BOX_FLOATS``: prisms whose ridge leads along.
        blobs: Rows of ``BLOB_FLOATS``: ellipsoids.
    """

    facades: list[tuple[float, ...]] = field(default_factory=list)
    boxes: list[tuple[float, ...]] = field(default_factory=list)
    roofs: list[tuple[float, ...]] = field(default_factory=list)
    blobs: list[tuple[float, ...]] = field(default_factory=list)

    def add_facade(
        self, middle: tuple[float, float, float], half: tuple[float, float, float], yaw_deg: float, house: House
    ) -> None:
        """Add the walls of a house, or of a part of it."""
        self.facades.append(
            (
                *middle,
                *half,
                radians(yaw_deg),
                float(house.material),
                *house.wall,
                house.pitch_m,
                *house.trim,
                float(house.seed),
                *house.accent,
                float(house.features),
                house.floor_m,
                *house.window_m,
                0.0,
            )
        )

    def add_box(
        self,
        middle: tuple[float, float, float],
        half: tuple[float, float, float],
        yaw_deg: float,
        colour: Colour,
        surface: Surface = Surface.PLAIN,
        seed: float = 0.0,
    ) -> None:
        """Add a box."""
        self.boxes.append((*middle, *half, radians(yaw_deg), float(surface), *colour, seed, 0.0, 0.0, 0.0, 0.0))

    def add_roof(
        self, middle: tuple[float, float, float], half: tuple[float, float, float], yaw_deg: float, house: House
    ) -> None:
        """Add a gabled roof."""
        row = (*middle, *half, radians(yaw_deg), float(Surface.TILES), *house.roof, float(house.seed), *house.wall, 0.0)
        self.roofs.append(row)

    def add_blob(
        self, middle: tuple[float, float, float], radii: tuple[float, float], colour: Colour, seed: float, frayed: float
    ) -> None:
        """Add an ellipsoid with a horizontal and a vertical radius; ``frayed``, in [0, 1], roughens it like leaves."""
        self.blobs.append((*middle, *radii, seed, *colour, frayed, 0.0, 0.0))

    def add_relative_box(
        self,
        base: tuple[float, float],
        yaw_deg: float,
        offset: tuple[float, float, float],
        half: tuple[float, float, float],
        colour: Colour,
        surface: Surface = Surface.PLAIN,
        seed: float = 0.0,
    ) -> None:
        """Add a box whose middle is given along, aside and up from a turned base."""
        yaw = radians(yaw_deg)
        x_m = base[0] + offset[0] * sin(yaw) + offset[1] * cos(yaw)
        y_m = base[1] + offset[0] * cos(yaw) - offset[1] * sin(yaw)
        self.add_box((x_m, y_m, offset[2]), half, yaw_deg, colour, surface, seed)


def as_rows(rows: list[tuple[float, ...]], floats: int) -> Floats:
    """Return rows as an array ``(n, floats)``."""
    return np.array(rows, dtype=np.float32).reshape(-1, floats)


def has(house: House, feature: Feature) -> bool:
    """Tell whether a house has a part."""
    return feature in house.features
