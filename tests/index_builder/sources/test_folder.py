"""Folders of pictures: which files count, in which order, and what becomes of each."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from index_builder.errors import SourceError
from index_builder.sources.pictures import find_pictures
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions

WritePicture = Callable[..., Path]
GPS = {1: "N", 2: (55.0, 30.0, 0.0), 3: "E", 4: (13.0, 15.0, 0.0)}
UTM_NAME = "@0584346.94@4476917.55@17@T@040.43863@-080.00548@003313@07@090@-10@@@201311@@.jpg"


def test_which_files_count_and_their_order(tmp_path: Path) -> None:
    for name in (
        "b.jpg", "a.JPEG", "c.png", "h.jpe", "i.JFIF", "j.insp", "k.HIF",
        "d.webp", "e.avif", "f.HEIC", "g.heif", "B.Jpg", "z/1.jpg", "k/2.jpg", "k/m/3.jpg",
        "notes.txt", "x.gif", "jpg", ".hidden.jpg", ".thumbnails/1.jpg", "k/._2.jpg", "x.jpg.part",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.jpg").mkdir()
    assert find_pictures(tmp_path) == (
        "B.Jpg", "a.JPEG", "b.jpg", "c.png", "d.webp", "e.avif", "f.HEIC", "g.heif", "h.jpe", "i.JFIF", "j.insp",
        "k.HIF", "k/2.jpg", "k/m/3.jpg", "z/1.jpg",
    )  # fmt: skip


def test_maps_in_the_folder_are_passed_over(tmp_path: Path) -> None:
    for name in ("map/segments/000001/thumbnails/000000.jpg", "trip/segments/1.jpg", "2.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "map" / "CURRENT").touch()
    assert find_pictures(tmp_path) == ("2.jpg", "trip/segments/1.jpg")


def test_links_and_loops(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    (root / "a").mkdir(parents=True)
    elsewhere.mkdir()
    (root / "a/1.jpg").touch()
    (elsewhere / "2.jpg").touch()
    (root / "a/up").symlink_to(root)
    (root / "b").symlink_to(root / "a")
    (root / "linked").symlink_to(elsewhere)
    (root / "3.jpg").symlink_to(elsewhere / "2.jpg")
    assert find_pictures(root) == ("3.jpg", "a/1.jpg", "linked/2.jpg")


@pytest.fixture
def ordinary_folder() -> Iterator[Path]:
    """Yield a folder that belongs to the user of the process, who is not root: root may list every folder."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
    finally:
        if is_root:
            os.seteuid(0)


def test_a_subfolder_that_may_not_be_listed_is_left_out(ordinary_folder: Path, write_picture: WritePicture) -> None:
    root = ordinary_folder
    for name in ("a/1.jpg", "b/2.jpg"):
        write_picture(root / name, GPS)
    (root / "lost+found").mkdir()
    (root / "lost+found").chmod(0)
    try:
        listing = read_source(root)
    finally:
        (root / "lost+found").chmod(0o700)
    assert [place.id for place in listing.places] == ["a/1.jpg", "b/2.jpg"]
    assert [(each.path, each.outcome, each.code, each.reason) for each in listing.left_out] == [
        ("lost+found/", "skipped", "unreadable_folder", "the folder cannot be listed: Permission denied")
    ]


def test_pictures_that_may_be_listed_and_not_read_are_rejected_with_that_reason(
    ordinary_folder: Path, write_picture: WritePicture
) -> None:
    write_picture(ordinary_folder / "1.jpg", GPS)
    write_picture(ordinary_folder / "listed" / "2.jpg", GPS)
    (ordinary_folder / "listed").chmod(0o444)
    try:
        listing = read_source(ordinary_folder)
    finally:
        (ordinary_folder / "listed").chmod(0o700)
    [left_out] = listing.left_out
    assert (left_out.path, left_out.outcome, left_out.code) == ("listed/2.jpg", "rejected", "unreadable_image")
    assert "Permission denied" in left_out.reason


def test_a_folder_that_may_not_be_listed_itself_is_an_error(ordinary_folder: Path) -> None:
    (ordinary_folder / "secret").mkdir()
    (ordinary_folder / "secret").chmod(0)
    with pytest.raises(SourceError, match=r"secret cannot be listed: Permission denied"):
        read_source(ordinary_folder / "secret")


