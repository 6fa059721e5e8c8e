"""Sheets of paper: frames around pictures, panels below each other, contact sheets, PNG files."""

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image

from model.durable import write_atomically
from model.errors import InvalidInput, StorageError
from placefix.drawings.colours import PAPER, Colour

MARGIN_PX = 24
GAP_PX = 24

_NAME_LETTERS = 50  # at most 200 of the 255 bytes that file systems allow


def scaled_into(image: Image.Image, width_px: int, height_px: int) -> Image.Image:
    """Return the whole picture, scaled to fit into a box, with its proportions."""
    scale = min(width_px / image.width, height_px / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def framed(image: Image.Image, colour: Colour, thickness_px: int) -> Image.Image:
    """Return the picture with a frame around it, which adds twice its thickness to width and height."""
    sheet = Image.new("RGB", (image.width + 2 * thickness_px, image.height + 2 * thickness_px), colour)
    sheet.paste(image, (thickness_px, thickness_px))
    return sheet


def contact_sheet(panels: Sequence[Image.Image], columns: int = 1) -> Image.Image:
    """Put panels in rows from left to right, each row as high as its highest panel, on white with a margin.

    Args:
        panels: The panels, at least one.
        columns: Greatest number of panels in a row.
    """
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    column_px = max(panel.width for panel in panels)
    heights = [max(panel.height for panel in row) for row in rows]
    used_columns = min(columns, len(panels))
    sheet = Image.new(
        "RGB",
        (
            2 * MARGIN_PX + used_columns * column_px + (used_columns - 1) * GAP_PX,
            2 * MARGIN_PX + sum(heights) + (len(rows) - 1) * GAP_PX,
        ),
        PAPER,
    )
    top = MARGIN_PX
    for row, height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            sheet.paste(panel, (MARGIN_PX + column * (column_px + GAP_PX), top))
        top += height + GAP_PX
    return sheet


def numbered_name(number: int, name: str) -> str:
    """Return the name of a PNG file: a number, which keeps the order and separates equal names, and a picture's name.

    Args:
        number: The number, from 1.
        name: The name of the picture; folders and suffix are left out, and a long name is cut.
    """
    return f"{number:04d}-{PurePosixPath(name).stem[:_NAME_LETTERS]}.png"


def save_png(image: Image.Image, path: Path) -> None:
    """Write a PNG file, which appears only when it is whole; an older one of that name is replaced.

    A process that is killed leaves the older file, or the new one, and perhaps a file ``.pending``, which the next
    writing of the same name takes away.

    Raises:
        StorageError: The disk is full, or the file cannot be written.
    """
    content = BytesIO()
    image.save(content, "PNG", optimize=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.getvalue())
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


def check_folder_target(folder: Path) -> None:
    """Ensure, before long work begins, that pictures can be written into a folder, which may be missing.

    Raises:
        InvalidInput: A file has that name, or the folder above does not exist.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"--out {folder}: this is a file; name a folder")
    if not folder.parent.is_dir():
        raise InvalidInput(f"--out {folder}: there is no folder {folder.parent}; make it first")


def check_file_target(path: Path, suffixes: Sequence[str] = (".png",), option: str = "--out") -> None:
    """Ensure, before long work begins, that a picture can be written to a file.

    Args:
        path: The file.
        suffixes: The suffixes that can be written, in small letters.
        option: The option that named the file.

    Raises:
        InvalidInput: The name ends in another suffix, a folder has that name, or the folder above does not exist.
    """
    if path.suffix.lower() not in suffixes:
        raise InvalidInput(f"{option} {path}: the file's name must end in {' or '.join(suffixes)}")
    if path.is_dir():
        raise InvalidInput(f"{option} {path}: this is a folder; name a file")
    if not path.parent.is_dir():
        raise InvalidInput(f"{option} {path}: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InvalidInput(f"{option} {path}: nothing may be written into the folder {path.parent}; name another")
