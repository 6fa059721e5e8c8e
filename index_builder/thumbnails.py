"""Small JPEGs: what a person is shown as the evidence for an answer."""

import io

from PIL import Image

LONGER_SIDE_PX = 256
_QUALITY = 80


def make_thumbnail(image: Image.Image) -> bytes:
    """A JPEG of at most 256 pixels on the longer side, without metadata; the picture itself is left as it is.

    Args:
        image: Mode RGB, upright (``model.images.open_image``).
    """
    small = image.copy()
    # reducing_gap: large pictures are shrunk by whole pixels first, which is several times faster and hardly visible.
    small.thumbnail((LONGER_SIDE_PX, LONGER_SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()
