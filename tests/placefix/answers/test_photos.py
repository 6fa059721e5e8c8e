"""Which photos are meant by files, folders, globs and standard input."""

import io
import os
from pathlib import Path

import pytest

from model.errors import InvalidInput
from placefix.answers.photos import GivenPhoto, GivenPhotos, given_photos
from tests.conftest import write_photo


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for number, name in enumerate(["b/2.JPG", "b/10.jpg", "a.jpeg", "[1].jpg", "-x.jpg"]):
        write_photo(tmp_path / name, number)
    (tmp_path / "b" / "notes.txt").write_text("not a photo")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unreadable(folder: str, reason: str) -> None:
    raise AssertionError((folder, reason))


def found(*arguments: str, standard_input: bytes = b"") -> GivenPhotos:
    return given_photos(arguments, io.BytesIO(standard_input), unreadable)


def names(*arguments: str, standard_input: bytes = b"") -> list[str]:
    return [photo.name for photo in found(*arguments, standard_input=standard_input).each_once]


@pytest.mark.usefixtures("folder")
def test_files_folders_and_globs_are_found_in_order() -> None:
    assert names("a.jpeg", "b") == ["a.jpeg", "b/10.jpg", "b/2.JPG"]
    assert names("b/*") == ["b/10.jpg", "b/2.JPG"]  # the text is passed over
    assert names("**/*.jp*g") == ["-x.jpg", "[1].jpg", "a.jpeg", "b/10.jpg"]
    assert names("[1].jpg") == ["[1].jpg"]  # a name before a pattern
    assert names("b", "b/2.JPG", "./a.jpeg", "a.jpeg") == ["b/10.jpg", "b/2.JPG", "a.jpeg"]


def test_one_file_alone_is_single(folder: Path) -> None:
    assert found("a.jpeg").is_single
    assert not found("a.jpeg", "b").is_single
    (folder / "one").mkdir()
    write_photo(folder / "one" / "1.jpg", 1)
    assert not found("one").is_single
    assert not found("one/*.jpg").is_single  # another day it may match more
    assert not found("-", standard_input=b"one/1.jpg").is_single
    assert found("./one/1.jpg").is_single


def test_standard_input_is_a_photo_or_paths(folder: Path) -> None:
    photo = (folder / "a.jpeg").read_bytes()
    assert len(found("a.jpeg", "a.jpeg").photos) == 2
    assert found("-", standard_input=photo) == GivenPhotos((GivenPhoto("-", photo),), is_single=True)
    assert names("-", standard_input=b"a.jpeg\r\n\nb\n") == ["a.jpeg", "b/10.jpg", "b/2.JPG"]
    assert names("-", "a.jpeg", standard_input=b"-x.jpg\0b/2.JPG\0") == ["-x.jpg", "b/2.JPG", "a.jpeg"]


def test_a_terminal_is_not_waited_for() -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    with pytest.raises(InvalidInput, match="standard input is a terminal"):
        given_photos(["-"], Terminal(), unreadable)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("argument", "standard_input", "says"),
    [
        ("http://example.org/a.jpg", b"", "http://example.org/a.jpg is an address, and photos are not fetched"),
        ("HTTPS://example.org/a.jpg", b"", "is an address"),
        ("data:image/png;base64,AAAA", b"", "is an address"),
        ("c.jpg", b"", "c.jpg is not there"),
        ("x" * 5000, b"", "is not there"),
        ("c/*.jpg", b"", "matches no picture"),
        ("b/*.txt", b"", "matches no picture"),
        ("-", b"", "standard input is empty"),
        ("-", b"\n \n", "standard input is empty"),
        ("-", b"https://example.org/a.jpg\n", "is an address"),
        ("-", b"\x1b\x07binary", "standard input is neither a photo nor a list of paths"),
        ("empty", b"", "empty holds no pictures"),
    ],
)
def test_what_is_no_photo_is_told(argument: str, standard_input: bytes, says: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(InvalidInput) as error:
        found(argument, standard_input=standard_input)
    assert says in error.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_told(folder: Path) -> None:
    (folder / "c").mkdir(mode=0)
    told: list[str] = []
    given_photos(["."], io.BytesIO(), lambda name, _: told.append(name))
    assert told == ["c"]
