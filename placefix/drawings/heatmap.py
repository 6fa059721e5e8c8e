"""Heat maps: the strength of the network's activation over a picture (paper, figures 1 and 7)."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from model.errors import InvalidInput
from placefix.drawings.canvas import scaled_into
from placefix.drawings.colours import INK, MUTED, PAPER, heat_colours
from placefix.drawings.feature_maps import FeatureMap
from placefix.drawings.text import CAPTION_PX, TITLE_PX, line_px, width_of, write

PICTURE_WIDTH_PX = 480
PICTURE_HEIGHT_PX = 480
_GAP_PX = 8
_BAR_WIDTH_PX = 18
_BAR_LABEL_PX = 64
_MIN_SCALE_PX = 96  # three numbers must stand beside it
_OPACITY = 0.55
_FLAT_RANGE = 1e-4  # fraction of the deviation of all values; float32 rounding is a thousand times smaller


@dataclass(frozen=True)
class Heat:
    """Hold the mean over the channels at each cell of a feature map.

    Attributes:
        feature_map: The feature map.
        lowest: The mean of the coldest cell, which is dark blue in the picture.
        highest: The mean of the hottest cell, which is dark red.
    """

    feature_map: FeatureMap
    lowest: float
    highest: float

    @classmethod
    def of(cls, feature_map: FeatureMap) -> "Heat":
        """Return the heat of a feature map.

        Raises:
            InvalidInput: The mean is the same everywhere, so that a picture would show the rounding of sums.
        """
        means = feature_map.values.float().mean(dim=1)
        lowest, highest = float(means.min()), float(means.max())
        if not highest - lowest > _FLAT_RANGE * float(feature_map.values.std()):
            raise InvalidInput(
                "the mean over the channels is the same in the whole picture, as after a last normalisation that was "
                "never trained: there is no heat to show. Take trained weights, or --features dense of SelaVPR"
            )
        return cls(feature_map, lowest, highest)

    def over(self, width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """Return the heat at each pixel of a picture ``(height, width)``: 0 at the coldest cell, 1 at the hottest."""
        grid = self.feature_map.grid
        means = self.feature_map.values.float().mean(dim=1).reshape(grid.cells)
        return grid.spread((means - self.lowest) / (self.highest - self.lowest), width, height)


def draw_heatmap(photo: Image.Image, heat: Heat, title: str, note: str) -> Image.Image:
    """Draw a panel: the picture, the picture in grey under its heat, and the scale of colours.

    Args:
        photo: The upright picture, in mode RGB.
        heat: The heat of this picture.
        title: The dark line at the top.
        note: The paler line below the title.
    """
    plain = scaled_into(photo, PICTURE_WIDTH_PX, PICTURE_HEIGHT_PX)
    hot = overlay(plain, heat)
    top = line_px(TITLE_PX) + line_px(CAPTION_PX) + 6
    scale_height = max(plain.height, _MIN_SCALE_PX)
    width = 2 * plain.width + 2 * _GAP_PX + _BAR_WIDTH_PX + _BAR_LABEL_PX
    width = max(width, width_of(note, CAPTION_PX))
    panel = Image.new("RGB", (width, top + scale_height), PAPER)
    draw = ImageDraw.Draw(panel)
    write(draw, (0, 0), title, width_px=width, size_px=TITLE_PX)
    write(draw, (0, line_px(TITLE_PX)), note, width_px=width, colour=MUTED)
    panel.paste(plain, (0, top))
    panel.paste(hot, (plain.width + _GAP_PX, top))
    _draw_scale(panel, 2 * (plain.width + _GAP_PX), top, scale_height, heat)
    return panel


def overlay(photo: Image.Image, heat: Heat) -> Image.Image:
    """Return the picture in grey under the colours of its heat, in the same size."""
    colours = Image.fromarray(heat_colours(heat.over(photo.width, photo.height)))
    return Image.blend(photo.convert("L").convert("RGB"), colours, _OPACITY)


def _draw_scale(panel: Image.Image, left: int, top: int, height: int, heat: Heat) -> None:
    column = heat_colours(np.linspace(1, 0, height))[:, None, :]
    bar = Image.fromarray(np.repeat(column, _BAR_WIDTH_PX, axis=1))
    panel.paste(bar, (left, top))
    draw = ImageDraw.Draw(panel)
    right = left + _BAR_WIDTH_PX
    middle = (heat.lowest + heat.highest) / 2
    for share, value in ((0.0, heat.highest), (0.5, middle), (1.0, heat.lowest)):
        y = top + round(share * (height - 1))
        draw.line(((right, y), (right + 4, y)), fill=INK)
        label = _short(value, heat.highest - heat.lowest)
        text_top = min(max(y - CAPTION_PX // 2 - 2, top - 2), top + height - CAPTION_PX - 3)
        write(
            draw,
            (right + 7, text_top),
            label,
            width_px=max(_BAR_LABEL_PX - 7, width_of(label, CAPTION_PX - 3)),
            size_px=CAPTION_PX - 3,
        )


def _short(value: float, spread: float) -> str:
    """Return a number of the scale with enough digits to distinguish its ends."""
    decimals = int(min(max(2 - np.floor(np.log10(spread)), 0), 5))
    return f"{value:.{decimals}f}"
