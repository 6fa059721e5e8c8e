"""Where the pictures of a list are looked for."""

import unicodedata
from pathlib import Path

import pytest

from index_builder.sources.picture_paths import Missing, PictureFinder
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.errors import InvalidInput

COMPOSED, DECOMPOSED = unicodedata.normalize("NFC", "Grün/Bäume.jpg"), unicodedata.normalize("NFD", "Grün/Bäume.jpg")


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ("a.jpg", "a.jpg"),
        ("sub/a.jpg", "./sub//a.jpg"),
        ("sub/a.jpg", "sub\\a.jpg"),
        ("a.jpg", "C:\\Survey\\a.jpg"),
        ("a.jpg", "c:/Survey/a.jpg"),
        ("Survey/a.jpg", "C:\\Survey\\a.jpg"),
        ("a.jpg", "\\\\server\\share\\a.jpg"),
        ("a.jpg", "/home/somebody/a.jpg"),
        ("Day 1/a.jpg", "/home/somebody/Day 1/a.jpg"),
        ("a b.jpg", "file:///C:/Survey/a%20b.jpg"),
        ("a.JPG", "a.jpg"),
        ("Sub/A.jpg", "sub/a.JPG"),
        ("Sub/A.jpg", "C:\\x\\SUB\\a.JPG"),
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
        ("a\\b.jpg", "a\\b.jpg"),
    ],
)
def test_what_is_found(tmp_path: Path, there: str, named: str) -> None:
    write(tmp_path, there)
    found = PictureFinder(tmp_path).find(named)
    assert isinstance(found, Path)
    assert found.samefile(tmp_path / there)


def test_the_path_as_it_is_written_comes_first(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", "Survey/a.jpg", "b.JPG", "b.jpg", "elsewhere/c.jpg", "c.jpg")
    finder = PictureFinder(tmp_path)
    assert finder.find("C:\\Survey\\a.jpg") == tmp_path / "Survey/a.jpg"
    assert finder.find("b.jpg") == tmp_path / "b.jpg"
    assert finder.find(f"{tmp_path}/elsewhere/c.jpg") == tmp_path / "elsewhere/c.jpg"


def test_of_two_that_would_do_none_is_guessed(tmp_path: Path) -> None:
    write(tmp_path, "a.JPG", "a.Jpg")
    assert isinstance(PictureFinder(tmp_path).find("a.jpg"), Missing)


def test_a_relative_path_is_not_shortened(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg")
    assert isinstance(PictureFinder(tmp_path).find("2023/a.jpg"), Missing)


def test_a_missing_picture_is_told_with_all_places(tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    root.mkdir()
    told = str(PictureFinder(tmp_path, root).find("C:\\Survey\\a.jpg"))
    for place in (root / "Survey/a.jpg", root / "a.jpg", tmp_path / "Survey/a.jpg", tmp_path / "a.jpg"):
        assert str(place) in told


def test_a_root(tmp_path: Path) -> None:
    write(tmp_path / "pictures", "sub/a.jpg", "b.jpg")
    write(tmp_path / "lists", "b.jpg")
    (tmp_path / "lists/list.csv").write_text("path,lat,lon\nsub/a.jpg,1,2\nD:\\x\\b.jpg,3,4\n")
    listing = read_source(tmp_path / "lists/list.csv", ReadOptions(root=tmp_path / "pictures"))
    assert [(place.id, place.path) for place in listing.places] == [
        ("sub/a.jpg", tmp_path / "pictures/sub/a.jpg"),
        ("b.jpg", tmp_path / "pictures/b.jpg"),
    ]
    with pytest.raises(InvalidInput, match="nowhere does not exist"):
        ReadOptions(root=tmp_path / "nowhere")
