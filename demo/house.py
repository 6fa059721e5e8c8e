"""What a house is: drawn from a seed, each one another."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from demo.light import Color
from demo.wall import Frame


class Roof(StrEnum):
    """How a house ends at the top."""

    EAVES = "eaves"  # a slope to the street
    GABLE = "gable"  # a triangle to the street
    STEPPED = "stepped"  # a gable with steps
    NECK = "neck"  # a gable with a narrow raised middle
    FLAT = "flat"  # a parapet with a cornice


class Surface(StrEnum):
    """What a wall is made of."""

    PLASTER = "plaster"
    BRICK = "brick"
    BOARDS = "boards"
    TIMBER = "timber"


PLASTERS: tuple[Color, ...] = (
    (236, 196, 120), (232, 150, 118), (164, 204, 186), (150, 190, 214), (240, 224, 190), (226, 170, 170),
    (190, 176, 210), (246, 238, 222), (206, 120, 96), (126, 160, 150), (244, 206, 150), (98, 132, 164),
)  # fmt: skip
BRICKS: tuple[Color, ...] = ((170, 86, 66), (186, 110, 78), (148, 78, 72), (196, 150, 110), (134, 96, 84))
BOARDS: tuple[Color, ...] = ((214, 226, 224), (108, 146, 160), (196, 92, 84), (232, 206, 132), (90, 122, 106))
TIMBERS: tuple[Color, ...] = ((244, 234, 212), (240, 214, 170), (226, 232, 220))
TRIMS: tuple[Color, ...] = ((250, 246, 236), (240, 232, 210), (70, 64, 70), (252, 252, 252), (92, 62, 46))
ACCENTS: tuple[Color, ...] = (
    (42, 92, 110), (150, 44, 52), (46, 104, 70), (212, 138, 40), (60, 62, 108), (118, 66, 104), (28, 120, 124),
    (196, 82, 62),
)  # fmt: skip
ROOFS: tuple[Color, ...] = ((176, 86, 62), (104, 96, 104), (148, 70, 58), (84, 92, 110), (128, 104, 84), (92, 118, 112))
SHOPS = (
    "BAKERY", "BOOKS", "TEA ROOM", "FLOWERS", "POST", "TOOLS", "CHEESE", "MAPS", "HATS", "CLOCKS", "TOYS", "FISH",
    "PHARMACY", "MUSIC", "WOOL", "CAFE NEMO", "SHOES", "PAINTS", "SWEETS", "LAMPS", "RADIO", "SAILS", "COFFEE",
    "BICYCLES", "KITES", "SPICES", "ROPES", "PRINTS", "HONEY", "OPTICS", "TAILOR", "BARBER",
)  # fmt: skip


@dataclass(frozen=True)
class House:
    """One house of a row, all walls but the colours in metres.

    Attributes:
        frame: The wall to the street; its lower left corner is the house's.
        width_m: Along the street.
        depth_m: Away from it.
        storey_m: Height of a storey.
        storeys: How many, the ground floor included.
        roof: How it ends at the top.
        surface: What the walls are made of.
        wall: Colour of the walls.
        trim: Colour of frames, sills and cornices.
        accent: Colour of doors, shutters and awnings.
        tiles: Colour of the roof.
        columns: Windows side by side.
        has_shutters: Beside the windows.
        has_arches: Above the windows.
        has_flowers: Below some windows.
        has_balcony: On the first floor.
        has_chimney: On the roof.
        shop: What its sign says; None for a house without a shop.
        seed: For everything smaller.
    """

    frame: Frame
    width_m: float
    depth_m: float
    storey_m: float
    storeys: int
    roof: Roof
    surface: Surface
    wall: Color
    trim: Color
    accent: Color
    tiles: Color
    columns: int
    has_shutters: bool
    has_arches: bool
    has_flowers: bool
    has_balcony: bool
    has_chimney: bool
    shop: str | None
    seed: str

    @property
    def eaves_m(self) -> float:
        """Height of the wall without the roof."""
        return self.storeys * self.storey_m + 0.5


def draw_house(frame: Frame, width_m: float, seed: str, shop: str | None, unlike: House | None) -> House:
    """A house of a seed, with other colours, another roof and another surface than its neighbour ``unlike``."""
    rng = Random(seed)
    surface = rng.choice([kind for kind in Surface if unlike is None or kind is not unlike.surface])
    walls = {Surface.PLASTER: PLASTERS, Surface.BRICK: BRICKS, Surface.BOARDS: BOARDS, Surface.TIMBER: TIMBERS}[surface]
    wall = rng.choice(walls)
    return House(
        frame=frame,
        width_m=width_m,
        depth_m=9.0,
        storey_m=rng.uniform(2.9, 3.4),
        storeys=rng.choice((2, 2, 3, 3, 3)),
        roof=rng.choice([kind for kind in Roof if unlike is None or kind is not unlike.roof]),
        surface=surface,
        wall=wall,
        trim=rng.choice([color for color in TRIMS if _difference(color, wall) > 90]),
        accent=rng.choice([color for color in ACCENTS if unlike is None or color != unlike.accent]),
        tiles=rng.choice([color for color in ROOFS if unlike is None or color != unlike.tiles]),
        columns=max(2, round(width_m / rng.uniform(2.1, 3.1))),
        has_shutters=rng.random() < 0.45,
        has_arches=rng.random() < 0.3,
        has_flowers=rng.random() < 0.5,
        has_balcony=rng.random() < 0.3,
        has_chimney=rng.random() < 0.7,
        shop=shop,
        seed=seed,
    )


def _difference(a: Color, b: Color) -> int:
    return sum(abs(x - y) for x, y in zip(a, b, strict=True))
