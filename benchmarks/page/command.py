"""``python -m benchmarks page``: frames per second while a map of many pictures is panned in headless Chromium."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.browser import started_browser
from benchmarks.load.server import serving
from benchmarks.page.frames import STEPS_OF_A_DRAG, drag
from benchmarks.page.walks import write_walks
from benchmarks.result_file import write_result
from placefix.console import output_console

WINDOW = (1280, 900)
VIEWS = {"whole map": None, "district": 15, "street": 18}  # zooms; None fits all pictures


def measure_page(places: int, drags: int, folder: Path, steps: int = STEPS_OF_A_DRAG) -> list[dict[str, Any]]:
    """Measure each view of a map of walks.

    Args:
        places: The number of pictures of the map.
        drags: The number of drags of each view.
        folder: The folder of the map and the browser's profile.
        steps: The number of steps of each drag.

    Returns:
        The name, the number of drawn features and the frames of each view.
    """
    place_map = write_walks(folder, places)
    figures = []
    with (
        serving(place_map, None, {"browse": "on"}) as server,
        started_browser(folder / "profile") as browser,
        browser.opened_tab() as tab,
    ):
        tab.set_window(*WINDOW)
        for name, zoom in VIEWS.items():
            view = "" if zoom is None else f"#view=55.7058,13.1932,{zoom}"
            tab.go("about:blank")
            tab.wait_for("location.href === 'about:blank'")
            tab.received.clear()
            tab.go(f"{server.url}/{view}")
            tab.wait_for("document.querySelector('#place-list summary')")
            frames = drag(tab, drags, steps)
            answers = [size for address, size in tab.received.items() if "/places?" in address]
            figures.append(
                {
                    "view": name,
                    "frames": len(frames.intervals_ms),
                    "frames_per_s": round(frames.per_s, 1),
                    "median_ms": round(frames.quantile_ms(0.5), 2),
                    "p95_ms": round(frames.quantile_ms(0.95), 2),
                    "longest_ms": round(frames.quantile_ms(1), 2),
                    "answers": len(answers),
                    "largest_answer_bytes": max(answers),
                }
            )
    return figures


def page(
    places: Annotated[int, typer.Option(min=1, help="Pictures of the map.")] = 100_000,
    drags: Annotated[int, typer.Option(min=1, help="Of each view.")] = 20,
    out: Annotated[Path, typer.Option(help="The file of the figures.")] = Path("benchmarks/results/page.json"),
) -> None:
    """Measure frames per second while a map of many pictures is dragged on the page, in headless Chromium without a
    GPU.
    """
    with tempfile.TemporaryDirectory() as folder:
        figures = measure_page(places, drags, Path(folder))
    table = Table(title=f"a map of {places:,} pictures, dragged {drags} times a view at {WINDOW[0]} × {WINDOW[1]}")
    for head in ("view", "frames/s", "median ms", "95 % ms", "longest ms", "answers", "largest answer kB"):
        table.add_column(head, justify="left" if head == "view" else "right")
    for row in figures:
        times = (f"{row[name]:.1f}" for name in ("frames_per_s", "median_ms", "p95_ms", "longest_ms"))
        table.add_row(row["view"], *times, str(row["answers"]), f"{row['largest_answer_bytes'] / 1000:.0f}")
    output_console().print(table)
    write_result(out, {"places": places, "drags": drags, "window": WINDOW, "views": figures})
