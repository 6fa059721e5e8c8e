"""Decoded pixels of every kind as RGB, also those for which Pillow clips values or shows transparent pixels."""

import numpy as np
from PIL import Image


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the pixels over white; an opaque RGB picture is returned unchanged."""
    if image.mode.startswith("I"):
        return _scale_sixteen_bit_grey(image).convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    transparent = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(transparent, tuple) and max(transparent) > 255:
        # For a 16-bit PNG, Pillow keeps the upper byte of each pixel, and both bytes of the transparent colour.
        image.info["transparency"] = tuple(value >> 8 for value in transparent)
    with_alpha = image.convert("RGBA")
    on_white = Image.new("RGB", image.size, "white")
    on_white.paste(with_alpha, mask=with_alpha)
    return on_white


def _scale_sixteen_bit_grey(image: Image.Image) -> Image.Image:
    """Scale 0..65535 to 0..255, rounded; Pillow clips, so a quarter of full scale would be white."""
    values = np.clip(np.asarray(image), 0, 65535).astype(np.uint32)
    grey = ((values + 128) // 257).astype(np.uint8)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey)
