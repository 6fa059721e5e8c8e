"""The colours of all pictures, and the colour map of heat."""

import colorsys

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

PAPER: Colour = (255, 255, 255)
INK: Colour = (33, 37, 41)
MUTED: Colour = (108, 117, 125)
FAINT: Colour = (222, 226, 230)
RIGHT: Colour = (26, 152, 80)
WRONG: Colour = (215, 48, 39)
UNKNOWN: Colour = (134, 142, 150)

# Turbo (A. Mikhailov, 2019, Apache-2.0): 33 of its 256 colours; interpolation meets its table within 2 of 255. Like
# "jet" it runs from blue over green to red, without jet's false edges.
_TURBO = np.frombuffer(
    bytes.fromhex(
        "30123b 392a73 4040a1 4456c7 466be3 467ff6 4293ff 37a7fa 29bbec 1dcdd8 18dcc3 "
        "1ee8b0 31f299 4cf97e 6bfd64 8aff4d a3fd3c b8f735 cced34 dee037 edd03a f8c03a "
        "fdae35 fe982c fb8022 f56817 ec520f e04009 d23105 c02302 ac1701 950d01 7a0403"
    ),
    dtype=np.uint8,
).reshape(33, 3)


def heat_colours(heat: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the colour of each heat: from dark blue at 0 over green to dark red at 1.

    Args:
        heat: Heats in any shape; values outside [0, 1] have the colour of the nearer end.

    Returns:
        The shape of ``heat`` with one more dimension of 3: red, green, blue.
    """
    place = np.clip(heat, 0, 1) * (len(_TURBO) - 1)
    channels = [np.interp(place, np.arange(len(_TURBO)), channel) for channel in _TURBO.T]
    return np.asarray(np.stack(channels, axis=-1) + 0.5, dtype=np.uint8)


def place_colour(x: float, y: float) -> Colour:
    """Return a colour for a place in a picture, in fractions of its width and height; neighbours look alike.

    The hue runs from left to right and the colours are palest at the top, so that a match whose ends lie at different
    places of the two pictures stands out among its neighbours. All colours are bright, to be visible on a darkened
    picture.
    """
    red, green, blue = colorsys.hsv_to_rgb(0.83 * x, 0.35 + 0.45 * y, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)
