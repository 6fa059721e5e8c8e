"""A map on one sheet: the positions, headings and times of its pictures, and its numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.filesize import decimal

from index_builder.description.dates import Dates
from index_builder.description.describe import MapDescription
from index_builder.description.extent import metres_from_south_west
from index_builder.description.headings import Headings
from index_builder.description.neighbours import WITHIN_DEG, WITHIN_M
from model.durable import written_whole
from model.errors import StorageError
from placefix.drawings.colours import FAINT, INK, MUTED, PAPER, Colour
from placefix.drawings.position_dots import MOST_CELLS, PositionDots, gather_dots
from placefix.wording import area, corners, length, share, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

_SIZE_INCHES = (12.0, 7.6)
_DPI = 110
_PLAN = (0.035, 0.105, 0.585, 0.755)  # left, bottom, width and height, in fractions of the sheet
_COLUMN_LEFT, _COLUMN_WIDTH = 0.665, 0.30
_BELOW = 0.06  # height of the strip below the plan
_SCALE_WIDTH = 0.15
_MARGIN = 0.06
_LEAST_SPAN_M = 50.0
_LEAST_BINS = 5  # bars of fewer dates would be too wide
_BLUES = ("#a6cbe8", "#5aa0d0", "#1f6fae", "#08306b")  # light to dark: also in grey, and for the colour-blind
_BAR = "#1f6fae"


def draw_map_sheet(
    description: MapDescription, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64], out: Path
) -> None:
    """Draw a map's description; the same map gives the same bytes.

    Args:
        description: The description, which is drawn beside the positions.
        latitudes: Degrees of all pictures ``(n,)``.
        longitudes: Degrees of all pictures ``(n,)``.
        out: A file with one of ``SUFFIXES``; an older one of that name is replaced.

    Raises:
        StorageError: The disk is full, or the file cannot be written.
    """
    import matplotlib as mpl  # noqa: PLC0415  # only this sheet needs it
    from matplotlib.figure import Figure  # noqa: PLC0415

    kind = out.suffix.lower().removeprefix(".")
    style: Any = {
        "svg.hashsalt": "placefix",
        "text.parse_math": False,  # a map may be called $a$
        "font.size": 9,
        "text.color": _hex(INK),
        "axes.edgecolor": _hex(FAINT),
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=_SIZE_INCHES, facecolor=_hex(PAPER))
        _draw_title(figure, description)
        east_m, north_m = metres_from_south_west(description.box, latitudes, longitudes)
        _draw_plan(figure, gather_dots(east_m, north_m))
        _draw_numbers(figure, description)
        _draw_rose(figure, description.headings, description.pictures)
        _draw_dates(figure, description.dates, description.pictures)
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        try:
            with written_whole(out) as unfinished:
                figure.savefig(unfinished, format=kind, dpi=_DPI, metadata=metadata)
        except OSError as error:
            raise StorageError(f"{out} cannot be written: {error.strerror or error}") from error


def _draw_title(figure: "Figure", description: MapDescription) -> None:
    left = _PLAN[0]
    size = 20 * min(1, 40 / len(description.name))  # 40 bold letters are as wide as the plan
    figure.text(left, 0.955, description.name, fontsize=size, fontweight="bold", va="center")
    says = f"version {description.version}  ·  written {written(description.created_at)}  ·  {corners(description.box)}"
    figure.text(left, 0.9, says, fontsize=9, color=_hex(MUTED), va="center")


def _draw_plan(figure: "Figure", dots: PositionDots) -> None:
    from matplotlib.colors import LinearSegmentedColormap, LogNorm  # noqa: PLC0415

    axes = figure.add_axes(_PLAN)
    span_m = _frame(axes, dots)
    width_points = _PLAN[2] * _SIZE_INCHES[0] * 72
    dot_points = max(1.15 * dots.cell_m / span_m * width_points, 3.2 if len(dots.around) < 3000 else 1.6)
    fewest, most = int(dots.around.min()), max(int(dots.around.max()), 2)
    fewest = 1 if fewest == most else fewest
    order = np.argsort(dots.around, kind="stable")  # the densest on top
    painted = axes.scatter(
        dots.east_m[order],
        dots.north_m[order],
        c=dots.around[order],
        s=dot_points**2,
        cmap=LinearSegmentedColormap.from_list("density", _BLUES),
        norm=LogNorm(fewest, most),
        linewidths=0,
        rasterized=len(order) > 2 * MOST_CELLS,  # in a .svg or .pdf, ten thousand circles are slow to look at
    )
    _draw_scale(figure, axes)
    scale = figure.add_axes((_PLAN[0] + _PLAN[2] - _SCALE_WIDTH, _BELOW - 0.006, _SCALE_WIDTH, 0.012))
    bar = figure.colorbar(painted, cax=scale, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_ticks([fewest, most], labels=[f"{fewest:,}", f"{most:,}"])
    bar.ax.minorticks_off()
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=_hex(MUTED))
    says = f"pictures within {length(dots.reach_m)}"
    figure.text(scale.get_position().x0 - 0.012, _BELOW, says, fontsize=8.5, color=_hex(MUTED), va="center", ha="right")


def _frame(axes: "Axes", dots: PositionDots) -> float:
    """Set limits around the dots, with metres of equal length in both directions; return the metres across."""
    axes.set(xticks=[], yticks=[], facecolor="#fbfcfd")
    high_per_wide = (_PLAN[3] * _SIZE_INCHES[1]) / (_PLAN[2] * _SIZE_INCHES[0])
    middle = [(float(values.min()) + float(values.max())) / 2 for values in (dots.east_m, dots.north_m)]
    wide_m, high_m = (float(np.ptp(values)) for values in (dots.east_m, dots.north_m))
    span_m = max(wide_m, high_m / high_per_wide, _LEAST_SPAN_M) * (1 + 2 * _MARGIN)
    axes.set_xlim(middle[0] - span_m / 2, middle[0] + span_m / 2)
    axes.set_ylim(middle[1] - span_m * high_per_wide / 2, middle[1] + span_m * high_per_wide / 2)
    axes.set_aspect("equal")
    return span_m


def _draw_scale(figure: "Figure", axes: "Axes") -> None:
    """Draw an arrow to the north and a scale bar below the plan, where they hide nothing."""
    left, right = axes.get_xlim()
    bar_m = _round_length((right - left) / 6)
    start, wide = _PLAN[0] + 0.035, bar_m / (right - left) * _PLAN[2]
    strip = figure.add_axes((0, 0, 1, 1), facecolor="none", xlim=(0, 1), ylim=(0, 1))
    strip.set_axis_off()
    ends = [start, start, start + wide, start + wide]
    strip.plot(ends, [_BELOW + 0.008, _BELOW, _BELOW, _BELOW + 0.008], color=_hex(INK), linewidth=1.2)
    figure.text(start + wide + 0.01, _BELOW, length(bar_m), fontsize=8.5, va="center", color=_hex(MUTED))
    arrow = {"arrowstyle": "-|>", "color": _hex(INK), "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    middle = _PLAN[0] + 0.008
    strip.annotate("", xy=(middle, _BELOW + 0.022), xytext=(middle, _BELOW - 0.022), arrowprops=arrow)
    figure.text(middle + 0.007, _BELOW, "N", fontsize=8.5, va="center", color=_hex(MUTED))


def _draw_numbers(figure: "Figure", description: MapDescription) -> None:
    nearest, backed = description.median_nearest_m, description.headings.same_view_share
    same_view = "–" if backed is None else "100 %" if backed == 1 else f"{100 * backed:.1f} %"
    numbers = (
        (f"{description.pictures:,}", "pictures"),
        (area(description.covered_km2), "covered ground"),
        (f"{description.pictures_per_km2:,.0f}", "pictures on a km² of it"),
        ("–" if nearest is None else length(nearest), "to the nearest, median"),
        (same_view, f"have another in {WITHIN_M:.0f} m and {WITHIN_DEG:.0f}°"),
        (decimal(description.sizes.version), f"{decimal(round(description.bytes_per_picture))} a picture"),
    )
    for number, (value, label) in enumerate(numbers):
        left = _COLUMN_LEFT + (number % 2) * _COLUMN_WIDTH * 0.57
        top = 0.955 - number // 2 * 0.095
        figure.text(left, top, value, fontsize=16, fontweight="bold", va="center")
        figure.text(left, top - 0.037, label, fontsize=8.5, color=_hex(MUTED), va="center")


def _draw_rose(figure: "Figure", headings: Headings, pictures: int) -> None:
    _heading(figure, 0.645, "looking", f"{share(headings.known, pictures)} have a heading")
    if not headings.known:
        return
    axes = figure.add_axes((_COLUMN_LEFT + 0.045, 0.30, 0.21, 0.29), projection="polar")
    angles = np.arange(len(headings.by_direction)) * 2 * np.pi / len(headings.by_direction)
    # The eye compares the areas of sectors.
    radii = np.sqrt(np.array(headings.by_direction) / max(headings.by_direction))
    axes.bar(angles, radii, width=2 * np.pi / len(angles) * 0.88, color=_BAR, linewidth=0)
    axes.set_theta_zero_location("N")  # type: ignore[attr-defined]  # only polar axes have it
    axes.set_theta_direction(-1)  # type: ignore[attr-defined]
    axes.set_xticks(np.arange(4) * np.pi / 2, ["N", "E", "S", "W"])
    axes.set(yticks=[], ylim=(0, 1.02))
    axes.tick_params(pad=-1, labelsize=8, labelcolor=_hex(MUTED))
    axes.grid(visible=False)


def _draw_dates(figure: "Figure", dates: Dates, pictures: int) -> None:
    _heading(figure, 0.245, "taken", f"{share(dates.known, pictures)} have a time")
    if not dates.bins:
        return
    axes = figure.add_axes((_COLUMN_LEFT, 0.075, _COLUMN_WIDTH, 0.135))
    counts = [each.pictures for each in dates.bins]
    axes.bar(range(len(counts)), counts, width=0.86, color=_BAR, linewidth=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set(yticks=[], ylim=(0, max(counts) * 1.15), xlim=(-0.5, max(len(counts), _LEAST_BINS) - 0.5))
    labels = [each.label for each in dates.bins]
    room = _COLUMN_WIDTH * _SIZE_INCHES[0] / max(len(labels), _LEAST_BINS)  # inches of a bar; a letter has 0.065
    steps = min(4, int((len(labels) - 1) * room / (0.065 * len(labels[0]) + 0.05)))
    marked = sorted({round(number * (len(labels) - 1) / max(steps, 1)) for number in range(steps + 1)})
    axes.set_xticks(marked, [labels[number] for number in marked])
    axes.tick_params(length=0, labelsize=8, labelcolor=_hex(MUTED))
    fullest = counts.index(max(counts))
    axes.text(fullest, max(counts) * 1.03, f"{max(counts):,}", ha="center", va="bottom", fontsize=8, color=_hex(MUTED))


def _heading(figure: "Figure", height: float, title: str, says: str) -> None:
    figure.text(_COLUMN_LEFT, height, title, fontsize=10, fontweight="bold", va="center")
    figure.text(_COLUMN_LEFT + _COLUMN_WIDTH, height, says, fontsize=8.5, color=_hex(MUTED), va="center", ha="right")


def _round_length(metres: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not longer."""
    power = 10.0 ** np.floor(np.log10(metres))
    return float(max(step for step in (1, 2, 5) if step * power <= metres) * power)


def _hex(colour: Colour) -> str:
    return "#" + bytes(colour).hex()
