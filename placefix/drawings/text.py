"""Text in pictures."""

from functools import cache

from PIL import ImageDraw, ImageFont

from placefix.drawings.colours import INK, Colour

TITLE_PX = 20
CAPTION_PX = 16
LINE_HEIGHT = 1.35

_SYSTEM_FONT = "DejaVuSans.ttf"  # knows Latin, Greek and Cyrillic; where there is none, Pillow's own knows English
_ELLIPSIS = "…"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def font(size_px: int) -> Font:
    """The font of all pictures: DejaVu Sans if the system has it, the one that Pillow brings along otherwise."""
    return ImageFont.truetype(_SYSTEM_FONT, size_px) if _has_system_font() else ImageFont.load_default(size_px)


@cache
def _has_system_font() -> bool:
    try:
        ImageFont.truetype(_SYSTEM_FONT, CAPTION_PX)
    except OSError:
        return False
    return True


def line_px(size_px: int) -> int:
    """Height of a line of text, whatever the font."""
    return round(size_px * LINE_HEIGHT)


def write(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    text: str,
    *,
    width_px: int,
    size_px: int = CAPTION_PX,
    colour: Colour = INK,
) -> int:
    """Writes one line; what does not fit is left out of its middle, because names differ at their ends.

    Args:
        draw: Where to.
        corner: Left and upper edge.
        text: The line.
        width_px: How wide it may become.
        size_px: Of the letters.
        colour: Of the letters.

    Returns:
        Where the line ends, to write on behind it.
    """
    shortened = shorten(text, width_px, size_px)
    draw.text(corner, shortened, fill=colour, font=font(size_px))
    return corner[0] + width_of(shortened, size_px)


def width_of(text: str, size_px: int) -> int:
    """How wide a line is."""
    return int(font(size_px).getlength(text) + 0.999)


def shorten(text: str, width_px: int, size_px: int) -> str:
    """The text, or its beginning and its end with an ellipsis between them, so that it fits into a width."""
    text = _drawable(" ".join(text.split()))
    if width_of(text, size_px) <= width_px:
        return text
    fits, too_long = 0, len(text)  # letters that are kept
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if width_of(_keep(text, middle), size_px) <= width_px:
            fits = middle
        else:
            too_long = middle
    return _keep(text, fits)


def _drawable(text: str) -> str:
    """The text without the one sign of our own captions that Pillow's font has not."""
    return text if _has_system_font() else text.replace("×", "x")


def _keep(text: str, letters: int) -> str:
    behind = letters // 2
    return text[: letters - behind] + _ELLIPSIS + (text[-behind:] if behind else "")
