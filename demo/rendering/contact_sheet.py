"""A contact sheet: places of a split, and the same places in every condition."""

from dataclasses import replace
from pathlib import Path
from random import Random

from PIL import Image

from demo.rendering.renderer import HEIGHT, WIDTH, Renderer
from demo.rendering.shots import CONDITION_SHARES, Shot, shots_of

_GAP = 4


def contact_sheet(split: str, places: int = 6) -> Image.Image:
    """Draw one row for each place: its picture in the database, then queries near it in every condition.

    If a condition has no query near enough, the nearest query of that street shows it.

    Args:
        split: The name of the split.
        places: The number of rows.

    Raises:
        InvalidInput: OpenGL is not available.
    """
    database, queries = shots_of(split)
    rng = Random(f"sheet {split}")
    renderer = Renderer()
    columns = 1 + len(CONDITION_SHARES)
    sheet = Image.new("RGB", (columns * (WIDTH + _GAP), places * (HEIGHT + _GAP)), "white")
    try:
        for row, place in enumerate(rng.sample(database, places)):
            for column, shot in enumerate((place, *_beside(place, queries))):
                picture = Image.fromarray(renderer.render(shot))
                sheet.paste(picture, (column * (WIDTH + _GAP), row * (HEIGHT + _GAP)))
    finally:
        renderer.close()
    return sheet


def write_contact_sheet(split: str, path: Path) -> None:
    """Write the sheet of a split as a PNG."""
    contact_sheet(split).save(path, "PNG")


def _beside(place: Shot, queries: tuple[Shot, ...]) -> list[Shot]:
    """Return the nearest query of every condition in the same direction, or the place itself in that condition."""
    looks_back = place.place.endswith("back")
    found = []
    for condition in CONDITION_SHARES:
        near = [
            query
            for query in queries
            if query.street == place.street
            and query.condition == condition
            and query.place.endswith("back") == looks_back
        ]
        if near:
            found.append(min(near, key=lambda query: abs(query.camera.along_m - place.camera.along_m)))
        else:
            found.append(replace(place, condition=condition))
    return found
