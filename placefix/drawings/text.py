"""Text in pictures."""

from functools import cache

from PIL import ImageDraw, ImageFont

from placefix.drawings.colours import INK, Colour

TITLE_PX = 20
CAPTION_PX = 16
LINE_HEIGHT = 1.35

_SYSTEM_FONT = "DejaVuSans.ttf"  # has Latin, Greek and Cyrillic letters; without it Pillow's own font has English ones
_ELLIPSIS = "…"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def font(size_px: int) -> Font:
    """Return the font of all pictures: DejaVu Sans if the system has it, otherwise Pillow's own."""
    return ImageFont.truetype(_SYSTEM_FONT, size_px) if _has_system_font() else ImageFont.load_default(size_px)


@cache
def _has_system_font() -> bool:
    try:
        ImageFont.truetype(_SYSTEM_FONT, CAPTION_PX)
    except OSError:
        return False
    return True


def line_px(size_px: int) -> int:
    """Return the height of a line of text, which is the same for all fonts."""
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
    """Write one line; a line that is too long is cut in its middle, because names differ at their ends.

    Args:
        draw: The drawing.
        corner: Left and upper edge of the line.
        text: The line.
        width_px: Greatest width of the line.
        size_px: Size of the letters.
        colour: Colour of the letters.

    Returns:
        The right edge of the line.
    """
    shortened = shorten(text, width_px, size_px)
    draw.text(corner, shortened, fill=colour, font=font(size_px))
    return corner[0] + width_of(shortened, size_px)


def width_of(text: str, size_px: int) -> int:
    """Return the width of a line."""
    return int(font(size_px).getlength(text) + 0.999)


def shorten(text: str, width_px: int, size_px: int) -> str:
    """Return the text, or its beginning and end with an ellipsis between them, so that it fits into a width."""
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
    """Replace the one character of the captions that Pillow's font lacks."""
    return text if _has_system_font() else text.replace("×", "x")


def _keep(text: str, letters: int) -> str:
    behind = letters // 2
    return text[: letters - behind] + _ELLIPSIS + (text[-behind:] if behind else "")
