"""Plots of numbers in one style, readable on light and dark pages; the same numbers give the same bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.durable import written_whole
from model.errors import InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The colours of Okabe and Ito, which the colour-blind can distinguish; without yellow, which is faint on white.
BLUE, ORANGE, GREEN, PINK, SKY, BLACK = COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000")
GREY = "#8c8c8c"  # lines of reference
LINES = (":", "-.", "--", "-", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))

_STYLE: Any = {  # its keys have a type of 300 literals
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "font.size": 10,
    "axes.titlesize": 11,
    "legend.frameon": False,
    "svg.hashsalt": "placefix",
}
_SUFFIXES = (".svg", ".png")


def check_can_draw() -> None:
    """Ensure, before long work begins, that plots can be drawn.

    Raises:
        InvalidInput: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise InvalidInput("plots are drawn with matplotlib, which is not installed: pip install 'placefix[plots]'")


@contextmanager
def panels(
    out: Path, titles: tuple[str, ...], *, panel_inches: tuple[float, float]
) -> Iterator[tuple[Any, list["Axes"]]]:
    """Yield a figure and its panels side by side, and write the figure at the end.

    Args:
        out: The file, ``.svg`` or ``.png``.
        titles: The titles of the panels.
        panel_inches: Width and height of a panel.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has another suffix.
    """
    if out.suffix not in _SUFFIXES:
        raise InvalidInput(f"{out} is not the name of a plot: give one that ends in {' or '.join(_SUFFIXES)}")
    check_can_draw()
    import matplotlib as mpl  # noqa: PLC0415  # only plots need it
    from matplotlib.figure import Figure  # noqa: PLC0415

    width, height = panel_inches
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width * len(titles), height), layout="constrained")
        axes = [figure.add_subplot(1, len(titles), number + 1) for number in range(len(titles))]
        for each, title in zip(axes, titles, strict=True):
            each.set_title(title)
        yield figure, axes
        with written_whole(out) as unfinished:
            metadata = {"Date": None} if out.suffix == ".svg" else None
            figure.savefig(unfinished, format=out.suffix[1:], dpi=160, metadata=metadata)