@pytest.mark.parametrize("name", ["d", "a folder with a long name"])
def test_folders_nested_deeper_than_calls_and_than_paths(
    name: str, tmp_path: Path, write_picture: WritePicture
) -> None:
    """The long names make paths that no system call takes: from there on the folder is left out."""
    depth = 1100
    write_picture(tmp_path / "top.jpg", GPS)
    photo = (tmp_path / "top.jpg").read_bytes()
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    with os.fdopen(os.open("deep.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=folder), "wb") as file:
        file.write(photo)
    os.close(folder)
    listing = read_source(tmp_path)
    if name == "d":
        assert [place.id for place in listing.places] == ["top.jpg", f"{name}/" * depth + "deep.jpg"]
    else:
        assert [place.id for place in listing.places] == ["top.jpg"]
        [left_out] = listing.left_out
        assert (left_out.code, left_out.reason) == (
            "unreadable_folder",
            "the folder cannot be listed: File name too long",
        )
    _remove_deep(tmp_path / name)


def _remove_deep(folder: Path) -> None:
    """Remove deep folders without recursion, which pytest's own cleaning up would need."""
    subprocess.run(["rm", "-r", folder], check=True)


def test_names_of_pictures_that_stand_for_something_else(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "photo.jpg", GPS)
    os.mkfifo(tmp_path / "pipe.jpg")  # a reader would wait for ever
    os.mkfifo(tmp_path / UTM_NAME)
    (tmp_path / "link_to_pipe.jpg").symlink_to("pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "through_a_file.jpg").symlink_to("photo.jpg/inside.jpg")
    (tmp_path / "folder.jpg").mkdir()
    listing = read_source(tmp_path)
    assert [place.id for place in listing.places] == [UTM_NAME, "photo.jpg"]  # a UTM name is enough until it is decoded
    assert {(each.path, each.outcome, each.code) for each in listing.left_out} == {
        ("pipe.jpg", "rejected", "unreadable_image"),
        ("link_to_pipe.jpg", "rejected", "unreadable_image"),
        ("loop.jpg", "rejected", "missing_file"),
        ("through_a_file.jpg", "rejected", "missing_file"),
    }


def test_exif_folder(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "b/2.jpg", GPS)
    write_picture(tmp_path / "1.jpg", GPS)
    write_picture(tmp_path / "3.jpg")
    (tmp_path / "4.jpg").write_bytes(b"hello")
    (tmp_path / "5.jpg").symlink_to(tmp_path / "nowhere.jpg")
    listing = read_source(tmp_path)
    assert (listing.kind, listing.root, len(listing)) == ("exif folder", tmp_path, 5)
    assert [place.id for place in listing.places] == ["1.jpg", "b/2.jpg"]
    assert [(each.path, each.outcome, each.code) for each in listing.left_out] == [
        ("3.jpg", "skipped", "no_position"),
        ("4.jpg", "rejected", "not_an_image"),
        ("5.jpg", "rejected", "missing_file"),
    ]


def test_names_of_a_utm_folder_are_enough(tmp_path: Path) -> None:
    folder = tmp_path / "me@work@1@2" / "database"
    folder.mkdir(parents=True)
    (folder / UTM_NAME).write_bytes(b"not opened")
    listing = read_source(folder.parent)
    assert listing.kind == "utm folder"
    (place,) = listing.places
    assert place.id == f"database/{UTM_NAME}"
    assert place.position.latitude == pytest.approx(40.43863, abs=1e-4)


def test_a_mixed_folder_is_read_picture_by_picture(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / UTM_NAME, GPS)
    write_picture(tmp_path / "phone.jpg", GPS)
    write_picture(tmp_path / "me@home.jpg")
    listing = read_source(tmp_path)
    assert listing.kind == "utm folder"
    assert [(place.id, round(place.position.latitude, 3)) for place in listing.places] == [
        (UTM_NAME, 40.439),
        ("phone.jpg", 55.5),
    ]
    assert [each.code for each in listing.left_out] == ["no_position"]


def test_names_that_are_no_text(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "a.jpg", GPS)
    try:
        os.rename(os.fsencode(tmp_path / "a.jpg"), os.fsencode(tmp_path) + b"/b\xff.jpg")
    except OSError:
        pytest.skip("this file system takes only names in UTF-8")
    write_picture(tmp_path / "a.jpg", GPS)
    listing = read_source(tmp_path)
    assert [place.id for place in listing.places] == ["a.jpg"]
    assert [(each.path, each.outcome, each.code) for each in listing.left_out] == [
        ("b\\xff.jpg", "skipped", "invalid_name")
    ]


def test_many_pictures_keep_their_order(tmp_path: Path) -> None:
    file = tmp_path / "x"
    Image.new("RGB", (16, 16)).save(file, "JPEG")
    content = file.read_bytes()
    names = [f"{number:04}.jpg" for number in range(1200)]
    for name in names:
        (tmp_path / name).write_bytes(content)
    seen: list[int] = []
    listing = read_source(tmp_path, on_progress=seen.append)
    assert [each.path for each in listing.left_out] == names
    assert seen == list(range(1, 1201))


def test_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SourceError, match=r"holds no pictures.*\.jpg"):
        read_source(tmp_path)


def test_no_such_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere does not exist"):
        read_source(tmp_path / "nowhere")
    (tmp_path / "places.gpx").touch()
    with pytest.raises(SourceError, match=r"neither a folder of pictures nor a \.csv, \.geojson, .* file"):
        read_source(tmp_path / "places.gpx")


def test_columns_are_for_csv_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a folder"):
        read_source(tmp_path, ReadOptions(latitude_column="lat"))
