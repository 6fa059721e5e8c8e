"""Frames, sheets and files."""

from pathlib import Path

import pytest
from PIL import Image

from model.errors import InvalidInput, StorageError
from placefix.drawings.canvas import (
    GAP_PX,
    MARGIN_PX,
    check_file_target,
    check_folder_target,
    contact_sheet,
    framed,
    numbered_name,
    save_png,
    scaled_into,
)
from placefix.drawings.colours import PAPER

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 128, 0)


def test_a_picture_is_scaled_as_a_whole_up_and_down() -> None:
    assert scaled_into(Image.new("RGB", (400, 200)), 100, 100).size == (100, 50)
    assert scaled_into(Image.new("RGB", (10, 20)), 100, 100).size == (50, 100)
    assert scaled_into(Image.new("RGB", (16, 320)), 10, 10).size == (1, 10)


def test_a_frame_surrounds_its_picture() -> None:
    image = framed(Image.new("RGB", (10, 4), BLUE), RED, 3)
    assert image.size == (16, 10)
    assert {image.getpixel(at) for at in ((0, 0), (15, 9), (2, 5), (13, 5), (8, 2), (8, 7))} == {RED}
    assert {image.getpixel(at) for at in ((3, 3), (12, 6))} == {BLUE}


def test_panels_stand_in_rows_with_gaps_between_them() -> None:
    panels = [Image.new("RGB", (20, 10), RED), Image.new("RGB", (20, 30), GREEN), Image.new("RGB", (10, 5), BLUE)]
    sheet = contact_sheet(panels, columns=2)
    assert sheet.size == (2 * MARGIN_PX + 40 + GAP_PX, 2 * MARGIN_PX + 30 + GAP_PX + 5)
    second, third = MARGIN_PX + 20 + GAP_PX, MARGIN_PX + 30 + GAP_PX
    assert sheet.getpixel((MARGIN_PX, MARGIN_PX)) == RED
    assert sheet.getpixel((MARGIN_PX - 1, MARGIN_PX)) == PAPER
    assert sheet.getpixel((second, MARGIN_PX + 29)) == GREEN
    assert sheet.getpixel((second - 1, MARGIN_PX)) == PAPER
    assert sheet.getpixel((MARGIN_PX, third)) == BLUE
    assert sheet.getpixel((MARGIN_PX, third - 1)) == PAPER
    assert sheet.getpixel((second, third)) == PAPER


def test_one_panel_takes_one_column() -> None:
    assert contact_sheet([Image.new("RGB", (20, 10))], columns=4).width == 20 + 2 * MARGIN_PX


def test_files_keep_their_order_and_fit_the_file_system() -> None:
    assert numbered_name(7, "a street/0.5 m.jpg") == "0007-0.5 m.png"
    assert len(numbered_name(1, "北" * 90 + ".jpg").encode()) < 200


def test_a_file_appears_whole_and_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.png"
    for colour in (RED, BLUE):
        save_png(Image.new("RGB", (2, 2), colour), path)
    assert Image.open(path).getpixel((1, 1)) == BLUE
    assert [each.name for each in path.parent.iterdir()] == ["a.png"]


def test_what_a_killed_writer_left_goes_with_the_next_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png.pending").write_bytes(b"half a pic")
    save_png(Image.new("RGB", (2, 2), RED), tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_folder_that_takes_no_file_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"a\.png cannot be written: "):
        save_png(Image.new("RGB", (2, 2)), tmp_path / "file" / "a.png")


def test_targets_are_checked_before_anything_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check_folder_target(tmp_path / "missing")
    check_folder_target(tmp_path)
    check_file_target(tmp_path / "a.PNG")
    with pytest.raises(InvalidInput, match="this is a file"):
        check_folder_target(tmp_path / "file")
    with pytest.raises(InvalidInput, match="there is no folder"):
        check_folder_target(tmp_path / "missing" / "out")
    with pytest.raises(InvalidInput, match=r"must end in \.png"):
        check_file_target(tmp_path / "a.jpg")
    with pytest.raises(InvalidInput, match="there is no folder"):
        check_file_target(tmp_path / "missing" / "a.png")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(InvalidInput, match="this is a folder"):
        check_file_target(tmp_path / "b.png")
