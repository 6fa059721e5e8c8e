"""Sheets of paper: frames around pictures, panels below each other, contact sheets, PNG files."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from model.durable import written_whole
from model.errors import InvalidInput, StorageError
from placefix.drawings.colours import PAPER, Colour

MARGIN_PX = 24
GAP_PX = 24

_NAME_LETTERS = 50  # at most 200 of the 255 bytes that file systems allow


def scaled_into(image: Image.Image, width_px: int, height_px: int) -> Image.Image:
    """The whole picture, as large as it fits into a box, its proportions kept."""
    scale = min(width_px / image.width, height_px / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def framed(image: Image.Image, colour: Colour, thickness_px: int) -> Image.Image:
    """The picture with a frame around it: wider and higher by twice the frame's thickness."""
    sheet = Image.new("RGB", (image.width + 2 * thickness_px, image.height + 2 * thickness_px), colour)
    sheet.paste(image, (thickness_px, thickness_px))
    return sheet


def contact_sheet(panels: Sequence[Image.Image], columns: int = 1) -> Image.Image:
    """Panels in rows from left to right, each row as high as its highest panel, on white with a margin.

    Args:
        panels: One at least.
        columns: How many stand beside each other, if there are so many.
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
    """The name of a PNG file: a number that keeps the order and tells equal names apart, and what is in the file.

    Args:
        number: From 1.
        name: Of the picture that is shown; folders and suffix are left out, and what is too long for a file's name.
    """
    return f"{number:04d}-{PurePosixPath(name).stem[:_NAME_LETTERS]}.png"


def save_png(image: Image.Image, path: Path) -> None:
    """Writes a PNG file, which appears only when it is whole; an older one of that name is replaced.

    Raises:
        StorageError: The disk is full, or does not take it.
    """
    try:
        with written_whole(path) as unfinished:
            image.save(unfinished, "PNG", optimize=False)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


def check_folder_target(folder: Path) -> None:
    """Makes sure, before anything long begins, that pictures can be written into a folder, which may be missing.

    Raises:
        InvalidInput: A file has that name, or the folder above is not there.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"--out {folder}: this is a file; name a folder")
    if not folder.parent.is_dir():
        raise InvalidInput(f"--out {folder}: there is no folder {folder.parent}; make it first")


def check_file_target(path: Path, suffixes: Sequence[str] = (".png",), option: str = "--out") -> None:
    """Makes sure, before anything long begins, that a picture can be written to a file.

    Args:
        path: The file.
        suffixes: Those that can be written, in small letters.
        option: By which the file was named.

    Raises:
        InvalidInput: The name ends in another suffix, a folder has that name, or the folder above is not there.
    """
    if path.suffix.lower() not in suffixes:
        raise InvalidInput(f"{option} {path}: the file's name must end in {' or '.join(suffixes)}")
    if path.is_dir():
        raise InvalidInput(f"{option} {path}: this is a folder; name a file")
    if not path.parent.is_dir():
        raise InvalidInput(f"{option} {path}: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InvalidInput(f"{option} {path}: nothing may be written into the folder {path.parent}; name another")
