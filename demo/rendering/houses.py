"""The looks of houses: walls, windows, shop, roof; and a catalogue of houses that the town has more than once."""

from colorsys import hsv_to_rgb
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from functools import cache
from random import Random

from demo.rendering.splits import SEED

COPY_SHARE = 0.12  # share of houses that are exact copies from the catalogue
_CATALOGUE_SIZE = 10

Colour = tuple[float, float, float]  # linear, in [0, 1]


class Wall(IntEnum):
    """Name the material of a wall."""

    PLASTER = 0
    BRICK = 1
    ASHLAR = 2
    PLANKS = 3
    PANELS = 4
    TIMBER = 5


class Feature(IntFlag):
    """Name a part that a facade may have."""

    SHOP = 1
    ARCHED = 2
    SHUTTERS = 4
    CORNICE = 8
    MURAL = 16
    QUOINS = 32
    PLAIN_WINDOWS = 64
    PLINTH = 128
    GABLE_MURAL = 256
    AWNING = 512
    BALCONIES = 1024
    FLAT_ROOF = 2048
    DORMERS = 4096
    BAY = 8192


@dataclass(frozen=True)
class House:
    """Describe the looks of a house.

    Attributes:
        width_m: Along the street.
        height_m: Height of its walls.
        wall: Colour of the walls.
        material: Material of the walls.
        trim: Colour around the windows.
        accent: Colour of doors, shutters and signs.
        roof: Colour of the roof.
        roof_height_m: From the eaves to the ridge.
        features: Parts that the facade has.
        pitch_m: From a window to the next.
        floor_m: Height of a storey.
        window_m: Width and height of a window.
        seed: Seed of its details, below 2^20.
    """

    width_m: float
    height_m: float
    wall: Colour
    material: Wall
    trim: Colour
    accent: Colour
    roof: Colour
    roof_height_m: float
    features: Feature
    pitch_m: float
    floor_m: float
    window_m: tuple[float, float]
    seed: int


@dataclass(frozen=True)
class Neighbourhood:
    """Describe the common looks of the houses in a street.

    Attributes:
        hues: Hues of their walls.
        materials: Materials of their walls.
        storeys: Fewest and most.
        shops: Share of houses with a shop.
    """

    hues: tuple[float, ...]
    materials: tuple[Wall, ...]
    storeys: tuple[int, int]
    shops: float


def neighbourhood(street: int) -> Neighbourhood:
    """Return the neighbourhood of a street."""
    rng = Random(f"{SEED} neighbourhood {street}")
    low = rng.choice((2, 2, 3, 3, 4))
    return Neighbourhood(
        tuple(rng.choice((0.02, 0.04, 0.07, 0.09, 0.11, 0.13, 0.3, 0.55, 0.6, 0.95)) for _ in range(5)),
        tuple(rng.choices(tuple(Wall), (5, 4, 3, 1, 1, 1), k=4)),
        (low, low + rng.choice((1, 2, 2))),
        rng.uniform(0.15, 0.7),
    )


@cache
def catalogue() -> tuple[House, ...]:
    """Return the houses that the town has more than once."""
    rng = Random(f"{SEED} catalogue")
    common = Neighbourhood((0.03, 0.08, 0.1, 0.58), (Wall.PLASTER, Wall.BRICK, Wall.ASHLAR), (3, 4), 0.4)
    return tuple(_new_house(common, rng) for _ in range(_CATALOGUE_SIZE))


def draw_house(common: Neighbourhood, rng: Random) -> House:
    """Make a new house, or copy one from the catalogue."""
    if rng.random() < COPY_SHARE:
        return rng.choice(catalogue())
    return _new_house(common, rng)


def corner_house(common: Neighbourhood, width_m: float, rng: Random) -> House:
    """Make a new house for the rest of a row."""
    return replace(_new_house(common, rng), width_m=width_m)


def _new_house(common: Neighbourhood, rng: Random) -> House:
    material = rng.choice(common.materials)
    storeys, floor_m = rng.randint(*common.storeys), rng.uniform(2.9, 3.6)
    features = Feature(0)
    for feature, chance in (
        (Feature.SHOP, common.shops),
        (Feature.ARCHED, 0.2),
        (Feature.SHUTTERS, 0.28),
        (Feature.CORNICE, 0.6),
        (Feature.MURAL, 0.1),
        (Feature.QUOINS, 0.25),
        (Feature.PLAIN_WINDOWS, 0.4),
        (Feature.PLINTH, 0.5),
        (Feature.GABLE_MURAL, 0.35),
        (Feature.AWNING, 0.5),
        (Feature.BALCONIES, 0.25),
        (Feature.FLAT_ROOF, 0.3),
        (Feature.DORMERS, 0.4),
        (Feature.BAY, 0.22),
    ):
        if rng.random() < chance:
            features |= feature
    if Feature.SHOP not in features:
        features &= ~Feature.AWNING
    return House(
        rng.uniform(6.5, 15.0),
        floor_m * 1.18 + floor_m * (storeys - 1) + 0.7,
        _wall_colour(material, rng.choice(common.hues), rng),
        material,
        _hsv(rng.uniform(0.05, 0.15), rng.uniform(0, 0.2), rng.choice((0.92, 0.85, 0.7, 0.35))),
        _hsv(rng.random(), rng.uniform(0.3, 0.75), rng.uniform(0.22, 0.7)),
        rng.choice(
            (
                _hsv(0.03, 0.6, rng.uniform(0.4, 0.6)),
                _hsv(0.6, 0.15, rng.uniform(0.3, 0.45)),
                _hsv(0.07, 0.35, rng.uniform(0.3, 0.45)),
            )
        ),
        rng.uniform(1.8, 4.0),
        features,
        rng.uniform(1.9, 3.4),
        floor_m,
        (rng.uniform(0.85, 1.5), rng.uniform(1.3, 1.95)),
        rng.randrange(1 << 20),
    )


def _wall_colour(material: Wall, hue: float, rng: Random) -> Colour:
    if material is Wall.BRICK:
        return _hsv(rng.choice((0.02, 0.03, 0.05, 0.1)), rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.68))
    if material is Wall.ASHLAR:
        return _hsv(rng.uniform(0.08, 0.13), rng.uniform(0.08, 0.3), rng.uniform(0.6, 0.82))
    if material is Wall.PANELS:
        return _hsv(rng.uniform(0.5, 0.7), rng.uniform(0.02, 0.15), rng.uniform(0.55, 0.75))
    return _hsv(hue + rng.uniform(-0.02, 0.02), rng.uniform(0.06, 0.45), rng.uniform(0.6, 0.93))


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return the linear value of a colour of the display."""
    red, green, blue = hsv_to_rgb(hue % 1, saturation, value)
    return red**2.2, green**2.2, blue**2.2
